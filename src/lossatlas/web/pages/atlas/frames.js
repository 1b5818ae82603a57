/**
 * This module decides which frame of the run is shown: the one that the state names, or the newest while the run grows.
 */
/** @import {Shot} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Run} from '../../model/run.js' */
import {sameShot, frameToShow, shotToShow} from '../../model/shot.js';
import {sameSlice, sliceOf} from '../../model/slice.js';

/** @typedef {ReturnType<typeof createFrames>} Frames */

/**
 * @param {object} options
 * @param {StateStore} options.store
 * @param {boolean} options.still does the reader prefer less motion? Then a state without an epoch means the end
 * @param {() => void} options.onMove called when another frame may have to be shown
 */
export function createFrames({store, still, onMove}) {
  /** The requested run, as soon as some of it has arrived. @type {Run | null} */
  let run = null;
  /** Does the view follow the newest frame? */
  let newest = false;
  /** The newest frame of a growing run, while it is being computed. @type {Shot | null} */
  let awaited = null;
  /** What waits for the first picture of a run. @type {{run: Run, goOn: () => void} | null} */
  let waiting = null;

  return {
    get run() {
      return run;
    },
    /** Return the index of the frame to show. */
    current: () => (run ? frameToShow(run, store.get(), {newest, still, slice: sliceOf(run, store.get())}) : 0),
    /** Return the picture that is wanted, if its arrays have arrived. @param {Shot | null} shown */
    nextShot(shown) {
      const shot = shotToShow(run, store.get(), {newest, still, shown});
      if (!shot || !newest || !shot.run.isTraining) return shot;
      // The next frame does not replace one that is being computed: otherwise nothing would ever be drawn.
      awaited = awaited?.run === shot.run && sameSlice(awaited, shot) ? awaited : shot;
      return awaited;
    },
    /** Note that a picture is on the screen. @param {Shot} shot */
    noteDrawn(shot) {
      if (sameShot(shot, awaited)) awaited = null;
      if (waiting?.run === shot.run) waiting.goOn();
    },
    /**
     * Wait until the first picture of a run is on the screen, or cannot be computed.
     * @param {Run} wanted @returns {Promise<void>}
     */
    waitForPicture: (wanted) =>
      new Promise((goOn) => {
        waiting = {run: wanted, goOn};
      }),
    /** Note that a picture cannot be drawn: nothing waits for it any longer. */
    noteFailure() {
      waiting?.goOn();
    },
    /**
     * Change to another run. While it grows, the view follows its newest frame, unless the state names an epoch: that
     * is waited for, and the view stays there.
     * @param {Run} next
     * @param {{isTrained?: boolean}} [options] `isTrained`: it is trained in the page, up to the epoch of the state
     */
    open(next, {isTrained = false} = {}) {
      run = next;
      newest = isTrained || (next.isGrowing && store.get().epoch === null);
      onMove();
    },
    /** Go to a frame; while a run is computed, to one that has arrived. @param {number} frame */
    goTo(frame) {
      if (!run) return;
      const last = (run.isWhole ? run.frames.length : run.countArrived(sliceOf(run, store.get()))) - 1;
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
    /** Stay at the present frame, since the run no longer grows. */
    settle() {
      if (newest && run) store.set({epoch: run.frames.at(-1) ?? 0});
      newest = false;
    },
  };
}
