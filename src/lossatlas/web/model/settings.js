/** How a training in the page is set, and its form in the URL: plain values, checked. */

/**
 * @typedef {object} Settings of a training
 * @property {string} optimizer
 * @property {number} rate learning rate η
 * @property {number | 'full'} batch points a step
 * @property {number} decay weight decay λ
 * @property {number} seed of the initial weights and of the order of the points
 *
 * @typedef {object} Sample which points are drawn
 * @property {number} points
 * @property {number} noise
 * @property {number} seed
 */

export const OPTIMIZERS = ['sgd', 'momentum', 'nesterov', 'rmsprop', 'adam', 'adamw'];
/** What each number may be. */
export const BOUNDS = {
  rate: {least: 1e-6, most: 10_000},
  batch: {least: 1, most: 20_000, whole: true},
  decay: {least: 0, most: 10},
  seed: {least: 0, most: 999_999, whole: true},
  points: {least: 20, most: 2000, whole: true},
  noise: {least: 0, most: 2},
  stop: {least: 1, most: 1_000_000, whole: true},
};

/** @param {number} value @param {{least: number, most: number, whole?: boolean}} bounds */
export function isWithin(value, {least, most, whole}) {
  return Number.isFinite(value) && value >= least && value <= most && (!whole || Number.isInteger(value));
}

/** `adam,0.01,32,0,0`. @param {string} text @returns {Settings | undefined} */
export function readSettings(text) {
  const [optimizer, rate, batch, decay, seed, ...rest] = text.split(',');
  const settings = {
    optimizer,
    rate: Number(rate),
    batch: batch === 'full' ? batch : Number(batch),
    decay: Number(decay),
    seed: Number(seed),
  };
  const sound =
    rest.length === 0 &&
    OPTIMIZERS.includes(optimizer) &&
    isWithin(settings.rate, BOUNDS.rate) &&
    (settings.batch === 'full' || isWithin(Number(settings.batch), BOUNDS.batch)) &&
    isWithin(settings.decay, BOUNDS.decay) &&
    isWithin(settings.seed, BOUNDS.seed);
  return sound ? /** @type {Settings} */ (settings) : undefined;
}

/** @param {Settings} settings */
export function writeSettings({optimizer, rate, batch, decay, seed}) {
  return [optimizer, rate, batch, decay, seed].join(',');
}

/** `512,0.15,0`. @param {string} text @returns {Sample | undefined} */
export function readSample(text) {
  const [points, noise, seed, ...rest] = text.split(',').map(Number);
  const sound =
    rest.length === 0 &&
    isWithin(points, BOUNDS.points) &&
    isWithin(noise, BOUNDS.noise) &&
    isWithin(seed, BOUNDS.seed);
  return sound ? {points, noise, seed} : undefined;
}

/** @param {Sample} sample */
export function writeSample({points, noise, seed}) {
  return [points, noise, seed].join(',');
}
