/**
 * This module reads numbers as people write them: with a decimal point or a decimal comma, with or without separators
 * of thousands, whatever language the browser has.
 *
 * An ambiguous text is refused: `1,000` can be a thousand or one. A text such as `1.234` is read with a decimal point,
 * because the page writes numbers in this way; if only whole numbers are allowed, `1.000` is refused as well.
 */
import {tickLabel, valueText} from './numbers.js';

/** @typedef {'point' | 'comma'} Way a number format: 1,234.5 or 1.234,5 */

const patternOf = (/** @type {string} */ thousands, /** @type {string} */ decimal) =>
  new RegExp(
    `^[+-]?(?:(?:[1-9]\\d{0,2}(?:([${thousands}'’_ \u00A0\u202F\u2009])\\d{3})(?:\\1\\d{3})*|\\d+)(?:${decimal}\\d*)?|${decimal}\\d+)(?:e[+-]?\\d+)?$`,
    'i',
  );
const PATTERNS = {point: patternOf(',', '\\.'), comma: patternOf('.', ',')};

/** Read a number in one format; null if the text does not have this format. @param {string} text @param {Way} way */
export function readAs(text, way) {
  if (!PATTERNS[way].test(text)) return null;
  const digits = way === 'point' ? text.replace(/[,'’_\s]/g, '') : text.replace(/[.'’_\s]/g, '').replace(',', '.');
  return Number(digits);
}

/**
 * @typedef {object} Limits the limits of a typed number
 * @property {number} [least] @property {number} [most]
 * @property {boolean} [whole] are only whole numbers allowed?
 */

/**
 * Read a number that a person has typed.
 * @param {string} typed @param {Limits} limits
 * @returns {{value: number, fault: ''} | {value: null, fault: string}} `fault` says what is wrong, and what to type
 */
export function readTyped(typed, limits = {}) {
  const {least = -Infinity, most = Infinity, whole = false} = limits;
  const text = plainText(typed);
  const [point, comma] = [readAs(text, 'point'), readAs(text, 'comma')];
  const value = point ?? comma;
  const wanted = wantedText({least, most, whole});
  if (value === null) return {value: null, fault: text ? `“${typed.trim()}” is not a number. ${wanted}` : wanted};
  if (point !== null && comma !== null && point !== comma && (whole || text.includes(','))) {
    const [larger, smaller] = [Math.max(point, comma), Math.min(point, comma)].map((each) => valueText(each));
    return {
      value: null,
      fault: `“${typed.trim()}” can be ${larger} or ${smaller}. Type it without a separator of thousands.`,
    };
  }
  const isAllowed = value >= least && value <= most && Number.isFinite(value) && (!whole || Number.isInteger(value));
  return isAllowed ? {value, fault: ''} : {value: null, fault: wanted};
}

/** Replace digits and signs of other scripts by ASCII characters. @param {string} typed */
function plainText(typed) {
  return typed
    .normalize('NFKC')
    .replace(/[\u200E\u200F\u061C]/g, '')
    .replace(/[٠-٩۰-۹]/g, (digit) => String(digit.charCodeAt(0) & 15))
    .replace(/[−‒–]/g, '-')
    .replaceAll('٫', ',')
    .replaceAll('٬', "'")
    .trim();
}

/** @param {Required<Limits>} limits */
function wantedText({least, most, whole}) {
  const kind = whole ? 'a whole number' : 'a number';
  if (Number.isFinite(least) && Number.isFinite(most))
    return `Type ${kind} from ${tickLabel(least)} to ${tickLabel(most)}.`;
  return Number.isFinite(least) ? `Type ${kind} of at least ${tickLabel(least)}.` : `Type ${kind}.`;
}
