/**
 * This module writes numbers as people read them: losses, shares, counts, sizes of files, places and labels. It also
 * rounds. No other module does, so that a number looks the same everywhere.
 */

// Rounding

/** Round to significant digits. @param {number} value @param {number} digits */
export function roundToDigits(value, digits) {
  return Number(value.toPrecision(digits));
}

/** Round to decimals. @param {number} value @param {number} decimals */
export function roundToDecimals(value, decimals) {
  return Number(value.toFixed(decimals));
}

// Numbers of any kind

/**
 * Write a tick's label: all the digits of a round number, so that neighbours differ.
 * @param {number} value
 */
export function tickLabel(value) {
  return plainText(value, 1e5);
}

/**
 * Write a measured number with the digits that it was given with.
 * @param {number} value @param {number} [step] a difference that does not matter, in the value's own units
 */
export function valueText(value, step = 0) {
  const digits =
    step > 0 && value !== 0 ? Math.floor(Math.log10(Math.abs(value))) - Math.floor(Math.log10(step)) + 1 : 12;
  return plainText(roundToDigits(value, Math.max(1, Math.min(12, digits))), 1e9);
}

/** @param {number} value @param {number} most numbers of at least this size get an exponent */
function plainText(value, most) {
  const size = Math.abs(value);
  const round = roundToDigits(value, 14);
  return writeMinus(value === 0 ? '0' : size >= most || size < 1e-4 ? round.toExponential() : String(round));
}

/** Write a span, a place within one, or a distance, with three significant digits. @param {number} value */
export function shortText(value) {
  return Number.isFinite(value) ? tickLabel(roundToDigits(value, 3)) : value > 0 ? '∞' : '−∞';
}

/**
 * Write a coordinate with as many digits as a view can distinguish.
 * @param {number} value @param {[number, number]} extent of the view
 */
export function coordinateText(value, [low, high]) {
  const decimals = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(high - low))));
  return writeMinus(value.toFixed(decimals).replace(/^-(0\.?0*)$/, '$1'));
}

/** Write a number with at most six significant digits, as Python's `:g` does. @param {number} value */
export function generalText(value) {
  const [digits, power] = value.toExponential(5).split('e').map(Number);
  if (power >= -4 && power < 6) return String(roundToDigits(value, 6));
  return `${digits}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}

// Losses and curvature

/**
 * Write a loss, or a difference of losses: at least three significant digits, at a width that hardly changes.
 * @param {number | undefined} value
 */
export function lossText(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size >= 1000 || (size !== 0 && size < 1e-2)) return writeMinus(value.toExponential(2));
  return writeMinus(value.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 4));
}

/** Write a loss in a sentence, to a hundredth. @param {number} value */
export function roughLossText(value) {
  return value.toFixed(2);
}

/**
 * Write an eigenvalue, or a number that is computed from eigenvalues.
 * @param {number | undefined | null} value @param {number} [digits]
 */
export function curvatureText(value, digits = 3) {
  if (value === undefined || value === null || !Number.isFinite(value)) return '–';
  const size = Math.abs(roundToDigits(value, digits));
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return writeMinus(value.toExponential(digits - 1));
  return writeMinus(size >= 10 ** digits ? String(Math.round(value)) : value.toPrecision(digits));
}

// Shares, from 0 to 1, in percent

/** Write a share at a width that hardly changes. @param {number | undefined} share */
export function percentText(share) {
  return share === undefined || share === null || Number.isNaN(share) ? '–' : `${(share * 100).toFixed(1)} %`;
}

/** Write a share in words that are read aloud: without a zero after the point. @param {number} share */
export function shortPercentText(share) {
  return `${roundToDecimals(share * 100, 1)} %`;
}

/** Write a share without decimals. @param {number} share */
export function wholePercentText(share) {
  return `${Math.round(share * 100)} %`;
}

/** Write a probability, with one decimal where it is nearly certain either way. @param {number} share */
export function probabilityPercentText(share) {
  return `${(100 * share).toFixed(share > 0.99 || share < 0.01 ? 1 : 0)} %`;
}

/** Write a share of a variance or of an area: the smallest and the largest have one decimal. @param {number} share */
export function varianceText(share) {
  const size = share * 100;
  if (size > 0 && size < 0.1) return 'under 0.1\u00a0%';
  return `${size < 10 || size > 99 ? roundToDecimals(size, 1) : Math.round(size)}\u00a0%`;
}

/** Write a share in a sentence: below a tenth, its first digit is enough. @param {number} share */
export function roughPercentText(share) {
  return share < 0.1 ? `${roundToDigits(100 * share, 1)} %` : wholePercentText(share);
}

// Counts, sizes, times

/** Write a count with commas between the thousands. @param {number} value */
export function countText(value) {
  return value.toLocaleString('en');
}

/** Write the size of a file. @param {number} bytes */
export function byteText(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Write a length of time. @param {number} seconds */
export function secondsText(seconds) {
  return `${seconds.toFixed(1)}\u00a0s`;
}

// Numbers in a format

/** Write a number with a fixed number of decimals, as addresses do. @param {number} value @param {number} decimals */
export function fixedText(value, decimals) {
  return value.toFixed(decimals);
}

/** Write a coordinate of a drawing in few characters, since a drawing has thousands. @param {number} value in pixels */
export function pixelText(value) {
  return fixedText(value, 1);
}

/** Write real minus signs, and an exponent without a plus. @param {string} text a number */
function writeMinus(text) {
  return text.replace('e+', 'e').replaceAll('-', '−');
}
