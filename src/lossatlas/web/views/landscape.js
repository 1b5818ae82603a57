/** This view draws the left plot in the chosen form (surface, contours, section) and says in words what is shown. */
/** @import {Eye, Shot, State} from '../model/types.js' */
/** @import {LandscapePlaces} from '../features/callouts/callouts.js' */
/** @import {Plotly} from '../lib/plotly.js' */
/** @import {Picture} from './picture.js' */
import {byId, make, setText} from '../lib/dom.js';
import {orbit} from '../figures/camera.js';
import {isInside} from '../figures/path.js';
import {describeRange} from '../figures/range.js';
import {describeLandscape} from '../figures/slice.js';
import {lossText, roundToDigits, shortText} from '../lib/numbers.js';
import {createLazy} from '../lib/lazy.js';
import {supports3d} from '../lib/plotly.js';
import {joinKey} from '../model/keys.js';
import {createColourbar} from './colourbar.js';
import {createSurface3d} from './surface3d.js';
import {watchTurning} from './turning.js';

const STEP = Math.PI / 12;
/** The summary is written this many milliseconds after the last change: it is read, not watched. */
const REST = 250;
/** The milliseconds that a picture between two frames may take. */
const FLUENT = 8;
/** After this many slow pictures, no more pictures are drawn between two frames. */
const PATIENCE = 3;
const ROOTS = {surface: 'landscape-plot', contours: 'landscape-map', section: 'landscape-section'};

/** @typedef {{draw: (picture: Picture) => void, places?: () => LandscapePlaces | null}} View */

/**
 * @typedef {object} Options
 * @property {() => Eye} eye
 * @property {(eye: Eye) => void} onCamera
 * @property {(eye: Eye) => void} [onTurning]
 * @property {() => void} onRedraw
 * @property {(error: unknown) => void} onFailed a view could not be loaded
 * @property {(a: number, b: number) => void} onPick
 * @property {(shot: Shot) => Picture | null} pictureOf
 * @property {() => boolean} isPlaying
 */

/** @param {Plotly} Plotly @param {Options} options */
export function createLandscape(Plotly, options) {
  const {pictureOf, isPlaying, onRedraw} = options;
  const root = byId('landscape-plot');
  /** The reason why the surface is drawn as a map; empty if it is not. */
  let flat = supports3d() ? '' : 'This browser has no WebGL, so the surface is drawn as a map.';
  const surface = createSurface3d(Plotly, root, {
    ...options,
    onLost() {
      flat = 'The graphics of this device failed, so the surface is drawn as a map.';
      onRedraw();
    },
  });
  const views = createViews(Plotly, surface, options);
  const words = createWords();
  /** The picture on the surface, if the surface is shown. @type {Picture | null} */
  let onSurface = null;
  /** @type {Picture | null} */
  let drawn = null;
  watchSurface(root, surface, options, () => onSurface);
  const between = createBlending(root, surface);
  watchCameraButtons(options);
  const viewToDraw = (/** @type {State['view']} */ view) => (view === 'surface' && flat ? 'contours' : view);

  return {
    /** Request a view, which may have to be fetched. @param {State['view']} view */
    request: (view) => views.request(viewToDraw(view)),
    /**
     * Can this view be drawn yet? A map that replaces the surface is drawn when it arrives: the rest of the picture
     * does not wait for it.
     * @param {State['view']} view
     */
    isKnown: (view) => view !== viewToDraw(view) || views.known(view) !== null,
    /** Allow a view that has not arrived to be requested again. */
    retry: views.retry,
    /** Return the places of what is drawn; null if nothing can be pointed at. @returns {LandscapePlaces | null} */
    places: () =>
      byId('landscape').dataset.view === 'section'
        ? null
        : (views.known(flat ? 'contours' : 'surface')?.places?.() ?? null),
    /** @param {Eye} to */
    look: (to) => surface.look(to),
    /**
     * Draw a picture between a frame and the next one during playback, unless that takes too long.
     * @param {Shot} shot @param {Shot} next @param {number} share
     */
    blend(shot, next, share) {
      if (viewToDraw(shot.view) === 'surface' && between.isFastEnough())
        between.draw(pictureOf(shot), pictureOf(next), share);
    },
    /** Return the range of losses that the axis and the colours cover in the drawing. */
    range: () => drawn && {low: drawn.range.low, high: drawn.range.high},
    /** @param {Shot} shot */
    draw(shot) {
      const picture = pictureOf(shot);
      if (!picture) return;
      words.draw(picture);
      drawn = picture;
      const view = viewToDraw(shot.view);
      for (const [name, id] of Object.entries(ROOTS)) byId(id).hidden = name !== view;
      byId('landscape').dataset.view = view;
      byId('flat-note').hidden = view === shot.view;
      setText(byId('flat-note'), flat);
      onSurface = view === 'surface' ? picture : null;
      views.known(view)?.draw(picture);
      if (!isPlaying()) between.clear();
      words.drawColours(picture);
    },
  };
}

/** Create the words about a picture: the note on its range, the colour bar, and a summary for screen readers. */
function createWords() {
  const colourbar = createColourbar(byId('colourbar'));
  let timer = 0;
  return {
    /** Write the note before the plot is drawn: it may take a line from it. @param {Picture} picture */
    draw({shot, range, path}) {
      const outside = path && !isInside(path, shot.frame, shot.span) ? 'the parameters are outside this zoom' : '';
      setText(byId('landscape-note'), [describeRange(range), outside].filter(Boolean).join(' · '));
    },
    /** @param {Picture} picture */
    drawColours({shot, range, key, loss, title, pointLoss, values}) {
      const drawn = pointLoss?.range ?? range;
      colourbar.draw(drawn, pointLoss?.name ?? title, joinKey(key, pointLoss?.name, pointLoss?.range.high));
      colourbar.mark(drawn, pointLoss ? pointLoss.values[pointLoss.values.length >> 1] : loss);
      clearTimeout(timer);
      timer = window.setTimeout(() => setText(byId('landscape-summary'), describeLandscape(shot, values, loss)), REST);
    },
  };
}

/**
 * Draw pictures between two frames, as a mixture of both.
 * @param {HTMLElement} root
 * @param {ReturnType<typeof createSurface3d>} surface
 */
function createBlending(root, surface) {
  const note = make('p', {class: 'blended', 'aria-hidden': 'true'});
  root.append(note);
  /** The number of recent pictures that took too long. */
  let slow = 0;
  return {
    isFastEnough: () => slow <= PATIENCE,
    /** @param {Picture | null} from @param {Picture | null} to @param {number} share */
    draw(from, to, share) {
      if (!from || !to || from.key !== to.key) return;
      const start = performance.now();
      surface.blend(from, to, share);
      const took = performance.now() - start;
      slow = Math.max(0, slow + (took > FLUENT ? 1 : -1));
      setText(note, 'Between two recorded epochs: blended');
    },
    clear() {
      setText(note, '');
    },
  };
}

/** Connect the buttons that turn the camera. @param {Pick<Options, 'eye' | 'onCamera'>} options */
function watchCameraButtons({eye, onCamera}) {
  for (const button of document.querySelectorAll('.camera button')) {
    const {turn = '0', tilt = '0'} = /** @type {HTMLElement} */ (button).dataset;
    button.addEventListener('click', () => onCamera(orbit(eye(), Number(turn) * STEP, Number(tilt) * STEP)));
  }
}

/**
 * Create the views. The surface exists at once; the others are fetched when they are requested.
 * @param {Plotly} Plotly @param {View} surface @param {Options} options
 */
function createViews(Plotly, surface, options) {
  const lazy = {
    contours: createLazy({
      load: () => import('./flat.js'),
      create: ({createFlat}) => createFlat(Plotly, byId('landscape-map'), options),
    }),
    section: createLazy({
      load: () => import('./section.js'),
      create: ({createSection}) => createSection(Plotly, byId('landscape-section')),
    }),
  };
  /**
   * The views that have not arrived; they are requested again only when a person asks for them.
   * @type {Set<State['view']>}
   */
  const failed = new Set();
  return {
    /** @param {State['view']} name @returns {View | null} */
    known: (name) => (name === 'surface' ? surface : lazy[name].known()),
    /** @param {State['view']} name */
    request(name) {
      if (name === 'surface' || failed.has(name) || lazy[name].isAsked()) return;
      lazy[name].request().then(options.onRedraw, (error) => {
        failed.add(name);
        options.onFailed(error);
      });
    },
    /** Allow the views that have not arrived to be requested again. */
    retry: () => failed.clear(),
  };
}

/**
 * Let the pointer turn the surface, pick a point, and show the value under it.
 * @param {HTMLElement} root @param {ReturnType<typeof createSurface3d>} surface
 * @param {{eye: () => Eye, onCamera: (eye: Eye) => void, onTurning?: (eye: Eye) => void, onPick: (a: number, b: number)
 *   => void}} options
 * @param {() => Picture | null} shown
 */
function watchSurface(root, surface, {eye, onCamera, onTurning, onPick}, shown) {
  const probe = make('p', {class: 'probe', 'aria-hidden': 'true'});
  root.append(probe);
  watchTurning(root, {
    eye,
    onTurn(to) {
      surface.look(to);
      onTurning?.(to);
    },
    onTurned: onCamera,
    onClick(x, y) {
      const place = surface.placeAt(x, y);
      if (place) onPick(roundToDigits(place.a, 3), roundToDigits(place.b, 3));
    },
    onHover(at) {
      const place = at && surface.placeAt(at.x, at.y);
      const picture = shown();
      setText(
        probe,
        place && picture
          ? `a ${shortText(place.a)}, b ${shortText(place.b)}: ${picture.title} ${lossText(lossAt(picture, place))}`
          : '',
      );
    },
  });
}

/** Return the loss of the sample nearest to a place. @param {Picture} picture @param {{a: number, b: number}} place */
function lossAt({values, grid, shot: {span}}, {a, b}) {
  const [i, j] = [a, b].map((value) => Math.round(((value / span + 1) / 2) * (grid - 1)));
  return values[j * grid + i];
}
