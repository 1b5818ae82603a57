/**
 * This module knows the settings with which a side is, or would be, trained in the page. It consists of pure functions.
 */
/** @import {Catalog, GalleryEntry} from '../../model/types.js' */
/** @import {Settings} from '../../model/settings.js' */
/** @import {Side} from './link.js' */
import {configFor} from '../../model/choice.js';
import {constants} from '../../model/constants.js';
import {canGenerate} from '../../compute/datasets/generate.js';

/** The number of epochs of a training in the page, and the largest number that a stored run suggests. */
export const EPOCHS = 200;
const MOST_EPOCHS = 1000;

/**
 * Return what a training of a side in the page would be: what it is already, or what its stored run was.
 * @param {Side} side @param {GalleryEntry | undefined} entry its stored run, if it has one @param {Catalog} catalog
 * @returns {Pick<Side, 'hidden' | 'activation' | 'residual' | 'sample' | 'epoch'> & {train: Settings}}
 */
export function settingsOf(side, entry, catalog) {
  const {hidden, activation, residual} = side;
  const config = /** @type {any} */ (entry?.config ?? configFor(catalog, side));
  const {optimizer, learning_rate: rate, batch_size: batch, weight_decay: decay = 0, seed} = config.training;
  const usual = usualSample(side, catalog);
  const {points = usual.points, noise, seed: data = usual.seed} = config.dataset;
  const drawn = {points, noise: noise ?? usual.noise, seed: data};
  const isUsual = Object.entries(usual).every(([name, value]) => drawn[/** @type {'seed'} */ (name)] === value);
  return {
    hidden,
    activation,
    residual,
    train: side.train ?? {optimizer, rate, batch, decay, seed},
    sample: side.train ? side.sample : isUsual || !canGenerate(side.dataset) ? null : drawn,
    epoch: side.train ? side.epoch : Math.min(MOST_EPOCHS, entry?.epochs ?? EPOCHS),
  };
}

/**
 * Return the settings with which the dataset of a side is drawn unless others are chosen.
 * @param {Pick<Side, 'dataset'>} side @param {Catalog} catalog
 */
export function usualSample({dataset}, catalog) {
  const found = catalog.datasets.find(({name}) => name === dataset);
  const {points, noise, seed} = /** @type {any} */ (found?.config ?? {});
  return {
    points: points ?? constants().defaults.points,
    noise: noise ?? found?.noise ?? 0,
    seed: seed ?? 0,
  };
}
