/**
 * One training in float64, an epoch at a time, exactly as lossatlas.training has it: the same start, the same batches, the
 * same rules. What is worth recording of it is measure.js's business.
 */
/** @import {Architecture} from '../../model/architecture.js' */
/** @import {Memory} from './optimizers.js' */
import {createGradient} from './gradient.js';
import {parameterCount} from '../../model/architecture.js';
import {copyOf, emptyMemory, step} from './optimizers.js';
import {createDraws} from './philox.js';
import {initialTheta, STREAMS} from './random.js';

/**
 * How to learn, as `config.training` of run.json says it; what else stands there is of no matter here.
 * @typedef {object} TrainingConfig
 * @property {string} optimizer
 * @property {number} learning_rate
 * @property {number} momentum
 * @property {number | 'full'} batch_size
 * @property {number} weight_decay
 * @property {number} epochs
 * @property {number} seed
 *
 * @typedef {object} TrainingState where a training stands: all that it takes to go on to the same bits
 * @property {number} epoch how many are done
 * @property {Float64Array} theta
 * @property {Memory} memory
 */

/**
 * From the start that the seed draws; or released at any `theta`; or gone on with from the `state` of another.
 * @param {{
 *   config: TrainingConfig,
 *   network: Architecture,
 *   points: ArrayLike<number>,
 *   labels: ArrayLike<number>,
 *   theta?: ArrayLike<number>,
 *   state?: TrainingState,
 * }} options points [N, features] and labels [N] to learn from
 */
export function createTraining({config, network, points, labels, theta: released, state}) {
  const {optimizer, seed} = config;
  const count = labels.length;
  const size = config.batch_size === 'full' ? count : Math.min(config.batch_size, count);
  const theta = Float64Array.from(state?.theta ?? released ?? initialTheta(network, seed, STREAMS.weights));
  if (theta.length !== parameterCount(network))
    throw new Error(`theta has ${theta.length} numbers, and the network ${parameterCount(network)}`);
  const memory = state ? copyOf(state.memory) : emptyMemory(theta.length);
  const {at, gradient} = createGradient(network, theta, points, labels);
  const order = Int32Array.from({length: count}, (_, i) => i);
  const draws = createDraws(seed, STREAMS.batches);
  let epoch = state?.epoch ?? 0;
  draws.skip(epoch * count); // without batches there is no order, and nothing is drawn

  return {
    /** Theta [P] as run.json lays it out; the same array, which changes in place. */
    theta,
    /** How many epochs are done. */
    get epoch() {
      return epoch;
    },
    /** Whether it is done, by its configuration; it can go on all the same. */
    get finished() {
      return epoch >= config.epochs;
    },
    /** See every point once. @returns {number} the mean loss that the steps met, each before it moved theta */
    step() {
      if (size < count) draws.permute(order);
      let total = 0;
      for (let start = 0; start < count; start += size) {
        const batch = Math.min(size, count - start);
        total += batch * at(order, start, batch);
        step(optimizer, config, memory, theta, gradient);
      }
      epoch++;
      return total / count;
    },
    /** @returns {TrainingState} a copy */
    state: () => ({epoch, theta: theta.slice(), memory: copyOf(memory)}),
  };
}

/** What to say of a training that diverged. @param {number} epoch @param {number} rate @param {string} optimizer its title */
export function divergence(epoch, rate, optimizer) {
  return (
    `Training diverged at epoch ${epoch}: a number stopped being finite. The learning rate ${general(rate)} is probably ` +
    `too high for ${optimizer} here; try a tenth of it.`
  );
}

/** A number with at most six significant digits, as Python's `:g` writes it. @param {number} value */
export function general(value) {
  const [digits, power] = value.toExponential(5).split('e').map(Number);
  if (power >= -4 && power < 6) return String(Number(value.toPrecision(6)));
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}
