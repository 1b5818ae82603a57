/**
 * This module finds the run that the choices in the side panels mean. It consists of pure functions over the gallery's
 * index.
 */
/** @import {Catalog, Choice, Config, GalleryEntry, State} from './types.js' */
import {defaults, sizeText, writeHidden} from './state.js';

/**
 * @typedef {{kind: 'stored', id: string, repair?: Config, lacking?: string} | {kind: 'compute', config: Config} |
 *   {kind: 'unavailable', empty: boolean, readOnly?: boolean} | {kind: 'lacking', id: string, computes: boolean} |
 *   {kind: 'recording', id: string}} Target `lacking`: the id of a run that a link names and the gallery does not have
 */

/** The panel's grid of models (depth × width), and the small models beside it. */
export const DEPTHS = [1, 2, 3, 4];
export const WIDTHS = [10, 25, 50, 100];
export const SMALL = [[], [4], [8], [16], [16, 16]];

/**
 * Can these hidden layers have a skip connection? It leads from one layer to the next if both have the same width.
 * @param {number[]} hidden
 */
export function canSkip(hidden) {
  return hidden.some((width, i) => width === hidden[i - 1]);
}

/** Return the runs that can be chosen by their settings: all except recorded ones. @param {GalleryEntry[]} gallery */
export const computedRuns = (gallery) => gallery.filter(({source}) => source !== 'recorded');

/** Return the recorded runs, each of which is somebody's own training. @param {GalleryEntry[]} gallery */
export const recordedRuns = (gallery) => gallery.filter(({source}) => source === 'recorded');

/**
 * Return the recorded run that the state names, if it names one.
 * @param {GalleryEntry[]} gallery @param {State} state
 */
export function findRecorded(gallery, {run, train}) {
  return train ? undefined : recordedRuns(gallery).find(({id}) => id === run);
}

/**
 * Find the runs of the gallery that fit a choice of dataset and model. The activation is ignored if there is no hidden
 * layer, and `residual` is ignored if no layer can have a skip connection.
 * @param {GalleryEntry[]} gallery @param {Omit<Choice, 'run'>} choice
 */
export function findCandidates(gallery, {dataset, hidden, activation, residual}) {
  return computedRuns(gallery).filter(
    (entry) =>
      entry.dataset.name === dataset &&
      writeHidden(entry.model.hidden) === writeHidden(hidden) &&
      (hidden.length === 0 || entry.model.activation === activation) &&
      (!canSkip(hidden) || (entry.model.residual ?? false) === residual),
  );
}

/**
 * Find the stored run that the panels alone imply: the run that was trained with the default settings. If nothing can
 * compute that run, it is the run whose settings are nearest.
 * @param {GalleryEntry[]} gallery @param {Catalog} catalog @param {Omit<Choice, 'run'>} choice
 */
export function findImpliedRun(gallery, catalog, choice) {
  const usual = [...flatten(dropMeaningless(configFor(catalog, choice), choice))];
  const ranked = findCandidates(gallery, choice)
    .map((entry) => {
      // An older run lacks settings that were added later; it was trained with their defaults.
      const own = flatten(dropMeaningless(entry.config, choice));
      return {entry, differences: usual.filter(([key, value]) => own.has(key) && own.get(key) !== value).length};
    })
    .sort((a, b) => a.differences - b.differences);
  const [best] = ranked;
  return best && (best.differences === 0 || !catalog.compute) ? best.entry : undefined;
}

/** @param {any} config @param {Omit<Choice, 'run'>} choice */
function dropMeaningless(config, {hidden}) {
  const model = {...config.model};
  if (hidden.length === 0) delete model.activation;
  if (!canSkip(hidden)) delete model.residual;
  return {...config, model};
}

/**
 * @param {GalleryEntry[]} gallery @param {Catalog} catalog @param {Choice} choice
 * @returns {Target}
 */
export function findTarget(gallery, catalog, choice) {
  const known = choice.run === null ? undefined : gallery.find((entry) => entry.id === choice.run);
  const lacking = choice.run !== null && !known ? choice.run : undefined;
  const asked = known ?? findImpliedRun(gallery, catalog, choice);
  if (asked && isUnfinished(asked)) return {kind: 'recording', id: asked.id};
  if (asked)
    return {kind: 'stored', id: asked.id, repair: canRepair(catalog, asked) ? asked.config : undefined, lacking};
  if (lacking !== undefined) return {kind: 'lacking', id: lacking, computes: catalog.compute};
  if (catalog.compute) return {kind: 'compute', config: configFor(catalog, choice)};
  return {kind: 'unavailable', empty: gallery.length === 0, readOnly: catalog.read_only};
}

/** Has no run been made of this recording yet? Its process may still record, or it has ended. */
export const isUnfinished = (/** @type {Pick<GalleryEntry, 'outcome'>} */ {outcome}) =>
  outcome.status === 'recording' || outcome.status === 'interrupted';

/** Can a server compute this run again? Only its owner can record a training again. */
const canRepair = (/** @type {Catalog} */ catalog, /** @type {GalleryEntry} */ {source}) =>
  catalog.compute && source !== 'recorded';

/**
 * Set the model and dataset in the state to those of the run that it names, since a link may name only the run.
 * Otherwise the panels would mark something else than is shown, and “Train here” would train it.
 * @template {Choice} S
 * @param {S} state @param {GalleryEntry[]} gallery @returns {S}
 */
export function takeModelOfRun(state, gallery) {
  const entry = state.run === null ? undefined : gallery.find(({id}) => id === state.run);
  if (!entry || entry.source === 'recorded') return state;
  const {hidden, activation, residual = false} = entry.model;
  return {
    ...state,
    dataset: entry.dataset.name,
    hidden,
    activation: hidden.length ? activation : state.activation, // Without hidden layers the activation has no meaning.
    residual: canSkip(hidden) ? residual : state.residual,
  };
}

/**
 * Return the state that an address without a query opens: the default, or the first run of a published gallery that
 * lacks the default.
 * @param {Catalog} catalog @param {GalleryEntry[]} gallery @returns {State}
 */
export function openingState(catalog, gallery) {
  const base = defaults(catalog);
  const [first] = gallery;
  if (!first || findTarget(gallery, catalog, base).kind !== 'unavailable') return base;
  if (first.source === 'recorded') return {...base, run: first.id};
  const {hidden, activation, residual = false} = first.model;
  return {...base, dataset: first.dataset.name, hidden, activation, residual};
}

/**
 * Return the whole configuration that a choice describes.
 * @param {Catalog} catalog
 * @param {Omit<Choice, 'run'>} choice
 * @returns {Config}
 */
export function configFor(catalog, {dataset, hidden, activation, residual}) {
  const base = /** @type {any} */ (catalog.default);
  const sample = catalog.datasets.find(({name}) => name === dataset)?.config ?? {name: dataset};
  return {...base, dataset: sample, model: {...base.model, hidden, activation, residual: residual && canSkip(hidden)}};
}

/**
 * Add to the catalog the own datasets on which runs of the gallery were trained; their points are stored in those runs.
 * @param {Catalog} catalog @param {GalleryEntry[]} gallery @returns {Catalog}
 */
export function addOwnDatasets(catalog, gallery) {
  /** @type {Map<string, import('./types.js').CatalogDataset>} */
  const found = new Map();
  for (const {
    id,
    config,
    dataset: {name, title, features = [], classes = [], thumbnail},
  } of gallery) {
    if (!thumbnail || found.has(name)) continue;
    const sample = /** @type {any} */ (config).dataset;
    found.set(name, {
      name,
      title,
      features,
      classes,
      thumbnail,
      config: sample,
      run: id,
      summary: `${sample.points} points of your own, by ${features.join(' and ')}.`,
    });
  }
  return found.size ? {...catalog, datasets: [...catalog.datasets, ...found.values()]} : catalog;
}

/**
 * Write one label for each run. It names only what differs from the other runs: how the run was trained, and if that is
 * equal, what was computed from it.
 * @param {GalleryEntry[]} entries
 * @returns {string[]}
 */
export function trainingLabels(entries) {
  const configs = entries.map((entry) => flatten(dropChoice(entry.config)));
  const keys = [...new Set(configs.flatMap((config) => [...config.keys()]))];
  const telling = keys.filter((key) => new Set(configs.map((config) => config.get(key))).size > 1);
  const trained = configs.map((config) =>
    telling
      .filter((key) => !isComputed(key))
      .map((key) => describe(key, config.get(key)))
      .join(', '),
  );
  return trained.map((label, i) => {
    const alike = trained.filter((other) => other === label).length > 1;
    const computed = alike
      ? telling
          .filter((key) => isComputed(key) && !key.startsWith('planes.'))
          .map((key) => describe(key, configs[i].get(key)))
      : [];
    return [label, alike ? planesOf(entries[i].config) : '', ...computed].filter(Boolean).join(', ') || entries[i].id;
  });
}

/** Does a setting leave the training unchanged? @param {string} key */
const isComputed = (key) => /^(planes|boundary|curvature)\b/.test(key);

/** @param {Config} config */
function planesOf(config) {
  const {planes = []} = /** @type {{planes?: {kind: string}[]}} */ (config);
  const kinds = planes.map(({kind}) => kind);
  return kinds.length ? `planes ${kinds.join(' ')}` : '';
}

/** @param {string} key @param {unknown} value */
function describe(key, value) {
  const name = key.split('.').at(-1)?.replaceAll('_', ' ') ?? key;
  if (name === 'optimizer' || name === 'name') return String(value);
  // The value comes first because a select is narrow.
  return name === 'seed' ? `seed ${value}` : `${value ?? 'default'} ${name}`;
}

/** @param {Config} config */
function dropChoice(config) {
  const {dataset, model, ...rest} = /** @type {any} */ (config);
  const {name: _, ...sample} = dataset ?? {}; // A recorded run has no settings.
  const {hidden: __, activation: ___, residual: ____, ...network} = model ?? {};
  return {...rest, dataset: sample, model: network};
}

/**
 * Flatten a nested object: {a: {b: 1}} becomes a.b: 1. Lists become text, so that they can be compared.
 * @param {any} value
 * @param {string} [path]
 * @returns {Map<string, unknown>}
 */
export function flatten(value, path = '') {
  if (value === null || typeof value !== 'object') return new Map([[path, value]]);
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object'))
    return new Map([[path, value.join(' ')]]);
  return new Map(Object.entries(value).flatMap(([key, item]) => [...flatten(item, path ? `${path}.${key}` : key)]));
}

/**
 * Write the title of a model, the same as Python's.
 * @param {Catalog} catalog
 * @param {Pick<Choice, 'hidden' | 'activation' | 'residual'>} model
 */
export function modelTitle({activations}, {hidden, activation, residual}) {
  if (hidden.length === 0) return 'logistic regression';
  const {title = activation} = activations.find(({name}) => name === activation) ?? {};
  return `${sizeText(hidden)} ${title}${residual && canSkip(hidden) ? ' residual' : ''}`;
}
