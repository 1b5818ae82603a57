/**
 * This module holds pairs of runs that differ in one thing. They come from the gallery if it has them, else they are
 * trained in the page. It consists of pure functions.
 */
/** @import {Catalog, Config, GalleryEntry, State} from '../../model/types.js' */
/** @import {Settings} from '../../model/settings.js' */
import {listDifferences, isOfTraining} from './differences.js';
import {computedRuns} from '../../model/choice.js';
import {constants} from '../../model/constants.js';
import {roundToDigits} from '../../lib/numbers.js';
import {canGenerate} from '../../compute/datasets/generate.js';
import {RATES} from './rates.js';
import {EPOCHS, settingsOf} from './settings.js';

/** @typedef {import('./link.js').Side} Side */
/** @typedef {{a: Side, b: Side, here: boolean}} Pair `here`: are both trained in this page? */

/** The smallest number of points that still shows a shape, and a number with which every boundary is smooth. */
const [FEW, MANY] = [40, 2000];
const DECAY = 0.01;
/** Adam's usual rate in the package. */
const SAFE_RATE = 0.01;
/** The noise of points that usually have none. */
const BLUR = 0.2;

/**
 * @typedef {object} Preset
 * @property {string} name
 * @property {string} group
 * @property {string} what
 * @property {string[]} [keys] the settings that may differ in a pair of the gallery; without any, no pair of a gallery
 *   is fair
 * @property {(a: Config, b: Config) => boolean} [fits] are these two runs this pair, in this order, if nothing else
 *   differs?
 * @property {(dataset: string) => [Partial<State>, Partial<State>]} here the two trainings in the page
 */

/** @param {Config} config @returns {number[]} */
const layersOf = (config) => /** @type {any} */ (config).model.hidden;

/**
 * Return settings with the best rate of an optimiser on a dataset. Another rate would decide the comparison.
 * @param {string} dataset @param {string} optimizer @param {Partial<Settings>} [others] @returns {Settings}
 */
function tune(dataset, optimizer, others = {}) {
  const settings = {optimizer, batch: /** @type {Settings['batch']} */ (32), decay: 0, seed: 0, ...others};
  const name = settings.batch === 32 ? optimizer : `${optimizer} ${settings.batch}`;
  return {rate: RATES[dataset][name], ...settings};
}

/**
 * Write a pair of two optimisers, each with its own rate.
 * @param {string} name @param {string} a @param {string} b @param {string} what @returns {Preset}
 */
const pairOptimizers = (name, a, b, what) => ({
  name,
  group: 'Optimizers',
  what: `${what} Each has the learning rate that suits it best.`,
  here: (dataset) => [{train: tune(dataset, a)}, {train: tune(dataset, b)}],
});

/**
 * Write a pair of two networks. Both have a rate that suits deep ones too: the best rate of one network is another's
 * worst.
 * @param {Omit<Preset, 'group' | 'here'> & {models: Partial<State>[]}} pair @returns {Preset}
 */
const pairNetworks = ({models: [a, b], ...pair}) => ({
  ...pair,
  group: 'Networks',
  here: (dataset) => {
    const train = {...tune(dataset, 'adam'), rate: SAFE_RATE};
    return [
      {train, ...a},
      {train, ...b},
    ];
  },
});

/** The pairs. The first three are buttons, the others are in a menu. @type {Preset[]} */
export const PRESETS = [
  pairOptimizers('SGD against Adam', 'sgd', 'adam', 'The same network and start, two update rules.'),
  pairNetworks({
    name: 'Plain against residual',
    what: 'A deep narrow network without and with skips, from the same start.',
    keys: ['model.residual'],
    fits: (a, b) => !(/** @type {any} */ (a).model.residual) && /** @type {any} */ (b).model.residual === true,
    models: [
      {hidden: Array(10).fill(8), residual: false},
      {hidden: Array(10).fill(8), residual: true},
    ],
  }),
  pairNetworks({
    name: 'Narrow against wide',
    what: 'The same number of layers, with few units and with many.',
    keys: ['model.hidden'],
    fits: (a, b) =>
      layersOf(a).length === layersOf(b).length && layersOf(a).every((width, i) => width < layersOf(b)[i]),
    models: [{hidden: [4, 4]}, {hidden: [20, 20]}],
  }),
  pairOptimizers('SGD against momentum', 'sgd', 'momentum', 'Steps without and with a memory of earlier gradients.'),
  pairOptimizers('RMSProp against Adam', 'rmsprop', 'adam', 'Two rules that scale each step by recent gradients.'),
  {
    name: 'Low rate against high',
    group: 'Training',
    what: 'SGD with a thirtieth of its best learning rate, and with the best.',
    keys: ['training.learning_rate'],
    fits: (a, b) => trainingOf(a).learning_rate < trainingOf(b).learning_rate,
    here(dataset) {
      const best = tune(dataset, 'sgd');
      return [{train: {...best, rate: roundToDigits(best.rate / 30, 1)}}, {train: best}];
    },
  },
  {
    name: 'Small batches against full',
    group: 'Training',
    what: 'SGD with 8 points a step and with all of them. Each has the learning rate that suits it best.',
    here: (dataset) => [{train: tune(dataset, 'sgd', {batch: 8})}, {train: tune(dataset, 'sgd', {batch: 'full'})}],
  },
  {
    name: 'Without and with weight decay',
    group: 'Training',
    what: 'The same training, without and with a cost for large weights.',
    keys: ['training.weight_decay'],
    fits: (a, b) => (trainingOf(a).weight_decay ?? 0) < (trainingOf(b).weight_decay ?? 0),
    here: (dataset) => [{train: tune(dataset, 'adam')}, {train: tune(dataset, 'adam', {decay: DECAY})}],
  },
  {
    name: 'Two starts',
    group: 'Training',
    what: 'The same settings from two random initialisations.',
    keys: ['training.seed'],
    fits: (a, b) => trainingOf(a).seed < trainingOf(b).seed,
    here: (dataset) => [{train: tune(dataset, 'adam')}, {train: tune(dataset, 'adam', {seed: 1})}],
  },
  pairNetworks({
    name: 'Shallow against deep',
    what: 'One hidden layer and four, all of the same width.',
    keys: ['model.hidden'],
    fits: (a, b) => layersOf(a).length < layersOf(b).length && new Set([...layersOf(a), ...layersOf(b)]).size === 1,
    models: [{hidden: [10]}, {hidden: [10, 10, 10, 10]}],
  }),
  pairNetworks({
    name: 'tanh against ReLU',
    what: 'The same layers and start, smooth units and units with a kink.',
    keys: ['model.activation'],
    fits: (a, b) => activationOf(a) === 'tanh' && activationOf(b) === 'relu',
    models: [{activation: 'tanh'}, {activation: 'relu'}],
  }),
  {
    name: 'Little noise against much',
    group: 'Data',
    what: 'The same shapes, whose points scatter little and so much that the classes overlap.',
    here: (dataset) => [
      {train: tune(dataset, 'adam'), sample: sampleOf(dataset)},
      {
        train: tune(dataset, 'adam'),
        sample: {...sampleOf(dataset), noise: roundToDigits(3 * sampleOf(dataset).noise, 2) || BLUR},
      },
    ],
  },
  {
    name: 'Few points against many',
    group: 'Data',
    what: 'The same shapes, of which the network sees few points or many.',
    here: (dataset) => [
      {train: tune(dataset, 'adam'), sample: {...sampleOf(dataset), points: FEW}},
      {train: tune(dataset, 'adam'), sample: {...sampleOf(dataset), points: MANY}},
    ],
  },
];

/** Return the settings with which a dataset is drawn unless others are chosen. @param {string} dataset */
function sampleOf(dataset) {
  const noise = constants().datasets.find(({name}) => name === dataset)?.noise ?? 0;
  return {points: constants().defaults.points, noise, seed: 0};
}

/**
 * @param {Preset} preset @param {Catalog} catalog @param {GalleryEntry[]} gallery @param {State} base
 * @param {string} dataset the dataset that is shown: its pair is taken, if it has one
 * @returns {Pair}
 */
export function pairFor(preset, catalog, gallery, base, dataset) {
  const {keys = [], fits = () => false} = preset;
  const ranked = computedRuns(gallery).sort(
    (one, two) => Number(two.dataset.name === dataset) - Number(one.dataset.name === dataset),
  );
  for (const a of ranked) {
    for (const b of ranked) {
      if (a === b || !fits(a.config, b.config)) continue;
      const found = listDifferences(a.config, b.config, catalog.default).filter(isOfTraining);
      if (found.length === 1 && keys.includes(found[0].key))
        return {a: sideOfEntry(a, base), b: sideOfEntry(b, base), here: false};
    }
  }
  const name = canGenerate(dataset) ? dataset : 'moons';
  const usual = {...base, run: null, sample: null, own: null, hidden: [16, 16], activation: 'tanh', residual: false};
  const [a, b] = preset.here(name).map((patch) => ({...usual, dataset: name, ...patch, epoch: EPOCHS}));
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
  const {train, ...rest} = settingsOf(
    a,
    computedRuns(gallery).find((each) => each.id === id),
    catalog,
  );
  const optimizer = train.optimizer === 'sgd' ? 'adam' : 'sgd';
  return {...a, ...rest, run: null, train: {...train, optimizer}};
}

/** @param {Config} config */
const trainingOf = (config) => /** @type {any} */ (config).training;
/** @param {Config} config */
const activationOf = (config) => /** @type {any} */ (config).model.activation;
