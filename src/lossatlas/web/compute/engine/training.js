/**
 * This module runs one training in float64, an epoch at a time, exactly as lossatlas.training does: the same start, the
 * same batches, the same rules. What is recorded of it is computed by measure.js.
 */
/** @import {Architecture} from '../../model/architecture.js' */
/** @import {Memory} from './optimizers.js' */
import {generalText} from '../../lib/numbers.js';
import {createGradient} from './gradient.js';
import {parameterCount} from '../../model/architecture.js';
import {copyMemory, createMemory, step} from './optimizers.js';
import {createDraws} from './philox.js';
import {drawInitialTheta, STREAMS} from './random.js';

/**
 * The settings of a training, as in `config.training` of run.json, whose other settings do not matter here.
 * @typedef {object} TrainingConfig
 * @property {string} optimizer
 * @property {number} learning_rate
 * @property {number} momentum
 * @property {number | 'full'} batch_size
 * @property {number} weight_decay
 * @property {number} epochs
 * @property {number} seed
 *
 * @typedef {object} TrainingState everything that is needed to continue a training to the same bits
 * @property {number} epoch the number of epochs that are done
 * @property {Float64Array} theta
 * @property {Memory} memory
 */

/**
 * Create a training. It starts where the seed draws the parameters, or at any `theta`, or continues from the `state` of
 * another training.
 * @param {{ config: TrainingConfig, network: Architecture, points: ArrayLike<number>, labels: ArrayLike<number>,
 *   theta?: ArrayLike<number>, state?: TrainingState, }} options points [N, features] and labels [N] to learn from
 */
export function createTraining({config, network, points, labels, theta: released, state}) {
  const {optimizer, seed} = config;
  const count = labels.length;
  const size = config.batch_size === 'full' ? count : Math.min(config.batch_size, count);
  const theta = Float64Array.from(state?.theta ?? released ?? drawInitialTheta(network, seed, STREAMS.weights));
  if (theta.length !== parameterCount(network))
    throw new Error(`theta has ${theta.length} numbers, and the network ${parameterCount(network)}`);
  const memory = state ? copyMemory(state.memory) : createMemory(theta.length);
  const {computeAt, gradient} = createGradient(network, theta, points, labels);
  const order = Int32Array.from({length: count}, (_, i) => i);
  const draws = createDraws(seed, STREAMS.batches);
  let epoch = state?.epoch ?? 0;
  draws.skip(epoch * count); // Without batches there is no order, so nothing is drawn.

  return {
    /** Theta [P] in the order of run.json; the same array changes in place. */
    theta,
    /** Return the number of epochs that are done. */
    get epoch() {
      return epoch;
    },
    /** Is the training finished by its configuration? It can continue all the same. */
    get isFinished() {
      return epoch >= config.epochs;
    },
    /** Train on every point once. @returns {number} the mean loss of the steps, each before it changed theta */
    step() {
      if (size < count) draws.permute(order);
      let total = 0;
      for (let start = 0; start < count; start += size) {
        const batch = Math.min(size, count - start);
        total += batch * computeAt(order, start, batch);
        step(optimizer, config, memory, theta, gradient);
      }
      epoch++;
      return total / count;
    },
    /** Return a copy of the training's state. @returns {TrainingState} */
    state: () => ({epoch, theta: theta.slice(), memory: copyMemory(memory)}),
  };
}

/**
 * Say how a training diverged.
 * @param {number} epoch @param {number} rate @param {string} optimizer the optimiser's title
 */
export function describeDivergence(epoch, rate, optimizer) {
  return (
    `Training diverged at epoch ${epoch}: a number stopped being finite. The learning rate ` +
    `${generalText(rate)} is probably ` +
    `too high for ${optimizer} here; try a tenth of it.`
  );
}
