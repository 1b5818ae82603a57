/**
 * This module describes the surface as a body: the heights over the square, the mesh that shows them, the point where a
 * ray meets them, and the lines of equal loss on them. Coordinates are those of the box (camera.js): −1 to 1 along a
 * and b, and 0 (the floor) to 1 (the range's top) upwards. It consists of pure functions.
 */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {LossRange} from './range.js' */
/** @import {Vector} from './camera.js' */
import {findIsolines, isSplitBackward} from './isolines.js';
import {computeShare} from './range.js';

/** @typedef {{x: number[], y: number[], z: number[]}} Line NaN interrupts the line */
/**
 * @typedef {{x: number[], y: number[], z: number[], i: number[], j: number[], k: number[], intensity: number[]}} Mesh
 */

/** Lines that lie exactly on the mesh flicker. They are lifted off it, to both sides, by this share of half a side. */
const LIFT = 0.011;
/** The bottom of the range lies this far above the floor, where the lines of equal loss are drawn a second time. */
export const GROUND = 0.06;
/** A height above this (also an infinite one) is treated as infinite. */
const BEYOND = 1e6;

/**
 * Return the height of a loss. It is above 1 if the range ends below the loss; NaN stays NaN.
 * @param {LossRange} range @param {number} loss
 */
export function computeHeight(range, loss) {
  const share = computeShare(range, loss);
  // A logarithmic range may end above the smallest loss.
  return share > BEYOND ? BEYOND : share < 0 ? GROUND : GROUND + (1 - GROUND) * share;
}

/**
 * Compute the heights `[b, a]` over the grid.
 * @param {Numbers} values @param {LossRange} range @param {Float64Array} [into]
 */
export function computeHeights(values, range, into = new Float64Array(values.length)) {
  for (let at = 0; at < values.length; at++) into[at] = computeHeight(range, values[at]);
  return into;
}

/**
 * Return the coordinate of a sample along a or b.
 * @param {number} index it may lie between two samples @param {number} size
 */
const computeCoordinate = (index, size) => (2 * index) / (size - 1) - 1;

/**
 * Create the mesh of the heights, which is open where they leave the range.
 * @param {Float64Array} heights @param {number} size @param {Uint32Array} triangles
 * @param {ArrayLike<number>} [colours] a share of the colour map for each sample, if it is not the height
 * @returns {Mesh}
 */
export function createMesh(heights, size, triangles, colours = heights) {
  /** @type {Mesh} */
  const mesh = {x: [], y: [], z: [], i: [], j: [], k: [], intensity: []};
  for (let at = 0; at < heights.length; at++) {
    mesh.x.push(computeCoordinate(at % size, size));
    mesh.y.push(computeCoordinate(Math.floor(at / size), size));
    mesh.z.push(Math.min(1, heights[at]));
    mesh.intensity.push(Math.min(1, colours[at]));
  }
  /** The vertices on the rim, by the edge that they cut. @type {Map<number, number>} */
  const rim = new Map();
  for (let at = 0; at < triangles.length; at += 3) {
    addTriangle(mesh, rim, heights, colours, [triangles[at], triangles[at + 1], triangles[at + 2]]);
  }
  return mesh;
}

/**
 * Add a triangle, or the part of it below the top.
 * @param {Mesh} mesh @param {Map<number, number>} rim @param {Float64Array} heights @param {ArrayLike<number>} colours
 * @param {number[]} corners
 */
function addTriangle(mesh, rim, heights, colours, corners) {
  if (corners.some((at) => Number.isNaN(heights[at]))) return;
  const inside = corners.map((at) => heights[at] <= 1);
  const count = inside.filter(Boolean).length;
  if (count === 0) return;
  if (count === 3) return addFace(mesh, corners[0], corners[1], corners[2]);
  // The corners are rotated so that the one alone on its side of the top comes first.
  const lone = inside.findIndex((is) => is === (count === 1));
  const [p, q, r] = [corners[lone], corners[(lone + 1) % 3], corners[(lone + 2) % 3]];
  const vertexOn = (/** @type {number} */ from, /** @type {number} */ to) =>
    addRimVertex(mesh, rim, heights, colours, from, to);
  const [first, second] = [vertexOn(p, q), vertexOn(p, r)];
  if (count === 1) return addFace(mesh, p, first, second);
  addFace(mesh, first, q, r);
  addFace(mesh, first, r, second);
}

/** @param {Mesh} mesh @param {number} a @param {number} b @param {number} c */
function addFace(mesh, a, b, c) {
  mesh.i.push(a);
  mesh.j.push(b);
  mesh.k.push(c);
}

/**
 * Return the vertex at which an edge of the grid reaches the top.
 * @param {Mesh} mesh @param {Map<number, number>} rim @param {Float64Array} heights @param {ArrayLike<number>} colours
 * @param {number} from @param {number} to
 */
function addRimVertex(mesh, rim, heights, colours, from, to) {
  const [low, high] = from < to ? [from, to] : [to, from];
  const edge = low * heights.length + high;
  const there = rim.get(edge);
  if (there !== undefined) return there;
  const share = (1 - heights[low]) / (heights[high] - heights[low]);
  const between = (/** @type {ArrayLike<number>} */ of) => of[low] + share * (of[high] - of[low]);
  const made = mesh.x.length;
  mesh.x.push(between(mesh.x));
  mesh.y.push(between(mesh.y));
  mesh.z.push(1);
  mesh.intensity.push(colours === heights ? 1 : between(colours));
  rim.set(edge, made);
  return made;
}

/**
 * Find where a ray first meets the surface, as (a, b, height); null if it does not. The surface is that of the mesh:
 * two triangles in each cell, and nothing above the range.
 * @param {Float64Array} heights @param {number} size @param {{from: Vector, along: Vector}} ray @returns {Vector |
 *   null}
 */
export function findHit(heights, size, ray) {
  const steps = cellsAlong(ray, size);
  for (const [column, row] of steps) {
    const a = row * size + column;
    const [b, c, d] = [a + 1, a + size, a + size + 1];
    const halves = isSplitBackward(heights, a, b, c, d)
      ? [
          [a, b, c],
          [b, d, c],
        ]
      : [
          [a, b, d],
          [a, d, c],
        ];
    let nearest = Infinity;
    for (const half of halves) {
      const t = measureDistance(
        half.map(
          (at) =>
            /** @type {Vector} */ ([
              computeCoordinate(at % size, size),
              computeCoordinate(Math.floor(at / size), size),
              heights[at],
            ]),
        ),
        ray,
      );
      if (t < nearest && ray.from[2] + t * ray.along[2] <= 1 + 1e-9) nearest = t;
    }
    if (nearest < Infinity) return /** @type {Vector} */ ([0, 1, 2].map((i) => ray.from[i] + nearest * ray.along[i]));
  }
  return null;
}

/**
 * List the cells that a ray passes over, in their order (Amanatides and Woo, 1987).
 * @param {{from: Vector, along: Vector}} ray @param {number} size @returns {Generator<[number, number]>}
 */
function* cellsAlong({from, along: step}, size) {
  const cells = size - 1;
  let [enter, leave] = [0, Infinity];
  for (const axis of [0, 1]) {
    if (step[axis] === 0) {
      if (Math.abs(from[axis]) > 1) return;
      continue;
    }
    const [one, two] = [(-1 - from[axis]) / step[axis], (1 - from[axis]) / step[axis]];
    enter = Math.max(enter, Math.min(one, two));
    leave = Math.min(leave, Math.max(one, two));
  }
  if (!(enter < leave)) return;
  const at = [0, 1].map((axis) => {
    const place = ((from[axis] + enter * step[axis] + 1) / 2) * cells;
    return Math.min(cells - 1, Math.max(0, Math.floor(step[axis] < 0 ? Math.ceil(place) - 1 : place)));
  });
  const next = () =>
    [0, 1].map((axis) => {
      if (step[axis] === 0) return Infinity;
      const border = (2 * (at[axis] + (step[axis] > 0 ? 1 : 0))) / cells - 1;
      return (border - from[axis]) / step[axis];
    });
  while (at.every((index) => index >= 0 && index < cells)) {
    yield [at[0], at[1]];
    const [alongA, alongB] = next();
    const axis = alongA < alongB ? 0 : 1;
    at[axis] += step[axis] > 0 ? 1 : -1;
  }
}

/**
 * Compute how far along a ray a triangle is (Möller and Trumbore, 1997); ∞ if the ray misses it.
 * @param {Vector[]} triangle @param {{from: Vector, along: Vector}} ray
 */
function measureDistance([p, q, r], {from, along: step}) {
  const [e, f] = [subtract(q, p), subtract(r, p)];
  const h = cross(step, f);
  const size = dot(e, h);
  if (!(Math.abs(size) > 1e-14)) return Infinity;
  const s = subtract(from, p);
  const u = dot(s, h) / size;
  const g = cross(s, e);
  const v = dot(step, g) / size;
  if (u < -1e-9 || v < -1e-9 || u + v > 1 + 1e-9) return Infinity;
  const t = dot(f, g) / size;
  return t > 0 ? t : Infinity;
}

/** @param {Vector} a @param {Vector} b @returns {Vector} */
const subtract = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
/** @param {Vector} a @param {Vector} b */
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
/** @param {Vector} a @param {Vector} b @returns {Vector} */
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

/**
 * Interpolate the height at a place between the samples (bilinear); NaN outside.
 * @param {Float64Array} heights @param {number} size @param {number} a @param {number} b
 */
export function interpolateHeight(heights, size, a, b) {
  const [u, v] = [a, b].map((place) => ((place + 1) / 2) * (size - 1));
  if (!(u >= 0 && v >= 0 && u <= size - 1 && v <= size - 1)) return NaN;
  const [i, j] = [Math.min(size - 2, Math.floor(u)), Math.min(size - 2, Math.floor(v))];
  const [x, y] = [u - i, v - j];
  const at = j * size + i;
  return (
    (1 - y) * ((1 - x) * heights[at] + x * heights[at + 1]) +
    y * ((1 - x) * heights[at + size] + x * heights[at + size + 1])
  );
}

/**
 * Draw the lines of equal height on the surface. They must lie in front of it when seen from above and from below, so
 * each exists twice; a third copy lies on the floor.
 * @param {Float64Array} heights @param {number} size @param {Uint32Array} triangles @param {number[]} levels heights
 * @param {ReturnType<typeof measureSides>} box @param {number} floor
 * @returns {{above: Line, below: Line, floor: Line, levels: number[]}} `levels`: the level of each point; NaN
 *   interrupts a line
 */
export function findEqualLines(heights, size, triangles, levels, box, floor) {
  /** @type {{above: Line, below: Line, floor: Line, levels: number[]}} */
  const lines = {above: createLine(), below: createLine(), floor: createLine(), levels: []};
  for (const level of levels) {
    const segments = findIsolines(heights, size, level, triangles);
    for (let at = 0; at < segments.length; at += 4) {
      for (const end of [0, 2]) {
        const [u, v] = [segments[at + end], segments[at + end + 1]];
        const [a, b] = [computeCoordinate(u, size), computeCoordinate(v, size)];
        const n = computeNormal(heights, size, u, v, box);
        push(lines.above, a + n[0], b + n[1], level + n[2]);
        push(lines.below, a - n[0], b - n[1], level - n[2]);
        push(lines.floor, a, b, floor);
        lines.levels.push(level);
      }
      for (const line of [lines.above, lines.below, lines.floor]) push(line, NaN, NaN, NaN);
      lines.levels.push(level);
    }
  }
  return lines;
}

/** Compute half of each side of the box, in units of the scene. @param {{x: number, y: number, z: number}} box */
export function measureSides({x, y, z}) {
  return {a: x / 2, b: y / 2, up: z};
}

/**
 * Compute the displacement that lifts a line off the surface: along the normal of the cell, with the same length on the
 * screen everywhere.
 * @param {Float64Array} heights @param {number} size @param {number} u @param {number} v in steps of the grid
 * @param {ReturnType<typeof measureSides>} box @returns {Vector}
 */
function computeNormal(heights, size, u, v, box) {
  const [i, j] = [Math.min(size - 2, Math.floor(u)), Math.min(size - 2, Math.floor(v))];
  const at = j * size + i;
  const step = 2 / (size - 1);
  const [p, q, r, s] = [heights[at], heights[at + 1], heights[at + size], heights[at + size + 1]].map((h) =>
    Math.min(h, 3),
  );
  const [slopeA, slopeB] = [(q - p + s - r) / 2 / step, (r - p + s - q) / 2 / step].map((slope) => slope * box.up);
  const normal = [-slopeA / box.a, -slopeB / box.b, 1];
  const length = Math.hypot(...normal);
  return [(LIFT * normal[0]) / length, (LIFT * normal[1]) / length, (LIFT * box.a * normal[2]) / length / box.up];
}

/** @returns {Line} */
const createLine = () => ({x: [], y: [], z: []});
/** @param {Line} line @param {number} x @param {number} y @param {number} z */
function push(line, x, y, z) {
  line.x.push(x);
  line.y.push(y);
  line.z.push(z);
}

/**
 * Compute the height at which a ball rests on the surface without sinking in: the height of its centre in the box.
 * @param {Float64Array} heights @param {number} size @param {[number, number]} place @param {number} radius in
 *   half-sides
 * @param {ReturnType<typeof measureSides>} box
 */
export function findRestingHeight(heights, size, [a, b], radius, box) {
  const cells = size - 1;
  let rest = interpolateHeight(heights, size, a, b) + (radius * box.a) / box.up;
  const first = [a, b].map((place) => Math.max(0, Math.ceil(((place - radius + 1) / 2) * cells)));
  const last = [a, b].map((place) => Math.min(cells, Math.floor(((place + radius + 1) / 2) * cells)));
  for (let j = first[1]; j <= last[1]; j++) {
    for (let i = first[0]; i <= last[0]; i++) {
      const away = (Math.hypot(computeCoordinate(i, size) - a, computeCoordinate(j, size) - b) / radius) ** 2;
      const height = Math.min(1, heights[j * size + i]);
      if (away < 1) rest = Math.max(rest, height + (radius * box.a * Math.sqrt(1 - away)) / box.up);
    }
  }
  return rest;
}
