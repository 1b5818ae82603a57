/** This module writes numbers as people write them: losses, shares, counts, sizes of files, places and labels. */

/**
 * Write a tick's label: all the digits of a round number, so that neighbours differ, with a real minus sign.
 * @param {number} value
 */
export function tickLabel(value) {
  return numberLabel(value, 1e5);
}

/**
 * Write a measured number as plainly as it was given.
 * @param {number} value @param {number} [step] a difference that does not matter, in the value's own units
 */
export function valueText(value, step = 0) {
  const digits =
    step > 0 && value !== 0 ? Math.floor(Math.log10(Math.abs(value))) - Math.floor(Math.log10(step)) + 1 : 12;
  return numberLabel(Number(value.toPrecision(Math.max(1, Math.min(12, digits)))), 1e9);
}

/** @param {number} value @param {number} most from this size on it has an exponent */
function numberLabel(value, most) {
  const size = Math.abs(value);
  const round = Number(value.toPrecision(14));
  const text =
    value === 0 ? '0' : size >= most || size < 1e-4 ? round.toExponential().replace('e+', 'e') : String(round);
  return text.replaceAll('-', '−');
}

/** Write a span, or a place within one. @param {number} value */
export function spanText(value) {
  return tickLabel(Number(value.toPrecision(3)));
}

/**
 * Write a loss in a readout: at least three significant digits, at a width that does not jump.
 * @param {number | undefined} value
 */
export function lossText(value) {
  if (value === undefined || value === null || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return '∞';
  if (value !== 0 && value < 1e-2) return value.toExponential(2);
  return value >= 1000
    ? value.toExponential(2).replace('e+', 'e')
    : value.toFixed(value >= 100 ? 1 : value >= 10 ? 2 : 4);
}

/** @param {number | undefined} share */
export function percentText(share) {
  return share === undefined || share === null || Number.isNaN(share) ? '–' : `${(share * 100).toFixed(1)} %`;
}

/** Write a share in words that are read aloud: without a zero after the point. @param {number} share */
export function shortPercentText(share) {
  return `${Number((share * 100).toFixed(1))} %`;
}

/** Write a count with its thousands apart. @param {number} value */
export function countText(value) {
  return value.toLocaleString('en');
}

/** Write the size of a file. @param {number} bytes */
export function byteText(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
