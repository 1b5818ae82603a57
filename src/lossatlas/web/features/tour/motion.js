/** This module moves the camera and the zoom so that the eye can follow. */
/** @import {Eye} from '../../model/types.js' */
import {roundToDigits} from '../../lib/numbers.js';

/** The duration of a move in milliseconds. */
export const MOVE = 600;

/**
 * Call `step` with shares above 0 and up to 1, and finally with 1. The result is false if another move, or a person,
 * ended this one earlier.
 * @param {(share: number) => void} step
 * @param {{time: number, isEased: boolean, isOver: () => boolean}} how `time`: in milliseconds; `isEased`: is it slow
 *   at both ends? `isOver`: has another move started, or has a person taken over?
 * @returns {Promise<boolean>}
 */
export function animate(step, {time, isEased, isOver}) {
  return new Promise((done) => {
    const start = performance.now();
    const tick = () => {
      if (isOver()) return done(false);
      const share = Math.min(1, (performance.now() - start) / time);
      step(isEased ? share * share * (3 - 2 * share) : share);
      if (share === 1) return done(true);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
}

/**
 * Interpolate between two values, so that equal shares are equal factors.
 * @param {number} from @param {number} to @param {number} share
 */
export function interpolate(from, to, share) {
  return roundToDigits(from * (to / from) ** share, 4);
}

/**
 * Move a camera around the centre rather than through it.
 * @param {Eye} from @param {Eye} to @param {number} share @returns {Eye}
 */
export function orbitBetween(from, to, share) {
  const [a, b] = [polar(from), polar(to)];
  const turn = ((b.angle - a.angle + 3 * Math.PI) % (2 * Math.PI)) - Math.PI; // This is the shorter way.
  const mix = (/** @type {number} */ x, /** @type {number} */ y) => x + (y - x) * share;
  const [angle, radius] = [a.angle + turn * share, mix(a.radius, b.radius)];
  return {x: radius * Math.cos(angle), y: radius * Math.sin(angle), z: mix(from.z, to.z)};
}

/** Turn a camera around the vertical axis. @param {Eye} from @param {number} degrees @returns {Eye} */
export function turnBy(from, degrees) {
  const {angle, radius} = polar(from);
  const to = angle + (degrees * Math.PI) / 180;
  return {x: radius * Math.cos(to), y: radius * Math.sin(to), z: from.z};
}

/** @param {Eye} eye */
const polar = ({x, y}) => ({angle: Math.atan2(y, x), radius: Math.hypot(x, y)});
