/**
 * This module turns the text of a table into points with a class each, and writes the notices and errors. The rules are
 * in docs/tables.md.
 */
/** @import {Own} from '../../../compute/datasets/own.js' */
/** @import {Column} from './columns.js' */
/** @import {Way} from '../../../lib/number_text.js' */
/** @import {Row} from './rows.js' */
import {cleanName} from '../../../compute/datasets/own.js';
import {constants} from '../../../model/constants.js';
import {chooseColumns, columnsOf, columnText} from './columns.js';
import {refusalOf} from './decode.js';
import {classesOf} from './labels.js';
import {isMissing, isNoLabel, numberIn} from './numbers.js';
import {rowsOf} from './rows.js';
import {outliersOf, thinOut} from './sample.js';
import {countText} from '../../../lib/numbers.js';

/**
 * @typedef {object} Choice what a person has chosen for a table; null or missing: it is recognised
 * @property {string | null} [separator]
 * @property {boolean | null} [header] does the first row hold names?
 * @property {number | null} [x] the column's place in a row, from 0
 * @property {number | null} [y]
 * @property {number | null} [label]
 * @property {Way | null} [way] the number format
 * @property {boolean} [join] are similar labels joined?
 * @property {boolean} [without] are outliers left out?
 * @property {number} [limit] the largest number of points; more are thinned
 * @property {number} [seed]
 *
 * @typedef {object} Table
 * @property {Pick<Own, 'points' | 'labels' | 'classes' | 'features'> | null} data the points of the rows that could be
 *   read; null if there are none
 * @property {string[]} notices how the table was understood, and what was left out on purpose
 * @property {string[]} errors at most 20, and then the number of further ones; without data, the reason comes first
 * @property {string} doubt a question that a person must answer first: the cell can be read in two ways
 * @property {string} separator
 * @property {boolean} header
 * @property {Column[]} columns
 * @property {Partial<Record<'x' | 'y' | 'label', Column>>} chosen
 * @property {Row[]} head the first rows of the table
 * @property {string[][]} alike labels that differ in case, blanks or spelling only
 * @property {string[]} outliers sentences about values far from all others
 */

const MAX_ERRORS = 20;
const HEAD = 6;
/** The number of lines that are named if rows are left out. */
const NAMED = 5;

/**
 * Read a table. This returns a result for every text.
 * @param {string} text @param {Choice} [choice] @returns {Table}
 */
export function readTable(text, choice = {}) {
  const refusal = refusalOf(text);
  if (refusal) return createEmptyTable([refusal]);
  const cut = rowsOf(text, choice.separator ?? null);
  const unclosed = cut.unclosed ? [`line ${cut.unclosed}: a quote is opened and never closed`] : [];
  if (cut.rows.length === 0) return createEmptyTable(['No row could be read.', ...unclosed]);
  const found = columnsOf(cut, choice);
  const {columns, header, body} = found;
  const shown = {separator: cut.separator, header, columns, head: body.slice(0, HEAD)};
  if (found.problem) return {...createEmptyTable([found.problem, ...unclosed]), ...shown};
  const {x, y, label} = chooseColumns(found, choice);
  const chosen = {x, y, label};
  if (!x || !y)
    return {...createEmptyTable(['Two columns of numbers are needed beside the labels.']), ...shown, chosen};
  const notices = [describeColumns(x, y, label, header), ...describeSurroundings(cut)];
  const doubtful = [x, y].find(({doubt}) => doubt !== '');
  if (doubtful) return {...createEmptyTable([askFormat(doubtful)]), ...shown, chosen, notices, doubt: doubtful.doubt};
  for (const column of [x, y]) if (column.inferred && column.example) notices.push(readAs(column));

  const {rows, errors, missing} = readRows(body, x, y, label, cut.width);
  errors.push(...unclosed);
  notices.push(...missing);
  const {kept: sound, outliers} = dropOutliers(rows, x, y, choice.without ?? false);
  const {labels, classes, alike} = classesOf(
    sound.map((row) => row.label),
    header ? label.name : '',
    choice.join ?? false,
  );
  const problem = sound.length === 0 ? describeNothingRead(x, y) : classProblem(classes, label);
  const rest = {...shown, chosen, notices, alike, outliers};
  if (problem) return {...createEmptyTable([problem, ...errors]), ...rest};
  const limit = choice.limit ?? constants().own_data.points;
  const kept = sound.length > limit ? thinOut(labels, classes.length, limit, choice.seed ?? 0) : [...sound.keys()];
  if (kept.length < sound.length) notices.push(thinnedText(sound.length, kept.length));
  const points = Float64Array.from(kept.flatMap((i) => [sound[i].x, sound[i].y]));
  return {
    ...createEmptyTable(errors),
    ...rest,
    data: {
      points,
      labels: Uint8Array.from(kept, (i) => labels[i]),
      classes,
      features: [x, y].map((column, axis) => featureName(column, axis, header)),
    },
  };
}

/** @param {number} there @param {number} kept */
function thinnedText(there, kept) {
  const [all, some] = [there, kept].map((count) => countText(count));
  return `Of ${all} points, ${some} were taken at random from the whole table, each class in proportion.`;
}

/** @param {string[]} errors @returns {Table} */
const createEmptyTable = (errors) => ({
  data: null,
  notices: [],
  errors: shortenErrors(errors),
  doubt: '',
  separator: '',
  header: false,
  columns: [],
  chosen: {},
  head: [],
  alike: [],
  outliers: [],
});

/** @param {string[]} errors */
function shortenErrors(errors) {
  const rest = errors.length - MAX_ERRORS;
  return rest > 0 ? [...errors.slice(0, MAX_ERRORS), `… and ${countText(rest)} more`] : errors;
}

/** @param {Column} column @param {number} axis @param {boolean} header */
function featureName({name, unit, place}, axis, header) {
  const clean = cleanName(name);
  if (!clean) return header ? `column ${place + 1}` : constants().own_data.features[axis];
  return unit && !clean.includes(unit) ? cleanName(`${clean} (${unit})`) : clean;
}

/** @param {Column} x @param {Column} y @param {Column} label @param {boolean} header */
function describeColumns(x, y, label, header) {
  return (
    `Read as x: ${columnText(x)}; as y: ${columnText(y)}; as class: ` +
    `${columnText(label)}.${header ? '' : ' There is no header.'}`
  );
}

/** Describe what surrounds the table. @param {import('./rows.js').Rows} cut */
function describeSurroundings({comments, titles}) {
  const notices = [];
  if (comments > 0)
    notices.push(`${comments === 1 ? 'One line is a comment' : `${comments} lines are comments`} and left out.`);
  if (titles.length > 0)
    notices.push(
      `Above the table stands “${shownCell(titles[0].cells.find((cell) => cell !== '') ?? '')}”, which is left out.`,
    );
  return notices;
}

/** @param {Column} column */
function askFormat(column) {
  const [point, comma] = /** @type {const} */ (['point', 'comma']).map((way) => numberIn(column.doubt, way)?.value);
  return `${columnText(column)}: is “${column.doubt}” ${point} or ${comma}? Choose how numbers are written.`;
}

/** @param {Column} column */
const readAs = (column) =>
  `${columnText(column)}: “${column.example}” is read as ${numberIn(column.example, column.way)?.value}.`;

/** @param {Column} x @param {Column} y */
function describeNothingRead(x, y) {
  const text = [x, y].find(({numeric}) => !numeric);
  return text ? `${columnText(text)} holds text, not numbers: choose another.` : 'No row could be read.';
}

// The next functions read the rows.

/** @typedef {{line: number, x: number, y: number, label: string}} Read */

/** @param {Row[]} records @param {Column} x @param {Column} y @param {Column} label @param {number} width */
function readRows(records, x, y, label, width) {
  /** @type {Read[]} */
  const rows = [];
  /** @type {string[]} */
  const errors = [];
  /** @type {Map<Column, number[]>} */
  const gaps = new Map();
  for (const {line, cells} of records) {
    const beyond = cells.findLastIndex((cell) => cell !== '') + 1;
    const gap =
      [x, y].find(({place}) => isMissing(cells[place] ?? '')) ??
      (isNoLabel(cells[label.place] ?? '') ? label : undefined);
    if (beyond > Math.max(width, label.place + 1, x.place + 1, y.place + 1))
      errors.push(`line ${line}: there are ${beyond} cells where the table has ${width}`);
    else if (gap)
      gaps
        .set(gap, gaps.get(gap) ?? [])
        .get(gap)
        ?.push(line);
    else {
      const fault = [x, y].map((column) => faultOf(cells[column.place], column)).find((each) => each);
      if (fault) errors.push(`line ${line}, ${fault}`);
      else rows.push({line, x: valueIn(cells, x), y: valueIn(cells, y), label: cells[label.place]});
    }
  }
  return {rows, errors, missing: [...gaps].map(([column, lines]) => missingText(column, lines, column === label))};
}

/** @param {string[]} cells @param {Column} column */
const valueIn = (cells, {place, way}) => /** @type {{value: number}} */ (numberIn(cells[place], way)).value;

/** Say what is wrong with a cell; empty if nothing is. @param {string} cell @param {Column} column */
function faultOf(cell, {place, name, way, unit}) {
  const where = `column ${place + 1}${cleanName(name) ? ` (“${cleanName(name)}”)` : ''}: “${shownCell(cell)}”`;
  const found = numberIn(cell, way);
  if (!found) return `${where} is not a number`;
  if (Math.abs(found.value) > constants().own_data.coordinate) return `${where} is too large`;
  if (found.unit.toLowerCase() === unit.toLowerCase() || (found.unit === '' && unit !== '%')) return '';
  return unit ? `${where} is not in ${unit} as the others are` : `${where} is in ${found.unit}, and the others are not`;
}

/** @param {Column} column @param {number[]} lines @param {boolean} isLabel */
function missingText(column, lines, isLabel) {
  const count = lines.length;
  const what = `no ${isLabel ? 'label' : 'number'} in ${columnText(column)}`;
  if (count === 1) return `One row has ${what} and is left out: line ${lines[0]}.`;
  const more = count > NAMED ? ` and ${countText(count - NAMED)} more` : '';
  return (
    `${countText(count)} rows have ${what} and are left out: lines ` + `${lines.slice(0, NAMED).join(', ')}${more}.`
  );
}

/** @param {string} cell */
function shownCell(cell) {
  const letters = [...cell];
  return letters.length > 24 ? `${letters.slice(0, 23).join('')}…` : cell;
}

/** @param {Read[]} rows @param {Column} x @param {Column} y @param {boolean} without */
function dropOutliers(rows, x, y, without) {
  const far = new Set();
  const outliers = /** @type {const} */ ([
    ['x', x],
    ['y', y],
  ]).flatMap(([axis, column]) => {
    const found = outliersOf(rows.map((row) => row[axis]));
    for (const i of found) far.add(i);
    if (found.length === 0) return [];
    const cells = found
      .slice(0, NAMED)
      .map((i) => `${rows[i][axis]} (line ${rows[i].line})`)
      .join(', ');
    return [
      `${columnText(column)}: far from all others ${found.length === 1 ? 'is' : 'are'} ` +
        `${cells}${found.length > NAMED ? ` and ${found.length - NAMED} more` : ''}.`,
    ];
  });
  return {kept: without ? rows.filter((_, i) => !far.has(i)) : rows, outliers};
}

/** @param {string[]} classes @param {Column} label */
function classProblem(classes, label) {
  const [first] = classes;
  if (classes.length === 1) {
    return `Every row has the same label, “${first}”: two classes are needed. Is ${columnText(label)} the right one?`;
  }
  const {classes: most} = constants().own_data;
  if (classes.length <= most) return '';
  const many = `${columnText(label)} has ${countText(classes.length)} different labels`;
  return `${many}, and at most ${most} can be told apart by colour and shape. Is it the right one?`;
}
