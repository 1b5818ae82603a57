/** The 3-D surface: Plotly draws the mesh and its lines, SVG behind and before it what is to be read. */
/** @import {Eye} from '../types.js' */
/** @import {Camera} from '../figures/camera.js' */
/** @import {Relief} from '../figures/landscape.js' */
/** @import {Picture} from './landscape.js' */
import {make, makeSvg} from '../dom.js';
import {ballAt, ballMark, crossMark, isHidden, labelsOf, wallsOf, wayMark} from '../figures/axes3d.js';
import {cameraFor} from '../figures/camera.js';
import {BALL_COLOUR} from '../figures/colours.js';
import {landscapeLayout, landscapeTraces, reliefOf} from '../figures/landscape.js';
import {isInside, wayLine} from '../figures/path.js';
import {trianglesOf} from '../figures/isolines.js';
import {heightAt, heightOf, meet} from '../figures/relief.js';
import {CONFIG} from '../plotly.js';
import {currentTheme} from '../theme.js';

/** So long after the last change the picture is drawn once more, sharp, and kept for the printer. */
const REST = 160;
/** Pixels of the drawing to one of the page at rest, at most. */
const SHARPEST = 2;
/** The colour of the network's ball. */
const AMBER = '#ffb000';

/**
 * @param {import('../plotly.js').Plotly} Plotly @param {HTMLElement} root
 * @param {{eye: () => Eye, isPlaying?: () => boolean, onLost?: () => void, sharpness?: number}} options `sharpness`: pixels to one of the page, always
 */
export function createSurface3d(Plotly, root, {eye, isPlaying, onLost, sharpness}) {
  let plot = make('div', {class: 'drawing'});
  const still = make('canvas', {class: 'still', 'aria-hidden': 'true'});
  const [walls, labels, marks] = ['walls', 'labels', 'marks'].map(createLayer);
  root.append(walls.svg, plot, still, labels.svg, marks.svg);
  let at = eye();
  /** @type {Picture | null} */
  let shown = null;
  /** @type {Relief | null} */
  let relief = null;
  /** @type {Camera | null} */
  let camera = null;
  let ratio = 1;
  let timer = 0;

  /** Asked for where it may have changed only: to know it, the browser lays out the page. */
  let size = {width: 0, height: 0};
  let theme = currentTheme();
  let key = '';
  const measure = () => {
    size = {width: root.clientWidth, height: root.clientHeight};
    theme = currentTheme();
  };
  new ResizeObserver(measure).observe(root);

  /** What is read: it follows the camera without Plotly. */
  const annotate = () => {
    if (!shown || !relief || !camera) return;
    const {behind, around, before} = annotations(shown, relief, camera, theme);
    walls.show(behind, camera.size);
    labels.show(around, camera.size);
    marks.show(before, camera.size);
  };

  /** @param {number} sharp pixels of the drawing to one of the page */
  const render = (sharp) => {
    if (!shown || !relief) return;
    if (shown.key !== key || !size.width) measure();
    key = shown.key;
    if (!size.width || !size.height) return; // another view is on show instead
    camera = cameraFor(at, size);
    ratio = sharp;
    plot.style.transform = ratio === 1 ? '' : `scale(${1 / ratio})`;
    const {path, shot, range, tint, way} = shown;
    const traces = landscapeTraces({
      relief, range, span: shot.span, frame: shot.frame, tint, way, path: path && {path, whole: shot.path},
    }, camera, theme, ratio);
    const drawing = Plotly.react(plot, traces, landscapeLayout(camera, ratio), CONFIG);
    annotate();
    return drawing;
  };

  /** Sharp once nothing moves. */
  const rest = async () => {
    await render(sharpness ?? SHARPEST);
    requestAnimationFrame(keep);
  };

  /** A copy, for the printer and for when the graphics are lost: what WebGL has drawn is gone once it has been shown. */
  const keep = () => {
    const canvas = plot.querySelector('canvas');
    if (!canvas || !canvas.width) return;
    Object.assign(still, {width: canvas.width, height: canvas.height});
    still.getContext('2d')?.drawImage(canvas, 0, 0);
  };

  const restLater = () => {
    clearTimeout(timer);
    if (!isPlaying?.()) timer = window.setTimeout(rest, REST); // the next frame is on its way; at its end the last is drawn anew
  };

  let losses = 0;
  root.addEventListener('webglcontextlost', (event) => {
    if (!plot.contains(/** @type {Node} */ (event.target))) return;
    root.dataset.lost = 'true';
    const lost = plot; // left to itself: Plotly still waits for its graphics, and fails if it is purged meanwhile
    plot = make('div', {class: 'drawing'});
    lost.replaceWith(plot);
    if (++losses > 3) return onLost?.(); // a driver that gives up again and again
    setTimeout(() => {
      delete root.dataset.lost;
      render(ratio);
      restLater();
    }, REST);
  }, {capture: true});

  /** @param {Picture} picture @param {Relief} now */
  const show = (picture, now) => {
    shown = picture;
    relief = now;
    const done = render(sharpness ?? 1);
    if (!sharpness) restLater();
    return done;
  };

  return {
    /** @param {Picture} picture */
    draw: (picture) => show(picture, reliefOf(picture.values, picture.grid, picture.range)),
    /** What lies between two frames of one slice, at a share of the way. @param {Picture} from @param {Picture} to @param {number} share */
    blend(from, to, share) {
      const [now, next] = [from, to].map(({values, grid, range}) => reliefOf(values, grid, range));
      const mix = (/** @type {number} */ a, /** @type {number} */ b) => a + (b - a) * share;
      const heights = now.heights.map((height, at) => mix(Math.min(height, 2), Math.min(next.heights[at], 2)));
      const [here, there] = [from.place, to.place];
      const place = here && there && /** @type {[number, number]} */ ([mix(here[0], there[0]), mix(here[1], there[1])]);
      show({...from, loss: mix(from.loss, to.loss), place}, {...now, heights, triangles: trianglesOf(heights, now.size)});
    },
    /** @param {Eye} to */
    look(to) {
      at = to;
      if (!shown || !size.width || !size.height) return;
      camera = cameraFor(at, size);
      if (ratio !== (sharpness ?? 1)) render(sharpness ?? 1);
      else Plotly.relayout(plot, {'scene.camera': camera.plotly});
      annotate();
      if (!sharpness) restLater();
    },
    /** The place under a pixel of the root, (a, b) in units of the plane and the loss there; null beside the surface. @param {number} x @param {number} y */
    placeAt(x, y) {
      if (!shown || !relief || !camera) return null;
      const met = meet(relief.heights, relief.size, camera.ray(x, y));
      const {span} = shown.shot;
      return met && {a: met[0] * span, b: met[1] * span};
    },
    /** What can be pointed at, in pixels of the root. @returns {import('./callouts.js').LandscapePlaces | null} */
    places() {
      if (!shown || !relief || !camera || !size.width) return null; // another view may be on show
      const [{heights, size: side}, lens] = [relief, camera];
      const {place, loss, range, shot} = shown;
      const ball = place && ballAt(relief, camera, range, {place: [place[0] / shot.span, place[1] / shot.span], loss, upon: shot.follow});
      return {
        network: ball && {...camera.project(ball), radius: 12},
        at(a, b) {
          const height = heightAt(heights, side, a, b);
          const point = /** @type {import('../figures/camera.js').Vector} */ ([a, b, height]);
          return height > 1 || (relief && isHidden([a, b, height + 0.01], relief, lens)) ? null : lens.project(point);
        },
        isDrawn: (x, y) => meet(heights, side, lens.ray(x, y)) !== null,
      };
    },
    /** A copy of what was drawn, in the same animation frame as Plotly draws it; null where it draws nothing. */
    async copy() {
      await new Promise((done) => { requestAnimationFrame(done); });
      keep();
      return still.width ? still : null;
    },
    /** What is drawn around the surface, as SVG. */
    annotations() {
      if (!shown || !relief || !camera) return {behind: '', before: ''};
      const {behind, around, before} = annotations(shown, relief, camera, theme);
      return {behind, before: around + before};
    },
    close() {
      clearTimeout(timer);
      Plotly.purge(plot);
      root.replaceChildren();
    },
  };
}

/** SVG over the whole root, written where it has changed only. @param {string} name */
function createLayer(name) {
  const svg = makeSvg('svg', {class: name, 'aria-hidden': 'true'});
  let written = '';
  let box = '';
  return {
    svg,
    /** @param {string} content @param {{width: number, height: number}} size */
    show(content, {width, height}) {
      const wanted = `0 0 ${width} ${height}`;
      if (wanted !== box) svg.setAttribute('viewBox', wanted);
      if (content !== written) svg.innerHTML = content;
      [box, written] = [wanted, content];
    },
  };
}

/**
 * What is behind the surface, around it, and before it.
 * @param {Picture} picture @param {Relief} relief @param {Camera} camera @param {import('../theme.js').Theme} theme
 */
function annotations({shot, range, place, loss, mark, way, path}, relief, camera, theme) {
  const {span} = shot;
  const front = [];
  if (place && (!path || isInside(path, shot.frame, span))) {
    const network = {place: /** @type {[number, number]} */ ([place[0] / span, place[1] / span]), loss, upon: shot.follow};
    front.push(ballMark(ballAt(relief, camera, range, network), relief, camera, theme, AMBER));
  }
  if (mark) front.push(crossMark([mark[0] / span, mark[1] / span], relief, camera));
  const count = way?.losses.length ?? 0;
  if (way && count) {
    const {x, y, z} = wayLine(way, span, range);
    front.push(wayMark(x.map((at, t) => [at / span, y[t] / span, Math.min(1, heightOf(range, z[t]))]), camera));
    const [a, b] = way.points.slice(-2).map((value) => value / span);
    const released = {place: /** @type {[number, number]} */ ([a, b]), loss: way.losses[count - 1], upon: false};
    if (Math.max(Math.abs(a), Math.abs(b)) <= 1) {
      front.push(ballMark(ballAt(relief, camera, range, released), relief, camera, theme, BALL_COLOUR));
    }
  }
  return {behind: wallsOf(camera, range, theme), around: labelsOf(camera, range, span, theme), before: front.join('')};
}
