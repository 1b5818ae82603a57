/**
 * This module repeats an attempt that failed: after growing pauses, and at once when the network returns or a person
 * asks.
 */

/** The pause in milliseconds before each attempt. The last one applies to all further attempts. */
export const PAUSES = Object.freeze([500, 1000, 2000, 4000, 8000, 16_000, 30_000]);

/** @param {() => void} attempt it must call `retryLater` after a failure, and `reset` after a success */
export function createRetry(attempt, pauses = PAUSES) {
  let timer = 0;
  let made = 0;
  /** Try again at once. @returns {boolean} false if no attempt was pending */
  const retryNow = () => {
    if (!timer) return false;
    clearTimeout(timer);
    timer = 0;
    attempt();
    return true;
  };
  window.addEventListener('online', retryNow);
  return {
    retryLater() {
      clearTimeout(timer);
      timer = window.setTimeout(retryNow, pauses[Math.min(made++, pauses.length - 1)]);
    },
    retryNow,
    /** Stop trying. The next failure starts with short pauses again. */
    reset() {
      clearTimeout(timer);
      timer = made = 0;
    },
  };
}
