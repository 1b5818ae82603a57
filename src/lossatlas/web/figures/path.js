/** This module turns the trajectory in a fixed plane into numbers to draw: its projection, and the losses along it. */
/** @import {Shot, Slice} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {Line} from './relief.js' */
/** @import {LossRange} from './range.js' */
import {hasPath} from '../model/slice.js';
import {limitTo} from './range.js';

/** At most this many frames of a path are drawn: more could not be distinguished. */
const MOST = 300;

/**
 * @typedef {object} Trajectory one number for each frame
 * @property {ArrayLike<number>} points (a, b), (a, b), …
 * @property {number[]} slice the loss on the surface, at the frame's projection
 * @property {number[]} own the network's own loss; the slice hides the difference of the two
 * @property {number[]} epochs
 */

/**
 * Compute the trajectory of a slice whose plane is fixed. The training loss at the projections is stored if the plane
 * is; other losses are interpolated on the surface. The result is null if the run has no path.
 * @param {Run} run @param {Slice} slice @param {Numbers} values the surface @param {number} grid
 * @returns {Trajectory | null}
 */
export function createTrajectory(run, slice, values, grid) {
  if (slice.follow || !hasPath(slice.plane)) return null;
  const points = run.numbersOf(slice.plane, 'path');
  const heights =
    slice.set === 'train' && 'path_loss' in slice.plane.arrays
      ? Array.from(run.numbersOf(slice.plane, 'path_loss'))
      : interpolateLosses(values, grid, points, slice.span);
  return {points, slice: heights, own: run.losses(slice.set), epochs: run.frames};
}

/**
 * Interpolate bilinearly on the regular grid over [−span, span]²; the result is NaN outside.
 * @param {ArrayLike<number>} surface @param {number} size @param {ArrayLike<number>} points @param {number} span
 */
function interpolateLosses(surface, size, points, span) {
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
 * Select the part of a trajectory to draw: of a long training, the frames that are some distance apart in the plane.
 * @param {Trajectory} path @returns {Trajectory}
 */
export function thinPath(path) {
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
 * Clip the path to the square: it ends at the edge where it leaves the square.
 * @param {Trajectory} path @param {number} span @param {LossRange} range @returns {Line}
 */
export function drawPathLine({points, slice}, span, range) {
  /** @type {Line} */
  const line = {x: [], y: [], z: []};
  /** @param {number} t @param {number} share the share of the way to t + 1 */
  const addPoint = (t, share) => {
    const n = Math.min(t + 1, slice.length - 1);
    const between = (/** @type {number} */ from, /** @type {number} */ to) =>
      share === 0 ? from : from + share * (to - from);
    line.x.push(between(points[2 * t], points[2 * n]));
    line.y.push(between(points[2 * t + 1], points[2 * n + 1]));
    const [here, there] = [slice[t], slice[n]].map((z) => limitTo(range, z));
    line.z.push(Number.isNaN(here) ? there : Number.isNaN(there) ? here : between(here, there));
  };
  let open = false;
  for (let t = 0; t + 1 < slice.length; t++) {
    const part = clipStep(points, t, span);
    if (!part) {
      open = false;
      continue;
    }
    if (!open && line.x.length) interrupt(line);
    if (!open) addPoint(t, part[0]);
    addPoint(part[1] === 1 ? t + 1 : t, part[1] === 1 ? 0 : part[1]);
    open = part[1] === 1;
  }
  return line;
}

/**
 * Find the part of a step that is inside the square, as two shares of it (Liang and Barsky, 1984); null if no part is.
 * @param {ArrayLike<number>} points @param {number} t @param {number} span @returns {[number, number] | null}
 */
function clipStep(points, t, span) {
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

/**
 * Draw a line from each frame's own loss down, or up, to the surface.
 * @param {Trajectory} path @param {number} span @param {LossRange} range @returns {Line}
 */
export function drawDropLines(path, span, range) {
  /** @type {Line} */
  const line = {x: [], y: [], z: []};
  for (let t = 0; t < path.slice.length; t++) {
    if (!isInside(path, t, span)) continue;
    const drop = drawDropLine(path, t, span, range);
    for (const axis of /** @type {const} */ (['x', 'y', 'z'])) line[axis].push(...drop[axis]);
    interrupt(line);
  }
  return line;
}

/**
 * Draw that line for one frame; it is empty outside the square.
 * @param {Trajectory} path @param {number} frame @param {number} span @param {LossRange} range @returns {Line}
 */
export function drawDropLine(path, frame, span, range) {
  if (!isInside(path, frame, span)) return {x: [NaN, NaN], y: [NaN, NaN], z: [NaN, NaN]};
  const [a, b] = [path.points[2 * frame], path.points[2 * frame + 1]];
  return {x: [a, a], y: [b, b], z: [limitTo(range, path.own[frame]), limitTo(range, path.slice[frame])]};
}

/** @param {Line} line */
function interrupt(line) {
  line.x.push(NaN);
  line.y.push(NaN);
  line.z.push(NaN);
}

/**
 * Find the network's place in a slice; null if it is not known.
 * @param {Shot} shot @param {Trajectory | null} path @returns {[number, number] | null}
 */
export function findPlace(shot, path) {
  if (shot.follow) return [0, 0];
  return path && [path.points[2 * shot.frame], path.points[2 * shot.frame + 1]];
}

/**
 * Draw the path of a released ball at its own losses, inside the square only.
 * @param {{points: number[], losses: number[]}} way @param {number} span @param {LossRange} range @returns {Line}
 */
export function drawDescentLine({points, losses}, span, range) {
  return drawPathLine({points, slice: losses, own: losses, epochs: []}, span, range);
}
