/** The trajectory in a plane that stays: its projection, and the losses along it. Data → numbers to draw. */
/** @import {Shot, Slice} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {Line} from './relief.js' */
/** @import {LossRange} from './range.js' */
import {hasPath} from '../model/slice.js';
import {within} from './range.js';

/** Frames that are drawn of a path at most: more are not told apart. */
const MOST = 300;

/**
 * @typedef {object} Trajectory one number a frame
 * @property {ArrayLike<number>} points (a, b), (a, b), …
 * @property {number[]} slice the loss where the frame is projected to, on the surface
 * @property {number[]} own the network's own loss; what it differs by is what the slice hides
 * @property {number[]} epochs
 */

/**
 * The trajectory of a slice whose plane stays. The training loss at the projections is stored, if the plane is; the others are
 * read off the surface. Null where the run has none.
 * @param {Run} run @param {Slice} slice @param {Numbers} values of the surface @param {number} grid
 * @returns {Trajectory | null}
 */
export function trajectoryOf(run, slice, values, grid) {
  if (slice.follow || !hasPath(slice.plane)) return null;
  const points = run.numbersOf(slice.plane, 'path');
  const heights =
    slice.set === 'train' && 'path_loss' in slice.plane.arrays
      ? Array.from(run.numbersOf(slice.plane, 'path_loss'))
      : readOff(values, grid, points, slice.span);
  return {points, slice: heights, own: run.losses(slice.set), epochs: run.frames};
}

/**
 * Bilinear interpolation on the even grid over [−span, span]²; NaN outside.
 * @param {ArrayLike<number>} surface @param {number} size @param {ArrayLike<number>} points @param {number} span
 */
function readOff(surface, size, points, span) {
  return Array.from({length: points.length / 2}, (_, t) => {
    const [u, v] = [points[2 * t], points[2 * t + 1]].map((p) => ((p / span + 1) / 2) * (size - 1));
    if (!(u >= 0 && v >= 0 && u <= size - 1 && v <= size - 1)) return NaN;
    const [i, j] = [Math.min(size - 2, Math.floor(u)), Math.min(size - 2, Math.floor(v))];
    const [x, y] = [u - i, v - j];
    const at = j * size + i;
    return (
      (1 - y) * ((1 - x) * surface[at] + x * surface[at + 1]) +
      y * ((1 - x) * surface[at + size] + x * surface[at + size + 1])
    );
  });
}

/**
 * What is drawn of a trajectory: of a long training, the frames that are some way apart in the plane.
 * @param {Trajectory} path @returns {Trajectory}
 */
export function drawnPart(path) {
  const count = path.slice.length;
  if (count <= MOST) return path;
  const way = new Float64Array(count);
  for (let t = 1; t < count; t++)
    way[t] =
      way[t - 1] +
      Math.hypot(path.points[2 * t] - path.points[2 * t - 2], path.points[2 * t + 1] - path.points[2 * t - 1]);
  const step = way[count - 1] / (MOST - 1);
  let next = 0;
  const frames = [...path.slice.keys()].filter((t) => {
    if (way[t] < next && t < count - 1) return false;
    next = way[t] + step;
    return true;
  });
  return {
    points: frames.flatMap((t) => [path.points[2 * t], path.points[2 * t + 1]]),
    slice: frames.map((t) => path.slice[t]),
    own: frames.map((t) => path.own[t]),
    epochs: frames.map((t) => path.epochs[t]),
  };
}

/** @param {Trajectory} path @param {number} frame @param {number} span */
export function isInside({points}, frame, span) {
  return Math.abs(points[2 * frame]) <= span && Math.abs(points[2 * frame + 1]) <= span;
}

/**
 * The path inside the square: where it leaves, it ends at the edge, and its pen is lifted.
 * @param {Trajectory} path @param {number} span @param {LossRange} range @returns {Line}
 */
export function pathLine({points, slice}, span, range) {
  /** @type {Line} */
  const line = {x: [], y: [], z: []};
  /** @param {number} t @param {number} share of the way to t + 1 */
  const put = (t, share) => {
    const n = Math.min(t + 1, slice.length - 1);
    const between = (/** @type {number} */ from, /** @type {number} */ to) =>
      share === 0 ? from : from + share * (to - from);
    line.x.push(between(points[2 * t], points[2 * n]));
    line.y.push(between(points[2 * t + 1], points[2 * n + 1]));
    const [here, there] = [slice[t], slice[n]].map((z) => within(range, z));
    line.z.push(Number.isNaN(here) ? there : Number.isNaN(there) ? here : between(here, there));
  };
  let open = false;
  for (let t = 0; t + 1 < slice.length; t++) {
    const part = insidePart(points, t, span);
    if (!part) {
      open = false;
      continue;
    }
    if (!open && line.x.length) lift(line);
    if (!open) put(t, part[0]);
    put(part[1] === 1 ? t + 1 : t, part[1] === 1 ? 0 : part[1]);
    open = part[1] === 1;
  }
  return line;
}

/**
 * The shares of a step's way between which it is inside the square (Liang and Barsky, 1984); null if it never is.
 * @param {ArrayLike<number>} points @param {number} t @param {number} span @returns {[number, number] | null}
 */
function insidePart(points, t, span) {
  let [enter, leave] = [0, 1];
  for (const axis of [0, 1]) {
    const from = points[2 * t + axis];
    const step = points[2 * t + 2 + axis] - from;
    if (!Number.isFinite(from + step)) return null;
    if (step === 0) {
      if (Math.abs(from) > span) return null;
      continue;
    }
    const [first, second] = [(-span - from) / step, (span - from) / step];
    enter = Math.max(enter, Math.min(first, second));
    leave = Math.min(leave, Math.max(first, second));
  }
  return enter < leave ? [enter, leave] : null;
}

/** From each frame's own loss down, or up, to the surface. @param {Trajectory} path @param {number} span @param {LossRange} range @returns {Line} */
export function dropLines(path, span, range) {
  /** @type {Line} */
  const line = {x: [], y: [], z: []};
  for (let t = 0; t < path.slice.length; t++) {
    if (!isInside(path, t, span)) continue;
    const drop = dropLine(path, t, span, range);
    for (const axis of /** @type {const} */ (['x', 'y', 'z'])) line[axis].push(...drop[axis]);
    lift(line);
  }
  return line;
}

/** The drop of one frame; nothing to be seen outside the square. @param {Trajectory} path @param {number} frame @param {number} span @param {LossRange} range @returns {Line} */
export function dropLine(path, frame, span, range) {
  if (!isInside(path, frame, span)) return {x: [NaN, NaN], y: [NaN, NaN], z: [NaN, NaN]};
  const [a, b] = [path.points[2 * frame], path.points[2 * frame + 1]];
  return {x: [a, a], y: [b, b], z: [within(range, path.own[frame]), within(range, path.slice[frame])]};
}

/** @param {Line} line */
function lift(line) {
  line.x.push(NaN);
  line.y.push(NaN);
  line.z.push(NaN);
}

/** Where the network is in a slice; null where that is not known. @param {Shot} shot @param {Trajectory | null} path @returns {[number, number] | null} */
export function placeOf(shot, path) {
  if (shot.follow) return [0, 0];
  return path && [path.points[2 * shot.frame], path.points[2 * shot.frame + 1]];
}

/** The way of a ball, at its own losses; inside the square only. @param {{points: number[], losses: number[]}} way @param {number} span @param {LossRange} range @returns {Line} */
export function wayLine({points, losses}, span, range) {
  return pathLine({points, slice: losses, own: losses, epochs: []}, span, range);
}
