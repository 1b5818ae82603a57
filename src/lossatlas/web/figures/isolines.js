/** The lines on which a square grid of values equals a level: on the very triangles that the surface is made of. Pure. */

/**
 * How a cell's two triangles are parted: from its second to its third corner, or from its first to its fourth. Along the
 * diagonal whose ends differ less, so that valleys have no teeth.
 * @param {ArrayLike<number>} values @param {number} a @param {number} b @param {number} c @param {number} d corners: (0, 0), (1, 0), (0, 1), (1, 1)
 */
export function isParted(values, a, b, c, d) {
  return Math.abs(values[b] - values[c]) < Math.abs(values[a] - values[d]);
}

/**
 * The corners of the triangles of a grid, three indices each.
 * @param {ArrayLike<number>} values row by row @param {number} size of a row @returns {Uint32Array}
 */
export function trianglesOf(values, size) {
  const corners = new Uint32Array(6 * (size - 1) ** 2);
  let at = 0;
  for (let row = 0; row < size - 1; row++) {
    for (let column = 0; column < size - 1; column++) {
      const a = row * size + column;
      const [b, c, d] = [a + 1, a + size, a + size + 1];
      corners.set(isParted(values, a, b, c, d) ? [a, b, c, b, d, c] : [a, b, d, a, d, c], at);
      at += 6;
    }
  }
  return corners;
}

/**
 * @param {ArrayLike<number>} values row by row @param {number} size of a row @param {number} level
 * @param {Uint32Array} [triangles] of the grid, where they are known
 * @returns {number[]} segments x1, y1, x2, y2, … in grid units
 */
export function isolines(values, size, level, triangles = trianglesOf(values, size)) {
  /** @type {number[]} */
  const segments = [];
  /** @param {number} from @param {number} to */
  const cross = (from, to) => {
    const [low, high] = from < to ? [from, to] : [to, from]; // the same place from both of an edge's triangles
    const share = shareOfWay(values[low], values[high], level);
    const x = low % size;
    const y = Math.floor(low / size);
    segments.push(x + share * ((high % size) - x), y + share * (Math.floor(high / size) - y));
  };
  for (let at = 0; at < triangles.length; at += 3) {
    const [p, q, r] = [triangles[at], triangles[at + 1], triangles[at + 2]];
    const [under, beside, over] = [values[p] < level, values[q] < level, values[r] < level];
    if (under === beside && beside === over) continue;
    if (Number.isNaN(values[p] + values[q] + values[r])) continue;
    if (under !== beside) cross(p, q);
    if (beside !== over) cross(q, r);
    if (over !== under) cross(r, p);
  }
  return segments;
}

/** @param {number} from @param {number} to @param {number} level */
function shareOfWay(from, to, level) {
  return Number.isFinite(to - from) ? (level - from) / (to - from) : 0.5;
}
