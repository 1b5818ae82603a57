/**
 * This module measures a model as lossatlas.training records it. Losses and accuracies are those of the float32 theta,
 * evaluated by the same kernels that draw surfaces and boundaries, so that all of them describe one model.
 */
/** @import {Architecture} from '../../model/architecture.js' */
/** @import {Kernel} from './kernel.js' */
/** @import {Sample} from './worker.js' */
import {wasmKernel} from './kernel.js';
import {packedPlaces} from '../../model/architecture.js';
import {scalarKernel} from './scalar.js';

/** Beyond this logit float32 is about to overflow, on the data or just outside: the boundary could not be drawn. */
const LARGEST_LOGIT = 1e30;

/** @typedef {{train_loss: number, test_loss: number, train_accuracy: number, test_accuracy: number}} Metrics */

/**
 * @param {Architecture} network @param {Record<'train' | 'test', Sample>} samples
 * @param {WebAssembly.Module | null} simd null if the browser has no SIMD
 */
export function createMeasure(network, {train, test}, simd) {
  /** @param {ArrayLike<number>} points @param {ArrayLike<number> | null} labels @returns {Kernel} */
  const kernel = (points, labels) =>
    simd ? wasmKernel(simd, network, points, labels) : scalarKernel(network, points, labels);
  const everywhere = kernel([...Array.from(train.points), ...Array.from(test.points)], null);
  const losses = [kernel(train.points, train.labels), kernel(test.points, test.labels)];
  const places = packedPlaces(network);
  const model = new Float32Array(places.length);
  const sizes = [train.labels.length, test.labels.length];

  /** Return the shares of points classified correctly, or null if a logit is too large. @param {Float32Array} logits */
  const accuracies = (logits) => {
    const count = sizes[0] + sizes[1];
    const classes = logits.length / count;
    const right = [0, 0];
    for (let i = 0; i < count; i++) {
      let best = 0;
      for (let k = 0; k < classes; k++) {
        const logit = logits[k * count + i];
        if (!(Math.abs(logit) <= LARGEST_LOGIT)) return null;
        if (logit > logits[best * count + i]) best = k;
      }
      const part = i < sizes[0] ? 0 : 1;
      if (best === (part ? test.labels[i - sizes[0]] : train.labels[i])) right[part]++;
    }
    return [right[0] / sizes[0], right[1] / sizes[1]];
  };

  return {
    /**
     * Measure a model; null if a number is not finite, or if float32 cannot hold the logits.
     * @param {ArrayLike<number>} theta @returns {Metrics | null}
     */
    measure(theta) {
      for (let i = 0; i < places.length; i++) {
        if (!Number.isFinite(theta[i])) return null;
        model[i] = theta[places[i]];
      }
      const [trainLoss, testLoss] = losses.map((of) => of.losses(model, 1)[0]);
      const shares = accuracies(everywhere.logits(model));
      if (!shares || !Number.isFinite(trainLoss) || !Number.isFinite(testLoss)) return null;
      return {train_loss: trainLoss, test_loss: testLoss, train_accuracy: shares[0], test_accuracy: shares[1]};
    },
  };
}
