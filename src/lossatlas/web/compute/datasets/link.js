/**
 * This module writes own data as text that a link can carry, exact to the last bit. The text is URL-safe base64 of the
 * version, the classes, the number of points (uint16), the format of each axis (`Axis`), the names (length and UTF-8
 * each), the bits of the points, and a checksum (Fletcher 1982).
 */
/** @import {Own} from './own.js' */
import {fromBase64, toBase64} from '../../lib/base64.js';
import {constants} from '../../model/constants.js';
import {cleanName, MAX_LINKED} from './own.js';

/**
 * @typedef {object} Axis the format of the numbers of one axis
 * @property {number} decimals the numbers are (`least` + bits) / 10^decimals; 255: each is a float64
 * @property {number} least
 * @property {number} bits the length of one number
 */

const VERSION = 2;
const AXES = 4;
const AXIS = 10;
const HEAD = AXES + 2 * AXIS;
const RAW = 255;
const MOST_DECIMALS = 22; // Its power of ten is exact as a double.

/** Write a dataset as text; null if it is too large for a link. @param {Own} own @returns {string | null} */
export function encodeOwn(own) {
  const {points, labels, classes} = own;
  const count = labels.length;
  if (count === 0 || count > MAX_LINKED || classes.length > constants().own_data.classes || !points.every(isWritable))
    return null;
  const names = [own.name, ...own.features, ...classes].map((name) => new TextEncoder().encode(name));
  const axes = [0, 1].map((axis) => axisFor(points.filter((_, i) => i % 2 === axis)));
  const head = new Uint8Array(HEAD);
  const view = new DataView(head.buffer);
  head.set([VERSION, classes.length]);
  view.setUint16(2, count, true);
  axes.forEach(({decimals, least, bits}, axis) => {
    head.set([decimals, bits], AXES + AXIS * axis);
    view.setFloat64(AXES + AXIS * axis + 2, least, true);
  });
  const writer = bitWriter();
  labels.forEach((k, i) => {
    axes.forEach((axis, a) => putNumber(writer, points[2 * i + a], axis));
    writer.put(k, bitsFor(classes.length));
  });
  const body = [...head, ...names.flatMap((name) => [name.length, ...name]), ...writer.bytes()];
  return toBase64(Uint8Array.from([...body, ...checksum(body)]));
}

/** Read a dataset from text; null if `encodeOwn` did not write the text. @param {string} text @returns {Own | null} */
export function decodeOwn(text) {
  const bytes = fromBase64(text);
  if (!bytes || bytes.length < 22) return null;
  const body = bytes.subarray(0, -2);
  if (String(checksum(body)) !== String(bytes.slice(-2))) return null;
  if (bytes[0] === 1) return decodeFirst(body);
  return bytes[0] === VERSION && bytes.length >= HEAD + 2 ? decodeBody(body) : null;
}

/** @param {Uint8Array} body @returns {Own | null} */
function decodeBody(body) {
  const view = new DataView(body.buffer);
  const classes = body[1];
  const count = view.getUint16(2, true);
  const axes = [0, 1].map((axis) => ({
    decimals: body[AXES + AXIS * axis],
    bits: body[AXES + AXIS * axis + 1],
    least: view.getFloat64(AXES + AXIS * axis + 2, true),
  }));
  const sound = axes.every(({decimals, bits, least}) =>
    decimals === RAW ? bits === 64 : decimals <= MOST_DECIMALS && bits <= 53 && Number.isSafeInteger(least),
  );
  const header = readNames(body, HEAD, 3 + classes);
  if (!sound || !header || count === 0 || count > MAX_LINKED || classes > constants().own_data.classes) return null;
  const packed = body.subarray(header.end);
  const size = axes[0].bits + axes[1].bits + bitsFor(classes);
  if (packed.length !== Math.ceil((count * size) / 8)) return null;
  const take = bitReader(packed);
  const points = new Float64Array(2 * count);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    axes.forEach((axis, a) => {
      points[2 * i + a] = takeNumber(take, axis);
    });
    labels[i] = take(bitsFor(classes));
  }
  return assembleOwn(header.names, points, labels);
}

/**
 * Assemble a dataset; null if the parts do not fit.
 * @param {string[]} names @param {Float64Array} points @param {Uint8Array} labels @returns {Own | null}
 */
function assembleOwn([name, first, second, ...classes], points, labels) {
  const fits =
    new Set(labels).size === classes.length && labels.every((k) => k < classes.length) && points.every(isWritable);
  return fits ? {name, features: [first, second], classes, points, labels} : null;
}

/** Is a coordinate within the limit? @param {number} value */
const isWritable = (value) => Math.abs(value) <= constants().own_data.coordinate;

// The next functions write and read numbers.

/**
 * Choose the format of an axis: whole multiples of a power of ten if all its numbers are such, else doubles.
 * @param {Float64Array} values @returns {Axis}
 */
function axisFor(values) {
  const decimals = Math.max(0, ...Array.from(values, decimalsOf));
  const raw = {decimals: RAW, least: 0, bits: 64};
  if (decimals > MOST_DECIMALS) return raw;
  const whole = values.map((value) => Math.round(value * 10 ** decimals));
  const exact = whole.every((each, i) => Number.isSafeInteger(each) && each / 10 ** decimals === values[i]);
  const [least, most] = [Math.min(...whole), Math.max(...whole)];
  return exact && Number.isSafeInteger(most - least) ? {decimals, least, bits: bitsFor(most - least + 1)} : raw;
}

/** Count the decimals of the shortest text of a number. @param {number} value */
function decimalsOf(value) {
  const [, fraction = '', exponent = '0'] = /^-?\d+(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  return fraction.length - Number(exponent);
}

/** @param {ReturnType<typeof bitWriter>} writer @param {number} value @param {Axis} axis */
function putNumber(writer, value, {decimals, least, bits}) {
  if (decimals !== RAW) return writer.put(Math.round(value * 10 ** decimals) - least, bits);
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  writer.put(view.getUint32(0), 32);
  writer.put(view.getUint32(4), 32);
}

/** @param {(bits: number) => number} take @param {Axis} axis */
function takeNumber(take, {decimals, least, bits}) {
  if (decimals !== RAW) return (take(bits) + least) / 10 ** decimals;
  const view = new DataView(new ArrayBuffer(8));
  view.setUint32(0, take(32));
  view.setUint32(4, take(32));
  return view.getFloat64(0);
}

/** Count the bits that distinguish `many` values. @param {number} many */
function bitsFor(many) {
  let bits = 0;
  while (2 ** bits < many) bits++;
  return bits;
}

/** Create a writer of bits. Numbers may be longer than the 32 bits that shifting allows. */
function bitWriter() {
  /** @type {number[]} */
  const bytes = [];
  let [kept, held] = [0, 0];
  return {
    /** @param {number} value @param {number} bits */
    put(value, bits) {
      for (let bit = bits - 1; bit >= 0; bit--) {
        kept = (kept << 1) | (Math.floor(value / 2 ** bit) % 2);
        if (++held === 8) {
          bytes.push(kept);
          [kept, held] = [0, 0];
        }
      }
    },
    bytes: () => (held > 0 ? [...bytes, kept << (8 - held)] : bytes),
  };
}

/** @param {Uint8Array} bytes @returns {(bits: number) => number} */
function bitReader(bytes) {
  let at = 0;
  return (bits) => {
    let value = 0;
    for (let i = 0; i < bits; i++, at++) value = 2 * value + ((bytes[at >> 3] >> (7 - (at % 8))) & 1);
    return value;
  };
}

// The next function reads links of the first version, in which a number was one of 4,096 places along its axis.

const PLACES = 2 ** 12 - 1;

/** @param {Uint8Array} body @returns {Own | null} */
function decodeFirst(body) {
  const view = new DataView(body.buffer);
  const classes = body[1];
  const count = view.getUint16(18, true);
  const extents = [0, 1].map((axis) => [0, 1].map((end) => view.getFloat32(2 + 8 * axis + 4 * end, true)));
  const sound = extents.every(([low, high]) => low <= high && isWritable(low) && isWritable(high));
  const header = readNames(body, 20, 3 + classes);
  if (!sound || !header || count === 0 || count > MAX_LINKED || classes > constants().own_data.classes) return null;
  const packed = body.subarray(header.end);
  if (packed.length !== Math.ceil((count * (24 + bitsFor(classes))) / 8)) return null;
  const take = bitReader(packed);
  const place = (/** @type {number[]} */ [low, high]) => {
    const steps = take(12);
    return Math.fround(steps === PLACES ? high : low + (steps / PLACES) * (high - low));
  };
  const points = new Float64Array(2 * count);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    points.set([place(extents[0]), place(extents[1])], 2 * i);
    labels[i] = take(bitsFor(classes));
  }
  return assembleOwn(header.names, points, labels);
}

// The next functions convert bytes and text.

/** @param {Uint8Array} body @param {number} start @param {number} count */
function readNames(body, start, count) {
  const names = [];
  let end = start;
  for (let i = 0; i < count; i++) {
    const from = end + 1;
    end = from + body[end];
    if (!(end <= body.length)) return null;
    const name = decodeUtf8(body.subarray(from, end));
    if (!name || cleanName(name) !== name) return null;
    names.push(name);
  }
  return {names, end};
}

/** @param {Uint8Array} bytes */
function decodeUtf8(bytes) {
  try {
    return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes);
  } catch {
    return null;
  }
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
