/** A person's own dataset as a value: what it may be, and as text that a link can carry. */
/** @import {Feature} from '../../model/types.js' */
/** @import {Dataset, Split} from './prepared.js' */
import {constants} from '../../model/constants.js';
import {prepare} from './prepared.js';

/**
 * @typedef {object} Own
 * @property {string} name for a heading
 * @property {Float64Array} points [N, 2], in their own units, as they were given
 * @property {Uint8Array} labels [N]
 * @property {string[]} classes their names
 * @property {string[]} features two names
 */

/** A link may carry so many points. */
export const MAX_LINKED = 300;
/** The name of data that have none. */
const NAME = 'Your own data';

/** Names for classes that have none. @param {number} k */
export const className = (k) => `class ${k + 1}`;

/**
 * A dataset from its parts: classes that no point has are dropped, and names are cut to a decent length. The points keep
 * their values.
 * @param {{name?: string, points?: ArrayLike<number>, labels?: ArrayLike<number>, classes?: string[], features?: string[]}} parts @returns {Own}
 */
export function ownData({name, points = [], labels = [], classes = [], features = []}) {
  const {features: axes} = constants().own_data;
  const used = [...new Set(Array.from(labels))].sort((a, b) => a - b);
  const place = new Map(used.map((k, i) => [k, i]));
  return {
    name: cleanName(name ?? '') || NAME,
    points: Float64Array.from(points, (value) => value + 0), // −0 is 0
    labels: Uint8Array.from(labels, (k) => place.get(k) ?? 0),
    classes: used.map((k) => cleanName(classes[k] ?? '') || className(k)),
    features: [0, 1].map((axis) => cleanName(features[axis] ?? '') || axes[axis]),
  };
}

/** The dataset on show, as a start to draw on. @param {{title: string, features: Feature[], classes: string[], points: ArrayLike<number>, labels: ArrayLike<number>}} shown points standardised @returns {Own} */
export function ownFrom({title, features, classes, points, labels}) {
  const raw = Float64Array.from(points, (value, i) => value * features[i % 2].scale + features[i % 2].mean);
  return ownData({
    name: title,
    points: roundedTo(raw, 6),
    labels,
    classes,
    features: features.map((feature) => feature.name),
  });
}

/**
 * Points as a person would write them, with so many digits of each axis' extent: for those that are drawn, or that come from
 * float32. What a file gives is never rounded.
 * @param {ArrayLike<number>} points [N, 2] @param {number} digits @returns {Float64Array}
 */
export function roundedTo(points, digits) {
  const extents = [0, 1].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < points.length; i += 2) [low, high] = [Math.min(low, points[i]), Math.max(high, points[i])];
    return high - low;
  });
  return Float64Array.from(points, (value, i) => rounded(value, extents[i % 2], digits));
}

/** @param {number} value @param {number} extent what the digits are of @param {number} digits */
export function rounded(value, extent, digits) {
  if (!(extent > 0)) return value;
  const decimals = digits - 1 - Math.floor(Math.log10(extent));
  if (decimals > 20) return value;
  return decimals >= 0 ? Number(value.toFixed(decimals)) : Math.round(value / 10 ** -decimals) * 10 ** -decimals;
}

/**
 * Own points as a run's configuration has them (`config.dataset.own`).
 * @param {{title: string, features: string[], classes: string[], x: number[], y: number[], label: number[]}} own @returns {Own}
 */
export function ownOfConfig({title, features, classes, x, y, label}) {
  return ownData({name: title, features, classes, labels: label, points: x.flatMap((value, i) => [value, y[i]])});
}

/** Split and standardised as Python does it. @param {Own} own @param {Split} [options] @returns {Dataset} */
export function prepareOwn(own, options) {
  return prepare({...own, title: own.name, name: 'own'}, {...options, byClass: true});
}

/** How many points each class has. @param {ArrayLike<number>} labels @param {number} classes */
export function countsOf(labels, classes) {
  const counts = Array(classes).fill(0);
  for (const k of Array.from(labels)) counts[k]++;
  return counts;
}

/** What is missing before one could train on it, in words; empty if nothing is. @param {Pick<Own, 'labels' | 'classes'>} own */
export function missing({labels, classes}) {
  const {points: most, points_per_class: least} = constants().own_data;
  const counts = countsOf(labels, classes.length);
  const begun = counts.filter((count) => count > 0).length;
  const few = classes.filter((_, k) => counts[k] > 0 && counts[k] < least);
  if (begun === 0) return `There are no points yet: two classes with ${least} points each are needed.`;
  if (begun === 1) return `There is one class only: a second with ${least} points is needed.`;
  if (few.length > 0) {
    const lacks = few.map((name) => `${name} has ${counts[classes.indexOf(name)]}`).join(', ');
    return `Each class needs ${least} points: ${lacks}. Add some, or erase them.`;
  }
  return labels.length > most
    ? `There are ${labels.length} points, and at most ${most} can be trained on: erase some.`
    : '';
}

/** Without control characters or runs of blanks, and not too long. @param {string} text */
export function cleanName(text) {
  const {name_length: longest} = constants().own_data;
  return [...text.replace(/[\p{C}\s]+/gu, ' ').trim()].slice(0, longest).join('').trim();
}
