/** This module plays the frames: a clock that asks for one frame after the other and skips none. */

/** The number of frames a second at speed 1. */
const RATE = 10;

/**
 * @param {object} options
 * @param {() => boolean} options.advance goes to the next frame; it returns false at the end
 * @param {() => boolean} options.ready says whether the last requested frame is on the screen: frames are waited for,
 *   never dropped
 * @param {(share: number) => void} [options.between] receives the share of the beat that has passed
 * @param {(playing: boolean) => void} options.onChange
 */
export function createPlayer({advance, ready, between, onChange}) {
  let playing = false;
  let speed = 1;
  let due = 0;

  /** @param {number} now */
  const tick = (now) => {
    if (!playing) return;
    if (now >= due && ready()) {
      // The clock keeps to the beat, unless a slow frame has put it more than one beat behind.
      due = Math.max(due + 1000 / (RATE * speed), now);
      if (!advance()) return set(false);
    } else if (now < due && ready()) {
      between?.(1 - ((due - now) * RATE * speed) / 1000);
    }
    requestAnimationFrame(tick);
  };

  /** @param {boolean} value */
  const set = (value) => {
    if (value === playing) return;
    playing = value;
    onChange(playing);
    if (playing) {
      due = performance.now();
      requestAnimationFrame(tick);
    }
  };

  return {
    get playing() {
      return playing;
    },
    play: () => set(true),
    pause: () => set(false),
    /** @param {number} value */
    setSpeed(value) {
      speed = value;
    },
  };
}
