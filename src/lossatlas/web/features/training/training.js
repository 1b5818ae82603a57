/**
 * This module trains in the page: it turns the state's settings into a dataset and a network, a worker trains it, and a
 * run grows. Every change of the data or the network starts again; everything else waits for a button.
 */
/** @import {Catalog, Config, State} from '../../model/types.js' */
/** @import {Dataset} from '../../compute/datasets/prepared.js' */
/** @import {TrainingNews} from '../../compute/engine/trainer_client.js' */
import {canSkip, configFor, modelTitle} from '../../model/choice.js';
import {createTrainer} from '../../compute/engine/trainer_client.js';
import {canGenerate, generate} from '../../compute/datasets/generate.js';
import {findOwn} from '../../compute/datasets/kept.js';
import {prepareOwn} from '../../compute/datasets/own.js';
import {createLazyModule} from '../../lib/lazy.js';
import {WATCHABLE} from './pacing.js';
import {TrainedRun} from './trained_run.js';

const stored = createLazyModule(() => import('../../compute/datasets/stored.js'));
const measured = createLazyModule(() => import('../../compute/datasets/measured.js'));
/** A training without a chosen end pauses after this many epochs. */
const MOST = 100_000;

/** @typedef {Pick<TrainingNews, 'status' | 'message' | 'advice'> & {run: TrainedRun}} News */

/**
 * @typedef {object} WorkshopOptions
 * @property {Catalog} catalog
 * @property {(run: TrainedRun) => void} onRun
 * @property {(run: TrainedRun) => Promise<void>} waitForPicture waits until a run is on the screen, or cannot be drawn
 * @property {(news: News) => void} onNews
 * @property {(title: string, detail: string) => void} onFailed
 *
 * @typedef {object} Opening
 * @property {boolean} [go] does training start at once?
 * @property {number | null} [until] the epoch to train to at once
 * @property {boolean} [hurry] train as fast as possible, for a link that names an epoch
 * @property {Float32Array} [theta] the parameters to start from
 */

export class Workshop {
  #options;
  #trainer;
  /** @type {TrainedRun | null} */
  #run = null;
  #turn = 0;
  /** Does this training no longer start by itself? A person has started, paused or stepped it. */
  #isStartCancelled = false;
  /**
   * The largest number of epochs a second while a person watches; epochs that a link asks for are trained as fast as
   * possible.
   */
  #pace = WATCHABLE;
  /** The places where a person wants the training to pause. */
  #rests = {stop: /** @type {number | null} */ (null), pauses: true};
  /** The message for the place where it has stopped. @type {string | null} */
  #reached = null;

  /** @param {WorkshopOptions} options */
  constructor(options) {
    this.#options = options;
    this.#trainer = createTrainer({
      onNews: (news) => this.#handleNews(news),
      onError: (message) => this.#fail(message),
    });
  }

  /** Start a new training with the settings of the state. @param {State} state @param {Opening} [opening] */
  async open(state, {go = false, until = null, hurry = false, theta} = {}) {
    const turn = ++this.#turn;
    const {catalog, onRun, onFailed} = this.#options;
    try {
      if (!state.train) return;
      const {samples, ...task} = await prepareTask(catalog, state);
      if (turn !== this.#turn) return;
      const {training} = /** @type {any} */ (task.config);
      const record = this.#trainer.open({network: task.network, config: training, samples, theta});
      this.#run = new TrainedRun({...task, record});
      onRun(this.#run);
      this.#trainer.limit(hurry ? Infinity : this.#pace);
      this.#reached = null;
      this.#isStartCancelled = false;
      // On a slow line thousands of epochs would be trained before the code that draws them has arrived.
      await this.#options.waitForPicture(this.#run);
      if (turn !== this.#turn || this.#isStartCancelled) return;
      if (until === null) {
        if (go) this.#start(this.#nextStop());
      } else if (until > 0) this.#trainer.start(until, false); // A link to epoch 0 opens epoch 0.
    } catch (error) {
      const detail = String(/** @type {any} */ (error)?.message ?? error);
      if (turn === this.#turn) onFailed('This cannot be trained here', detail);
    }
  }

  start() {
    this.cancelStart();
    this.#trainer.limit(this.#pace);
    this.#start(this.#nextStop());
  }

  /** Do not start by itself any more, if the training waits for its first picture. */
  cancelStart() {
    this.#isStartCancelled = true;
  }

  pause() {
    this.cancelStart();
    this.#trainer.pause();
  }

  /** Continue as before the pause. */
  continueTraining() {
    this.#trainer.start();
  }

  step() {
    this.cancelStart();
    this.#trainer.step();
  }

  /**
   * Pause at these places from now on.
   * @param {{stop: number | null, pauses: boolean}} wanted an epoch, and whether to pause at a plateau
   */
  restAt(wanted) {
    this.#rests = wanted;
    if (!this.#run?.isTraining) return;
    // If the training has passed that epoch, it pauses at once.
    this.#start(wanted.stop === null ? null : Math.max(wanted.stop, this.#epoch + 1));
  }

  /** @param {number} rate the largest number of epochs a second */
  limit(rate) {
    this.#pace = rate;
    this.#trainer.limit(rate);
  }

  endTraining() {
    this.#turn++;
    this.#run = null;
    this.#trainer.stop();
  }

  get #epoch() {
    return this.#run?.frames.at(-1) ?? 0;
  }

  /** Return the epoch at which to stop; null if the training has passed it. */
  #nextStop() {
    const {stop} = this.#rests;
    return stop !== null && stop > this.#epoch ? stop : null;
  }

  /** @param {number | null} stop an epoch */
  #start(stop) {
    const until = stop ?? this.#epoch + MOST;
    const why = stop === null ? 'because no end was set' : 'as set';
    this.#reached = `Stopped at epoch ${until}, ${why}. Press Continue to train further.`;
    this.#trainer.start(until, this.#rests.pauses);
  }

  /** @param {Pick<TrainingNews, 'status' | 'message' | 'advice'>} news */
  #handleNews({status, message, advice}) {
    const run = this.#run;
    if (!run) return;
    run.isTraining = status === 'training';
    if (status === 'diverged') run.outcome = {status, epoch: run.frames.at(-1), message: message ?? ''};
    this.#options.onNews({run, status, message: status === 'finished' ? this.#reached : message, advice});
  }

  /** @param {string} message */
  #fail(message) {
    const run = this.#run;
    if (run) {
      run.isTraining = false;
      // The epochs so far can still be looked at.
      this.#options.onNews({run, status: 'paused', message: null, advice: null});
    }
    this.#options.onFailed('Training in the page failed', message);
  }
}

/**
 * Prepare what is trained: the configuration, its points, the network, and a title.
 * @param {Catalog} catalog @param {State} state
 */
async function prepareTask(catalog, state) {
  const config = configOf(catalog, state);
  const dataset = await datasetFor(state, config, catalog);
  const {points, labels, trainPoints} = dataset; // The points are in float64, as in Python's training.
  return {
    config,
    dataset,
    network: networkFor(state, dataset.classes.length),
    title: `${dataset.title} · ${modelTitle(catalog, state)} · trained here`,
    samples: {
      train: {points: points.slice(0, 2 * trainPoints), labels: labels.slice(0, trainPoints)},
      test: {points: points.slice(2 * trainPoints), labels: labels.slice(trainPoints)},
    },
  };
}

/**
 * Create the points of a configuration.
 * @param {State} state @param {Config} config @param {Catalog} catalog @returns {Promise<Dataset>}
 */
async function datasetFor({dataset: name, own}, config, catalog) {
  if (own) return prepareOwn(await findOwn(own));
  const run = catalog.datasets.find((each) => each.name === name)?.run;
  if (run) return (await stored.request()).loadStored(run, /** @type {any} */ (config).dataset);
  const sample = /** @type {any} */ (config).dataset;
  if (canGenerate(name)) return generate(sample);
  return (await measured.request()).loadMeasured(sample);
}

/** @param {State} state @param {number} classes @returns {import('../../model/architecture.js').Architecture} */
function networkFor({hidden, activation, residual}, classes) {
  return {layers: [2, ...hidden, classes], activation, residual: residual && canSkip(hidden)};
}

/**
 * Return the whole configuration, so that Python can train the same.
 * @param {Catalog} catalog @param {State} state @returns {Config}
 */
export function configOf(catalog, state) {
  const {own, sample, train} = state;
  const base = /** @type {any} */ (configFor(catalog, state));
  const {optimizer, rate, batch, decay, seed} = /** @type {import('../../model/settings.js').Settings} */ (train);
  return {
    ...base,
    dataset: own ? {name: 'own'} : {...base.dataset, ...(sample && canGenerate(state.dataset) ? sample : {})},
    training: {...base.training, optimizer, learning_rate: rate, batch_size: batch, weight_decay: decay, seed},
  };
}
