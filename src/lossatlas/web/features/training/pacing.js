/**
 * This module pauses a training while nobody can see it (behind a dialog, or in a hidden tab), and continues it
 * afterwards.
 */

/** The initial speed of a training in epochs a second: slow enough to watch. */
export const WATCHABLE = 30;

/**
 * @param {{rest: () => void, goOn: () => void, isAway: () => boolean}} options `isAway`: is the training out of sight
 *   now?
 */
export function createPacing({rest, goOn, isAway}) {
  let held = false;
  return {
    /** Is the training paused only until a person can see it again? */
    get isHeld() {
      return held;
    },
    /** Note whether a training is growing. @param {boolean} growing */
    noteGrowth(growing) {
      if (!growing || held || !isAway()) return;
      held = true;
      rest();
    },
    /** Continue the training if it is visible again. */
    continueIfSeen() {
      if (!held || isAway()) return;
      held = false;
      goOn();
    },
    /** Forget the pause: a person, or another training, has decided meanwhile. */
    forget() {
      held = false;
    },
  };
}
