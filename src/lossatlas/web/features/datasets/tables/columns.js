/**
 * This module finds the columns of a table and their names, and chooses x, y and the label if nobody has chosen them.
 * The rules are in docs/tables.md, sections 5 and 7.
 */
/** @import {Way} from '../../../lib/number_text.js' */
/** @import {Reading} from './numbers.js' */
/** @import {Row, Rows} from './rows.js' */
import {cleanName} from '../../../compute/datasets/own.js';
import {constants} from '../../../model/constants.js';
import {isMissing, isNoLabel, numberIn, readingsOf} from './numbers.js';

/**
 * @typedef {Reading & {place: number, name: string, values: number, labels: number}} Column `place`: its index in a
 *   row, from 0; `name`: from the header, or empty; `values`, `labels`: the number of different ones
 * @typedef {{columns: Column[], header: boolean, body: Row[], problem: string}} Columns
 */

const LABEL_NAMES =
  /^(label|labels|class|classes|target|category|species|group|kind|type|variety|outcome|diagnosis|y_true)$/i;
const INDEX_NAMES = /^(|#|unnamed: ?\d+|(.*[\s_.-])?(id|index|idx|no|nr|row|number))$/i;
const INDEX_HUMPS = /[a-z](Id|ID|Index|Idx|No|Nr|Row)$/;
/** The number of rows that decide what a column contains. */
const JUDGED = 2000;

/** @param {string} name */
export const isLabelName = (name) => LABEL_NAMES.test(name.trim());
/** @param {Column} column */
const isIndex = ({name}, /** @type {boolean} */ header) =>
  header && (INDEX_NAMES.test(name.trim()) || INDEX_HUMPS.test(name.trim()));

/**
 * @param {Rows} table @param {{header?: boolean | null, way?: Way | null}} [choice] @returns {Columns}
 */
export function columnsOf({rows, comment, width}, {header: chosen = null, way = null} = {}) {
  const [first] = rows;
  const all = [...Array(width).keys()];
  const cellsOf = (/** @type {Row[]} */ some) => all.map((place) => some.map(({cells}) => cells[place] ?? ''));
  const later = cellsOf(sampleRows(rows.slice(1)));
  const header = chosen ?? (rows.length > 1 && isHeader(first.cells, later, readingsOf(later, way)));
  const judged = header ? later : cellsOf(sampleRows(rows));
  const readings = readingsOf(judged, way);
  const names = header ? namesOf(first.cells, width) : readNames(comment, judged.filter(isFilled).length);
  const kept = all.filter((place) => judged[place].some((cell) => cell !== ''));
  const columns = kept.map((place) => ({
    ...readings[place],
    place,
    name: names[place] ?? '',
    values: new Set(
      judged[place]
        .filter((cell) => !isMissing(cell))
        .map((cell) => numberIn(cell, readings[place].way)?.value ?? cell),
    ).size,
    labels: new Set(judged[place].filter((cell) => !isNoLabel(cell))).size,
  }));
  return {
    columns,
    header: header || names.length > 0,
    body: header ? rows.slice(1) : rows,
    problem: problemOf(columns),
  };
}

/** @param {string[]} cells */
const isFilled = (cells) => cells.some((cell) => cell !== '');

/** Return all rows, or a sample over the whole length if there are very many. @param {Row[]} rows */
function sampleRows(rows) {
  return rows.length <= JUDGED
    ? rows
    : Array.from({length: JUDGED}, (_, i) => rows[Math.floor((i * rows.length) / JUDGED)]);
}

/** @param {string[]} first @param {string[][]} later cells of each column below @param {Reading[]} readings */
function isHeader(first, later, readings) {
  const numeric = [...later.keys()].filter((place) => readings[place].numeric);
  const text = numeric.filter(
    (place) => !isMissing(first[place] ?? '') && numberIn(first[place], readings[place].way) === null,
  );
  if (numeric.length > 0 && 2 * text.length > numeric.length) return true;
  return first.some((cell, place) => isLabelName(cell) && !later[place]?.some((other) => other === cell));
}

/**
 * Return the names of the columns; a header over row names has one cell less.
 * @param {string[]} cells @param {number} width
 */
function namesOf(cells, width) {
  return cells.length === width - 1 && cells.every((cell) => cell !== '') ? ['', ...cells] : cells;
}

/** Read the names that NumPy writes above its rows. @param {Row | null} comment @param {number} width */
function readNames(comment, width) {
  const cells = comment?.cells ?? [];
  return cells.length === width && width >= 3 && cells.every((cell) => cell !== '' && numberIn(cell, 'point') === null)
    ? cells
    : [];
}

/** @param {Column[]} columns */
function problemOf(columns) {
  if (columns.length < 3)
    return (
      'Three columns are needed, two of numbers and one of labels; ' +
      `${['none was', 'one was', 'two were'][columns.length]} found. Separate them by commas, semicolons, tabs, ` +
      'blanks or “|”.'
    );
  const numeric = columns.filter((column) => column.numeric).length;
  return numeric < 2
    ? `Two columns of numbers are needed beside the labels; ${['none was', 'one was'][numeric]} found.`
    : '';
}

/**
 * Choose the columns that are probably meant, as places in `columns`.
 * @param {Columns} found @param {{x?: number | null, y?: number | null, label?: number | null}} [choice] places in a
 *   row
 */
export function chooseColumns({columns, header}, {x = null, y = null, label = null} = {}) {
  const of = (/** @type {number | null} */ place) => columns.find((column) => column.place === place);
  const labels =
    of(label) ??
    labelColumn(
      columns.filter(({place}) => place !== x && place !== y),
      header,
    ) ??
    columns[columns.length - 1];
  const numbers = columns.filter(
    (column) => column.numeric && column !== labels && column.place !== x && column.place !== y,
  );
  const meant = numbers.filter((column) => !isIndex(column, header) && column.values > 1);
  const left = meant.length >= [x, y].filter((place) => of(place) === undefined).length ? meant : numbers;
  const take = () => left.shift();
  const first = of(x) ?? take();
  return {x: first, y: of(y) ?? take(), label: labels};
}

/** @param {Column[]} columns @param {boolean} header */
function labelColumn(columns, header) {
  const {classes: most} = constants().own_data;
  const named = header ? columns.findLast(({name}) => isLabelName(name)) : undefined;
  const last = columns.at(-1);
  if (named || !last?.numeric || last.values <= most) return named ?? last;
  return columns.findLast(({numeric, labels}) => !numeric && labels >= 2 && labels <= most) ?? last;
}

/** Describe a column in words: its name and its number, from 1. @param {{place: number, name: string}} column */
export function columnText({place, name}) {
  const shown = cleanName(name);
  return shown ? `“${shown}” (column ${place + 1})` : `column ${place + 1}`;
}
