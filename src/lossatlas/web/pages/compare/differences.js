/** What sets two configurations apart, in words. Pure. */
/** @import {Config, Shot} from '../../model/types.js' */
import {flatten} from '../../model/choice.js';
import {SET_TITLES} from '../../figures/landscape.js';
import {planeTitle} from '../../figures/slice.js';
import {spanText} from '../../figures/ticks.js';

/** @typedef {{key: string, name: string, a: string, b: string}} Difference */

/** Of a path in the configuration; the others are called as their last part is. */
const NAMES = new Map([
  ['dataset.name', 'dataset'],
  ['dataset.seed', 'data seed'],
  ['model.hidden', 'hidden layers'],
  ['model.residual', 'residual skips'],
  ['training.frames', 'recorded epochs'],
  ['boundary.resolution', 'boundary resolution'],
  ['boundary.margin', 'boundary margin'],
  ['curvature.frames', 'curvature measured at'],
]);
/** What was trained comes first; how it was recorded may differ as well. */
const ORDER = ['dataset', 'model', 'training', 'planes', 'boundary', 'curvature'];
const TRAINED = ORDER.slice(0, 3);

/**
 * @param {Config} a @param {Config} b
 * @param {Config} usual a setting that one of them lacks, being older, had this value
 * @returns {Difference[]}
 */
export function differences(a, b, usual) {
  const alike = kindsOf(a) === kindsOf(b);
  const [flatA, flatB, others] = [a, b, usual].map((config) =>
    flatten(alike ? config : {...config, planes: kindsOf(config)}),
  );
  const all = [...new Set([...flatA.keys(), ...flatB.keys()])];
  const keys = all.filter((key) => !all.some((other) => other.startsWith(`${key}.`))); // `curvature` is null in one, and has `frames` in the other
  /** @param {Map<string, unknown>} of @param {string} key */
  const settingOf = (of, key) => (of.has(key) ? of.get(key) : isOfTraining({key}) ? others.get(key) : null); // what was not measured is not there
  return keys
    .filter((key) => settingOf(flatA, key) !== settingOf(flatB, key))
    .sort((one, two) => rank(one) - rank(two))
    .map((key) => ({
      key,
      name: nameOf(key),
      a: valueText(key, settingOf(flatA, key)),
      b: valueText(key, settingOf(flatB, key)),
    }));
}

/** Do the two learn differently, whatever was recorded of it? @param {{key: string}} difference */
export function isOfTraining({key}) {
  return TRAINED.includes(key.split('.')[0]) && key !== 'training.frames';
}

/** @param {Difference[]} all */
export function differencesText(all) {
  return all.map(({name, a, b}) => `${name} ${a} | ${b}`).join('; ');
}

/** Where the two pictures do not show the same of their runs, as one of them cannot. @param {Shot} a @param {Shot} b @returns {Difference[]} */
export function unlike(a, b) {
  /** @type {[string, (shot: Shot) => string][]} */
  const shown = [
    ['plane', ({plane}) => planeTitle(plane)],
    ['zoom', ({span}) => `±${spanText(span)}`],
    ['loss shown', ({set}) => SET_TITLES[set]],
    ['plane’s centre', ({follow}) => (follow ? 'moves' : 'fixed')],
    ['point', ({pick}) => (pick ? 'picked' : 'the network')],
  ];
  return shown.map(([name, of]) => ({key: name, name, a: of(a), b: of(b)})).filter((each) => each.a !== each.b);
}

/** @param {Config} config */
function kindsOf(config) {
  return /** @type {any[]} */ (config.planes ?? []).map(({kind}) => kind).join(', ');
}

/** @param {string} key */
function rank(key) {
  const [first] = key.split('.');
  const place = ORDER.indexOf(first);
  return (place < 0 ? ORDER.length : place) + (key === 'training.optimizer' || key === 'dataset.name' ? -0.5 : 0);
}

/** @param {string} key */
function nameOf(key) {
  const plane = /^planes\.(\d+)\.(.*)$/.exec(key);
  if (plane) return `plane ${Number(plane[1]) + 1} ${plane[2].replaceAll('_', ' ')}`;
  return NAMES.get(key) ?? (key.split('.').at(-1) ?? key).replaceAll('_', ' ');
}

/** @param {string} key @param {unknown} value */
function valueText(key, value) {
  if (key === 'model.hidden') return value === '' ? 'none' : String(value).replaceAll(' ', '-');
  if (value === true) return 'yes';
  if (value === false) return 'no';
  if (value === null || value === undefined)
    return key.startsWith('dataset') || key.startsWith('training') ? 'default' : 'none';
  return String(value);
}
