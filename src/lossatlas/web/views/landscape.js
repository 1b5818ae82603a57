/** The left plot: draws the view that is asked for, and says in words what is shown. */
/** @import {Eye, Shot, State} from '../model/types.js' */
/** @import {LandscapePlaces} from '../features/callouts/callouts.js' */
/** @import {Plotly} from '../lib/plotly.js' */
/** @import {Picture} from './picture.js' */
import {byId, make, say} from '../lib/dom.js';
import {orbit} from '../figures/camera.js';
import {isInside} from '../figures/path.js';
import {rangeNote} from '../figures/range.js';
import {landscapeSummary} from '../figures/slice.js';
import {lossText, spanText} from '../figures/ticks.js';
import {createLazy} from '../lib/lazy.js';
import {drawsSolid} from '../lib/plotly.js';
import {createColourbar} from './colourbar.js';
import {createSurface3d} from './surface3d.js';
import {watchTurning} from './turning.js';

const STEP = Math.PI / 12;
/** A summary is read, not watched: it is written when the picture rests. */
const REST = 250;
/** Milliseconds that a picture between two frames may take. */
const FLUENT = 8;
/** After so many pictures too slow, none is drawn between two frames. */
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
  /** Why the surface is drawn as a map; empty where it need not be. */
  let flat = drawsSolid() ? '' : 'This browser has no WebGL, so the surface is drawn as a map.';
  const surface = createSurface3d(Plotly, root, {
    ...options,
    onLost() {
      flat = 'The graphics of this device gave up, so the surface is drawn as a map.';
      onRedraw();
    },
  });
  const views = createViews(Plotly, surface, options);
  const words = createWords();
  /** The picture on the surface, if that is on show. @type {Picture | null} */
  let onSurface = null;
  /** @type {Picture | null} */
  let drawn = null;
  watchSurface(root, surface, options, () => onSurface);
  const between = createBetween(root, surface);
  watchCameraButtons(options);
  const drawable = (/** @type {State['view']} */ view) => (view === 'surface' && flat ? 'contours' : view);

  return {
    /** Ask for a view, which may have to be fetched. @param {State['view']} view */
    request: (view) => views.request(drawable(view)),
    /** Can this view be drawn yet? @param {State['view']} view */
    isKnown: (view) => views.known(drawable(view)) !== null,
    /** A view that has not arrived may be asked for anew. */
    retry: views.retry,
    /** Where what is drawn is; null where it cannot be pointed at. @returns {LandscapePlaces | null} */
    places: () =>
      byId('landscape').dataset.view === 'section'
        ? null
        : (views.known(flat ? 'contours' : 'surface')?.places?.() ?? null),
    /** @param {Eye} to */
    look: (to) => surface.look(to),
    /**
     * Draw what lies between a frame and the next, while it plays, unless that takes too long to flow.
     * @param {Shot} shot @param {Shot} next @param {number} share
     */
    blend(shot, next, share) {
      if (drawable(shot.view) === 'surface' && between.isFluent())
        between.draw(pictureOf(shot), pictureOf(next), share);
    },
    /** Which losses the axis and the colours span, as drawn. */
    range: () => drawn && {low: drawn.range.low, high: drawn.range.high},
    /** @param {Shot} shot */
    draw(shot) {
      const picture = pictureOf(shot);
      if (!picture) return;
      words.draw(picture);
      drawn = picture;
      const view = drawable(shot.view);
      for (const [name, id] of Object.entries(ROOTS)) byId(id).hidden = name !== view;
      byId('landscape').dataset.view = view;
      byId('flat-note').hidden = view === shot.view;
      say(byId('flat-note'), flat);
      onSurface = view === 'surface' ? picture : null;
      views.known(view)?.draw(picture);
      if (!isPlaying()) between.clear();
      words.drawColours(picture);
    },
  };
}

/** What there is to read of a picture: the note on its range, the colour bar, and a summary for screen readers. */
function createWords() {
  const colourbar = createColourbar(byId('colourbar'));
  let timer = 0;
  return {
    /** The note may take a line from the plot, so it is written before that is drawn. @param {Picture} picture */
    draw({shot, range, path}) {
      const outside = path && !isInside(path, shot.frame, shot.span) ? 'the parameters are outside this zoom' : '';
      say(byId('landscape-note'), [rangeNote(range), outside].filter(Boolean).join(' · '));
    },
    /** @param {Picture} picture */
    drawColours({shot, range, key, loss, title, tint, values}) {
      const drawn = tint?.range ?? range;
      colourbar.draw(drawn, tint?.name ?? title, `${key} ${tint?.name ?? ''} ${tint?.range.high ?? ''}`);
      colourbar.mark(drawn, tint ? tint.values[tint.values.length >> 1] : loss);
      clearTimeout(timer);
      timer = window.setTimeout(() => say(byId('landscape-summary'), landscapeSummary(shot, values, loss)), REST);
    },
  };
}

/**
 * Pictures between two frames, blended of both.
 * @param {HTMLElement} root
 * @param {ReturnType<typeof createSurface3d>} surface
 */
function createBetween(root, surface) {
  const note = make('p', {class: 'blended', 'aria-hidden': 'true'});
  root.append(note);
  /** How often of late such a picture took too long. */
  let slow = 0;
  return {
    isFluent: () => slow <= PATIENCE,
    /** @param {Picture | null} from @param {Picture | null} to @param {number} share */
    draw(from, to, share) {
      if (!from || !to || from.key !== to.key) return;
      const start = performance.now();
      surface.blend(from, to, share);
      const took = performance.now() - start;
      slow = Math.max(0, slow + (took > FLUENT ? 1 : -1));
      say(note, 'Between two recorded epochs: blended');
    },
    clear() {
      say(note, '');
    },
  };
}

/** The buttons that turn the camera. @param {Pick<Options, 'eye' | 'onCamera'>} options */
function watchCameraButtons({eye, onCamera}) {
  for (const button of document.querySelectorAll('.camera button')) {
    const {turn = '0', tilt = '0'} = /** @type {HTMLElement} */ (button).dataset;
    button.addEventListener('click', () => onCamera(orbit(eye(), Number(turn) * STEP, Number(tilt) * STEP)));
  }
}

/**
 * The views. The surface is there at once; the others are fetched when they are asked for.
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
  /** Views that have not arrived; they are not asked for again before somebody wishes it. @type {Set<State['view']>} */
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
    /** Views that have not arrived may be asked for anew. */
    retry: () => failed.clear(),
  };
}

/**
 * Turning, picking, and the value under the pointer.
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
      if (place) onPick(Number(place.a.toPrecision(3)), Number(place.b.toPrecision(3)));
    },
    onHover(at) {
      const place = at && surface.placeAt(at.x, at.y);
      const picture = shown();
      say(
        probe,
        place && picture
          ? `a ${spanText(place.a)}, b ${spanText(place.b)}: ${picture.title} ${lossText(lossAt(picture, place))}`
          : '',
      );
    },
  });
}

/** The loss of the sample nearest to a place. @param {Picture} picture @param {{a: number, b: number}} place */
function lossAt({values, grid, shot: {span}}, {a, b}) {
  const [i, j] = [a, b].map((value) => Math.round(((value / span + 1) / 2) * (grid - 1)));
  return values[j * grid + i];
}
