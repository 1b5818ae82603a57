/** Text of a spreadsheet → points with a class each. What cannot be read is told line by line, in words for people. */
/** @import {Own} from './own.js' */
import {permutation, POINT_STREAMS, uniforms} from '../engine/random.js';
import {cleanName, LARGEST, MAX_CLASSES, MAX_POINTS} from './own.js';
import {parseNumber, recordsOf, separatorOf} from './records.js';

/**
 * @typedef {object} Table
 * @property {Pick<Own, 'points' | 'labels' | 'classes' | 'features'> | null} data from the rows that could be read; null if there is nothing to use
 * @property {string[]} notices what was understood, and what was left out on purpose
 * @property {string[]} errors of which 20 are told, and then how many more there are
 *
 * @typedef {import('./records.js').RecordOf} Row
 * @typedef {{x: number, y: number, label: number, names: string[] | null}} Columns places in a row; names where there is a header
 */

/** Rows read at all: a page is no place for more. */
const MAX_ROWS = 20_000;
const MAX_ERRORS = 20;
const LABEL_NAMES = /^(label|labels|class|classes|target|category|species|group|y_true)$/i;
const INDEX_NAMES = /^(id|index|no|nr|row|unnamed.*|#)?$/i;

/**
 * Two columns of numbers and one of labels. Whatever the text is, this returns.
 * @param {string} text @param {{limit?: number, seed?: number}} [options] more points than `limit` are thinned, each class in proportion
 * @returns {Table}
 */
export function readCsv(text, {limit = MAX_POINTS, seed = 0} = {}) {
  const separator = separatorOf(text);
  const {records, unclosed, more} = recordsOf(text, separator, MAX_ROWS + 1);
  if (records.length === 0) return refused('There is nothing to read: paste some rows with two numbers and a label each.');
  const columns = columnsOf(records, separator);
  if (typeof columns === 'string') return refused(columns);

  const body = records.slice(columns.names ? 1 : 0, MAX_ROWS + (columns.names ? 1 : 0));
  const {rows, errors} = readRows(body, columns, separator);
  if (unclosed) errors.push(`line ${unclosed}: a quote is opened and never closed`);
  const notices = [told(columns)];
  if (more || records.length - (columns.names ? 1 : 0) > body.length) notices.push(`Only the first ${MAX_ROWS.toLocaleString('en')} rows were read.`);

  const {labels, classes} = classesOf(rows.map(({label}) => label), columns);
  const problem = rows.length === 0 ? 'No row could be read.' : classProblem(classes, columns);
  if (problem) return {data: null, notices, errors: shortened([problem, ...errors])};
  const kept = rows.length > limit ? thinned(labels, classes.length, limit, seed) : [...rows.keys()];
  if (kept.length < rows.length) notices.push(`Of ${rows.length.toLocaleString('en')} points, ${kept.length.toLocaleString('en')} were taken at random, each class in proportion.`);
  const points = Float32Array.from(kept.flatMap((i) => [rows[i].x, rows[i].y]));
  const features = columns.names ? [columns.names[columns.x], columns.names[columns.y]].map(cleanName) : ['x₁', 'x₂'];
  return {
    data: {points, labels: Uint8Array.from(kept, (i) => labels[i]), classes, features: features.map((name, axis) => name || `column ${[columns.x, columns.y][axis] + 1}`)},
    notices, errors: shortened(errors),
  };
}

/** @param {string} problem @returns {Table} */
const refused = (problem) => ({data: null, notices: [], errors: [problem]});

/** @param {string[]} errors */
function shortened(errors) {
  const rest = errors.length - MAX_ERRORS;
  return rest > 0 ? [...errors.slice(0, MAX_ERRORS), `… and ${rest} more`] : errors;
}

// Which columns

/** Which columns are meant; a sentence if none can be. @param {Row[]} records @param {string} separator @returns {Columns | string} */
function columnsOf(records, separator) {
  const width = usualWidth(records);
  if (width < 3) return `Three columns are needed, two of numbers and one of labels; ${width === 1 ? 'one was' : 'two were'} found. Separate them by commas, semicolons or tabs.`;
  const sample = records.slice(0, 1000).filter(({cells}) => cells.length >= width);
  const all = [...Array(width).keys()];
  const numeric = all.filter((column) => isNumeric(sample.slice(sample.length > 1 ? 1 : 0), column, separator));
  const [first] = records;
  const heads = all.map((column) => first.cells[column] ?? '');
  const headed = records.length > 1 && numeric.some((column) => heads[column]) && numeric.every((column) => parseNumber(heads[column], separator) === null);
  const names = headed ? heads : null;
  const label = labelColumn(sample.slice(headed ? 1 : 0), all, numeric, names);
  const measured = numeric.filter((column) => column !== label);
  const meant = measured.filter((column) => !(names && INDEX_NAMES.test(names[column])));
  const [x, y] = meant.length >= 2 ? meant : measured;
  if (y === undefined) return `Two columns of numbers are needed beside the labels; ${measured.length === 0 ? 'none was' : 'one was'} found.`;
  return {x, y, label, names};
}

/** The number of cells that most rows have. @param {Row[]} records */
function usualWidth(records) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const {cells} of records) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  return [...counts].reduce((best, each) => (each[1] > best[1] ? each : best))[0];
}

/** Most of what is there are numbers: a slip is then an error of its line. @param {Row[]} records @param {number} column @param {string} separator */
function isNumeric(records, column, separator) {
  const filled = records.filter(({cells}) => cells[column]);
  return filled.length > 0 && 2 * filled.filter(({cells}) => parseNumber(cells[column], separator) !== null).length > filled.length;
}

/**
 * The column that is called so; else the last one, unless its numbers are too many to be labels and another column is text.
 * @param {Row[]} records @param {number[]} all @param {number[]} numeric @param {string[] | null} names
 */
function labelColumn(records, all, numeric, names) {
  const last = all.length - 1;
  const named = names ? all.findLast((column) => LABEL_NAMES.test(names[column])) : undefined;
  if (named !== undefined) return named;
  const few = (/** @type {number} */ column) => new Set(records.map(({cells}) => cells[column])).size <= MAX_CLASSES;
  if (!numeric.includes(last) || few(last)) return last;
  return all.findLast((column) => !numeric.includes(column) && few(column)) ?? last;
}

/** @param {Columns} columns */
function told({x, y, label, names}) {
  const say = (/** @type {number} */ column) => (names && cleanName(names[column]) ? `“${cleanName(names[column])}” (column ${column + 1})` : `column ${column + 1}`);
  return `Read as x: ${say(x)}; as y: ${say(y)}; as class: ${say(label)}.${names ? '' : ' There is no header.'}`;
}

// The rows

/** @param {Row[]} records @param {Columns} columns @param {string} separator */
function readRows(records, {x, y, label}, separator) {
  const rows = [];
  const errors = [];
  for (const {line, cells} of records) {
    const problem = rowProblem(cells, x, y, label, separator);
    if (problem) errors.push(`line ${line}: ${problem}`);
    else rows.push({x: Number(parseNumber(cells[x], separator)), y: Number(parseNumber(cells[y], separator)), label: parseNumber(cells[label], separator) ?? cells[label]});
  }
  return {rows, errors};
}

/** @param {string[]} cells @param {number} x @param {number} y @param {number} label @param {string} separator */
function rowProblem(cells, x, y, label, separator) {
  const needed = Math.max(x, y, label) + 1;
  if (cells.length < needed) return `there ${cells.length === 1 ? 'is 1 column' : `are ${cells.length} columns`} where ${needed} are needed`;
  for (const column of [x, y]) {
    const value = parseNumber(cells[column], separator);
    if (value === null) return cells[column] ? `“${shown(cells[column])}” is not a number (column ${column + 1})` : `a number is missing (column ${column + 1})`;
    if (Math.abs(value) > LARGEST) return `${shown(cells[column])} is too large (column ${column + 1})`;
  }
  return cells[label] ? '' : `the label is missing (column ${label + 1})`;
}

/** @param {string} cell */
function shown(cell) {
  const letters = [...cell];
  return letters.length > 24 ? `${letters.slice(0, 23).join('')}…` : cell;
}

// The classes

/** Numbers in their order, text as it comes. @param {(string | number)[]} values @param {Columns} columns */
function classesOf(values, {names, label}) {
  const different = [...new Set(values)];
  if (different.every((value) => typeof value === 'number')) different.sort((a, b) => Number(a) - Number(b));
  const place = new Map(different.map((value, k) => [value, k]));
  const heading = names && !LABEL_NAMES.test(names[label]) ? cleanName(names[label]) : '';
  const classes = different.slice(0, MAX_CLASSES + 1).map((value, k) => (typeof value === 'number' ? `${heading || 'class'} ${value}` : cleanName(value) || `class ${k + 1}`));
  return {labels: values.map((value) => place.get(value) ?? 0), classes};
}

/** @param {string[]} classes @param {Columns} columns */
function classProblem(classes, {label}) {
  if (classes.length === 1) return `Every row has the same label, “${classes[0]}”: two classes are needed. Is column ${label + 1} the right one?`;
  return classes.length > MAX_CLASSES ? `Column ${label + 1} has more than ${MAX_CLASSES} different labels, and no more can be told apart by colour and shape. Is it the right one?` : '';
}

/** So many of the rows, in their order: from each class at random in proportion to its size, but never fewer than it takes. @param {number[]} labels @param {number} classes @param {number} limit @param {number} seed */
function thinned(labels, classes, limit, seed) {
  const order = permutation(uniforms(seed, POINT_STREAMS.split), labels.length);
  const members = Array.from({length: classes}, () => /** @type {number[]} */ ([]));
  for (const i of order) members[labels[i]].push(i);
  const least = Math.min(4, Math.floor(limit / classes));
  const quotas = members.map((own) => Math.min(own.length, Math.max(least, Math.floor((limit * own.length) / labels.length))));
  const spare = () => limit - quotas.reduce((sum, quota) => sum + quota, 0);
  const most = () => quotas.indexOf(Math.max(...quotas));
  while (spare() < 0) quotas[most()]--;
  for (let k = 0; spare() > 0; k = (k + 1) % classes) if (quotas[k] < members[k].length) quotas[k]++;
  return members.flatMap((own, k) => own.slice(0, quotas[k])).sort((a, b) => a - b);
}

/** The other way round: a dataset as text that `readCsv` reads back. @param {Pick<Own, 'points' | 'labels' | 'classes' | 'features'>} own */
export function writeCsv({points, labels, classes, features}) {
  const rows = Array.from(labels, (k, i) => [points[2 * i], points[2 * i + 1]].map(shortest).concat(quoted(classes[k])).join(','));
  return [[...features, 'class'].map(quoted).join(','), ...rows, ''].join('\n');
}

/** The fewest digits that give the same float32. @param {number} value */
function shortest(value) {
  for (let digits = 1; digits < 9; digits++) if (Math.fround(Number(value.toPrecision(digits))) === value) return String(Number(value.toPrecision(digits)));
  return String(Number(value.toPrecision(9)));
}

/** @param {string} text */
const quoted = (text) => (/[",;\t\n\r]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text);
