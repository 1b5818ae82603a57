/**
 * This module turns the state and a run into the slice of the landscape that is shown, the arrays that it needs, and
 * the reasons why something cannot be shown. It consists of pure functions.
 */
/** @import {PlaneEntry, Slice, State} from './types.js' */
/** @import {Run} from './run.js' */

import {countText, shortText} from '../lib/numbers.js';
import {isInteractive} from './architecture.js';
import {constants} from './constants.js';
import {planeArray} from './keys.js';

const PATH_ARRAYS = ['path', 'residual', 'path_loss'];
/** The limits of the spans that the page can compute. */
export const SPANS = Object.freeze({least: 0.001, most: 3});
const HIDES =
  'The direction of training: of many dimensions the plane shows two at random. Draw others, and see what stays.';

/** @param {Run} run @param {State} state @returns {Slice} */
export function sliceOf(run, state) {
  const stored = run.plane(state.plane);
  const able = computeLimit(run, stored) === '';
  const plane = able && state.seed !== null ? freshPlane(run, state.seed) : stored;
  const near = nearestSpan(plane.spans, state.zoom);
  const computed =
    able && (plane.drawn !== undefined || (state.zoom !== null && !sameSpan(state.zoom, plane.spans[near])));
  const set = hasTest(run, plane, computed) ? state.set : 'train';
  const follow = followsFrame(run, plane, set, state.follow, computed);
  return {
    plane,
    computed,
    set,
    follow,
    spanIndex: computed ? -1 : near,
    span: computed ? Math.min(SPANS.most, Math.max(SPANS.least, state.zoom ?? plane.spans[0])) : plane.spans[near],
    path: state.path && !follow && hasPath(plane),
    view: state.view,
    scale: set === 'gap' ? 'linear' : state.scale,
    range: state.range,
    pick: able ? state.pick : null,
    ball: able && state.pick !== null && state.ball,
  };
}

/** @type {WeakMap<Run, Map<number, PlaneEntry>>} */
const fresh = new WeakMap();

/**
 * Describe a plane along two freshly initialised models that no run has stored.
 * @param {Run} run
 * @param {number} seed
 * @returns {PlaneEntry}
 */
function freshPlane(run, seed) {
  const known = fresh.get(run) ?? new Map();
  fresh.set(run, known);
  if (!known.has(seed)) {
    known.set(seed, {
      name: `drawn-${seed}`,
      kind: 'fresh',
      title: `Seed ${seed}, newly drawn`,
      drawn: seed,
      hides: HIDES,
      what: 'Two random directions: the parameters of two freshly initialised models, drawn in this page.',
      spans: [1],
      arrays: {},
      get centre_frame() {
        return run.frames.length - 1;
      }, // For a run that is training in the page, this is the last frame so far.
    });
  }
  return known.get(seed);
}

/** List the arrays of the plane that a slice needs. @param {Slice} slice @returns {string[]} */
export function neededArrays({plane, computed, set, follow, pick}) {
  const computesHere = computed || pick;
  const drawn = plane.drawn !== undefined;
  const own = [
    // The test loss needs it as well: both losses are drawn on one scale.
    ...(computed ? [] : ['coordinates', 'loss_surface']),
    ...(computed || set === 'train' ? [] : ['test_loss_surface']),
    ...(follow || drawn || !hasPath(plane) ? [] : PATH_ARRAYS),
    ...(computesHere && !drawn ? ['directions', ...('centre' in plane.arrays ? ['centre'] : [])] : []),
  ].map((name) => planeArray(plane, name));
  return computesHere ? [...own, 'weights'] : own;
}

/** Return the number of samples along a, and along b. @param {Run} run @param {Slice} slice */
export function gridSizeOf(run, {plane, computed}) {
  return computed ? constants().fresh_plane.grid : run.gridSize(plane);
}

/**
 * Return the reason why each control is not available, as a sentence for its tooltip; empty if it is available.
 * @param {Run} run @param {Slice} slice
 */
export function limits(run, {plane, set, follow, computed}) {
  return {
    set: hasTest(run, plane, computed)
      ? ''
      : !run.isWhole
        ? 'Test losses are available when training has ended.'
        : run.isRecorded && run.manifest.dataset.samples?.test === 0
          ? 'This run was recorded without test samples.'
          : 'This run was stored without the test loss in this plane.',
    follow: followLimit(run, plane, set, computed),
    path: pathLimit(plane, follow),
    log: set === 'gap' ? 'The gap can be negative, so its scale is linear.' : '',
  };
}

/** @param {PlaneEntry} plane @param {boolean} follow */
function pathLimit(plane, follow) {
  if (!hasPath(plane)) return 'This run was stored without its path in this plane.';
  return follow ? 'The path is drawn only if the plane stays: turn “Follow the parameters” off.' : '';
}

/**
 * Describe in whole sentences what a link asks for and this run cannot show, so that nothing replaces it silently.
 * @param {Run} run @param {State} state
 */
export function unmetWishes(run, state) {
  const stored = run.plane(state.plane);
  const limit = computeLimit(run, stored);
  const {span, set} = sliceOf(run, state);
  return [
    state.plane !== null && stored.name !== state.plane
      ? `This run has no plane “${state.plane}”; “${stored.title}” is shown instead.`
      : '',
    limit && state.seed !== null ? `The directions of seed ${state.seed} are not drawn.` : '',
    limit && state.pick
      ? `The network at a ${shortText(state.pick[0])}, b ${shortText(state.pick[1])} is not shown.`
      : '',
    limit && state.zoom !== null && !sameSpan(state.zoom, span) ? `The zoom nearest to ${state.zoom} is ${span}.` : '',
    set === state.set ? '' : 'The training loss is shown instead of the test loss.',
    limit && (state.seed !== null || state.pick || (state.zoom !== null && !sameSpan(state.zoom, span))) ? limit : '',
  ].filter(Boolean);
}

/** The reason why a browser without workers can neither compute nor train. */
export const NO_WORKERS = 'This browser has no workers (or does not allow them), and the page computes in workers.';

/** The reason why this browser cannot compute at the moment, as a sentence; empty if it can. */
let fault = '';
/** @param {string} words */
export const noteFault = (words) => {
  fault = words;
};
export const currentFault = () => fault;

/**
 * Return the reason why the page cannot compute anything of this plane; empty if it can.
 * @param {Run} run
 * @param {PlaneEntry} plane
 */
export function computeLimit(run, plane) {
  return (run.hasPredictions ? fault : '') || parametersLimit(run, plane);
}

/**
 * Return the reason why the page cannot evaluate a network of this plane; empty if it can.
 * @param {Run} run
 * @param {PlaneEntry} plane
 */
export function parametersLimit(run, plane) {
  if (!run.isWhole) return 'This is available when training has ended.';
  if (!run.manifest.model.layers)
    return 'This run was recorded: its model belongs to its owner, and no page can evaluate it.';
  if (typeof Worker !== 'function') return NO_WORKERS;
  if (!isInteractive(run.manifest.model))
    return (
      `A network of ${countText(run.manifest.model.parameters)} parameters is too large ` +
      'to evaluate while you drag.'
    );
  if (!('weights' in run.manifest.arrays) || (plane.drawn === undefined && !('directions' in plane.arrays)))
    return 'This run was published without its weights.';
  return '';
}

/** @param {Run} run @param {PlaneEntry} plane @param {Slice['set']} set @param {boolean} computed */
function followLimit(run, plane, set, computed) {
  if (!isMoving(plane)) return 'This plane is stored around one centre, so it cannot move.';
  if (run.isGrowing)
    return 'While the network trains the plane moves with it; it can be fixed when training has ended.';
  if (!hasPath(plane)) return 'This run was stored without its path in this plane, so the plane always moves.';
  if (set !== 'train' && !computed && !hasMovingTest(plane))
    return 'The test loss is stored only around the fixed centre.';
  return '';
}

/**
 * Does the plane move with the frame's parameters?
 * @param {Run} run
 * @param {PlaneEntry} plane
 * @param {Slice['set']} set
 * @param {boolean} wished
 * @param {boolean} computed
 */
function followsFrame(run, plane, set, wished, computed) {
  if (!isMoving(plane)) return false;
  if (run.isGrowing || !hasPath(plane)) return true;
  return wished && (set === 'train' || computed || hasMovingTest(plane));
}

/** Does the plane have a surface around every frame? @param {PlaneEntry} plane */
export function isMoving(plane) {
  return plane.drawn !== undefined || plane.arrays.loss_surface.axes[1] === 'frame';
}

/** @param {PlaneEntry} plane */
export function hasMovingTest(plane) {
  return plane.arrays.test_loss_surface?.axes[1] === 'frame';
}

/** @param {PlaneEntry} plane */
export function hasPath(plane) {
  return plane.drawn !== undefined || PATH_ARRAYS.every((name) => name in plane.arrays);
}

/** @param {Run} run @param {PlaneEntry} plane @param {boolean} computed */
function hasTest(run, plane, computed) {
  return computed ? run.manifest.dataset.test_points > 0 : run.isWhole && 'test_loss_surface' in plane.arrays;
}

/**
 * Find the index of the span that is nearest by ratio; 0 for null.
 * @param {number[]} spans
 * @param {number | null} span
 */
function nearestSpan(spans, span) {
  if (span === null) return 0;
  const distances = spans.map((s) => Math.abs(Math.log(s / span)));
  return distances.indexOf(Math.min(...distances));
}

/** @param {number} a @param {number} b */
function sameSpan(a, b) {
  return Math.abs(a - b) < 1e-6 * b;
}

/** @param {Slice} a @param {Slice} b */
export function sameSlice(a, b) {
  return (
    a.plane === b.plane &&
    a.computed === b.computed &&
    a.span === b.span &&
    a.spanIndex === b.spanIndex &&
    a.set === b.set &&
    a.follow === b.follow &&
    a.path === b.path &&
    a.view === b.view &&
    a.scale === b.scale &&
    a.range === b.range &&
    String(a.pick) === String(b.pick) &&
    a.ball === b.ball
  );
}
