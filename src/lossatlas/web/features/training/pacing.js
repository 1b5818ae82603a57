/** When a training rests of itself and when it goes on again: nobody watches it behind a dialog or in a hidden tab. */

/** How fast a training begins, in epochs a second: so that one can watch. */
export const WATCHABLE = 30;

/**
 * @param {{rest: () => void, goOn: () => void, isAway: () => boolean}} options `isAway`: can the training not be seen now?
 */
export function createPacing({rest, goOn, isAway}) {
  let held = false;
  return {
    /** Does it rest only until somebody can see it again? */
    get held() {
      return held;
    },
    /** News of a training. @param {boolean} growing */
    told(growing) {
      if (!growing || held || !isAway()) return;
      held = true;
      rest();
    },
    /** It may be seen again. */
    returned() {
      if (!held || isAway()) return;
      held = false;
      goOn();
    },
    /** A person, or another training, has decided meanwhile. */
    forget() {
      held = false;
    },
  };
}
