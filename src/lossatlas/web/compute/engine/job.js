/**
 * This module runs one training in a worker: it trains in short slices, between which messages are handled, and reports
 * every epoch, many in one message.
 */
/** @import {Architecture} from '../../model/architecture.js' */
/** @import {TrainingConfig, TrainingState} from './training.js' */
/** @import {Metrics} from './measure.js' */
/** @import {Sample} from './worker.js' */
import {adviceFor, createPlateauFinder, countDeadUnits, PLATEAU_EPOCHS} from './diagnostics.js';
import {createMeasure} from './measure.js';
import {createTraining, describeDivergence} from './training.js';
import {pause, sleep} from './turns.js';

/**
 * @typedef {object} Task the training to run
 * @property {Architecture} network
 * @property {TrainingConfig} config
 * @property {Record<'train' | 'test', Sample>} samples
 * @property {ArrayLike<number>} [theta] the parameters to start from, instead of those that the seed draws
 * @property {TrainingState} [state] the state of another training, to continue from
 * @property {string} [optimizerTitle] the optimiser's name in messages; the page adds it, as workers have no constants
 *
 * @typedef {'ready' | 'training' | 'paused' | 'finished' | 'diverged'} TrainingStatus
 *
 * @typedef {object} Progress a message about all epochs since the last message
 * @property {'progress'} type
 * @property {number} id
 * @property {TrainingStatus} status
 * @property {number[]} epochs
 * @property {Float32Array} theta [epoch, P]; the array may be longer than the epochs need
 * @property {Record<keyof Metrics, number[]>} metrics one number per epoch, for the float32 theta
 * @property {string | null} message a sentence about a training that diverged, or that paused by itself
 * @property {number[]} dead the number of dead ReLU units in each hidden layer, which is counted about once a second
 * @property {string | null} advice a sentence about a training that makes no progress
 */

/** The time for which training ignores messages, in milliseconds, unless a single epoch takes longer. */
const SLICE = 12;
/** The time between two messages to the page, and between two diagnoses, in milliseconds. */
const INTERVAL = 33;
const ADVICE_INTERVAL = 1000;

/**
 * @typedef {object} Surroundings what a job needs from its worker
 * @property {() => boolean} isWanted is this training still wanted, or has another taken its place?
 * @property {() => number} rate the largest number of epochs a second
 * @property {(progress: Progress) => void} post
 * @property {(error: unknown) => void} report
 */

export class Job {
  #task;
  #around;
  #training;
  #measure;
  #until;
  /** @type {TrainingStatus} */
  #status = 'ready';
  /** @type {string | null} */
  #message = null;
  /** @type {string | null} */
  #advice = null;
  /** @type {number[]} */
  #losses = [];
  /** @type {number[]} */
  #dead = [];
  /** It finds a plateau at which to pause. @type {ReturnType<typeof createPlateauFinder> | null} */
  #finder = null;
  #batch;
  #posted = 0;
  #advised = 0;
  /** The time at which the next epoch is due, in milliseconds. */
  #due = 0;
  #looping = false;

  /** @param {number} id @param {Task} task @param {WebAssembly.Module | null} simd @param {Surroundings} around */
  constructor(id, task, simd, around) {
    this.id = id;
    this.#task = task;
    this.#around = around;
    this.#training = createTraining({...task, ...task.samples.train});
    this.#measure = createMeasure(task.network, task.samples, simd);
    this.#until = task.config.epochs;
    this.#batch = emptyBatch(this.#training.theta.length);
    this.#record('ready');
    this.#post();
  }

  /** Return everything that another training needs to continue from here. */
  state() {
    return this.#training.state();
  }

  /**
   * Train.
   * @param {number} [end] the last epoch to train @param {boolean} [pauses] does the training pause at a plateau that
   *   begins from here on?
   */
  start(end = this.#until, pauses) {
    this.#until = end;
    if (pauses !== undefined) this.#finder = pauses ? createPlateauFinder(this.#training.epoch) : null;
    if (pauses) this.#finder?.add(this.#losses[this.#losses.length - 1]);
    if (this.#status === 'diverged' || this.#training.epoch >= this.#until) return;
    this.#status = 'training';
    this.#message = null;
    if (this.#looping) return;
    this.#looping = true;
    this.#due = performance.now();
    this.#loop().catch(this.#around.report);
  }

  pause() {
    if (this.#status !== 'training') return;
    this.#status = 'paused';
    this.#post();
  }

  /** Train one epoch. */
  step() {
    if (this.#status === 'training' || this.#status === 'diverged') return;
    this.#message = null;
    this.#trainEpoch('paused');
    this.#post();
  }

  /** Shorten the wait for the next epoch, since the rate has changed. */
  shortenWait() {
    this.#due = Math.min(this.#due, performance.now() + 1000 / this.#around.rate());
  }

  async #loop() {
    while (this.#around.isWanted() && this.#status === 'training') {
      this.#trainSlice();
      const wait = this.#due - performance.now();
      const isTime = wait > INTERVAL || performance.now() - this.#posted >= INTERVAL;
      if (this.#status !== 'training' || (isTime && this.#batch.epochs.length)) this.#post();
      await (wait > 1 ? sleep(Math.min(wait, INTERVAL)) : pause());
    }
    this.#looping = false;
  }

  #trainSlice() {
    const end = performance.now() + SLICE;
    while (this.#status === 'training' && this.#due <= performance.now() && performance.now() < end)
      this.#trainEpoch('training');
  }

  /** @param {'training' | 'paused'} going the status if nothing went wrong */
  #trainEpoch(going) {
    this.#training.step();
    this.#record(this.#training.epoch >= this.#until ? 'finished' : going);
    this.#due = Math.max(this.#due, performance.now() - INTERVAL) + 1000 / this.#around.rate();
  }

  /** Measure the current network. @param {TrainingStatus} going the status if nothing went wrong */
  #record(going) {
    const {epoch, theta} = this.#training;
    const metrics = this.#measure.measure(theta);
    this.#status = metrics ? going : 'diverged';
    if (!metrics) {
      this.#message = describeDivergence(epoch, this.#task.config.learning_rate, this.#task.optimizerTitle ?? '');
      return;
    }
    addEpoch(this.#batch, epoch, theta, metrics);
    this.#losses.push(metrics.train_loss);
    if (this.#losses.length > 2 * PLATEAU_EPOCHS) this.#losses = this.#losses.slice(-PLATEAU_EPOCHS);
    const flat = this.#finder?.add(metrics.train_loss) ?? 0;
    if (!flat || going !== 'training') return;
    this.#status = 'paused';
    this.#message =
      `Paused at epoch ${epoch}: the loss has hardly changed ` + `for ${flat} epochs. Press Continue to train further.`;
  }

  #post() {
    const now = performance.now();
    if (this.#status === 'diverged')
      this.#advice = null; // The message already says it.
    else if (this.#status !== 'training' || now - this.#advised > ADVICE_INTERVAL) {
      this.#advise();
      this.#advised = now;
    }
    this.#around.post({
      ...this.#batch,
      type: 'progress',
      id: this.id,
      status: this.#status,
      message: this.#message,
      dead: this.#dead,
      advice: this.#advice,
    });
    this.#batch = emptyBatch(this.#training.theta.length);
    this.#posted = now;
  }

  #advise() {
    const {network, samples} = this.#task;
    const {layers} = network;
    this.#dead = countDeadUnits(network, this.#training.theta, samples.train.points);
    const known = {losses: this.#losses, dead: this.#dead};
    this.#advice = adviceFor({...known, classes: layers[layers.length - 1], sizes: layers.slice(1, -1)});
  }
}

/** @typedef {{epochs: number[], theta: Float32Array, metrics: Record<keyof Metrics, number[]>}} Batch */

/** @param {number} size P @returns {Batch} */
function emptyBatch(size) {
  return {
    epochs: [],
    theta: new Float32Array(16 * size),
    metrics: {train_loss: [], test_loss: [], train_accuracy: [], test_accuracy: []},
  };
}

/** @param {Batch} batch @param {number} epoch @param {Float64Array} theta @param {Metrics} metrics */
function addEpoch(batch, epoch, theta, metrics) {
  const at = batch.epochs.length * theta.length;
  if (at === batch.theta.length) {
    const wider = new Float32Array(2 * at);
    wider.set(batch.theta);
    batch.theta = wider;
  }
  batch.theta.set(theta, at);
  batch.epochs.push(epoch);
  for (const name of /** @type {(keyof Metrics)[]} */ (Object.keys(metrics))) batch.metrics[name].push(metrics[name]);
}
