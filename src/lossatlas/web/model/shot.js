/** State and run → the picture that is wanted, and whether it can be had yet. Pure. */
/** @import {Shot, Slice, State} from './types.js' */
/** @import {Run} from './run.js' */
import {sameSlice, sliceOf} from './slice.js';

/**
 * The frame that the state means. A state without an epoch is the first view: the beginning, from which the page
 * plays; or the end, for those who ask for less motion.
 * @param {Run} run
 * @param {State} state
 * @param {{newest: boolean, still: boolean, slice: Slice}} options `newest`: whichever frame came last
 */
export function wantedFrame(run, state, {newest, still, slice}) {
  if (newest) return run.arrived(slice) - 1;
  if (state.epoch !== null) return run.frameAt(state.epoch);
  return still ? run.frames.length - 1 : 0;
}

/**
 * The picture to draw now. Until anything of a run is on the screen, its nearest earlier frame will do; afterwards the
 * picture stays until the one asked for is there.
 * @param {Run | null} run @param {State} state
 * @param {{newest: boolean, still: boolean, shown: Shot | null}} options
 * @returns {Shot | null}
 */
export function wantedShot(run, state, {newest, still, shown}) {
  if (!run) return null;
  const slice = sliceOf(run, state);
  const frame = wantedFrame(run, state, {newest, still, slice});
  if (run.has(frame, slice)) return shotOf(run, frame, slice);
  if (shown?.run === run) return null;
  const stand = Math.min(frame, run.arrived(slice) - 1);
  return stand >= 0 ? shotOf(run, stand, slice) : null;
}

/**
 * A shot means an epoch: a training in the page thins out what it keeps while somebody holds a shot of it, and the
 * epoch, or the nearest one that is left, then has another row.
 * @param {Run} run @param {number} frame @param {Slice} slice @returns {Shot}
 */
export function shotOf(run, frame, slice) {
  const epoch = run.frames[frame];
  return {
    ...slice,
    run,
    get frame() {
      return run.frames[frame] === epoch ? frame : run.frameAt(epoch);
    },
  };
}

/** @param {Shot | null} a @param {Shot | null} b */
export function sameShot(a, b) {
  return a !== null && b !== null && a.run === b.run && a.frame === b.frame && sameSlice(a, b);
}
