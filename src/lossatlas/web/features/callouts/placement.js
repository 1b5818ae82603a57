/**
 * This module places labels with leader lines: beside what they point at, inside their plot, without overlaps. It
 * consists of pure functions.
 */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box in pixels */
/** @typedef {{x: number, y: number, radius?: number}} Anchor what a label points at; a circle around it is kept free */
/** @typedef {{width: number, height: number}} Size */

/** The distances in pixels at which a label may be placed from what it points at: the nearest free place is used. */
const AWAY = [24, 36, 52, 72, 96, 128];
const DIRECTIONS = 16;
/** The gap between two labels, in pixels. */
const GAP = 6;
/** A label that entirely covers what is drawn counts as much as this many pixels of leader line. */
const COVERED = 160;

/** @param {Box} one @param {Box} other @param {number} [gap] */
export function overlap(one, other, gap = 0) {
  return (
    one.left < other.right + gap &&
    other.left < one.right + gap &&
    one.top < other.bottom + gap &&
    other.top < one.bottom + gap
  );
}

/** Return the square around an anchor. @param {Anchor} anchor @returns {Box} */
export function boxOf({x, y, radius = 0}) {
  return {left: x - radius, top: y - radius, right: x + radius, bottom: y + radius};
}

/**
 * Find the best place of a label among all anchors that it may point at; null if there is no room.
 * @param {Anchor[]} anchors @param {Size} size the size of the label @param {Box} room
 * @param {{taken: Box[], coverageOf: (box: Box) => number}} others `coverageOf`: the share of a box, 0 to 1, that must
 *   stay visible
 * @returns {{box: Box, anchor: Anchor} | null}
 */
export function placeLabel(anchors, size, room, {taken, coverageOf}) {
  let best = null;
  let least = Infinity;
  for (const anchor of anchors) {
    for (const away of AWAY) {
      if (away >= least) break;
      for (let k = 0; k < DIRECTIONS; k++) {
        const box = boxBeside(anchor, size, away, (2 * Math.PI * k) / DIRECTIONS);
        if (!isInside(box, room) || taken.some((other) => overlap(box, other, GAP))) continue;
        const cost = away + COVERED * coverageOf(box);
        if (cost < least) [best, least] = [{box, anchor}, cost];
      }
    }
  }
  return best;
}

/** @param {Anchor} anchor @param {Size} size @param {number} away @param {number} angle @returns {Box} */
function boxBeside({x, y, radius = 0}, {width, height}, away, angle) {
  const [across, down] = [Math.cos(angle), Math.sin(angle)];
  // This is the distance from the box's middle to its border in this direction.
  const reach = Math.min(width / 2 / Math.abs(across || 1e-9), height / 2 / Math.abs(down || 1e-9));
  const far = radius + away + reach;
  const [left, top] = [x + far * across - width / 2, y + far * down - height / 2].map(Math.round);
  return {left, top, right: left + width, bottom: top + height};
}

/** @param {Box} box @param {Box} room */
export function isInside(box, room) {
  return box.left >= room.left && box.top >= room.top && box.right <= room.right && box.bottom <= room.bottom;
}

/**
 * Return the line from a label to the edge of what it points at.
 * @param {Anchor} anchor @param {Box} box @returns {[number, number, number, number]} x and y of both ends; the label's
 *   end comes first
 */
export function leaderOf({x, y, radius = 0}, box) {
  const [u, v] = [Math.min(box.right, Math.max(box.left, x)), Math.min(box.bottom, Math.max(box.top, y))];
  const length = Math.hypot(x - u, y - v) || 1;
  const share = Math.max(0, 1 - radius / length);
  return [u, v, u + (x - u) * share, v + (y - v) * share];
}
