/** The class probabilities at a place of the input plane, from the very network on show. */
/** @import {Shot} from '../model/types.js' */
import {networkOf} from './descent.js';
import {packed, packing} from '../model/architecture.js';
import {scalarKernel} from './engine/scalar.js';

/**
 * The logits of one network at any places.
 * @param {Shot} shot @param {ArrayLike<number>} theta [P] @returns {import('../figures/border.js').LogitsAt}
 */
export function logitsOf({run}, theta) {
  const network = networkOf(run);
  const model = packed(theta, packing(network));
  return (places) => scalarKernel(network, places, null).logits(model);
}

/**
 * @param {Shot} shot
 * @param {ArrayLike<number>} theta [P]
 * @param {number} x
 * @param {number} y standardised, as the points are
 * @returns {number[]} one for each class; they sum to 1
 */
export function oddsAt({run}, theta, x, y) {
  const network = networkOf(run);
  const logits = scalarKernel(network, [x, y], null).logits(packed(theta, packing(network)));
  const most = Math.max(...logits);
  const shares = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}
