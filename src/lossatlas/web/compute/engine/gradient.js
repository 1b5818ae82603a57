/**
 * This module computes the loss and the gradient of one model in float64, by reverse-mode differentiation written out,
 * as lossatlas.derivatives does. Let H be a layer's inputs, Z = H Wᵀ + b, f(Z) its outputs, and δ = ∂L/∂Z. At the last
 * layer δ = (softmax(Z) − onehot) / N. Then ∂L/∂W = δᵀ H, ∂L/∂b is the sum of δ over the points, ∂L/∂H = δ W, and one
 * layer down δ = ∂L/∂H ⊙ f′(Z).
 */
/** @import {Architecture} from '../../model/architecture.js' */
/** @import {Matrix} from './product.js' */
import {ACTIVATIONS} from './activations.js';
import {parameterCount} from '../../model/architecture.js';
import {addProduct, matrix, transpose} from './product.js';

/** The number of points that pass through all layers at a time: their numbers stay in the processor's cache. */
const CHUNK = 256;

/**
 * The numbers of one layer for a chunk of points: rows are points, columns are units.
 * @typedef {object} Layer
 * @property {number} inputs
 * @property {number} outputs
 * @property {boolean} skip does the layer add its inputs to its outputs?
 * @property {Matrix} weights the weights, a view of theta
 * @property {Matrix} weightGradient their gradient, a view of the gradient
 * @property {number} bias the place of the biases, in theta and in the gradient
 * @property {Matrix} given the inputs
 * @property {Matrix} made the outputs; for the last layer the logits, and then δ
 * @property {Float64Array} slope f′(Z)
 * @property {Matrix} back the gradient of the loss by the outputs, and then δ
 */

/**
 * Create the function that computes the gradient at `theta`, which changes in place. All memory is allocated here; a
 * step allocates none.
 * @param {Architecture} network @param {Float64Array} theta in the order of run.json
 * @param {ArrayLike<number>} points [N, features] @param {ArrayLike<number>} labels [N]
 */
export function createGradient(network, theta, points, labels) {
  const features = network.layers[0];
  const gradient = new Float64Array(parameterCount(network));
  const rows = Math.min(CHUNK, labels.length);
  const inputs = new Float64Array(rows * features);
  const truth = new Int32Array(rows);
  const layers = createLayers(network, theta, gradient, inputs, rows);
  const last = layers[layers.length - 1];
  const activate = ACTIVATIONS[network.activation];

  /** @param {ArrayLike<number>} order @param {number} start @param {number} count */
  const gather = (order, start, count) => {
    for (let p = 0; p < count; p++) {
      const point = order[start + p];
      truth[p] = labels[point];
      for (let f = 0; f < features; f++) inputs[p * features + f] = points[point * features + f];
    }
  };

  /** @param {number} count */
  const forward = (count) => {
    for (const layer of layers) {
      const {inputs: fanIn, outputs, given, made} = layer;
      repeatBiases(theta, layer.bias, outputs, made.values, count);
      addProduct(made, given, transpose(layer.weights), count, fanIn, outputs);
      if (layer !== last) activate(made.values, layer.slope, count * outputs);
      if (layer.skip) add(made.values, given.values, count * outputs);
    }
  };

  /** @param {number} count */
  const backward = (count) => {
    for (let l = layers.length - 1; l >= 0; l--) {
      const {inputs: fanIn, outputs, back, given, skip, weights, weightGradient, bias, slope} = layers[l];
      const below = l > 0 ? layers[l - 1].back : null;
      if (below && skip) below.values.set(back.values.subarray(0, count * outputs));
      else below?.values.fill(0, 0, count * fanIn);
      if (layers[l] !== last) scale(back.values, slope, count * outputs);
      addProduct(weightGradient, transpose(back), given, outputs, count, fanIn);
      addRows(gradient, bias, outputs, back.values, count);
      if (below) addProduct(below, back, weights, count, outputs, fanIn);
    }
  };

  return {
    /** ∂L/∂theta, which `computeAt` writes. */
    gradient,
    /**
     * Return the mean cross-entropy of the points `order[start]` to `order[start + count - 1]`, in nats, and write its
     * gradient to `gradient`.
     * @param {ArrayLike<number>} order @param {number} start @param {number} count
     */
    computeAt(order, start, count) {
      gradient.fill(0);
      let total = 0;
      for (let done = 0; done < count; done += rows) {
        const size = Math.min(rows, count - done);
        gather(order, start + done, size);
        forward(size);
        total += crossEntropy(last.made.values, truth, last.outputs, size, count);
        backward(size);
      }
      return total / count;
    },
  };
}

/**
 * @param {Architecture} network @param {Float64Array} theta @param {Float64Array} gradient @param {Float64Array} inputs
 * @param {number} rows the number of points at a time
 */
function createLayers({layers: sizes, residual}, theta, gradient, inputs, rows) {
  /** @type {Layer[]} */
  const layers = [];
  let offset = 0;
  for (let l = 1; l < sizes.length; l++) {
    const [fanIn, outputs] = [sizes[l - 1], sizes[l]];
    const hidden = l < sizes.length - 1;
    const made = matrix(new Float64Array(rows * outputs), 0, outputs);
    layers.push({
      inputs: fanIn,
      outputs,
      skip: residual && hidden && l > 1 && fanIn === outputs,
      weights: matrix(theta, offset, fanIn),
      weightGradient: matrix(gradient, offset, fanIn),
      bias: offset + outputs * fanIn,
      given: layers.at(-1)?.made ?? matrix(inputs, 0, fanIn),
      made,
      slope: new Float64Array(hidden ? rows * outputs : 0),
      back: hidden ? matrix(new Float64Array(rows * outputs), 0, outputs) : made,
    });
    offset += outputs * (fanIn + 1);
  }
  return layers;
}

/**
 * Sum the cross-entropies of the logits [count, K], and replace the logits by ∂L/∂Z, where L is the mean over `all`
 * points. The loss is computed relative to the true class, so that small losses keep their digits.
 * @param {Float64Array} logits @param {Int32Array} truth @param {number} classes @param {number} count @param {number}
 *   all
 */
function crossEntropy(logits, truth, classes, count, all) {
  let total = 0;
  for (let p = 0; p < count; p++) {
    const at = p * classes;
    const mine = at + truth[p];
    let most = logits[at];
    for (let k = 1; k < classes; k++) most = Math.max(most, logits[at + k]);
    const lead = most - logits[mine];
    let [sum, others] = [0, 0];
    for (let k = 0; k < classes; k++) {
      const share = Math.exp(logits[at + k] - most);
      sum += share;
      if (at + k !== mine) others += share;
      logits[at + k] = share;
    }
    total += lead === 0 ? Math.log1p(others) : lead + Math.log(sum);
    for (let k = 0; k < classes; k++) logits[at + k] /= sum;
    logits[mine] -= 1;
    for (let k = 0; k < classes; k++) logits[at + k] /= all;
  }
  return total;
}

/**
 * Copy the biases once for each point.
 * @param {Float64Array} theta @param {number} start @param {number} size @param {Float64Array} out @param {number}
 *   count
 */
function repeatBiases(theta, start, size, out, count) {
  for (let p = 0, at = 0; p < count; p++) for (let u = 0; u < size; u++) out[at++] = theta[start + u];
}

/**
 * Sum over the points.
 * @param {Float64Array} out @param {number} start @param {number} size @param {Float64Array} rows @param {number} count
 */
function addRows(out, start, size, rows, count) {
  for (let p = 0, at = 0; p < count; p++) for (let u = 0; u < size; u++) out[start + u] += rows[at++];
}

/** @param {Float64Array} out @param {Float64Array} more @param {number} count */
function add(out, more, count) {
  for (let i = 0; i < count; i++) out[i] += more[i];
}

/** @param {Float64Array} out @param {Float64Array} factors @param {number} count */
function scale(out, factors, count) {
  for (let i = 0; i < count; i++) out[i] *= factors[i];
}
