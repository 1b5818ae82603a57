/**
 * This module finds the lines on which a square grid of values equals a level. They lie on the triangles that the
 * surface consists of. It consists of pure functions.
 */

/**
 * How is a cell divided into two triangles? True: from its second to its third corner; false: from its first to its
 * fourth. The cell is divided along the diagonal whose ends differ less, so that valleys have no teeth.
 * @param {ArrayLike<number>} values @param {number} a @param {number} b @param {number} c @param {number} d the corners
 *   (0, 0), (1, 0), (0, 1), (1, 1)
 */
export function isSplitBackward(values, a, b, c, d) {
  return Math.abs(values[b] - values[c]) < Math.abs(values[a] - values[d]);
}

/**
 * List the corners of the triangles of a grid, three indices for each.
 * @param {ArrayLike<number>} values row by row @param {number} size the length of a row @returns {Uint32Array}
 */
export function divideIntoTriangles(values, size) {
  const corners = new Uint32Array(6 * (size - 1) ** 2);
  let at = 0;
  for (let row = 0; row < size - 1; row++) {
    for (let column = 0; column < size - 1; column++) {
      const a = row * size + column;
      const [b, c, d] = [a + 1, a + size, a + size + 1];
      corners.set(isSplitBackward(values, a, b, c, d) ? [a, b, c, b, d, c] : [a, b, d, a, d, c], at);
      at += 6;
    }
  }
  return corners;
}

/**
 * Find the line of a level.
 * @param {ArrayLike<number>} values row by row @param {number} size the length of a row @param {number} level
 * @param {Uint32Array} [triangles] the triangles of the grid, if they are known
 * @returns {number[]} segments x1, y1, x2, y2, … in grid units
 */
export function findIsolines(values, size, level, triangles = divideIntoTriangles(values, size)) {
  /** @type {number[]} */
  const segments = [];
  /** @param {number} from @param {number} to */
  const addCrossing = (from, to) => {
    const [low, high] = from < to ? [from, to] : [to, from]; // Both triangles of an edge compute the same place.
    const share = findCrossingShare(values[low], values[high], level);
    const x = low % size;
    const y = Math.floor(low / size);
    segments.push(x + share * ((high % size) - x), y + share * (Math.floor(high / size) - y));
  };
  for (let at = 0; at < triangles.length; at += 3) {
    const [p, q, r] = [triangles[at], triangles[at + 1], triangles[at + 2]];
    const [under, beside, over] = [values[p] < level, values[q] < level, values[r] < level];
    if (under === beside && beside === over) continue;
    if (Number.isNaN(values[p] + values[q] + values[r])) continue;
    if (under !== beside) addCrossing(p, q);
    if (beside !== over) addCrossing(q, r);
    if (over !== under) addCrossing(r, p);
  }
  return segments;
}

/** @param {number} from @param {number} to @param {number} level */
function findCrossingShare(from, to, level) {
  return Number.isFinite(to - from) ? (level - from) / (to - from) : 0.5;
}
