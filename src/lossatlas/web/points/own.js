/** A person's own dataset as a value: what it may be, and as text that a link can carry. */
/** @import {Feature} from '../types.js' */
/** @import {Dataset, Split} from './prepared.js' */
import {CLASS_COLOURS} from '../figures/colours.js';
import {FEATURES} from './generate.js';
import {prepare} from './prepared.js';

/**
 * @typedef {object} Own
 * @property {string} name for a heading
 * @property {Float32Array} points [N, 2], in their own units
 * @property {Uint8Array} labels [N]
 * @property {string[]} classes their names
 * @property {string[]} features two names
 */

/** A class must be told apart by colour and by shape, of which there are so many. */
export const MAX_CLASSES = CLASS_COLOURS.length;
/** The page trains on so many points in a breath. */
export const MAX_POINTS = 2000;
/** A link may carry so many. */
export const MAX_LINKED = 300;
/** With fewer, a class may have no point to train on. */
export const LEAST_PER_CLASS = 4;
/** Coordinates beyond would leave float32, or its squares a double. */
export const LARGEST = 1e30;
const LONGEST_NAME = 40;

const BLANK = {name: 'Your own data', points: [], labels: [], features: FEATURES};

/** Names for classes that have none. @param {number} k */
export const className = (k) => `class ${k + 1}`;

/**
 * A dataset from its parts: classes that no point has are dropped, names are cut to a decent length, and coordinates are
 * rounded as a link rounds them, so that whoever follows it trains on the very same points.
 * @param {{name?: string, points?: ArrayLike<number>, labels?: ArrayLike<number>, classes?: string[], features?: string[]}} parts @returns {Own}
 */
export function ownData({name, points = BLANK.points, labels = BLANK.labels, classes = [], features = BLANK.features}) {
  const used = [...new Set(Array.from(labels))].sort((a, b) => a - b);
  const place = new Map(used.map((k, i) => [k, i]));
  const own = {
    name: cleanName(name ?? '') || BLANK.name,
    points: Float32Array.from(points),
    labels: Uint8Array.from(labels, (k) => place.get(k) ?? 0),
    classes: used.map((k) => cleanName(classes[k] ?? '') || className(k)),
    features: [0, 1].map((axis) => cleanName(features[axis] ?? '') || FEATURES[axis]),
  };
  return {...own, points: rounded(own.points)};
}

/** The dataset on show, as a start to draw on. @param {{title: string, features: Feature[], classes: string[], points: ArrayLike<number>, labels: ArrayLike<number>}} shown points standardised @returns {Own} */
export function ownFrom({title, features, classes, points, labels}) {
  const raw = Float64Array.from(points, (value, i) => value * features[i % 2].scale + features[i % 2].mean);
  return ownData({name: title, points: raw, labels, classes, features: features.map((feature) => feature.name)});
}

/** Split and standardised as Python does it. @param {Own} own @param {Split} [options] @returns {Dataset} */
export function prepareOwn(own, options) {
  return prepare({...own, title: own.name, name: 'own'}, options);
}

/** How many points each class has. @param {ArrayLike<number>} labels @param {number} classes */
export function countsOf(labels, classes) {
  const counts = Array(classes).fill(0);
  for (const k of Array.from(labels)) counts[k]++;
  return counts;
}

/** What is missing before one could train on it, in words; empty if nothing is. @param {Pick<Own, 'labels' | 'classes'>} own */
export function missing({labels, classes}) {
  const counts = countsOf(labels, classes.length);
  const begun = counts.filter((count) => count > 0).length;
  const few = classes.filter((_, k) => counts[k] > 0 && counts[k] < LEAST_PER_CLASS);
  if (begun === 0) return `There are no points yet: two classes with ${LEAST_PER_CLASS} points each are needed.`;
  if (begun === 1) return `There is one class only: a second with ${LEAST_PER_CLASS} points is needed.`;
  if (few.length > 0) {
    const lacks = few.map((name) => `${name} has ${counts[classes.indexOf(name)]}`).join(', ');
    return `Each class needs ${LEAST_PER_CLASS} points: ${lacks}. Add some, or erase them.`;
  }
  return labels.length > MAX_POINTS ? `There are ${labels.length} points, and at most ${MAX_POINTS} can be trained on: erase some.` : '';
}

/** Without control characters or runs of blanks, and not too long. @param {string} text */
export function cleanName(text) {
  return [...text.replace(/[\p{C}\s]+/gu, ' ').trim()].slice(0, LONGEST_NAME).join('').trim();
}

// As text: URL-safe base64 of
//   version, classes, features' extents (4 float32), points (uint16), names (length and UTF-8 each), the points' bits
//   (12 for each coordinate, then the class), and a checksum (Fletcher 1982) of all that.

const VERSION = 1;
const STEPS = 2 ** 12 - 1;
const EXTENTS = 2;
const HEAD = EXTENTS + 16 + 2;

/** Null for a dataset that is too large for a link. @param {Own} own @returns {string | null} */
export function encodeOwn(own) {
  const count = own.labels.length;
  if (count === 0 || count > MAX_LINKED || own.classes.length > MAX_CLASSES || !own.points.every((value) => Math.abs(value) <= LARGEST)) return null;
  const names = [own.name, ...own.features, ...own.classes].map((name) => new TextEncoder().encode(name));
  const head = new Uint8Array(HEAD);
  const view = new DataView(head.buffer);
  head.set([VERSION, own.classes.length]);
  const extents = extentsOf(own.points);
  extents.flat().forEach((value, i) => view.setFloat32(EXTENTS + 4 * i, value, true));
  view.setUint16(HEAD - 2, count, true);
  const body = [...head, ...names.flatMap((name) => [name.length, ...name]), ...packPoints(own, extents)];
  return toBase64(Uint8Array.from([...body, ...checksum(body)]));
}

/** Null for text that `encodeOwn` did not write. @param {string} text @returns {Own | null} */
export function decodeOwn(text) {
  const bytes = fromBase64(text);
  if (!bytes || bytes.length < HEAD + 2 || bytes[0] !== VERSION) return null;
  const body = bytes.subarray(0, -2);
  if (String(checksum(body)) !== String(bytes.slice(-2))) return null;
  const view = new DataView(bytes.buffer);
  const count = view.getUint16(HEAD - 2, true);
  const extents = [0, 1].map((axis) => [0, 1].map((end) => view.getFloat32(EXTENTS + 8 * axis + 4 * end, true)));
  const sound = extents.every(([low, high]) => low <= high && Math.abs(low) <= LARGEST && Math.abs(high) <= LARGEST);
  const told = readNames(body, 3 + body[1]);
  if (!sound || !told || count === 0 || count > MAX_LINKED || body[1] > MAX_CLASSES) return null;
  const [name, first, second, ...classes] = told.names;
  const found = unpackPoints(body.subarray(told.end), count, classes.length, extents);
  return found && {name, features: [first, second], classes, ...found};
}

/** @param {Uint8Array} body @param {number} count */
function readNames(body, count) {
  const names = [];
  let end = HEAD;
  for (let i = 0; i < count; i++) {
    const from = end + 1;
    end = from + body[end];
    if (!(end <= body.length)) return null;
    const name = utf8(body.subarray(from, end));
    if (!name || cleanName(name) !== name) return null;
    names.push(name);
  }
  return {names, end};
}

/** @param {Uint8Array} bytes */
function utf8(bytes) {
  try { return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes); } catch { return null; }
}

/** [[least, largest] of the first feature, of the second]. @param {Float32Array} points */
function extentsOf(points) {
  const extents = [[Infinity, -Infinity], [Infinity, -Infinity]];
  points.forEach((value, i) => {
    const extent = extents[i % 2];
    extent[0] = Math.min(extent[0], value);
    extent[1] = Math.max(extent[1], value);
  });
  return extents;
}

/** @param {number} value @param {number[]} extent */
const step = (value, [low, high]) => (high > low ? Math.round(((value - low) / (high - low)) * STEPS) : 0);
/** @param {number} steps @param {number[]} extent */
const place = (steps, [low, high]) => (steps === STEPS ? high : low + (steps / STEPS) * (high - low));

/** To the nearest of 4,096 places along each axis. @param {Float32Array} points */
function rounded(points) {
  const extents = extentsOf(points);
  return points.map((value, i) => place(step(value, extents[i % 2]), extents[i % 2]));
}

/** How many bits say which of so many classes. @param {number} classes */
const bitsFor = (classes) => Math.ceil(Math.log2(classes));

/** @param {Own} own @param {number[][]} extents */
function packPoints({points, labels, classes}, extents) {
  /** @type {number[]} */
  const bytes = [];
  let [kept, held] = [0, 0];
  const put = (/** @type {number} */ value, /** @type {number} */ bits) => {
    for (let bit = bits - 1; bit >= 0; bit--) {
      kept = kept << 1 | (value >> bit & 1);
      if (++held === 8) { bytes.push(kept); [kept, held] = [0, 0]; }
    }
  };
  labels.forEach((k, i) => {
    put(step(points[2 * i], extents[0]), 12);
    put(step(points[2 * i + 1], extents[1]), 12);
    put(k, bitsFor(classes.length));
  });
  if (held > 0) bytes.push(kept << (8 - held));
  return bytes;
}

/** @param {Uint8Array} bytes @param {number} count @param {number} classes @param {number[][]} extents */
function unpackPoints(bytes, count, classes, extents) {
  const labelBits = bitsFor(classes);
  if (bytes.length !== Math.ceil((count * (24 + labelBits)) / 8)) return null;
  let at = 0;
  const take = (/** @type {number} */ bits) => {
    let value = 0;
    for (let i = 0; i < bits; i++, at++) value = value << 1 | (bytes[at >> 3] >> (7 - at % 8) & 1);
    return value;
  };
  const points = new Float32Array(2 * count);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    points[2 * i] = place(take(12), extents[0]);
    points[2 * i + 1] = place(take(12), extents[1]);
    labels[i] = take(labelBits);
  }
  return new Set(labels).size === classes && labels.every((k) => k < classes) ? {points, labels} : null;
}

/** @param {ArrayLike<number>} bytes */
function checksum(bytes) {
  let [a, b] = [0, 0];
  for (const byte of Array.from(bytes)) {
    a = (a + byte) % 255;
    b = (b + a) % 255;
  }
  return [a, b];
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** @param {string} text */
function fromBase64(text) {
  if (!/^[\w-]*$/.test(text)) return null;
  try { return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0)); } catch { return null; }
}
