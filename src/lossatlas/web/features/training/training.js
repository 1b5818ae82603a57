/**
 * Training in the page: the state's settings → a dataset and a network → a worker that trains → a run that grows. Every
 * change of data or network begins anew; everything else waits for a button.
 */
/** @import {Catalog, Config, State} from '../../model/types.js' */
/** @import {Dataset} from '../../compute/datasets/prepared.js' */
/** @import {TrainingNews} from '../../compute/engine/trainer_client.js' */
import {canSkip, configFor, modelTitle} from '../../model/choice.js';
import {createTrainer} from '../../compute/engine/trainer_client.js';
import {canGenerate, generate} from '../../compute/datasets/generate.js';
import {recall} from '../../compute/datasets/kept.js';
import {prepareOwn} from '../../compute/datasets/own.js';
import {WATCHABLE} from './pacing.js';
import {TrainedRun} from './trained_run.js';

/** A training that nobody told where to stop rests after so many epochs. */
const MOST = 100_000;

/** @typedef {Pick<TrainingNews, 'status' | 'message' | 'advice'> & {run: TrainedRun}} News */

/**
 * @param {object} options
 * @param {Catalog} options.catalog
 * @param {(run: TrainedRun) => void} options.onRun
 * @param {(news: News) => void} options.onNews
 * @param {(title: string, detail: string) => void} options.onFailed
 */
export function createWorkshop({catalog, onRun, onNews, onFailed}) {
  /** @type {TrainedRun | null} */
  let run = null;
  let turn = 0;
  /** Epochs a second, at most, as a person watches; what is only caught up with goes as fast as it can. */
  let pace = WATCHABLE;
  /** Where a person wants it to rest. */
  let rests = {stop: /** @type {number | null} */ (null), pauses: true};
  /** What to say where it has stopped. @type {string | null} */
  let reached = null;
  const epoch = () => run?.frames.at(-1) ?? 0;
  /** @param {number | null} stop an epoch */
  const start = (stop) => {
    const until = stop ?? epoch() + MOST;
    reached = `Stopped at epoch ${until}${stop === null ? ', as nobody has set an end' : ', as set'}. Continue goes on.`;
    trainer.start(until, rests.pauses);
  };
  /** One that has passed is none. */
  const next = () => (rests.stop !== null && rests.stop > epoch() ? rests.stop : null);
  const trainer = createTrainer({
    onNews({status, message, advice}) {
      if (!run) return;
      run.isTraining = status === 'training';
      if (status === 'diverged') run.outcome = {status, epoch: run.frames.at(-1), message: message ?? ''};
      onNews({run, status, message: status === 'finished' ? reached : message, advice});
    },
    onError(message) {
      if (run) {
        run.isTraining = false;
        onNews({run, status: 'paused', message: null, advice: null}); // what there is of it can be looked at
      }
      onFailed('Training in the page failed', message);
    },
  });

  return {
    /**
     * A new training of what the state says.
     * @param {State} state @param {{go?: boolean, until?: number | null, hurry?: boolean, theta?: Float32Array}} [options]
     * `go`: at once; `until`: to this epoch; `hurry`: as fast as it can, for a link that says which
     */
    async open(state, {go = false, until: to = null, hurry = false, theta} = {}) {
      const mine = ++turn;
      try {
        if (!state.train) return;
        const config = configOf(catalog, state);
        const dataset = await datasetFor(state, config, catalog);
        if (mine !== turn) return;
        const network = networkFor(state, dataset.classes.length);
        const train = dataset.trainPoints;
        const {points} = dataset; // in float64, as Python trains on them
        const samples = {
          train: {points: points.slice(0, 2 * train), labels: dataset.labels.slice(0, train)},
          test: {points: points.slice(2 * train), labels: dataset.labels.slice(train)},
        };
        const record = trainer.open({network, config: /** @type {any} */ (config).training, samples, theta});
        run = new TrainedRun({
          title: `${dataset.title} · ${modelTitle(catalog, state)} · trained here`,
          config,
          dataset,
          network,
          record,
        });
        onRun(run);
        trainer.limit(hurry ? Infinity : pace);
        reached = null;
        if (to !== null) {
          if (to > 0) trainer.start(to, false); // a link to epoch 0 opens epoch 0
        } else if (go) start(next());
      } catch (error) {
        if (mine === turn)
          onFailed('This cannot be trained here', String(/** @type {any} */ (error)?.message ?? error));
      }
    },
    start() {
      trainer.limit(pace);
      start(next());
    },
    /** Where it rests from now on. @param {{stop: number | null, pauses: boolean}} wanted an epoch; and at a plateau? */
    restAt(wanted) {
      rests = wanted;
      if (run?.isTraining) start(rests.stop === null ? null : Math.max(rests.stop, epoch() + 1)); // one that has passed: at once
    },
    pause: trainer.pause,
    /** As it went before the pause. */
    goOn: () => trainer.start(),
    step: trainer.step,
    /** @param {number} rate epochs a second, at most */
    limit(rate) {
      pace = rate;
      trainer.limit(rate);
    },
    leave() {
      turn++;
      run = null;
      trainer.stop();
    },
  };
}

/** The points of a configuration. @param {State} state @param {Config} config @param {Catalog} catalog @returns {Promise<Dataset>} */
async function datasetFor({dataset: name, own}, config, catalog) {
  if (own) return prepareOwn(await recall(own));
  const run = catalog.datasets.find((each) => each.name === name)?.run;
  if (run)
    return (await import('../../compute/datasets/stored.js')).loadStored(run, /** @type {any} */ (config).dataset);
  const sample = /** @type {any} */ (config).dataset;
  if (canGenerate(name)) return generate(sample);
  return (await import('../../compute/datasets/measured.js')).loadMeasured(sample);
}

/** @param {State} state @param {number} classes @returns {import('../../model/architecture.js').Architecture} */
function networkFor({hidden, activation, residual}, classes) {
  return {layers: [2, ...hidden, classes], activation, residual: residual && canSkip(hidden)};
}

/** The whole configuration, so that Python can train the same. @param {Catalog} catalog @param {State} state @returns {Config} */
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
