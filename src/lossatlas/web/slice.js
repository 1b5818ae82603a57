/** State and run → the slice of the landscape that is shown, what it takes, and what cannot be had of it. Pure. */
/** @import {PlaneEntry, Slice, State} from './types.js' */
/** @import {Run} from './run.js' */

import {isSmooth} from './engine/network.js';

const PATH_ARRAYS = ['path', 'residual', 'path_loss'];

/** @param {Run} run @param {State} state @returns {Slice} */
export function sliceOf(run, state) {
  const plane = run.plane(state.plane);
  const set = hasTest(run, plane) ? state.set : 'train';
  const follow = followsFrame(run, plane, set, state.follow);
  const spanIndex = nearestSpan(plane.spans, state.zoom);
  return {
    plane, spanIndex, span: plane.spans[spanIndex], set, follow,
    path: state.path && !follow && hasPath(plane),
    view: state.view,
    scale: set === 'gap' ? 'linear' : state.scale,
    pick: pickLimit(run, plane) ? null : state.pick,
  };
}

/** The arrays of the plane that a slice needs. @param {Slice} slice @returns {string[]} */
export function wantedArrays({plane, set, follow, pick}) {
  const own = [
    'coordinates', 'loss_surface', // also for the test loss: both are drawn on one scale
    ...(set === 'train' ? [] : ['test_loss_surface']),
    ...(follow || !hasPath(plane) ? [] : PATH_ARRAYS),
    ...(pick ? ['directions', ...('centre' in plane.arrays ? ['centre'] : [])] : []),
  ].map((name) => planeArray(plane, name));
  return pick ? [...own, 'weights'] : own;
}

/**
 * Why a control has nothing to offer, as a sentence for its tooltip; empty where it has.
 * @param {Run} run @param {Slice} slice
 */
export function limits(run, {plane, set, follow}) {
  return {
    set: hasTest(run, plane) ? '' : run.live ? 'Test losses are there when training has ended.' : 'This run was stored without the test loss in this plane.',
    follow: followLimit(run, plane, set),
    path: !hasPath(plane) ? 'This run was stored without its path in this plane.' : follow ? 'The path is drawn where the plane stays: turn “Follow the parameters” off.' : '',
    log: set === 'gap' ? 'The gap can be negative, so its scale is linear.' : '',
  };
}

/** Why no point can be picked; empty where one can. @param {Run} run @param {PlaneEntry} plane */
export function pickLimit(run, plane) {
  if (run.live) return 'Points can be picked when training has ended.';
  if (!isSmooth(run.manifest.model)) return `A network of ${run.manifest.model.parameters} parameters is too large to evaluate while one drags.`;
  if (!('weights' in run.manifest.arrays) || !('directions' in plane.arrays)) return 'This run was published without its weights.';
  return '';
}

/** @param {Run} run @param {PlaneEntry} plane @param {Slice['set']} set */
function followLimit(run, plane, set) {
  if (!isMoving(plane)) return 'This plane is stored around one centre, so it cannot move.';
  if (run.live) return 'While the network trains the plane moves with it; it can be held when training has ended.';
  if (!hasPath(plane)) return 'This run was stored without its path in this plane, so the plane always moves.';
  if (set !== 'train' && !testMoves(plane)) return 'The test loss is stored around the fixed centre only.';
  return '';
}

/** @param {Run} run @param {PlaneEntry} plane @param {Slice['set']} set @param {boolean} wished */
function followsFrame(run, plane, set, wished) {
  if (!isMoving(plane)) return false;
  if (run.live || !hasPath(plane)) return true;
  return wished && (set === 'train' || testMoves(plane));
}

/** Is there a surface around every frame? @param {PlaneEntry} plane */
export function isMoving(plane) { return plane.arrays.loss_surface.axes[1] === 'frame'; }

/** @param {PlaneEntry} plane */
export function testMoves(plane) { return plane.arrays.test_loss_surface?.axes[1] === 'frame'; }

/** @param {PlaneEntry} plane */
export function hasPath(plane) { return PATH_ARRAYS.every((name) => name in plane.arrays); }

/** @param {Run} run @param {PlaneEntry} plane */
function hasTest(run, plane) { return !run.live && 'test_loss_surface' in plane.arrays; }

/** @param {PlaneEntry} plane @param {string} name */
export function planeArray(plane, name) { return `planes/${plane.name}/${name}`; }

/** The index of a span, or of the one nearest to it by ratio; the first for null. @param {number[]} spans @param {number | null} span */
function nearestSpan(spans, span) {
  if (span === null) return 0;
  const distances = spans.map((s) => Math.abs(Math.log(s / span)));
  return distances.indexOf(Math.min(...distances));
}

/** @param {Slice} a @param {Slice} b */
export function sameSlice(a, b) {
  return a.plane === b.plane && a.spanIndex === b.spanIndex && a.set === b.set && a.follow === b.follow
    && a.path === b.path && a.view === b.view && a.scale === b.scale && String(a.pick) === String(b.pick);
}
