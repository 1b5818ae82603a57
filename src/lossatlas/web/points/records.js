/** Text → rows of cells (RFC 4180, and what spreadsheets make of it); and cells → numbers. */

/** @typedef {{line: number, cells: string[]}} RecordOf a row that is not blank, and the line on which it begins, from 1 */

/** In the order in which they are tried: a comma may stand in numbers and in text, a tab hardly ever. */
const SEPARATORS = ['\t', ';', ','];
/** How much of the text tells the separator. */
const PROBE = 40;

/**
 * The separator that gives most of the first rows the same three columns or more; where none does, the one that gives
 * the most columns.
 * @param {string} text
 */
export function separatorOf(text) {
  const found = SEPARATORS.map((separator) => {
    const widths = recordsOf(text, separator, PROBE).records.map(({cells}) => cells.length);
    const usual = widths.toSorted((a, b) => a - b)[widths.length >> 1] ?? 0;
    return {separator, usual, even: 2 * widths.filter((width) => width === usual).length > widths.length};
  });
  const sound = found.find(({usual, even}) => usual >= 3 && even);
  return (sound ?? found.reduce((best, each) => (each.usual >= best.usual ? each : best))).separator;
}

/**
 * Rows of trimmed cells. A cell that begins with a quote goes on to the next single quote, over separators and line ends.
 * @param {string} text @param {string} separator @param {number} limit rows to read at most
 * @returns {{records: RecordOf[], unclosed: number, more: boolean}} `unclosed` is the line of a quote that is never closed, or 0
 */
export function recordsOf(text, separator, limit) {
  /** @type {RecordOf[]} */
  const records = [];
  let at = text.charCodeAt(0) === 0xFEFF ? 1 : 0; // a byte-order mark
  let line = 1;
  while (at < text.length && records.length < limit) {
    /** @type {RecordOf} */
    const record = {line, cells: []};
    for (let ended = false; !ended;) {
      const cell = readCell(text, at, separator);
      if (cell.unclosed) return {records, unclosed: line, more: false};
      record.cells.push(cell.text.trim());
      line += cell.lines;
      at = cell.end;
      ended = text[at] !== separator;
      if (!ended) at++;
    }
    if (text[at] === '\r' && text[at + 1] === '\n') at++;
    at++;
    line++;
    if (record.cells.some((cell) => cell !== '')) records.push(record);
  }
  return {records, unclosed: 0, more: /\S/.test(text.slice(at))};
}

/** @param {string} text @param {number} from @param {string} separator */
function readCell(text, from, separator) {
  let at = from;
  while (text[at] === ' ') at++;
  if (text[at] !== '"') {
    const end = endOfCell(text, from, separator);
    return {text: text.slice(from, end), end, lines: 0, unclosed: false};
  }
  let close = text.indexOf('"', at + 1);
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
  if (close < 0) return {text: '', end: text.length, lines: 0, unclosed: true};
  const end = endOfCell(text, close + 1, separator);
  const inside = text.slice(at + 1, close);
  return {text: inside.replaceAll('""', '"') + text.slice(close + 1, end), end, lines: inside.match(/\r\n|\r|\n/g)?.length ?? 0, unclosed: false};
}

/** @param {string} text @param {number} from @param {string} separator */
function endOfCell(text, from, separator) {
  let end = from;
  while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') end++;
  return end;
}

/** A finite number, or null. Where commas do not separate, they may be the decimal sign. @param {string} cell @param {string} separator */
export function parseNumber(cell, separator) {
  const plain = cell.replace('−', '-');
  const text = separator !== ',' && !plain.includes('.') ? plain.replace(',', '.') : plain;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}
