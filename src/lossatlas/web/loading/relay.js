/**
 * This module passes the reports of a session on to the views. The views are created after the first reports, so the
 * relay keeps the newest report of each kind and repeats it when a view starts to listen.
 */
/** @import {GalleryEntry, Status} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */

/**
 * @typedef {object} Listener
 * @property {(gallery: GalleryEntry[]) => void} onGallery the gallery has grown
 * @property {(run: Run) => void} onRun a run has begun to arrive
 * @property {() => void} onData more of the run has arrived
 * @property {() => void} onSettled all of the run has arrived
 * @property {(status: Status) => void} onStatus the message about the run has changed
 */

/** @returns {Listener & {listen: (to: Listener) => void}} */
export function createRelay() {
  /** @type {Listener | null} */
  let listener = null;
  /** @type {Run | null} */
  let run = null;
  let isSettled = false;
  /** @type {Status} */
  let status = {kind: 'quiet'};
  return {
    listen(to) {
      listener = to;
      to.onStatus(status);
      if (run) to.onRun(run);
      if (isSettled) to.onSettled();
    },
    onGallery: (gallery) => listener?.onGallery(gallery),
    onRun(next) {
      run = next;
      isSettled = false;
      listener?.onRun(next);
    },
    onData: () => listener?.onData(),
    onSettled() {
      isSettled = true;
      listener?.onSettled();
    },
    onStatus(next) {
      status = next;
      listener?.onStatus(next);
    },
  };
}
