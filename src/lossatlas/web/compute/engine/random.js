/**
 * This module draws from the random numbers of lossatlas.rng (philox.js): the parameters of a fresh model, and normal
 * numbers and orders for datasets.
 */
/** @import {Architecture} from '../../model/architecture.js' */
import {parameterCount} from '../../model/architecture.js';
import {createDraws} from './philox.js';

/** The streams that the page draws from; their numbers are part of the run format. */
export const STREAMS = {weights: 2, batches: 3, directionA: 4, directionB: 5};

/**
 * Return a function that draws doubles in [0, 1).
 * @param {number} seed @param {number} stream @returns {() => number}
 */
export function createUniforms(seed, stream) {
  return createDraws(seed, stream).next;
}

/**
 * Draw theta of a freshly initialised model, as `Network.draw_initial_theta` does. The weights are uniform within ±√(6
 * / fan), where fan is fan_in for He's initialisation and fan_in + fan_out for Glorot's, which the last layer always
 * has. The biases are 0.
 * @param {Architecture} network @param {number} seed @param {number} stream @returns {Float64Array}
 */
export function drawInitialTheta({layers, activation}, seed, stream) {
  const draw = createUniforms(seed, stream);
  const theta = new Float64Array(parameterCount({layers}));
  const he = activation === 'relu' || activation === 'gelu';
  let at = 0;
  for (let l = 1; l < layers.length; l++) {
    const [inputs, outputs] = [layers[l - 1], layers[l]];
    const limit = Math.sqrt(6 / (he && l < layers.length - 1 ? inputs : inputs + outputs));
    for (let i = 0; i < inputs * outputs; i++) theta[at++] = -limit + 2 * limit * draw();
    at += outputs;
  }
  return theta;
}

/** The streams of a dataset's points and of its split. */
export const POINT_STREAMS = {points: 0, split: 1};

/**
 * Draw standard normals by Box and Muller, as `Draws.normal` does: all radii are drawn first, then all angles.
 * @param {() => number} draw @param {number} count
 */
export function drawNormals(draw, count) {
  const drawn = Float64Array.from({length: count}, () => Math.sqrt(-2 * Math.log1p(-draw())));
  for (let i = 0; i < count; i++) drawn[i] *= Math.cos(2 * Math.PI * draw());
  return drawn;
}

/**
 * Draw an order of `count` items, as `Draws.permutation` does: the stable argsort of uniforms.
 * @param {() => number} draw @param {number} count
 */
export function drawPermutation(draw, count) {
  const keys = Float64Array.from({length: count}, draw);
  return Uint32Array.from(keys.keys()).sort((i, j) => keys[i] - keys[j] || i - j);
}
