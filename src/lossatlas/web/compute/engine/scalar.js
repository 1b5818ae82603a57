/**
 * This module computes the network in plain JavaScript, for browsers without SIMD: it gives the same answers, about six
 * times as slowly.
 */
/** @import {Architecture} from '../../model/architecture.js' */
/** @import {Kernel} from './kernel.js' */
import {parameterCount} from '../../model/architecture.js';
import {moveTo} from './plane.js';

/** @type {Record<string, (z: number) => number>} */
const FUNCTIONS = {
  tanh: Math.tanh,
  relu: (z) => Math.max(z, 0),
  sigmoid: (z) => 0.5 * (1 + Math.tanh(0.5 * z)),
  gelu: (z) => 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * z * (1 + 0.044715 * z * z))),
  linear: (z) => z,
};

/**
 * @param {Architecture} network @param {ArrayLike<number>} points [N, features] @param {ArrayLike<number> | null}
 *   labels
 * @returns {Kernel}
 */
export function scalarKernel(network, points, labels) {
  const {layers} = network;
  const features = layers[0];
  const count = points.length / features;
  const classes = layers[layers.length - 1];
  const parameters = parameterCount(network);
  const evaluate = FUNCTIONS[network.activation];
  const widest = Math.max(...layers);
  let [below, above] = [new Float64Array(widest), new Float64Array(widest)];

  /**
   * Compute the logits of one point and leave them in `below`.
   * @param {Float32Array} models @param {number} start the place of the model @param {number} point
   */
  const forward = (models, start, point) => {
    for (let f = 0; f < features; f++) below[f] = points[point * features + f];
    let at = start;
    for (let l = 1; l < layers.length; l++) {
      const [inputs, outputs] = [layers[l - 1], layers[l]];
      const hidden = l < layers.length - 1;
      const skip = network.residual && hidden && l > 1 && inputs === outputs;
      for (let r = 0; r < outputs; r++) {
        let sum = models[at + inputs];
        for (let i = 0; i < inputs; i++) sum += models[at + i] * below[i];
        above[r] = hidden ? evaluate(sum) + (skip ? below[r] : 0) : sum;
        at += inputs + 1;
      }
      [below, above] = [above, below];
    }
  };

  /**
   * Compute the cross-entropy of the logits in `below`, relative to the true class, so that small losses keep their
   * digits.
   * @param {number} label
   */
  const crossEntropy = (label) => {
    let most = 0;
    for (let k = 0; k < classes; k++) most = Math.max(most, below[k] - below[label]);
    let sum = Math.expm1(-most);
    for (let k = 0; k < classes; k++) if (k !== label) sum += Math.exp(below[k] - below[label] - most);
    return most + Math.log1p(sum);
  };

  /** Compute the loss of the model that begins at `start`. @param {Float32Array} models @param {number} start */
  const loss = (models, start) => {
    if (!labels) throw new Error('losses need the true classes');
    let total = 0;
    for (let point = 0; point < count; point++) {
      forward(models, start, point);
      total += crossEntropy(labels[point]);
    }
    return Number.isNaN(total) ? Infinity : total / count;
  };

  return {
    losses: (models, number) => Float32Array.from({length: number}, (_, b) => loss(models, b * parameters)),
    lossesAt(plane, places) {
      const [centre, first, second] = [0, 1, 2].map((part) =>
        plane.subarray(part * parameters, (part + 1) * parameters),
      );
      const model = new Float32Array(parameters);
      return Float32Array.from({length: places.length / 2}, (_, m) => {
        moveTo(model, centre, first, second, places[2 * m], places[2 * m + 1]);
        return loss(model, 0);
      });
    },
    logits(model) {
      const result = new Float32Array(classes * count);
      for (let point = 0; point < count; point++) {
        forward(model, 0, point);
        for (let k = 0; k < classes; k++) result[k * count + point] = below[k];
      }
      return result;
    },
  };
}
