/**
 * This module turns cells into numbers, with one number format for a whole column. The rules are in docs/tables.md,
 * section 6.
 */
/** @import {Way} from '../../../lib/number_text.js' */
import {readAs} from '../../../lib/number_text.js';

/**
 * @typedef {object} Reading how a column's cells are read
 * @property {boolean} numeric are most cells numbers?
 * @property {string} unit `%`, a currency, or empty
 * @property {Way} way
 * @property {boolean} certain does every format that reads these cells give the same numbers?
 * @property {boolean} inferred was the format inferred from other columns, or from shorter numbers?
 * @property {string} doubt a cell that could be two numbers, if nothing decides; else empty
 * @property {string} example a cell that the other format would read differently; else empty
 */

const MISSING = new Set([
  '',
  'na',
  'n/a',
  '#n/a',
  'nan',
  'null',
  'none',
  'nil',
  'n.a.',
  'missing',
  '?',
  '-',
  '--',
  '.',
]);
const NO_LABEL = new Set(['', 'na', 'n/a', '#n/a', 'nan', 'null', '?']);

const CURRENCY = '[$€£¥₹₩₽₺₪₫₴]|CHF|USD|EUR|GBP|kr|zł';
const BEFORE = new RegExp(`^([+-]?)\\s*(${CURRENCY})\\s*([+-]?)\\s*(\\S.*)$`, 'i');
const AFTER = new RegExp(`^(.*\\S)\\s*(${CURRENCY}|%)$`, 'i');

/** @param {string} cell trimmed */
export const isMissing = (cell) => MISSING.has(cell.toLowerCase());
/** @param {string} cell trimmed */
export const isNoLabel = (cell) => NO_LABEL.has(cell.toLowerCase());

/** Split a cell into the number's text and its unit. @param {string} cell */
function splitUnit(cell) {
  const plain = cell.replace('−', '-');
  const after = AFTER.exec(plain);
  const before = BEFORE.exec(plain);
  if (after) return {text: after[1], unit: after[2]};
  if (before && !(before[1] && before[3])) return {text: before[1] + before[3] + before[4], unit: before[2]};
  return {text: plain, unit: ''};
}

/**
 * Read a finite number and its unit; null if the cell is not a number.
 * @param {string} cell trimmed @param {Way} way
 */
export function numberIn(cell, way) {
  const {text, unit} = splitUnit(cell);
  const value = readAs(text, way);
  return value !== null && Number.isFinite(value) ? {value, unit} : null;
}

/** Can a cell be read as a number in one of the formats? @param {string} cell */
export const canBeNumber = (cell) => numberIn(cell, 'point') !== null || numberIn(cell, 'comma') !== null;

/**
 * Decide how the cells of one column are read, from these cells alone. If both formats read equally many cells, but as
 * different numbers, the result is not certain.
 * @param {string[]} cells trimmed @param {Way | null} [chosen]
 */
export function readingOf(cells, chosen = null) {
  const filled = cells.filter((cell) => !isMissing(cell));
  const counts = {point: 0, comma: 0};
  /** @type {Map<string, number>} */
  const units = new Map();
  let example = '';
  let [commas, short] = [false, false];
  for (const cell of filled) {
    const {text, unit} = splitUnit(cell);
    const [point, comma] = [readAs(text, 'point'), readAs(text, 'comma')];
    if (point === null && comma === null) continue;
    units.set(unit, (units.get(unit) ?? 0) + 1);
    if (point !== null) counts.point++;
    if (comma !== null) counts.comma++;
    if (point !== null && comma !== null && point !== comma) {
      example ||= cell;
      commas ||= text.includes(',');
    } else if (/^[+-]?\d{1,3}$/.test(text)) short = true;
  }
  const way = chosen ?? (counts.comma > counts.point ? 'comma' : 'point');
  const [unit] = [...units].reduce((best, each) => (each[1] > best[1] ? each : best), ['', 0]);
  return {
    numeric: 2 * counts[way] > filled.length,
    unit,
    way: /** @type {Way} */ (way),
    example,
    certain: chosen !== null || counts.point !== counts.comma,
    evidence: counts.point !== counts.comma,
    open: chosen === null && counts.point === counts.comma && example !== '',
    commas,
    short,
  };
}

/**
 * Decide how the columns of a table are read; if one column leaves the format open, the others may decide it.
 * @param {string[][]} columns cells @param {Way | null} [chosen] @returns {Reading[]}
 */
export function readingsOf(columns, chosen = null) {
  const found = columns.map((cells) => readingOf(cells, chosen));
  const ways = new Set(found.filter(({numeric, evidence}) => numeric && evidence).map(({way}) => way));
  return found.map(({numeric, unit, way, example, open, commas, short, certain}) => {
    const plain = {numeric, unit, way, certain, example, inferred: false, doubt: ''};
    if (!open) return plain;
    if (ways.size === 1) return {...plain, way: [...ways][0], inferred: true};
    if (!commas) return plain;
    return short ? {...plain, inferred: true} : {...plain, doubt: example};
  });
}
