/** Which frame is meant: of the run on show, the one that the state names, or the newest while it grows. */
/** @import {Shot} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Run} from '../../model/run.js' */
import {sameShot, wantedFrame, wantedShot} from '../../model/shot.js';
import {sameSlice, sliceOf} from '../../model/slice.js';

/** @typedef {ReturnType<typeof createFrames>} Frames */

/**
 * @param {object} options
 * @param {StateStore} options.store
 * @param {boolean} options.still less motion is wished: a state without an epoch means the end
 * @param {() => void} options.onMove another frame may be meant
 */
export function createFrames({store, still, onMove}) {
  /** @type {Run | null} the run asked for, as soon as some of it is there */
  let run = null;
  /** Does the view go along with the newest frame? */
  let newest = false;
  /** The newest frame of a run that grows, while it is computed. @type {Shot | null} */
  let awaited = null;

  return {
    get run() {
      return run;
    },
    /** The frame that is meant. */
    current: () => (run ? wantedFrame(run, store.get(), {newest, still, slice: sliceOf(run, store.get())}) : 0),
    /** The picture that is wanted, where its arrays are there. @param {Shot | null} shown */
    wanted(shown) {
      const shot = wantedShot(run, store.get(), {newest, still, shown});
      if (!shot || !newest || !shot.run.isTraining) return shot;
      // What is on its way is not overtaken by the next frame: else nothing would ever be drawn.
      awaited = awaited?.run === shot.run && sameSlice(awaited, shot) ? awaited : shot;
      return awaited;
    },
    /** A picture is on the screen. @param {Shot} shot */
    drawn(shot) {
      if (sameShot(shot, awaited)) awaited = null;
    },
    /** Another run is asked for. @param {Run} next @param {boolean} follow its newest frame */
    open(next, follow) {
      run = next;
      newest = follow;
      onMove();
    },
    /** Go to a frame; while a run is computed, to one that is there. @param {number} frame */
    goTo(frame) {
      if (!run) return;
      const last = (run.isWhole ? run.frames.length : run.arrived(sliceOf(run, store.get()))) - 1;
      newest = run.isGrowing && frame >= last;
      const there = Math.max(0, Math.min(frame, last));
      store.set({epoch: run.frames[there] ?? 0});
      onMove();
    },
    follow() {
      newest = true;
    },
    hold() {
      newest = false;
    },
    /** The run grows no more: stay where it has led. */
    settle() {
      if (newest && run) store.set({epoch: run.frames.at(-1) ?? 0});
      newest = false;
    },
  };
}
