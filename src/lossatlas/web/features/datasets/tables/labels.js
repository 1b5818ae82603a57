/** Labels → classes, in an order; and labels that look as if they were meant to be one. docs/tables.md, section 8. */
import {cleanName} from '../../../compute/datasets/own.js';
import {isLabelName} from './columns.js';
import {numberIn} from './numbers.js';

/**
 * @typedef {object} Classes
 * @property {number[]} labels
 * @property {string[]} classes their names
 * @property {string[][]} alike groups of names that differ in case, blanks or spelling only
 */

/** @param {string} label */
const number = (label) => numberIn(label, 'point')?.value ?? null;

/** What two labels that mean the same have in common. @param {string} label */
function essence(label) {
  const value = number(label);
  return value === null ? label.normalize('NFKC').toLowerCase().replace(/\s+/g, '') : String(value);
}

/**
 * @param {string[]} given labels as written @param {string} heading the column's name @param {boolean} join those that are alike
 * @returns {Classes}
 */
export function classesOf(given, heading, join) {
  const texts = given.map((label) => label.replace(/\s+/g, ' '));
  /** @type {Map<string, Map<string, number>>} */
  const groups = new Map();
  for (const text of texts) {
    const group = groups.get(essence(text)) ?? new Map();
    groups.set(essence(text), group.set(text, (group.get(text) ?? 0) + 1));
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
  const numeric = different.every((text) => number(text) !== null);
  if (numeric) different.sort((a, b) => Number(number(a)) - Number(number(b)));
  const place = new Map(different.map((text, k) => [text, k]));
  return {labels: meant.map((text) => place.get(text) ?? 0), classes: namesFor(different, numeric, heading), alike};
}

/** @param {string[]} different @param {boolean} numeric @param {string} heading */
function namesFor(different, numeric, heading) {
  const title = heading && !isLabelName(heading) ? cleanName(heading) : 'class';
  const short = different.map((text) => String(number(text)));
  const distinct = new Set(short).size === short.length;
  return different.map((text, k) =>
    numeric ? cleanName(`${title} ${distinct ? short[k] : text}`) : cleanName(text) || `class ${k + 1}`,
  );
}
