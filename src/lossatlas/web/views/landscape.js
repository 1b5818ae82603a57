/** The left plot: chooses the range, draws the view that is asked for, and says in words what is shown. */
/** @import {Eye, LossSet, Shot, State} from '../model/types.js' */
/** @import {Losses} from '../compute/engine/worker.js' */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {LossRange} from '../figures/range.js' */
/** @import {Trajectory} from '../figures/path.js' */
/** @import {Ground} from '../compute/surfaces.js' */
/** @import {Way} from '../compute/descent.js' */
/** @import {Tint} from '../compute/point_loss.js' */
import {byId, make, say} from '../lib/dom.js';
import {orbit} from '../figures/camera.js';
import {SET_TITLES} from '../figures/landscape.js';
import {isInside, placeOf, trajectoryOf} from '../figures/path.js';
import {frameRange, gapRange, lossRange, rangeNote, steadyRange} from '../figures/range.js';
import {landscapeSummary} from '../figures/slice.js';
import {lossText, spanText} from '../figures/ticks.js';
import {drawsSolid} from '../lib/plotly.js';
import {gridOf} from '../model/slice.js';
import {createColourbar} from './colourbar.js';
import {createSurface3d} from './surface3d.js';
import {watchTurning} from './turning.js';

const STEP = Math.PI / 12;
/** A summary is read, not watched: it is written when the picture rests. */
const REST = 250;
/** Milliseconds that a picture between two frames may take. */
const FLUENT = 8;
const ROOTS = {surface: 'landscape-plot', contours: 'landscape-map', section: 'landscape-section'};

/**
 * @typedef {object} Picture what a view draws
 * @property {Shot} shot
 * @property {Numbers} values [b, a] flattened
 * @property {number} grid values along a, and along b
 * @property {number[]} axis the sampled a, and b
 * @property {LossRange} range
 * @property {Trajectory | null} path where the plane stays, if there is one
 * @property {[number, number] | null} place of the network, (a, b)
 * @property {[number, number] | null} mark the picked point, where it can be seen
 * @property {Way | null} way of a ball that was released
 * @property {Tint | null} tint what it is coloured by instead
 * @property {number} loss the network's own
 * @property {string} title of the value
 * @property {string} key of everything but the frame
 */

/** @typedef {{draw: (picture: Picture) => void, places?: () => import('../features/callouts/callouts.js').LandscapePlaces | null}} View */

/**
 * @param {import('../lib/plotly.js').Plotly} Plotly
 * @param {{eye: () => Eye, onCamera: (eye: Eye) => void, onRedraw: () => void, onFailed: (error: unknown) => void, onTurning?: (eye: Eye) => void, onPick: (a: number, b: number) => void, groundOf: (shot: Shot) => Ground | null, wayOf: (shot: Shot) => Way | null, tintOf: (shot: Shot) => Tint | null, isPlaying: () => boolean, shareRange?: (own: LossRange) => LossRange}} options
 * `shareRange`: the range to draw on, where others are to be compared with this one
 */
export function createLandscape(Plotly, options) {
  const root = byId('landscape-plot');
  const surface = createSurface3d(Plotly, root, {
    ...options,
    onLost: () => showFlat('The graphics of this device gave up, so the surface is drawn as a map.'),
  });
  const views = lazyViews(Plotly, surface, options);
  /** Why the surface is drawn as a map; empty where it need not be. */
  let flat = drawsSolid() ? '' : 'This browser has no WebGL, so the surface is drawn as a map.';
  const showFlat = (/** @type {string} */ why) => {
    flat = why;
    options.onRedraw();
  };
  const colourbar = createColourbar(byId('colourbar'));
  const ranges = createRanges();
  watchSurface(root, surface, options, () => shown);
  /** @type {Picture | null} */
  let shown = null;
  /** @type {LossRange | null} */
  let drawn = null;
  let style = 0;
  let summaryTimer = 0;
  /** How often of late a picture between two frames took too long. */
  let slow = 0;
  const blended = make('p', {class: 'blended', 'aria-hidden': 'true'});
  root.append(blended);
  /** @type {{key: string, path: Trajectory | null, axis: number[]}} */
  let known = {key: '', path: null, axis: []};

  for (const button of document.querySelectorAll('.camera button')) {
    const {turn = '0', tilt = '0'} = /** @type {HTMLElement} */ (button).dataset;
    button.addEventListener('click', () =>
      options.onCamera(orbit(options.eye(), Number(turn) * STEP, Number(tilt) * STEP)),
    );
  }

  /** @param {Shot} shot @param {Ground | null} ground of a computed slice @returns {Picture | null} null: what it takes is not computed yet, or no more */
  const pictureOf = (shot, ground) => {
    const {run, frame, plane, span, set, follow, path, pick} = shot;
    if (shot.computed && !ground) return null;
    const grid = gridOf(run, shot);
    const values = ground ? valuesOf(set, ground.losses) : run.values(shot, frame);
    const own = ground ? ranges.ofGround(shot, ground) : ranges.of(shot);
    const range = options.shareRange?.(own) ?? own;
    const {kind, low, high, scale} = range; // the rest of it is told in words
    const key = [
      run.id,
      plane.name,
      span,
      set,
      follow || plane.centre_frame,
      path,
      kind,
      low,
      high,
      scale,
      style,
    ].join();
    const mark = pick && Math.max(...pick.map(Math.abs)) <= span ? pick : null;
    const stage = `${key} ${ground?.final}`; // a path may be read off the surface
    if (stage !== known.key)
      known = {key: stage, path: trajectoryOf(run, shot, values, grid), axis: axisOf(grid, span)};
    return {
      shot,
      range,
      key,
      path: known.path,
      place: placeOf(shot, known.path),
      mark,
      axis: known.axis,
      values,
      grid,
      way: options.wayOf(shot),
      tint: options.tintOf(shot),
      loss: run.losses(set)[frame],
      title: SET_TITLES[set],
    };
  };

  /** @param {State['view']} view */
  const show = (view) => {
    for (const [name, id] of Object.entries(ROOTS)) byId(id).hidden = name !== view;
    byId('landscape').dataset.view = view;
  };

  /** @param {Picture} picture */
  const drawView = (picture) => {
    const wanted = drawable(picture.shot.view);
    show(wanted);
    byId('flat-note').hidden = wanted === picture.shot.view;
    say(byId('flat-note'), flat);
    shown = wanted === 'surface' ? picture : null;
    views.of(wanted)?.draw(picture);
  };
  const drawable = (/** @type {State['view']} */ view) => (view === 'surface' && flat ? 'contours' : view);

  return {
    /** Can this view be drawn yet? If not, it is sent for. */
    has: (/** @type {State['view']} */ view) => views.has(drawable(view)),
    /** A view that has not come may be sent for anew. */
    retry: views.retry,
    /** Where what is drawn is; null where it cannot be pointed at. @returns {import('../features/callouts/callouts.js').LandscapePlaces | null} */
    places: () =>
      byId('landscape').dataset.view === 'section'
        ? null
        : (views.of(flat ? 'contours' : 'surface')?.places?.() ?? null),
    /** What a view draws of a shot, also of one that is not on show. */
    pictureOf,
    /** @param {Eye} to */
    look: (to) => surface.look(to),
    /**
     * What lies between a frame and the next, while it plays; left out where it takes too long to flow.
     * @param {Shot} shot @param {Shot} next @param {number} share
     */
    blend(shot, next, share) {
      if (slow > 3 || drawable(shot.view) !== 'surface') return;
      const [from, to] = [shot, next].map((one) => pictureOf(one, one.computed ? options.groundOf(one) : null));
      if (!from || !to || from.key !== to.key) return;
      const start = performance.now();
      surface.blend(from, to, share);
      const took = performance.now() - start;
      slow = Math.max(0, slow + (took > FLUENT ? 1 : -1));
      say(blended, 'Between two recorded epochs: blended');
    },
    /** Which losses the axis and the colours span, as drawn. */
    range: () => drawn && {low: drawn.low, high: drawn.high},
    /** Size or theme has changed: the next drawing takes them up. */
    restyle() {
      style++;
    },
    /** @param {Shot} shot */
    draw(shot) {
      const picture = pictureOf(shot, shot.computed ? options.groundOf(shot) : null);
      if (!picture) return;
      const {range, key, loss, title, path, tint} = picture;
      say(
        byId('landscape-note'),
        [rangeNote(range), path && !isInside(path, shot.frame, shot.span) ? 'the parameters are outside this zoom' : '']
          .filter(Boolean)
          .join(' · '),
      );
      drawn = range;
      drawView(picture);
      if (!options.isPlaying()) say(blended, '');
      colourbar.draw(tint?.range ?? range, tint?.name ?? title, `${key} ${tint?.name ?? ''} ${tint?.range.high ?? ''}`);
      colourbar.mark(tint?.range ?? range, tint ? tint.values[tint.values.length >> 1] : loss);
      clearTimeout(summaryTimer);
      summaryTimer = window.setTimeout(
        () => say(byId('landscape-summary'), landscapeSummary(shot, picture.values, loss)),
        REST,
      );
    },
  };
}

/**
 * The surface is there at once; the other views come when they are asked for.
 * @param {import('../lib/plotly.js').Plotly} Plotly @param {View} surface
 * @param {{onRedraw: () => void, onPick: (a: number, b: number) => void, onFailed: (error: unknown) => void}} options
 */
function lazyViews(Plotly, surface, options) {
  /** @type {Partial<Record<State['view'], View>>} */
  const there = {surface};
  const makers = {
    surface: async () => surface,
    contours: async () => (await import('./flat.js')).createFlat(Plotly, byId('landscape-map'), options),
    section: async () => (await import('./section.js')).createSection(Plotly, byId('landscape-section')),
  };
  /** @type {Set<State['view']>} */
  const asked = new Set();
  /** @type {typeof asked} */
  const failed = new Set();
  return {
    /** What has not come may be asked for anew. */
    retry() {
      for (const name of failed) asked.delete(name);
    },
    of: (/** @type {State['view']} */ name) => there[name],
    /** @param {State['view']} name */
    has(name) {
      if (name in there) return true;
      if (!asked.has(name)) {
        asked.add(name);
        makers[name]().then(
          (view) => {
            there[name] = view;
            options.onRedraw();
          },
          (error) => {
            failed.add(name);
            options.onFailed(error);
          },
        );
      }
      return false;
    },
  };
}

/**
 * Turning, picking, and the value under the pointer.
 * @param {HTMLElement} root @param {ReturnType<typeof createSurface3d>} surface
 * @param {{eye: () => Eye, onCamera: (eye: Eye) => void, onTurning?: (eye: Eye) => void, onPick: (a: number, b: number) => void}} options
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

/**
 * Ranges are over all frames, where the plane moves; while frames arrive they are taken anew each time their number has
 * grown by half, so that a range in play does not crawl.
 */
function createRanges() {
  /** @type {WeakMap<object, Map<string, {frames: number, range: LossRange}>>} */
  const known = new WeakMap();
  /** @param {Shot} shot */
  const entryOf = ({run, plane, span, scale, set, follow}) => {
    const ofRun = known.get(run) ?? new Map();
    known.set(run, ofRun);
    const key = [plane.name, span, scale, set, follow].join();
    return {ofRun, key, entry: ofRun.get(key)};
  };
  return {
    /** @param {Shot} shot */
    of(shot) {
      const {run, follow} = shot;
      if (shot.range === 'frame') return rangeOfFrame(shot, run.values(shot, shot.frame));
      const {ofRun, key, entry} = entryOf(shot);
      if (entry && entry.frames >= run.frames.length) return entry.range;
      const frames = follow ? run.arrived(shot) : run.frames.length;
      if (entry && frames < run.frames.length && frames < entry.frames * 1.5) return entry.range;
      const range = rangeOf(shot, follow ? [...Array(frames).keys()] : [shot.frame]);
      ofRun.set(key, {frames, range});
      return range;
    },
    /** Of surfaces computed in the page. @param {Shot} shot @param {Ground} ground */
    ofGround(shot, ground) {
      if (shot.range === 'frame') return rangeOfFrame(shot, valuesOf(shot.set, ground.losses));
      const {ofRun, key, entry} = entryOf(shot);
      // of a run that grows the samples are of a while ago, and what is drawn may lie below them by now
      const range = shot.run.growing
        ? steadyRange(rangeOfGround(shot, [...ground.samples, ground.losses]), entry?.range)
        : rangeOfGround(shot, ground.samples);
      ofRun.set(key, {frames: 0, range});
      return range;
    },
  };
}

/** @param {Shot} shot @param {Numbers} values */
function rangeOfFrame({set, scale}, values) {
  return set === 'gap' ? gapRange([values]) : frameRange(values, scale);
}

/** Computed surfaces have a range from a few frames: nothing crawls in play. @param {Shot} shot @param {Losses[]} samples */
function rangeOfGround({set, scale}, samples) {
  const drawn = samples.map((losses) => valuesOf(set, losses));
  return set === 'gap'
    ? gapRange(drawn)
    : lossRange(
        samples.map((losses) => valuesOf('train', losses)),
        scale,
        drawn,
      );
}

/** @param {LossSet} set @param {Losses} losses @returns {Numbers} */
function valuesOf(set, {train, test}) {
  if (set === 'gap' && train && test) return test.map((value, i) => value - train[i]);
  return /** @type {Float32Array} */ (set === 'train' ? train : test);
}

/** @param {number} grid @param {number} span */
function axisOf(grid, span) {
  const half = (grid - 1) / 2;
  return Array.from({length: grid}, (_, i) => span * Math.fround((i - half) / half));
}

/** @param {Shot} shot @param {number[]} frames */
function rangeOf(shot, frames) {
  const {run, set, scale} = shot;
  if (set === 'gap') return gapRange(frames.map((frame) => run.values(shot, frame)));
  const train = frames.map((frame) => run.surface(shot, frame));
  return lossRange(train, scale, set === 'train' ? train : frames.map((frame) => run.values(shot, frame)));
}
