/**
 * This module turns labels into classes in a fixed order, and finds labels that look as if they meant the same class.
 * The rules are in docs/tables.md, section 8.
 */
import {cleanName} from '../../../compute/datasets/own.js';
import {isLabelName} from './columns.js';
import {numberIn} from './numbers.js';

/**
 * @typedef {object} Classes
 * @property {number[]} labels
 * @property {string[]} classes the names of the classes
 * @property {string[][]} alike groups of names that differ in case, blanks or spelling only
 */

/** @param {string} label */
const numberOf = (label) => numberIn(label, 'point')?.value ?? null;

/** Reduce a label to what it has in common with labels that mean the same. @param {string} label */
function normalize(label) {
  const value = numberOf(label);
  return value === null ? label.normalize('NFKC').toLowerCase().replace(/\s+/g, '') : String(value);
}

/**
 * @param {string[]} given given the labels as written @param {string} heading the column's name @param {boolean} join
 *   are similar labels joined?
 * @returns {Classes}
 */
export function classesOf(given, heading, join) {
  const texts = given.map((label) => label.replace(/\s+/g, ' '));
  /** @type {Map<string, Map<string, number>>} */
  const groups = new Map();
  for (const text of texts) {
    const group = groups.get(normalize(text)) ?? new Map();
    groups.set(normalize(text), group.set(text, (group.get(text) ?? 0) + 1));
  }
  const alike = [...groups.values()].filter((group) => group.size > 1).map((group) => [...group.keys()]);
  const usual = new Map(
    [...groups.values()].flatMap((group) => {
      const [most] = [...group].reduce((best, each) => (each[1] > best[1] ? each : best));
      return [...group.keys()].map((text) => [text, most]);
    }),
  );
  const meant = join ? texts.map((text) => usual.get(text) ?? text) : texts;
  const different = [...new Set(meant)];
  const numeric = different.every((text) => numberOf(text) !== null);
  if (numeric) different.sort((a, b) => Number(numberOf(a)) - Number(numberOf(b)));
  const place = new Map(different.map((text, k) => [text, k]));
  return {labels: meant.map((text) => place.get(text) ?? 0), classes: namesFor(different, numeric, heading), alike};
}

/** @param {string[]} different @param {boolean} numeric @param {string} heading */
function namesFor(different, numeric, heading) {
  const title = heading && !isLabelName(heading) ? cleanName(heading) : 'class';
  const short = different.map((text) => String(numberOf(text)));
  const distinct = new Set(short).size === short.length;
  return different.map((text, k) =>
    numeric ? cleanName(`${title} ${distinct ? short[k] : text}`) : cleanName(text) || `class ${k + 1}`,
  );
}
