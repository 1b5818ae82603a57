/** This module describes a network's layout as run.json gives it, and puts theta into the order of the kernels. */
import {constants} from './constants.js';

/** @typedef {{layers: number[], activation: string, residual: boolean}} Architecture */

/** Is the network small enough to evaluate while a person drags? @param {{layers: number[]}} network */
export function isInteractive(network) {
  return parameterCount(network) <= constants().most_parameters;
}

/** Count the parameters: P, the length of theta. @param {{layers: number[]}} network */
export function parameterCount({layers}) {
  let count = 0;
  for (let l = 1; l < layers.length; l++) count += layers[l] * (layers[l - 1] + 1);
  return count;
}

/**
 * Return the place of each packed parameter in theta. In the packed order a layer is one matrix [out, in + 1] with the
 * bias in its last column; theta has all weights of a layer before its biases.
 * @param {{layers: number[]}} network @returns {Int32Array<ArrayBuffer>}
 */
export function packedPlaces({layers}) {
  const places = new Int32Array(parameterCount({layers}));
  let at = 0;
  let offset = 0;
  for (let l = 1; l < layers.length; l++) {
    const [inputs, outputs] = [layers[l - 1], layers[l]];
    for (let r = 0; r < outputs; r++) {
      for (let i = 0; i < inputs; i++) places[at++] = offset + r * inputs + i;
      places[at++] = offset + outputs * inputs + r;
    }
    offset += outputs * (inputs + 1);
  }
  return places;
}

/**
 * Reorder theta by the places that `packing` gives.
 * @param {ArrayLike<number>} theta @param {Int32Array} places @returns {Float32Array}
 */
export function packParameters(theta, places) {
  return Float32Array.from(places, (place) => theta[place]);
}

/**
 * Sort inputs as the kernels need them: by class, if the classes are known. Within a run of equal classes, all losses
 * need the logits relative to the same class.
 * @param {ArrayLike<number>} points [N, features] @param {number} features @param {ArrayLike<number> | null} labels
 * @returns {{order: number[], runs: {label: number, start: number, count: number}[]}}
 */
export function sortByClass(points, features, labels) {
  const count = points.length / features;
  const order = Array.from({length: count}, (_, i) => i);
  if (!labels) return {order, runs: [{label: 0, start: 0, count}]};
  order.sort((i, j) => labels[i] - labels[j] || i - j);
  /** @type {{label: number, start: number, count: number}[]} */
  const runs = [];
  order.forEach((i, place) => {
    const last = runs.at(-1);
    if (last && last.label === labels[i]) last.count++;
    else runs.push({label: labels[i], start: place, count: 1});
  });
  return {order, runs};
}
