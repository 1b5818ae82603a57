/**
 * This module cuts text into rows of cells with Papa Parse, and recognises comments, titles and the separator itself.
 * The rules are in docs/tables.md, sections 3 and 4.
 */
import parser from '../../../vendor/papaparse-5.7.1.min.js';
import {canBeNumber, isMissing} from './numbers.js';

const Papa = /** @type {any} */ (parser);

/**
 * @typedef {object} Row
 * @property {number} line the line on which it begins, from 1
 * @property {string[]} cells trimmed
 *
 * @typedef {object} Rows
 * @property {string} separator
 * @property {Row[]} rows the rows that are not blank
 * @property {number} width the usual number of cells
 * @property {Row | null} comment the last comment before the first row, cut into cells
 * @property {Row[]} titles the rows before the table, which are left out
 * @property {number} comments the number of lines that were comments
 * @property {number} unclosed the line of a quote that is never closed, or 0
 */

/** The separators, in the order in which they are tried; the blank stands for runs of blanks. */
export const SEPARATORS = ['\t', ';', '|', ',', ' '];
const PROBE = 100;

/** @param {string} text @param {string | null} [chosen] a separator @returns {Rows} */
export function rowsOf(text, chosen = null) {
  const lines = text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .split('\n');
  const named = /^\s*"?sep=(\\t|.)"?\s*$/i.exec(lines[0]);
  if (named) lines[0] = '';
  const comments = blankComments(lines);
  const separator = chosen ?? (named ? named[1].replace('\\t', '\t') : separatorOf(lines));
  const {rows: all, unclosed} = cutRows(lines, separator);
  const width = usualWidth(all);
  const start =
    width >= 3
      ? Math.max(
          0,
          all.findIndex(({cells}) => cells.filter((cell) => cell !== '').length > 1),
        )
      : 0;
  const last = comments.findLast(({before}) => before);
  const comment = last ? {line: last.line, cells: cutRows([last.text], separator).rows[0]?.cells ?? []} : null;
  return {
    separator,
    rows: all.slice(start),
    width,
    titles: all.slice(0, start),
    comments: comments.length,
    unclosed,
    comment,
  };
}

/**
 * Remove the comments, in place.
 * @param {string[]} lines @returns {{line: number, text: string, before: boolean}[]} `before`: the comment precedes the
 *   first row
 */
function blankComments(lines) {
  const isComment = (/** @type {string} */ line) => /^\s*[#%](?!\s*[,;|\t])/.test(line);
  const filled = lines.filter((line) => line.trim() !== '').length;
  const found = [...lines.keys()].filter((i) => isComment(lines[i]));
  if (2 * found.length > filled) return [];
  const first = lines.findIndex((line) => line.trim() !== '' && !isComment(line));
  const comments = found.map((i) => ({line: i + 1, text: lines[i].trim().slice(1), before: i < first}));
  for (const i of found) lines[i] = '';
  return comments;
}

/** @param {string[]} lines */
function separatorOf(lines) {
  const from = Math.max(
    0,
    lines.findIndex((line) => line.trim() !== ''),
  );
  const probe = lines.slice(from, from + 4 * PROBE);
  const found = SEPARATORS.map((separator) => {
    const rows = cutRows(probe, separator, PROBE).rows;
    const usual = usualWidth(rows);
    const alike = rows.filter(({cells}) => cells.length === usual);
    const even = 2 * alike.length > rows.length;
    const width = [...Array(usual).keys()].filter((column) => alike.some(({cells}) => cells[column] !== '')).length;
    const body = alike.slice(alike.length > 1 ? 1 : 0); // The first row may be a header.
    return {separator, width, even, numeric: even ? numericColumns(body, usual) : 0};
  });
  const sound = found.filter(({width, even}) => width >= 3 && even);
  const widest = found.reduce((best, each) => (each.width > best.width ? each : best), found[3]);
  return (sound.find(({numeric}) => numeric >= 2) ?? sound[0] ?? widest).separator;
}

/** @param {Row[]} rows @param {number} width */
function numericColumns(rows, width) {
  let count = 0;
  for (let column = 0; column < width; column++) {
    const filled = rows.map(({cells}) => cells[column]).filter((cell) => !isMissing(cell));
    if (2 * filled.filter(canBeNumber).length > filled.length) count++;
  }
  return count;
}

/** Return the number of cells that most rows have; of two equally frequent numbers, the smaller. @param {Row[]} rows */
function usualWidth(rows) {
  /** @type {Map<number, number>} */
  const counts = new Map();
  for (const {cells} of rows.slice(0, PROBE)) counts.set(cells.length, (counts.get(cells.length) ?? 0) + 1);
  return [...counts].reduce(
    (best, each) => (each[1] > best[1] || (each[1] === best[1] && each[0] < best[0]) ? each : best),
    [0, 0],
  )[0];
}

/**
 * Cut the rows that are not blank. Every row takes one line, and one more for each line break within its cells.
 * @param {string[]} lines @param {string} separator @param {number} [limit]
 */
function cutRows(lines, separator, limit = 0) {
  const spaced = separator === ' ' ? lines.map(joinBlanks) : lines;
  // A quote counts after blanks as well, since people type it so.
  const joined = spaced.join('\n');
  const begin = new RegExp(`(^|[\n\\${separator === '\t' ? 't' : separator}]) +"`, 'g');
  const text = separator !== ' ' && joined.includes('"') ? joined.replaceAll(begin, '$1"') : joined;
  const {data, errors} = Papa.parse(text, {
    delimiter: separator,
    newline: '\n',
    skipEmptyLines: false,
    preview: limit ? 4 * limit : 0,
  });
  const broken = errors.find((/** @type {any} */ error) => error.code === 'MissingQuotes');
  /** @type {Row[]} */
  const rows = [];
  let line = 1;
  let unclosed = 0;
  data.forEach((/** @type {string[]} */ raw, /** @type {number} */ i) => {
    const cells = raw.map((cell) => cell.trim());
    if (broken && i === data.length - 1) unclosed = line;
    else if (cells.some((cell) => cell !== '')) rows.push({line, cells});
    line += 1 + raw.reduce((sum, cell) => sum + cell.split('\n').length - 1, 0);
  });
  return {rows: limit ? rows.slice(0, limit) : rows, unclosed};
}

/** Reduce runs of blanks to one, except within quotes. @param {string} line */
function joinBlanks(line) {
  const parts = line.trim().split('"');
  return parts.map((part, i) => (i % 2 === 0 ? part.replace(/\s+/g, ' ') : part)).join('"');
}
