/** Retries: after pauses that grow, and at once when the network is back or a person asks. */

/** Milliseconds before each attempt; the last of them before all further ones. */
export const PAUSES = Object.freeze([500, 1000, 2000, 4000, 8000, 16_000, 30_000]);

/** @param {() => void} attempt it says by `wait` that it was in vain, and by `rest` that it was not */
export function createRetry(attempt, pauses = PAUSES) {
  let timer = 0;
  let made = 0;
  /** @returns {boolean} was there anything to try? */
  const now = () => {
    if (!timer) return false;
    clearTimeout(timer);
    timer = 0;
    attempt();
    return true;
  };
  window.addEventListener('online', now);
  return {
    wait() {
      clearTimeout(timer);
      timer = window.setTimeout(now, pauses[Math.min(made++, pauses.length - 1)]);
    },
    now,
    /** There is nothing to try any more; the next time, pauses are short again. */
    rest() {
      clearTimeout(timer);
      timer = made = 0;
    },
  };
}
