/** This module defines the settings of a training in the page, their limits, and their form in the address. */
import {constants} from './constants.js';

/**
 * @typedef {object} Settings the settings of a training
 * @property {string} optimizer
 * @property {number} rate the learning rate η
 * @property {number | 'full'} batch the number of points per step
 * @property {number} decay the weight decay λ
 * @property {number} seed the seed of the initial weights and of the order of the points
 *
 * @typedef {object} Sample the settings with which the points are drawn
 * @property {number} points
 * @property {number} noise
 * @property {number} seed
 */

/**
 * The limits of the page, which are narrower than those of the package: learning rates that can be typed, and seeds
 * that can be read out.
 */
const OFFERED = {rate: 1e-6, points: 20, noise: 2, seed: 999_999};

/** Return the limits of each number. */
export function numberBounds() {
  const {bounds, own_data: own} = constants();
  return {
    rate: {least: OFFERED.rate, most: bounds.learning_rate.most},
    batch: {...bounds.batch_size, whole: true},
    decay: bounds.weight_decay,
    seed: {least: 0, most: OFFERED.seed, whole: true},
    points: {least: OFFERED.points, most: own.points, whole: true},
    noise: {least: 0, most: OFFERED.noise},
    stop: {...bounds.epochs, whole: true},
  };
}

/** @param {number} value @param {{least: number, most: number, whole?: boolean}} bounds */
export function isWithin(value, {least, most, whole}) {
  return Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value));
}

/** Read settings such as `adam,0.01,32,0,0`. @param {string} text @returns {Settings | undefined} */
export function readSettings(text) {
  const [optimizer, rate, batch, decay, seed, ...rest] = text.split(',');
  const settings = {
    optimizer,
    rate: Number(rate),
    batch: batch === 'full' ? batch : Number(batch),
    decay: Number(decay),
    seed: Number(seed),
  };
  const bounds = numberBounds();
  const sound =
    rest.length === 0 &&
    constants().optimizers.some(({name}) => name === optimizer) &&
    isWithin(settings.rate, bounds.rate) &&
    (settings.batch === 'full' || isWithin(Number(settings.batch), bounds.batch)) &&
    isWithin(settings.decay, bounds.decay) &&
    isWithin(settings.seed, bounds.seed);
  return sound ? /** @type {Settings} */ (settings) : undefined;
}

/** @param {Settings} settings */
export function writeSettings({optimizer, rate, batch, decay, seed}) {
  return [optimizer, rate, batch, decay, seed].join(',');
}

/** Read a sample such as `512,0.15,0`. @param {string} text @returns {Sample | undefined} */
export function readSample(text) {
  const [points, noise, seed, ...rest] = text.split(',').map(Number);
  const bounds = numberBounds();
  const sound =
    rest.length === 0 &&
    isWithin(points, bounds.points) &&
    isWithin(noise, bounds.noise) &&
    isWithin(seed, bounds.seed);
  return sound ? {points, noise, seed} : undefined;
}

/** @param {Sample} sample */
export function writeSample({points, noise, seed}) {
  return [points, noise, seed].join(',');
}
