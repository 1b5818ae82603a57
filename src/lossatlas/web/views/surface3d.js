/**
 * This view draws the 3-D surface: Plotly draws the mesh and its lines, coarsely while something moves and sharply at
 * rest, and SVG layers behind and in front of it have the texts and marks (surface_layers.js).
 */
/** @import {Eye} from '../model/types.js' */
/** @import {Camera} from '../figures/camera.js' */
/** @import {Relief} from '../figures/landscape.js' */
/** @import {Picture} from './picture.js' */
import {make} from '../lib/dom.js';
import {placeBall, isHidden} from '../figures/axes3d.js';
import {createCamera} from '../figures/camera.js';
import {createLandscapeLayout, createLandscapeTraces, createRelief} from '../figures/landscape.js';
import {divideIntoTriangles} from '../figures/isolines.js';
import {interpolateHeight, findHit} from '../figures/relief.js';
import {CONFIG} from '../lib/plotly.js';
import {readTheme} from '../lib/theme.js';
import {createLayers, drawAnnotations} from './surface_layers.js';

/**
 * The milliseconds after the last change at which the picture is drawn once more, sharply, and copied for the printer.
 */
const REST = 160;
/** The largest number of drawing pixels for one pixel of the page, at rest. */
const SHARPEST = 2;
/** Graphics that are lost more often than this are not requested again. */
const MOST_LOSSES = 3;
/**
 * @typedef {object} Options
 * @property {() => Eye} eye
 * @property {() => boolean} [isPlaying]
 * @property {() => void} [onLost]
 * @property {number} [sharpness] the drawing's pixels for one pixel of the page; it then never changes
 *
 * @typedef {object} View what is drawn, and the camera
 * @property {Picture} shown
 * @property {Relief} relief
 * @property {Camera} camera
 */

/** @param {import('../lib/plotly.js').Plotly} Plotly @param {HTMLElement} root @param {Options} options */
export function createSurface3d(Plotly, root, options) {
  const drawing = createDrawing(Plotly, root, options);

  return {
    /** @param {Picture} picture */
    draw: (picture) => drawing.show(picture, createRelief(picture.values, picture.grid, picture.range)),
    /**
     * Draw a picture between two frames of one slice, at a share of the way from the first to the second.
     * @param {Picture} from
     * @param {Picture} to
     * @param {number} share
     */
    blend(from, to, share) {
      const [now, next] = [from, to].map(({values, grid, range}) => createRelief(values, grid, range));
      const mix = (/** @type {number} */ a, /** @type {number} */ b) => a + (b - a) * share;
      const heights = now.heights.map((height, at) => mix(Math.min(height, 2), Math.min(next.heights[at], 2)));
      const [here, there] = [from.place, to.place];
      const place = here && there && /** @type {[number, number]} */ ([mix(here[0], there[0]), mix(here[1], there[1])]);
      const picture = {...from, loss: mix(from.loss, to.loss), place};
      drawing.show(picture, {...now, heights, triangles: divideIntoTriangles(heights, now.size)});
    },
    look: drawing.look,
    /**
     * Return the place under a pixel of the root: (a, b) in units of the plane, and the loss there; null outside the
     * surface.
     * @param {number} x
     * @param {number} y
     */
    placeAt(x, y) {
      const view = drawing.view();
      if (!view) return null;
      const {shown, relief, camera} = view;
      const met = findHit(relief.heights, relief.size, camera.ray(x, y));
      const {span} = shown.shot;
      return met && {a: met[0] * span, b: met[1] * span};
    },
    /**
     * Return the places of what can be pointed at, in pixels of the root.
     * @returns {import('../features/callouts/callouts.js').LandscapePlaces | null}
     */
    places() {
      const view = drawing.view();
      return view && drawing.isSeen() ? placesOf(view) : null; // Another view may be visible.
    },
    copy: drawing.copy,
    /** Return what is drawn around the surface, as SVG. */
    annotations() {
      const view = drawing.view();
      if (!view) return {behind: '', before: ''};
      const {behind, around, before} = drawAnnotations(view, drawing.theme());
      return {behind, before: around + before};
    },
    close: drawing.close,
  };
}

/**
 * Create Plotly's drawing, the layers around it, and its copy. The drawing is coarse while something moves and sharp at
 * rest. It is drawn again when the graphics were lost.
 * @param {import('../lib/plotly.js').Plotly} Plotly @param {HTMLElement} root @param {Options} options
 */
function createDrawing(Plotly, root, {eye, isPlaying, onLost, sharpness}) {
  const still = createCopy();
  const layers = createLayers();
  const mesh = createMesh(Plotly);
  // A drawing for a picture has texts of the usual size.
  const panel = createPanel(root, sharpness ? () => ({...readTheme(), text: 1}) : readTheme);
  root.append(layers.walls.svg, mesh.plot(), still.canvas, layers.labels.svg, layers.marks.svg);
  let at = eye();
  /** @type {View | null} */
  let view = null;
  /** What should be drawn, whether or not there is room for it. @type {Omit<View, 'camera'> | null} */
  let wanted = null;
  /** What Plotly has drawn. @type {Omit<View, 'camera'> | null} */
  let drawn = null;
  let key = '';
  const moving = sharpness ?? 1;

  /** @param {number} sharp the drawing's pixels for one pixel of the page */
  const render = (sharp) => {
    if (!wanted) return;
    if (wanted.shown.key !== key || !panel.size().width) panel.measure();
    key = wanted.shown.key;
    if (!panel.isSeen()) return; // Another view is visible instead.
    view = {...wanted, camera: createCamera(at, panel.size(), panel.theme().text)};
    const drawing = mesh.draw(view, panel.theme(), sharp);
    drawn = wanted;
    layers.show(view, panel.theme());
    return drawing;
  };
  const keep = () => {
    if (!mesh.isLost()) still.keep(mesh.canvas());
  };
  const rest = createTimer(async () => {
    await render(SHARPEST);
    requestAnimationFrame(keep);
  });
  /**
   * Draw sharply once nothing moves. While a run plays the next frame follows soon; only its last frame is drawn again.
   */
  const drawSharpLater = () => (sharpness || isPlaying?.() ? rest.stop() : rest.start());
  restoreGraphics(root, {
    isOurs: (canvas) => mesh.plot().contains(canvas),
    replace() {
      drawn = null;
      mesh.replace();
    },
    onLost,
    onRestored() {
      render(mesh.ratio());
      drawSharpLater();
    },
  });

  return {
    isSeen: panel.isSeen,
    theme: panel.theme,
    view: () => view,
    /** @param {Picture} shown @param {Relief} relief */
    show(shown, relief) {
      wanted = {shown, relief};
      if (view) view = {...wanted, camera: view.camera};
      // Often only the marks have changed, or nothing that is seen here. A sharp drawing then stays sharp.
      if (view && drawn && !sharpness && panel.isSeen() && isSameMesh(drawn, wanted)) {
        layers.show(view, panel.theme());
        if (mesh.ratio() === moving) drawSharpLater();
        return;
      }
      const done = render(moving);
      drawSharpLater();
      return done;
    },
    /** @param {Eye} to */
    look(to) {
      at = to;
      if (!view || !panel.isSeen()) return;
      view = {...view, camera: createCamera(at, panel.size(), panel.theme().text)};
      if (mesh.ratio() !== moving) render(moving);
      else mesh.look(view.camera);
      layers.show(view, panel.theme());
      drawSharpLater();
    },
    /** Copy the drawing in the same animation frame in which Plotly draws it; null if Plotly draws nothing. */
    async copy() {
      await new Promise((done) => {
        requestAnimationFrame(done);
      });
      keep();
      return still.canvas.width ? still.canvas : null;
    },
    close() {
      rest.stop();
      mesh.close();
      root.replaceChildren();
    },
  };
}

/**
 * Would Plotly draw the same for two pictures, from the same camera?
 * @param {Omit<View, 'camera'>} one @param {Omit<View, 'camera'>} other
 */
function isSameMesh({shown, relief}, {shown: other, relief: {heights}}) {
  return (
    shown.key === other.key &&
    shown.shot.frame === other.shot.frame &&
    shown.path === other.path &&
    !shown.way && // The way of a ball grows in place.
    !other.way &&
    shown.pointLoss === other.pointLoss &&
    relief.heights.length === heights.length &&
    relief.heights.every((height, at) => Object.is(height, heights[at]))
  );
}

/** Create the mesh and its lines, which Plotly draws. @param {import('../lib/plotly.js').Plotly} Plotly */
function createMesh(Plotly) {
  let plot = make('div', {class: 'drawing'});
  let ratio = 1;
  const canvas = () => plot.querySelector('canvas');
  /** Are the graphics lost? Plotly would fail. The browser's event, after which all is drawn again, comes later. */
  const isLost = () => {
    const gl = canvas()?.getContext('webgl') ?? canvas()?.getContext('webgl2');
    return gl?.isContextLost() ?? false;
  };
  return {
    plot: () => plot,
    canvas,
    isLost,
    /** Return the drawing's pixels for one pixel of the page. */
    ratio: () => ratio,
    /** @param {View} view @param {import('../lib/theme.js').Theme} theme @param {number} sharp */
    draw({shown, relief, camera}, theme, sharp) {
      if (isLost()) return;
      ratio = sharp;
      plot.style.transform = ratio === 1 ? '' : `scale(${1 / ratio})`;
      const {path, shot, range, pointLoss, way} = shown;
      const drawn = {
        relief,
        range,
        span: shot.span,
        frame: shot.frame,
        pointLoss,
        way,
        path: path && {path, whole: shot.path},
      };
      return Plotly.react(
        plot,
        createLandscapeTraces(drawn, camera, theme, ratio),
        createLandscapeLayout(camera, ratio),
        CONFIG,
      );
    },
    /** @param {Camera} camera */
    look(camera) {
      Plotly.relayout(plot, {'scene.camera': camera.plotly});
    },
    /** Use another element. The old one is not purged: Plotly still waits for its graphics, and would fail. */
    replace() {
      const lost = plot;
      plot = make('div', {class: 'drawing'});
      lost.replaceWith(plot);
    },
    close() {
      Plotly.purge(plot);
    },
  };
}

/**
 * Measure the panel's size and colours. They are measured only when they may have changed, since measuring makes the
 * browser lay out the page.
 * @param {HTMLElement} root
 * @param {() => import('../lib/theme.js').Theme} readColours
 */
function createPanel(root, readColours) {
  let size = {width: 0, height: 0};
  let theme = readColours();
  const measure = () => {
    size = {width: root.clientWidth, height: root.clientHeight};
    theme = readColours();
  };
  new ResizeObserver(measure).observe(root);
  return {measure, size: () => size, theme: () => theme, isSeen: () => size.width > 0 && size.height > 0};
}

/** Call a function some time after the last start. @param {() => void} act */
function createTimer(act) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  return {
    stop,
    start() {
      stop();
      timer = window.setTimeout(act, REST);
    },
  };
}

/**
 * Report graphics that are lost (by sleep, or by a driver) and restored.
 * @param {HTMLElement} root
 * @param {{isOurs: (canvas: Node) => boolean, replace: () => void, onRestored: () => void, onLost?: () => void}}
 *   options `onLost`: they are lost repeatedly
 */
function restoreGraphics(root, {isOurs, replace, onRestored, onLost}) {
  let losses = 0;
  root.addEventListener(
    'webglcontextlost',
    (event) => {
      if (!isOurs(/** @type {Node} */ (event.target))) return;
      root.dataset.lost = 'true';
      replace();
      if (++losses > MOST_LOSSES) return onLost?.(); // This is a driver that fails repeatedly.
      setTimeout(() => {
        delete root.dataset.lost;
        onRestored();
      }, REST);
    },
    {capture: true},
  );
}

/**
 * Keep a copy for the printer and for the time when the graphics are lost: the browser discards what WebGL has drawn as
 * soon as it was shown.
 */
function createCopy() {
  const canvas = make('canvas', {class: 'still', 'aria-hidden': 'true'});
  return {
    canvas,
    /** @param {HTMLCanvasElement | null} drawn */
    keep(drawn) {
      if (!drawn?.width) return;
      Object.assign(canvas, {width: drawn.width, height: drawn.height});
      canvas.getContext('2d')?.drawImage(drawn, 0, 0);
    },
  };
}

/** @param {View} view @returns {import('../features/callouts/callouts.js').LandscapePlaces} */
function placesOf({shown: {place, loss, range, shot}, relief, camera}) {
  const network = place && {
    place: /** @type {[number, number]} */ ([place[0] / shot.span, place[1] / shot.span]),
    loss,
    upon: shot.follow,
  };
  const ball = network && placeBall(relief, camera, range, network);
  return {
    network: ball && {...camera.project(ball), radius: 12},
    at(a, b) {
      const height = interpolateHeight(relief.heights, relief.size, a, b);
      const point = /** @type {import('../figures/camera.js').Vector} */ ([a, b, height]);
      return height > 1 || isHidden([a, b, height + 0.01], relief, camera) ? null : camera.project(point);
    },
    isDrawn: (x, y) => findHit(relief.heights, relief.size, camera.ray(x, y)) !== null,
  };
}
