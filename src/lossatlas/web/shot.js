/** State and run → the picture that is wanted, and whether it can be had yet. Pure. */
/** @import {Shot, State} from './types.js' */
/** @import {Run} from './run.js' */

/**
 * The frame that the state means. A state without an epoch is the first view: the beginning, from which the page
 * plays; or the end, for those who ask for less motion.
 * @param {Run} run @param {State} state @param {{follow: boolean, still: boolean, spanIndex: number}} options
 */
export function wantedFrame(run, state, {follow, still, spanIndex}) {
  if (follow) return run.arrived(spanIndex) - 1;
  if (state.epoch !== null) return run.frameAt(state.epoch);
  return still ? run.frames.length - 1 : 0;
}

/**
 * The picture to draw now. Until anything of a run is on the screen, its nearest earlier frame will do; afterwards the
 * picture stays until the one asked for is there.
 * @param {Run | null} run @param {State} state
 * @param {{follow: boolean, still: boolean, shown: Shot | null}} options
 * @returns {Shot | null}
 */
export function wantedShot(run, state, {follow, still, shown}) {
  if (!run) return null;
  const spanIndex = run.spanIndex(state.zoom);
  const span = run.spans[spanIndex];
  const scale = state.scale;
  const frame = wantedFrame(run, state, {follow, still, spanIndex});
  if (run.has(frame, spanIndex)) return {run, frame, spanIndex, span, scale};
  if (shown?.run === run) return null;
  const stand = Math.min(frame, run.arrived(spanIndex) - 1);
  return stand >= 0 ? {run, frame: stand, spanIndex, span, scale} : null;
}

/** @param {Shot | null} a @param {Shot | null} b */
export function sameShot(a, b) {
  return a !== null && b !== null
    && a.run === b.run && a.frame === b.frame && a.spanIndex === b.spanIndex && a.scale === b.scale;
}
