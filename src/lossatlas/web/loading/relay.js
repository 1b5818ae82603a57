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
 * @property {(recording: import('./live.js').Recording) => void} onRecording more of a recording has arrived
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
  /** @type {import('./live.js').Recording | null} */
  let recording = null;
  /** @type {Status} */
  let status = {kind: 'quiet'};
  return {
    listen(to) {
      listener = to;
      to.onStatus(status);
      if (recording) to.onRecording(recording);
      if (run) to.onRun(run);
      if (isSettled) to.onSettled();
    },
    onGallery: (gallery) => listener?.onGallery(gallery),
    onRun(next) {
      run = next;
      recording = null;
      isSettled = false;
      listener?.onRun(next);
    },
    onRecording(next) {
      recording = next;
      listener?.onRecording(next);
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
