/**
 * This module holds pairs of runs that differ in one setting. They come from the gallery if it has them, else they are
 * trained in the page. It consists of pure functions.
 */
/** @import {Catalog, Config, GalleryEntry, State} from '../../model/types.js' */
import {listDifferences, isOfTraining} from './differences.js';
import {computedRuns, configFor} from '../../model/choice.js';
import {canGenerate} from '../../compute/datasets/generate.js';

/** @typedef {import('./link.js').Side} Side */
/** @typedef {{a: Side, b: Side, here: boolean}} Pair `here`: are both trained in this page? */

/** The number of epochs of a training in the page. */
export const EPOCHS = 200;
const MOST_EPOCHS = 1000;
const SETTINGS = {optimizer: 'adam', rate: 0.03, batch: 32, decay: 0, seed: 0};

/**
 * @typedef {object} Preset
 * @property {string} name
 * @property {string} what
 * @property {(a: Config, b: Config) => boolean} fits are these two runs this pair, in this order, if nothing else
 *   differs?
 * @property {[Partial<State>, Partial<State>]} here the two trainings in the page
 */

/** @param {Config} config */
const layersOf = (config) => /** @type {number[]} */ (/** @type {any} */ (config).model.hidden);

/** @type {Preset[]} */
export const PRESETS = [
  {
    name: 'SGD against Adam',
    what: 'The same network and start, two update rules.',
    fits: (a, b) => optimizerOf(a) === 'sgd' && optimizerOf(b) === 'adam',
    here: [
      {hidden: [16, 16], train: {...SETTINGS, optimizer: 'sgd'}},
      {hidden: [16, 16], train: SETTINGS},
    ],
  },
  {
    name: 'Plain against residual',
    what: 'A deep narrow network without and with skips, from the same start.',
    fits: (a, b) => !(/** @type {any} */ (a).model.residual) && /** @type {any} */ (b).model.residual === true,
    here: [
      {hidden: Array(10).fill(8), residual: false, train: {...SETTINGS, rate: 0.01}},
      {hidden: Array(10).fill(8), residual: true, train: {...SETTINGS, rate: 0.01}},
    ],
  },
  {
    name: 'Narrow against wide',
    what: 'The same number of layers, with few units and with many.',
    fits: (a, b) =>
      layersOf(a).length === layersOf(b).length && layersOf(a).every((width, i) => width < layersOf(b)[i]),
    here: [
      {hidden: [4, 4], train: SETTINGS},
      {hidden: [20, 20], train: SETTINGS},
    ],
  },
];
/** The settings that may differ in each pair; nothing else may. */
const KEYS = ['training.optimizer', 'model.residual', 'model.hidden'];

/**
 * @param {Preset} preset @param {Catalog} catalog @param {GalleryEntry[]} gallery @param {State} base
 * @param {string} dataset the dataset that is shown: its pair is taken, if it has one
 * @returns {Pair}
 */
export function pairFor(preset, catalog, gallery, base, dataset) {
  const key = KEYS[PRESETS.indexOf(preset)];
  const ranked = computedRuns(gallery).sort(
    (one, two) => Number(two.dataset.name === dataset) - Number(one.dataset.name === dataset),
  );
  for (const a of ranked) {
    for (const b of ranked) {
      if (a === b || !preset.fits(a.config, b.config)) continue;
      const found = listDifferences(a.config, b.config, catalog.default).filter(isOfTraining);
      if (found.length === 1 && found[0].key === key)
        return {a: sideOfEntry(a, base), b: sideOfEntry(b, base), here: false};
    }
  }
  const name = canGenerate(dataset) ? dataset : 'moons';
  const [a, b] = preset.here.map((patch) => ({
    ...base,
    run: null,
    sample: null,
    own: null,
    residual: false,
    dataset: name,
    ...patch,
    epoch: EPOCHS,
  }));
  return {a, b, here: true};
}

/** @param {GalleryEntry} entry @param {State} base @returns {Side} */
export function sideOfEntry({id, source, dataset, model}, base) {
  const {hidden, activation, residual = false} = model;
  return {
    ...base,
    ...(source === 'recorded' ? {} : {dataset: dataset.name, hidden, activation, residual}),
    run: id,
    train: null,
    sample: null,
    own: null,
    epoch: null,
  };
}

/**
 * Choose a run to show beside another: the next one of its dataset, else the same training with another optimiser.
 * @param {Side} a @param {string | null} id @param {Catalog} catalog @param {GalleryEntry[]} gallery @param {State}
 *   base @returns {Side}
 */
export function chooseBeside(a, id, catalog, gallery, base) {
  const alike = gallery.filter((entry) => entry.dataset.name === a.dataset);
  const next = alike[(alike.findIndex((entry) => entry.id === id) + 1) % alike.length];
  if (next && next.id !== id) return sideOfEntry(next, base);
  const entry = computedRuns(gallery).find((each) => each.id === id);
  const {
    optimizer,
    learning_rate: rate,
    batch_size: batch,
    weight_decay: decay,
    seed,
  } = /** @type {any} */ (entry?.config ?? configFor(catalog, a)).training;
  const usual = a.train ?? {optimizer, rate, batch, decay, seed};
  return {
    ...a,
    run: null,
    train: {...usual, optimizer: usual.optimizer === 'sgd' ? 'adam' : 'sgd'},
    epoch: a.train ? a.epoch : Math.min(MOST_EPOCHS, entry?.epochs ?? EPOCHS),
  };
}

/** @param {Config} config */
function optimizerOf(config) {
  return /** @type {any} */ (config).training.optimizer;
}
