/** The left plot: chooses the range, draws the view that is asked for, and says in words what is shown. */
/** @import {Eye, Shot} from '../types.js' */
/** @import {Numbers} from '../npy.js' */
/** @import {LossRange} from '../figures/range.js' */
/** @import {Trajectory} from '../figures/path.js' */
import {byId, say} from '../dom.js';
import {orbit, SET_TITLES} from '../figures/landscape.js';
import {isInside, placeOf, trajectoryOf} from '../figures/path.js';
import {gapRange, lossRange, rangeNote} from '../figures/range.js';
import {landscapeSummary} from '../figures/slice.js';
import {createColourbar} from './colourbar.js';
import {createFlat} from './flat.js';
import {createSection} from './section.js';
import {createSurface3d} from './surface3d.js';

const STEP = Math.PI / 12;
/** A summary is read, not watched: it is written when the picture rests. */
const REST = 250;
const ROOTS = {surface: 'landscape-plot', contours: 'landscape-map', section: 'landscape-section'};

/**
 * @typedef {object} Picture what a view draws
 * @property {Shot} shot
 * @property {Numbers} values [b, a] flattened
 * @property {number[]} axis the sampled a, and b
 * @property {LossRange} range
 * @property {Trajectory | null} path where the plane stays, if there is one
 * @property {[number, number] | null} place of the network, (a, b)
 * @property {[number, number] | null} mark the picked point, where it can be seen
 * @property {number} loss the network's own
 * @property {string} title of the value
 * @property {string} key of everything but the frame
 */

/**
 * @param {import('../plotly.js').Plotly} Plotly
 * @param {{eye: () => Eye, onCamera: (eye: Eye) => void, onReleased: () => void, onPick: (a: number, b: number) => void}} options
 */
export function createLandscape(Plotly, options) {
  const root = byId('landscape-plot');
  const surface = createSurface3d(Plotly, root, options);
  const views = {surface, contours: createFlat(Plotly, byId('landscape-map'), options), section: createSection(Plotly, byId('landscape-section'))};
  /** Does this browser draw in three dimensions? Known after the first try. @type {boolean | null} */
  let solid = null;
  const colourbar = createColourbar(byId('colourbar'));
  const drag = watchDrag(root, options.onReleased);
  const ranges = createRanges();
  letPageScroll(root);
  let style = 0;
  let summaryTimer = 0;
  /** @type {{key: string, path: Trajectory | null, axis: number[]}} */
  let known = {key: '', path: null, axis: []};

  for (const button of document.querySelectorAll('.camera button')) {
    const {turn = '0', tilt = '0'} = /** @type {HTMLElement} */ (button).dataset;
    button.addEventListener('click', () => options.onCamera(orbit(options.eye(), Number(turn) * STEP, Number(tilt) * STEP)));
  }

  /** @param {Shot} shot @returns {Picture} */
  const pictureOf = (shot) => {
    const {run, frame, plane, span, set, follow, path, pick} = shot;
    const range = ranges.of(shot);
    const key = [run.id, plane.name, span, set, follow, path, JSON.stringify(range), style].join();
    const mark = pick && Math.max(...pick.map(Math.abs)) <= span ? pick : null;
    if (key !== known.key) {
      known = {key, path: trajectoryOf(run, shot), axis: Array.from(run.numbersOf(plane, 'coordinates'), (c) => c * span)};
    }
    return {shot, range, key, path: known.path, place: placeOf(shot, known.path), mark, axis: known.axis, values: run.values(shot, frame), loss: run.losses(set)[frame], title: SET_TITLES[set]};
  };

  /** @param {keyof typeof views} view */
  const show = (view) => {
    for (const [name, id] of Object.entries(ROOTS)) byId(id).hidden = name !== view;
    byId('landscape').dataset.view = view;
  };

  /** @param {Picture} picture */
  const drawView = (picture) => {
    const wanted = picture.shot.view === 'surface' && solid === false ? 'contours' : picture.shot.view;
    show(wanted);
    byId('flat-note').hidden = wanted === picture.shot.view;
    views[wanted].draw(picture);
    if (wanted !== 'surface' || solid !== null) return;
    solid = !root.querySelector('.no-webgl'); // the sentence that Plotly writes where it finds none
    if (!solid) drawView(picture);
  };

  return {
    /** What a view draws of a shot, also of one that is not on show. */
    pictureOf,
    /** @param {Eye} to */
    look: (to) => surface.look(to),
    /** Size or theme has changed: the next drawing takes them up. */
    restyle() { style++; },
    /** @param {Shot} shot */
    draw(shot) {
      if (drag.on) return; // an update during a drag can lose the camera (plotly.js#6359)
      const picture = pictureOf(shot);
      const {range, key, loss, title, path} = picture;
      say(byId('landscape-note'), [rangeNote(range), path && !isInside(path, shot.frame, shot.span) ? 'the parameters are outside this zoom' : ''].filter(Boolean).join(' · '));
      drawView(picture);
      colourbar.draw(range, title, key);
      colourbar.mark(range, loss);
      clearTimeout(summaryTimer);
      summaryTimer = window.setTimeout(() => say(byId('landscape-summary'), landscapeSummary(shot, picture.values, loss)), REST);
    },
  };
}

/** Plotly's camera swallows the wheel even with scrollZoom off; it must not hear of it. @param {HTMLElement} root */
function letPageScroll(root) {
  root.addEventListener('wheel', (event) => event.stopPropagation(), {capture: true, passive: true});
}

/** @param {HTMLElement} root @param {() => void} onReleased */
function watchDrag(root, onReleased) {
  const drag = {on: false};
  root.addEventListener('pointerdown', () => { drag.on = true; }, true);
  for (const type of ['pointerup', 'pointercancel', 'blur']) {
    window.addEventListener(type, () => {
      if (!drag.on) return;
      drag.on = false;
      onReleased();
    }, true);
  }
  return drag;
}

/**
 * Ranges are over all frames, where the plane moves; while frames arrive they are taken anew each time their number has
 * grown by half, so that a range in play does not crawl.
 */
function createRanges() {
  /** @type {WeakMap<object, Map<string, {frames: number, range: LossRange}>>} */
  const known = new WeakMap();
  return {
    /** @param {Shot} shot */
    of(shot) {
      const {run, plane, spanIndex, scale, set, follow} = shot;
      const ofRun = known.get(run) ?? new Map();
      known.set(run, ofRun);
      const key = [plane.name, spanIndex, scale, set, follow].join();
      const entry = ofRun.get(key);
      if (entry && entry.frames >= run.frames.length) return entry.range;
      const frames = follow ? run.arrived(shot) : run.frames.length;
      if (entry && frames < run.frames.length && frames < entry.frames * 1.5) return entry.range;
      const range = rangeOf(shot, follow ? [...Array(frames).keys()] : [shot.frame]);
      ofRun.set(key, {frames, range});
      return range;
    },
  };
}

/** @param {Shot} shot @param {number[]} frames */
function rangeOf(shot, frames) {
  const {run, set, scale} = shot;
  if (set === 'gap') return gapRange(frames.map((frame) => run.values(shot, frame)));
  const train = frames.map((frame) => run.surface(shot, frame));
  return lossRange(train, scale, set === 'train' ? train : frames.map((frame) => run.values(shot, frame)));
}
