/**
 * This module computes the training's path in a plane that no run has stored, as lossatlas.planes.projection does: by
 * least squares, since the directions need not be orthogonal. The residual is the network's distance from the plane.
 */
/** @import {PlaneEntry} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
import {planeArray} from '../model/keys.js';
import {centreTheta, directionsOf, dot} from './planes.js';

/** The centre around which a plane's path is known. @type {WeakMap<PlaneEntry, number>} */
const projected = new WeakMap();

/**
 * Give the run the path and the residual of a plane that the page has drawn, around the plane's present centre.
 * @param {Run} run
 * @param {PlaneEntry} plane
 */
export function addPath(run, plane) {
  const last = plane.centre_frame ?? 0;
  if (projected.get(plane) === last) return;
  projected.set(plane, last);
  const frames = run.frames.length;
  const [first, second] = directionsOf(run, plane);
  const place = createProjector(centreTheta(run, plane, null), [first, second]);
  const path = new Float64Array(2 * frames);
  const residual = new Float64Array(frames);
  const mean = new Float64Array(first.length);
  for (let t = 0; t < frames; t++) {
    const theta = run.frameOf('weights', t);
    const [a, b] = place(theta, (p, rest) => {
      residual[t] += rest * rest;
      mean[p] += theta[p] / frames;
    });
    residual[t] = Math.sqrt(residual[t]);
    path.set([a, b], 2 * t);
  }
  run.put(planeArray(plane, 'path'), {data: path, shape: [frames, 2], filled: path.length});
  run.put(planeArray(plane, 'residual'), {data: residual, shape: [frames], filled: frames});
  plane.explained_variance = explainedShare(run, path, [first, second], mean);
}

/**
 * Create a function that maps theta to (a, b) of the nearest point of the plane, by least squares, since the directions
 * need not be orthogonal.
 * @param {Float32Array} centre @param {[Float32Array, Float32Array]} directions
 * @returns {(theta: ArrayLike<number>, onRest?: (parameter: number, rest: number) => void) => [number, number]}
 *   `onRest` receives the residual of each parameter
 */
export function createProjector(centre, [first, second]) {
  const [aa, ab, bb] = [dot(first, first), dot(first, second), dot(second, second)];
  const determinant = aa * bb - ab * ab;
  const offset = new Float64Array(centre.length);
  return (theta, onRest) => {
    for (let p = 0; p < offset.length; p++) offset[p] = theta[p] - centre[p];
    const [along, across] = [dot(first, offset), dot(second, offset)];
    const a = (bb * along - ab * across) / determinant;
    const b = (aa * across - ab * along) / determinant;
    if (onRest) for (let p = 0; p < offset.length; p++) onRest(p, offset[p] - a * first[p] - b * second[p]);
    return [a, b];
  };
}

/**
 * Compute the share of the trajectory's variance that lies in the plane; 0 if nothing moves.
 * @param {Run} run
 * @param {Float64Array} path
 * @param {[Float32Array, Float32Array]} directions
 * @param {Float64Array} mean
 */
function explainedShare(run, path, [first, second], mean) {
  const [aa, ab, bb] = [dot(first, first), dot(first, second), dot(second, second)];
  const frames = path.length / 2;
  let [meanA, meanB] = [0, 0];
  for (let t = 0; t < frames; t++) {
    meanA += path[2 * t] / frames;
    meanB += path[2 * t + 1] / frames;
  }
  let [within, whole] = [0, 0];
  for (let t = 0; t < frames; t++) {
    const [a, b] = [path[2 * t] - meanA, path[2 * t + 1] - meanB];
    within += a * a * aa + 2 * a * b * ab + b * b * bb;
    const theta = run.frameOf('weights', t);
    for (let p = 0; p < mean.length; p++) whole += (theta[p] - mean[p]) ** 2;
  }
  return whole > 0 ? Math.min(1, within / whole) : 0;
}
