/** This module is the strip above the playback in which a training in the page is set up, started and watched. */
/** @import {Catalog, State} from '../../model/types.js' */
/** @import {Sample, Settings} from '../../model/settings.js' */
/** @import {TrainedRun} from './trained_run.js' */
/** @import {News} from './training.js' */
import {roundToDigits} from '../../lib/numbers.js';
import {byId, make, setText} from '../../lib/dom.js';
import {canGenerate} from '../../compute/datasets/generate.js';
import {constants} from '../../model/constants.js';
import {joinKey} from '../../model/keys.js';
import {BATCHES, createParts} from './panel_parts.js';

/** The time over which the speed is measured, in milliseconds. */
const PACE_TIME = 1000;

/**
 * @typedef {object} PanelOptions
 * @property {(settings: Settings) => void} onBegin
 * @property {() => void} onStart
 * @property {() => void} onPause
 * @property {() => void} onStep
 * @property {(rate: number) => void} onPace
 * @property {(wanted: {stop: number | null, pauses: boolean}) => void} onRest
 * @property {(patch: Partial<State>) => void} choose
 */

export class Panel {
  #root = byId('workshop');
  #options;
  #parts;
  /** @type {Settings | null} */
  #settings = null;
  /**
   * What each group of fields got last. It is filled in again if a value has changed, so that what somebody has typed
   * for the next training stays when other points are drawn or another network is chosen. @type {Record<string, string>}
   */
  #filled = {};
  /** The status of the training, or `stopped`. */
  #status = 'ready';
  /** The latest epochs, from which the speed is measured. @type {{at: number, epoch: number}[]} */
  #marks = [];
  /** The training of the last news. @type {TrainedRun | null} */
  #latest = null;
  /** The training that was stopped. @type {TrainedRun | null} */
  #ended = null;

  /** @param {PanelOptions} options */
  constructor(options) {
    this.#options = options;
    this.#parts = createParts(this.#root, options.onRest);
    this.#wireButtons();
    this.#wireSample();
  }

  /** Show the settings of a state. @param {State} state @param {Catalog} catalog */
  draw(state, catalog) {
    this.#root.hidden = false;
    this.#settings = state.train;
    if (!state.train) return;
    this.#fillIn(state.train);
    this.#fillInSample(state, catalog);
    this.#marks = [];
    setText(this.#parts.message, '');
    this.#parts.remedy.hidden = true;
  }

  /** Show the progress of a training. @param {News} news */
  showProgress({run, status, message, advice}) {
    const {progress, message: words, remedy} = this.#parts;
    this.#latest = run;
    if (run !== this.#ended) this.#show(status);
    if (status !== 'training') this.#marks = [];
    setText(progress, this.#paceText(run.frames.at(-1) ?? 0));
    setText(words, [message, advice].filter(Boolean).join(' '));
    remedy.hidden = status !== 'diverged';
    if (!remedy.hidden) setText(remedy, `Try ${this.#smallerRate()}`);
  }

  hide() {
    this.#root.hidden = true;
    this.#filled = {};
  }

  #wireButtons() {
    const {go, step, stop, same, anew, pace, remedy, rate} = this.#parts;
    const {onPause, onStart, onStep, onPace} = this.#options;
    go.addEventListener('click', () => {
      if (this.#status === 'training') onPause();
      else if (['ready', 'stopped', 'diverged'].includes(this.#status)) this.#begin(0);
      else onStart();
    });
    step.addEventListener('click', onStep);
    stop.addEventListener('click', () => {
      onPause();
      this.#ended = this.#latest; // News about it may still arrive.
      this.#show('stopped');
    });
    same.addEventListener('click', () => this.#begin(0));
    anew.addEventListener('click', () => this.#begin(1));
    pace.addEventListener('change', () => onPace(Number(pace.value)));
    remedy.addEventListener('click', () => {
      rate.write(this.#smallerRate());
      this.#begin(0);
    });
  }

  #wireSample() {
    const {points, noise, drawn} = this.#parts;
    for (const field of [points, noise, drawn])
      field.input.addEventListener('change', () => {
        const sample = {points: points.read(), noise: noise.read(), seed: drawn.read()};
        const wrong = [field, points, noise, drawn].find((each) => !each.isSound());
        if (wrong) wrong.report();
        else this.#options.choose({sample: /** @type {Sample} */ (sample), epoch: null});
      });
  }

  /** Train again. @param {number} more the number that is added to the seed */
  #begin(more) {
    const settings = this.#read();
    if (settings) this.#options.onBegin({...settings, seed: settings.seed + more});
  }

  /**
   * Read the settings from the fields; null if a value is not allowed, which its field says.
   * @returns {Settings | null}
   */
  #read() {
    const {optimizer, rate, decay, batch} = this.#parts;
    if (![rate, decay].every((field) => field.report())) return null;
    return {
      optimizer: optimizer.value,
      rate: Number(rate.read()),
      decay: Number(decay.read()),
      seed: this.#settings?.seed ?? 0,
      batch: batch.value === 'full' ? 'full' : Number(batch.value),
    };
  }

  /** @param {Settings} settings */
  #fillIn(settings) {
    const {optimizer, rate, batch, decay} = this.#parts;
    if (!this.#isOther('settings', [settings.optimizer, settings.rate, settings.batch, settings.decay])) return;
    optimizer.value = settings.optimizer;
    rate.write(settings.rate);
    const size = String(settings.batch);
    if (!BATCHES.includes(size) && ![...batch.options].some(({value}) => value === size))
      batch.append(make('option', {value: size}, size));
    batch.value = size;
    decay.write(settings.decay);
  }

  /** @param {State} state @param {Catalog} catalog */
  #fillInSample({sample, dataset, own}, catalog) {
    const {points, noise, drawn, sampleFields} = this.#parts;
    for (const each of sampleFields) each.hidden = own !== null || !canGenerate(dataset);
    const usual = /** @type {any} */ (catalog.datasets.find(({name}) => name === dataset)?.config ?? {});
    const count = sample?.points ?? usual.points ?? constants().defaults.points;
    const [scatter, seed] = [sample?.noise ?? usual.noise ?? 0, sample?.seed ?? usual.seed ?? 0];
    if (!this.#isOther('sample', [count, scatter, seed])) return;
    points.write(count);
    noise.write(scatter);
    drawn.write(seed);
  }

  /** Are these other values than those that a group of fields got last? @param {string} group @param {any[]} values */
  #isOther(group, values) {
    const text = joinKey(...values);
    if (this.#filled[group] === text) return false;
    this.#filled[group] = text;
    return true;
  }

  /** @param {string} status */
  #show(status) {
    const {go, step, stop} = this.#parts;
    const goesOn = status === 'paused' || status === 'finished';
    this.#status = status;
    setText(go, status === 'training' ? 'Pause' : goesOn ? 'Continue' : 'Start');
    step.disabled = ['training', 'diverged', 'stopped'].includes(status);
    stop.disabled = status !== 'training' && status !== 'paused';
  }

  /** Divide the learning rate by ten. */
  #smallerRate() {
    return roundToDigits(Number(this.#parts.rate.read()) / 10, 3);
  }

  /** @param {number} epoch */
  #paceText(epoch) {
    const at = performance.now();
    this.#marks.push({at, epoch});
    this.#marks = this.#marks.filter((mark) => at - mark.at < PACE_TIME || mark === this.#marks.at(-1));
    const [first] = this.#marks;
    const pace = at - first.at > PACE_TIME / 4 ? (1000 * (epoch - first.epoch)) / (at - first.at) : 0;
    const isKnown = this.#status === 'training' && pace > 0;
    return isKnown ? `epoch ${epoch} · ${Math.round(pace)} epochs/s` : `epoch ${epoch}`;
  }
}
