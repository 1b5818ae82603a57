/**
 * This module provides the vectors in parameter space that the page computes with: a plane's centre and directions, and
 * the model at a point of the plane.
 */
/** @import {PlaneEntry, Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {Directions} from './engine/client.js' */
import {moveTo} from './engine/plane.js';
import {drawInitialTheta, STREAMS} from './engine/random.js';
import {planeArray} from '../model/keys.js';

/** @type {WeakMap<PlaneEntry, Directions>} */
const drawn = new WeakMap();

/** Return the two directions of a plane, each [P]. @param {Run} run @param {PlaneEntry} plane @returns {Directions} */
export function directionsOf(run, plane) {
  const known = drawn.get(plane);
  if (known) return known;
  const pair = plane.drawn === undefined ? readDirections(run, plane) : drawDirections(run, plane.drawn);
  drawn.set(plane, pair);
  if (plane.drawn !== undefined) plane.cosine = cosine(...pair);
  return pair;
}

/** @param {Run} run @param {PlaneEntry} plane @returns {Directions} */
function readDirections(run, plane) {
  const both = /** @type {Float32Array} */ (run.numbers(planeArray(plane, 'directions')));
  const size = run.manifest.model.parameters;
  return [both.subarray(0, size), both.subarray(size)];
}

/** Draw the directions as Python's FreshPlane does. @param {Run} run @param {number} seed @returns {Directions} */
function drawDirections(run, seed) {
  const {layers, activation, residual = false} = run.manifest.model;
  const draw = (/** @type {number} */ stream) =>
    Float32Array.from(drawInitialTheta({layers, activation, residual}, seed, stream));
  return [draw(STREAMS.directionA), draw(STREAMS.directionB)];
}

/** @param {Float32Array} first @param {Float32Array} second */
function cosine(first, second) {
  return dot(first, second) / Math.sqrt(dot(first, first) * dot(second, second));
}

/** @param {ArrayLike<number>} x @param {ArrayLike<number>} y */
export function dot(x, y) {
  let sum = 0;
  for (let p = 0; p < x.length; p++) sum += x[p] * y[p];
  return sum;
}

/**
 * Return theta at the centre: a frame's theta, or for null the fixed centre of the plane.
 * @param {Run} run
 * @param {PlaneEntry} plane
 * @param {number | null} frame
 * @returns {Float32Array}
 */
export function centreTheta(run, plane, frame) {
  const at = frame ?? plane.centre_frame ?? null;
  return /** @type {Float32Array} */ (
    at === null ? run.numbers(planeArray(plane, 'centre')) : run.frameOf('weights', at)
  );
}

/** Return theta at the picked point of a shot. @param {Shot} shot @returns {Float32Array} */
export function pickedTheta({run, frame, plane, follow, pick}) {
  const theta = new Float32Array(run.manifest.model.parameters);
  const [a, b] = /** @type {[number, number]} */ (pick);
  const [first, second] = directionsOf(run, plane);
  moveTo(theta, centreTheta(run, plane, follow ? frame : null), first, second, a, b);
  return theta;
}
