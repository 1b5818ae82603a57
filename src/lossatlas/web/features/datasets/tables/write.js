/** This module writes a dataset as text that `readTable` reads back to exactly the same numbers. */
/** @import {Own} from '../../../compute/datasets/own.js' */

/** @param {Pick<Own, 'points' | 'labels' | 'classes' | 'features'>} own */
export function writeTable({points, labels, classes, features}) {
  const rows = Array.from(labels, (k, i) =>
    [String(points[2 * i]), String(points[2 * i + 1]), quoteCell(classes[k])].join(','),
  );
  return [[...features, 'class'].map(quoteCell).join(','), ...rows, ''].join('\n');
}

/** @param {string} text */
const quoteCell = (text) =>
  /[",;|\t\n\r]|^[#%]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
