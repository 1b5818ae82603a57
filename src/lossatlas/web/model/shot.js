/**
 * This module turns the state and a run into the picture to draw, if its data have arrived. It consists of pure
 * functions.
 */
/** @import {Shot, Slice, State} from './types.js' */
/** @import {Run} from './run.js' */
import {sameSlice, sliceOf} from './slice.js';

/**
 * Find the frame that the state means. A state without an epoch is the first view: it shows the beginning, from which
 * the page plays, or the end if the reader prefers less motion. While a server computes a run, what it has sent is
 * shown until the frame arrives.
 * @param {Run} run
 * @param {State} state
 * @param {{newest: boolean, still: boolean, slice: Slice}} options `newest`: show the frame that arrived last; `still`:
 *   the reader prefers less motion
 */
export function frameToShow(run, state, {newest, still, slice}) {
  if (newest) return run.countArrived(slice) - 1;
  if (state.epoch !== null) {
    const frame = run.frameAt(state.epoch);
    return run.isWhole ? frame : Math.min(frame, run.countArrived(slice) - 1);
  }
  return still ? run.frames.length - 1 : 0;
}

/**
 * Choose the picture to draw now. As long as nothing of a run is on the screen, the nearest earlier frame that has
 * arrived is drawn. After that, the picture stays until the requested one can be drawn.
 * @param {Run | null} run @param {State} state
 * @param {{newest: boolean, still: boolean, shown: Shot | null}} options
 * @returns {Shot | null}
 */
export function shotToShow(run, state, {newest, still, shown}) {
  if (!run) return null;
  const slice = sliceOf(run, state);
  const frame = frameToShow(run, state, {newest, still, slice});
  if (run.has(frame, slice)) return shotOf(run, frame, slice);
  if (shown?.run === run) return null;
  const stand = Math.min(frame, run.countArrived(slice) - 1);
  return stand >= 0 ? shotOf(run, stand, slice) : null;
}

/**
 * Create a shot, which refers to an epoch and not to an index: a training in the page may delete every second frame
 * while the shot is in use, and then the epoch, or the nearest one that is left, has another index.
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
