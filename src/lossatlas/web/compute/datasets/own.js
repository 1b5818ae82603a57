/** This module defines a person's own dataset: its limits, its parts, and what it still lacks for a training. */
/** @import {Feature} from '../../model/types.js' */
/** @import {Dataset, Split} from './prepared.js' */
import {roundToDecimals} from '../../lib/numbers.js';
import {constants} from '../../model/constants.js';
import {prepareDataset} from './prepared.js';

/**
 * @typedef {object} Own
 * @property {string} name the name, which headings show
 * @property {Float64Array} points [N, 2], in their own units, as they were given
 * @property {Uint8Array} labels [N]
 * @property {string[]} classes the names of the classes
 * @property {string[]} features two names
 */

/** A link may carry up to this many points. */
export const MAX_LINKED = 300;
/** The name of a dataset that has none. */
const NAME = 'Your own data';

/** Name a class that has no name. @param {number} k */
export const defaultClassName = (k) => `class ${k + 1}`;

/**
 * Create a dataset from its parts. Classes without points are dropped, and long names are shortened. The points keep
 * their values.
 * @param {{name?: string, points?: ArrayLike<number>, labels?: ArrayLike<number>, classes?: string[], features?:
 *   string[]}} parts @returns {Own}
 */
export function createOwn({name, points = [], labels = [], classes = [], features = []}) {
  const {features: axes} = constants().own_data;
  const used = [...new Set(Array.from(labels))].sort((a, b) => a - b);
  const place = new Map(used.map((k, i) => [k, i]));
  return {
    name: cleanName(name ?? '') || NAME,
    points: Float64Array.from(points, (value) => value + 0), // Adding 0 turns −0 into 0.
    labels: Uint8Array.from(labels, (k) => place.get(k) ?? 0),
    classes: used.map((k) => cleanName(classes[k] ?? '') || defaultClassName(k)),
    features: [0, 1].map((axis) => cleanName(features[axis] ?? '') || axes[axis]),
  };
}

/**
 * Turn the dataset that is shown into a start for drawing.
 * @param {{title: string, features: Feature[], classes: string[], points: ArrayLike<number>, labels:
 *   ArrayLike<number>}} shown its points are standardised @returns {Own}
 */
export function createOwnFrom({title, features, classes, points, labels}) {
  const raw = Float64Array.from(points, (value, i) => value * features[i % 2].scale + features[i % 2].mean);
  return createOwn({
    name: title,
    points: roundPoints(raw, 6),
    labels,
    classes,
    features: features.map((feature) => feature.name),
  });
}

/**
 * Round points as a person would write them, to a number of digits of each axis's extent. This is for drawn points and
 * for points from float32; points from a file are never rounded.
 * @param {ArrayLike<number>} points [N, 2] @param {number} digits @returns {Float64Array}
 */
export function roundPoints(points, digits) {
  const extents = [0, 1].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < points.length; i += 2) [low, high] = [Math.min(low, points[i]), Math.max(high, points[i])];
    return high - low;
  });
  return Float64Array.from(points, (value, i) => roundTo(value, extents[i % 2], digits));
}

/** @param {number} value @param {number} extent the digits are counted from this size @param {number} digits */
export function roundTo(value, extent, digits) {
  if (!(extent > 0)) return value;
  const decimals = digits - 1 - Math.floor(Math.log10(extent));
  if (decimals > 20) return value;
  return decimals >= 0 ? roundToDecimals(value, decimals) : Math.round(value / 10 ** -decimals) * 10 ** -decimals;
}

/**
 * Read own points from a run's configuration (`config.dataset.own`).
 * @param {{title: string, features: string[], classes: string[], x: number[], y: number[], label: number[]}} own
 * @returns {Own}
 */
export function ownOfConfig({title, features, classes, x, y, label}) {
  return createOwn({name: title, features, classes, labels: label, points: x.flatMap((value, i) => [value, y[i]])});
}

/** Split and standardise a dataset as Python does. @param {Own} own @param {Split} [options] @returns {Dataset} */
export function prepareOwn(own, options) {
  return prepareDataset({...own, title: own.name, name: 'own'}, {...options, byClass: true});
}

/** Count the points of each class. @param {ArrayLike<number>} labels @param {number} classes */
export function countClasses(labels, classes) {
  const counts = Array(classes).fill(0);
  for (const k of Array.from(labels)) counts[k]++;
  return counts;
}

/**
 * Say what is missing before a network can be trained on the data; empty if nothing is.
 * @param {Pick<Own, 'labels' | 'classes'>} own
 */
export function describeMissing({labels, classes}) {
  const {points: most, points_per_class: least} = constants().own_data;
  const counts = countClasses(labels, classes.length);
  const begun = counts.filter((count) => count > 0).length;
  const few = classes.filter((_, k) => counts[k] > 0 && counts[k] < least);
  if (begun === 0) return `There are no points yet: two classes with ${least} points each are needed.`;
  if (begun === 1) return `There is only one class: a second one with ${least} points is needed.`;
  if (few.length > 0) {
    const lacks = few.map((name) => `${name} has ${counts[classes.indexOf(name)]}`).join(', ');
    return `Each class needs ${least} points: ${lacks}. Add some, or erase them.`;
  }
  return labels.length > most ? `There are ${labels.length} points; training takes at most ${most}. Erase some.` : '';
}

/** Remove control characters and repeated blanks, and shorten the text. @param {string} text */
export function cleanName(text) {
  const {name_length: longest} = constants().own_data;
  return [...text.replace(/[\p{C}\s]+/gu, ' ').trim()].slice(0, longest).join('').trim();
}
