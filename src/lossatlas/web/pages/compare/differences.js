/** This module lists in words how two configurations differ. It consists of pure functions. */
/** @import {Config, Manifest, Shot} from '../../model/types.js' */
import {flatten} from '../../model/choice.js';
import {SET_TITLES} from '../../figures/landscape.js';
import {writePlaneTitle} from '../../figures/slice.js';
import {shortText} from '../../lib/numbers.js';

/** @typedef {{key: string, name: string, a: string, b: string}} Difference */

/**
 * The names of settings, by their path in the configuration; other settings are named by the last part of their path.
 */
const NAMES = new Map([
  ['dataset.name', 'dataset'],
  ['dataset.seed', 'data seed'],
  ['model.hidden', 'hidden layers'],
  ['model.title', 'model'],
  ['model.residual', 'residual skips'],
  ['training.frames', 'recorded epochs'],
  ['boundary.resolution', 'boundary resolution'],
  ['boundary.margin', 'boundary margin'],
  ['curvature.frames', 'curvature measured at'],
]);
/** The settings of the training come first; those of the recording follow. */
const ORDER = ['dataset', 'model', 'training', 'planes', 'boundary', 'curvature'];
const TRAINED = ['recording', 'recording or dataset', ...ORDER.slice(0, 3)];

/**
 * List the differences.
 * @param {Config} a @param {Config} b
 * @param {Config} usual a setting that one of them lacks, because it is older, had this value
 * @returns {Difference[]}
 */
export function listDifferences(a, b, usual) {
  const alike = kindsOf(a) === kindsOf(b);
  const [flatA, flatB, others] = [a, b, usual].map((config) =>
    flatten(alike ? config : {...config, planes: kindsOf(config)}),
  );
  const all = [...new Set([...flatA.keys(), ...flatB.keys()])];
  // `curvature` is null in one run, and has `frames` in the other.
  const keys = all.filter((key) => !all.some((other) => other.startsWith(`${key}.`)));
  /**
   * Return a setting. If a run lacks a setting of its training, it had the usual value. Other missing settings mean
   * that something was not measured.
   * @param {Map<string, unknown>} of @param {string} key
   */
  const settingOf = (of, key) => (of.has(key) ? of.get(key) : isOfTraining({key}) ? others.get(key) : null);
  return keys
    .filter((key) => settingOf(flatA, key) !== settingOf(flatB, key))
    .sort((one, two) => rank(one) - rank(two))
    .map((key) => ({
      key,
      name: nameOf(key),
      a: settingText(key, settingOf(flatA, key)),
      b: settingText(key, settingOf(flatB, key)),
    }));
}

/**
 * List the differences between two runs of which one was recorded, so that its training settings are not known.
 * @param {Manifest} a @param {Manifest} b @returns {Difference[]}
 */
export function listKnownDifferences(a, b) {
  /** @type {[string, (manifest: Manifest) => string][]} */
  const differing = [
    [a.source === b.source ? 'recording' : 'recording or dataset', ({dataset}) => dataset.title],
    ['model.title', ({model}) => model.title],
    ['model.parameters', ({model}) => String(model.parameters)],
    ['training.loss', ({loss}) => loss?.name ?? 'cross-entropy'],
    ['training.epochs', ({frames}) => String(frames.at(-1))],
    ['planes', ({planes}) => planes.map(writePlaneTitle).join(', ')],
  ];
  return differing
    .map(([key, of]) => ({key, name: NAMES.get(key) ?? nameOf(key), a: of(a), b: of(b)}))
    .filter((each) => each.a !== each.b);
}

/** Does the difference concern the training, rather than what was recorded of it? @param {{key: string}} difference */
export function isOfTraining({key}) {
  return TRAINED.includes(key.split('.')[0]) && key !== 'training.frames';
}

/** @param {Difference[]} all */
export function differencesText(all) {
  return all.map(({name, a, b}) => `${name} ${a} | ${b}`).join('; ');
}

/**
 * List the choices in which the two pictures differ because one of the runs lacks the data.
 * @param {Shot} a @param {Shot} b @returns {Difference[]}
 */
export function listUnlike(a, b) {
  /** @type {[string, (shot: Shot) => string][]} */
  const shown = [
    ['plane', ({plane}) => writePlaneTitle(plane)],
    ['zoom', ({span}) => `±${shortText(span)}`],
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
function settingText(key, value) {
  if (key === 'model.hidden') return value === '' ? 'none' : String(value).replaceAll(' ', '-');
  if (value === true) return 'yes';
  if (value === false) return 'no';
  if (value === null || value === undefined)
    return key.startsWith('dataset') || key.startsWith('training') ? 'default' : 'none';
  return String(value);
}
