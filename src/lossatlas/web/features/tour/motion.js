/** Moves of the camera and of the zoom that the eye can follow. */
/** @import {Eye} from '../../model/types.js' */

/** Milliseconds. */
const TIME = 600;

/**
 * Calls `step` with 0 < share ≤ 1, slow at both ends, and at last with 1; tells whether it came that far.
 * @param {(share: number) => void} step @param {() => boolean} isOver another move has begun, or a person has
 * @returns {Promise<boolean>}
 */
export function glide(step, isOver) {
  return new Promise((done) => {
    const start = performance.now();
    const tick = () => {
      if (isOver()) return done(false);
      const share = Math.min(1, (performance.now() - start) / TIME);
      step(share * share * (3 - 2 * share));
      if (share === 1) return done(true);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
}

/** Equal shares of the way are equal factors. @param {number} from @param {number} to @param {number} share */
export function between(from, to, share) {
  return Number((from * (to / from) ** share).toPrecision(4));
}

/** Around the centre rather than through it. @param {Eye} from @param {Eye} to @param {number} share @returns {Eye} */
export function orbitBetween(from, to, share) {
  const [a, b] = [polar(from), polar(to)];
  const turn = ((b.angle - a.angle + 3 * Math.PI) % (2 * Math.PI)) - Math.PI; // the shorter way
  const mix = (/** @type {number} */ x, /** @type {number} */ y) => x + (y - x) * share;
  const [angle, radius] = [a.angle + turn * share, mix(a.radius, b.radius)];
  return {x: radius * Math.cos(angle), y: radius * Math.sin(angle), z: mix(from.z, to.z)};
}

/** @param {Eye} eye */
const polar = ({x, y}) => ({angle: Math.atan2(y, x), radius: Math.hypot(x, y)});
