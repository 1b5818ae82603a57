/** This module computes the class probabilities at a place of the input plane, from the network that is shown. */
/** @import {Shot} from '../model/types.js' */
import {networkOf} from './descent.js';
import {packParameters, packedPlaces} from '../model/architecture.js';
import {scalarKernel} from './engine/scalar.js';

/**
 * Return a function that evaluates the logits of one network at any places.
 * @param {Shot} shot @param {ArrayLike<number>} theta [P] @returns {import('../figures/border.js').LogitsAt}
 */
export function createLogits({run}, theta) {
  const network = networkOf(run);
  const model = packParameters(theta, packedPlaces(network));
  return (places) => scalarKernel(network, places, null).logits(model);
}

/**
 * Compute the class probabilities at one place.
 * @param {Shot} shot
 * @param {ArrayLike<number>} theta [P]
 * @param {number} x
 * @param {number} y standardised, as the points are
 * @returns {number[]} one for each class; they sum to 1
 */
export function probabilitiesAt({run}, theta, x, y) {
  const network = networkOf(run);
  const logits = scalarKernel(network, [x, y], null).logits(packParameters(theta, packedPlaces(network)));
  const most = Math.max(...logits);
  const shares = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}
