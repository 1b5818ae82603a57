/** Marching squares: the lines on which a square grid of values equals a level. */

/**
 * @param {ArrayLike<number>} values row by row @param {number} size of a row @param {number} level
 * @returns {number[]} segments x1, y1, x2, y2, … in grid units
 */
export function isolines(values, size, level) {
  /** @type {number[]} */
  const segments = [];
  for (let y = 0; y < size - 1; y++) {
    for (let x = 0; x < size - 1; x++) {
      const at = y * size + x;
      const [a, b, c, d] = [values[at], values[at + 1], values[at + size], values[at + size + 1]];
      if ((a < level) === (b < level) && (a < level) === (c < level) && (a < level) === (d < level)) continue;
      const ends = [];
      if ((a < level) !== (b < level)) ends.push(x + share(a, b, level), y);
      if ((b < level) !== (d < level)) ends.push(x + 1, y + share(b, d, level));
      if ((c < level) !== (d < level)) ends.push(x + share(c, d, level), y + 1);
      if ((a < level) !== (c < level)) ends.push(x, y + share(a, c, level));
      segments.push(...ends); // two ends, or four at a saddle: either pairing is as right
    }
  }
  return segments;
}

/** @param {number} from @param {number} to @param {number} level */
function share(from, to, level) {
  return Number.isFinite(to - from) ? (level - from) / (to - from) : 0.5;
}
