/**
 * This module plays what a link asks for (`play=0-60&speed=2`), as soon as all of the run is there. If the reader
 * prefers less motion, the page goes to the first of these epochs, and the button Play plays them.
 */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Run} from '../../model/run.js' */
/** @import {Frames} from './frames.js' */
/** @import {Playback} from './playback.js' */
/** @import {Screen} from './screen.js' */

/**
 * @param {object} page
 * @param {StateStore} page.store
 * @param {Frames} page.frames
 * @param {Pick<Screen, 'shown'>} page.screen
 * @param {Playback} page.playback
 * @param {boolean} page.still does the reader prefer less motion?
 */
export function createPlays({store, frames, screen, playback, still}) {
  /** What is to be played, and has not begun. */
  let waiting = store.get().play;
  if (waiting) store.set({epoch: waiting[0]});

  const begin = () => {
    const {run} = frames;
    if (!waiting || !run || screen.shown?.run !== run || !reaches(run, waiting[1])) return;
    const [from, to] = waiting;
    waiting = null;
    playback.prepare({from, to, speed: store.get().speed});
    if (!still) playback.play();
  };
  const beginSoon = () => {
    if (waiting) setTimeout(begin); // First the page completes what it is doing.
  };
  store.subscribe(({play}, before) => {
    if (play === before.play) return;
    waiting = play;
    beginSoon();
  });

  return {
    /** Begin, if the run that was waited for is on the screen and complete. */
    beginSoon,
    /** The playback has ended: the address no longer asks for it. */
    noteEnd() {
      if (!waiting) store.set({play: null, speed: null});
    },
    /** Do not play, since a person has taken over. */
    drop() {
      store.set({play: null, speed: null});
    },
  };
}

/** Has a run all frames up to an epoch, or will it never have it? @param {Run} run @param {number} epoch */
function reaches(run, epoch) {
  if (run.isGrowing) return false;
  return !run.isOpenEnded || run.outcome.status === 'diverged' || (run.frames.at(-1) ?? 0) >= epoch;
}
