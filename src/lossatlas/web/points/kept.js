/** Own data by the text that the state carries: the points themselves where a link can hold them, else a name in this page only. */
/** @import {Own} from './own.js' */
import {decodeOwn, encodeOwn, MAX_LINKED} from './own.js';

/** @type {Map<string, Own>} */
const kept = new Map();

/** @param {Own} own @returns {string} */
export function remember(own) {
  const text = encodeOwn(own) ?? `here-only-${kept.size + 1}`;
  kept.set(text, own);
  return text;
}

/** @param {string} text @returns {Own} */
export function recall(text) {
  const own = kept.get(text) ?? decodeOwn(text);
  if (own) return own;
  throw new Error(text.startsWith('here-only-')
    ? `These points are not here any more: a link can carry up to ${MAX_LINKED}, and there were more.`
    : 'The points in this link are damaged.');
}
