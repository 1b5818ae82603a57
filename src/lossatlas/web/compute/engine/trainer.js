/**
 * Trains off the page's thread, in slices that let messages through, and tells every epoch: many in one message, some
 * thirty messages a second. One training at a time; of one that is stopped nothing is told any more.
 */
/** @import {Architecture} from '../../model/architecture.js' */
/** @import {TrainingConfig, TrainingState} from './training.js' */
/** @import {Metrics} from './measure.js' */
/** @import {Sample} from './worker.js' */
import {adviceFor, createPlateauFinder, deadUnits, PLATEAU_EPOCHS} from './diagnostics.js';
import {loadModule} from './kernel.js';
import {createMeasure} from './measure.js';
import {createTraining, divergence} from './training.js';
import {pause, sleep} from './turns.js';

/**
 * @typedef {object} Task what to train
 * @property {Architecture} network
 * @property {TrainingConfig} config
 * @property {Record<'train' | 'test', Sample>} samples
 * @property {ArrayLike<number>} [theta] where to start, instead of where the seed would; from epoch 0 all the same
 * @property {TrainingState} [state] of another training, to go on from
 *
 * @typedef {'ready' | 'training' | 'paused' | 'finished' | 'diverged'} TrainingStatus
 *
 * @typedef {object} Progress all epochs since the last message
 * @property {'progress'} type
 * @property {number} id
 * @property {TrainingStatus} status
 * @property {number[]} epochs
 * @property {Float32Array} theta [epoch, P], and perhaps room beyond
 * @property {Record<keyof Metrics, number[]>} metrics one number an epoch, of the float32 theta
 * @property {string | null} message what to say of a training that diverged, or that paused of itself
 * @property {number[]} dead ReLU units of each hidden layer that are dead, as last counted: about once a second
 * @property {string | null} advice what to say of one that does not get on
 *
 * @typedef {{type: 'open', id: number, task: Task}} OpenMessage
 * @typedef {{type: 'start', id: number, until?: number, pauses?: boolean}} StartMessage
 * @typedef {{type: 'pause' | 'step' | 'stop' | 'state', id: number}} PlainMessage
 * @typedef {{type: 'rate', id: number, rate: number}} RateMessage
 */

/** Milliseconds that training goes on without looking at its messages, unless a single epoch takes longer. */
const SLICE = 12;
/** Milliseconds between two messages to the page, and between two looks at what ails the training. */
const INTERVAL = 33;
const ADVICE_INTERVAL = 1000;

const scope = /** @type {any} */ (globalThis);
const SIMD = loadModule(async (name) => (await fetch(new URL(name, import.meta.url))).arrayBuffer()).catch(() => null);

/** @type {ReturnType<typeof createJob> | null} the one training */
let job = null;
/** Of the training asked for last, from the moment on that its message is there; 0: none. */
let wanted = 0;
/** Epochs a second, at most. */
let rate = Infinity;

/** @param {number} id @param {Task} task @param {WebAssembly.Module | null} simd */
function createJob(id, task, simd) {
  const {network, config, samples} = task;
  const training = createTraining({...task, ...samples.train});
  const measure = createMeasure(network, samples, simd);
  const size = training.theta.length;
  let until = config.epochs;
  /** @type {TrainingStatus} */
  let status = 'ready';
  /** @type {string | null} */
  let message = null;
  /** @type {string | null} */
  let advice = null;
  /** @type {number[]} */
  let losses = [];
  /** @type {number[]} */
  let dead = [];
  /** Where it pauses at a plateau. @type {ReturnType<typeof createPlateauFinder> | null} */
  let finder = null;
  let batch = emptyBatch(size);
  let [posted, advised, due] = [0, 0, 0];
  let looping = false;

  /** Note where it stands. @param {TrainingStatus} going what it is if it is well */
  const record = (going) => {
    const metrics = measure.of(training.theta);
    status = metrics ? going : 'diverged';
    if (!metrics) {
      message = divergence(training.epoch, config);
      return;
    }
    add(batch, training.epoch, training.theta, metrics);
    losses.push(metrics.train_loss);
    if (losses.length > 2 * PLATEAU_EPOCHS) losses = losses.slice(-PLATEAU_EPOCHS);
    const flat = finder?.add(metrics.train_loss) ?? 0;
    if (!flat || going !== 'training') return;
    status = 'paused';
    message = `Paused at epoch ${training.epoch}: the loss has hardly changed for ${flat} epochs. Continue goes on.`;
  };

  const advise = () => {
    const {layers} = network;
    dead = deadUnits(network, training.theta, samples.train.points);
    advice = adviceFor({losses, classes: layers[layers.length - 1], dead, sizes: layers.slice(1, -1)});
  };

  const post = () => {
    const now = performance.now();
    if (status === 'diverged')
      advice = null; // it is told already
    else if (status !== 'training' || now - advised > ADVICE_INTERVAL) {
      advise();
      advised = now;
    }
    const {epochs, theta, metrics} = batch;
    scope.postMessage({type: 'progress', id, status, epochs, theta, metrics, message, dead, advice}, [theta.buffer]);
    batch = emptyBatch(size);
    posted = now;
  };

  /** @param {'training' | 'paused'} going */
  const epoch = (going) => {
    training.step();
    record(training.epoch >= until ? 'finished' : going);
    due = Math.max(due, performance.now() - INTERVAL) + 1000 / rate;
  };

  const loop = async () => {
    while (wanted === id && status === 'training') {
      const end = performance.now() + SLICE;
      while (status === 'training' && due <= performance.now() && performance.now() < end) epoch('training');
      const wait = due - performance.now();
      const isTime = wait > INTERVAL || performance.now() - posted >= INTERVAL;
      if (status !== 'training' || (isTime && batch.epochs.length)) post();
      await (wait > 1 ? sleep(Math.min(wait, INTERVAL)) : pause());
    }
    looping = false;
  };

  record('ready');
  post();
  return {
    id,
    state: training.state,
    /** @param {number} [end] the epoch to train up to @param {boolean} [pauses] at a plateau that begins from here on? */
    start(end = until, pauses) {
      until = end;
      if (pauses !== undefined) finder = pauses ? createPlateauFinder(training.epoch) : null;
      if (pauses) finder?.add(losses[losses.length - 1]);
      if (status === 'diverged' || training.epoch >= until) return;
      status = 'training';
      message = null;
      if (looping) return;
      looping = true;
      due = performance.now();
      loop().catch(report);
    },
    pause() {
      if (status !== 'training') return;
      status = 'paused';
      post();
    },
    step() {
      if (status === 'training' || status === 'diverged') return;
      message = null;
      epoch('paused');
      post();
    },
    hurry() {
      due = Math.min(due, performance.now() + 1000 / rate);
    },
  };
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
function add(batch, epoch, theta, metrics) {
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

/** @param {unknown} error */
function report(error) {
  scope.postMessage({type: 'error', id: wanted, message: String(error)});
}

/** @param {OpenMessage} message */
async function open({id, task}) {
  const simd = await SIMD;
  if (wanted === id) job = createJob(id, task, simd);
}

/** Messages are answered one after the other, so that none overtakes the training that it is meant for. */
let turn = Promise.resolve();

/** @param {OpenMessage | StartMessage | PlainMessage | RateMessage} message */
async function answer(message) {
  if (message.type === 'open') return open(message);
  if (message.type === 'rate') rate = message.rate;
  if (job?.id !== message.id) return undefined;
  switch (message.type) {
    case 'start':
      return job.start(message.until, message.pauses);
    case 'pause':
      return job.pause();
    case 'step':
      return job.step();
    case 'rate':
      return job.hurry();
    case 'state':
      return scope.postMessage({type: 'state', id: message.id, state: job.state()});
    default:
      job = null; // stop
  }
  return undefined;
}

/** @param {MessageEvent} event */
scope.onmessage = ({data}) => {
  if (data.type === 'open') wanted = data.id;
  if (data.type === 'stop' && wanted === data.id) wanted = 0; // at once, even while the kernels are being fetched
  turn = turn.then(() => answer(data)).catch(report);
};
