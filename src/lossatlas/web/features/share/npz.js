/**
 * This module writes NumPy's files: .npy (version 1.0, little-endian, C order) and .npz, an archive of them. fflate
 * writes the archive without compression, as NumPy does.
 */
/** @import {Numbers} from '../../loading/npy.js' */
import * as fflate from '../../vendor/fflate-0.8.3.min.js';

/** @typedef {{shape: number[], data: Numbers}} Values */

const {zipSync} = /** @type {any} */ (fflate);
/** The earliest time that an archive can store: so the same view gives the same bytes at any time. */
const MTIME = new Date(1980, 0, 1);

/** Return NumPy's name of a data type. @param {Numbers} data */
function writeDescr(data) {
  const kind =
    data instanceof Float32Array || data instanceof Float64Array ? 'f' : /^U/.test(data.constructor.name) ? 'u' : 'i';
  return `${data.BYTES_PER_ELEMENT === 1 ? '|' : '<'}${kind}${data.BYTES_PER_ELEMENT}`;
}

/** Write one array. @param {Values} values @returns {Uint8Array<ArrayBuffer>} */
export function writeNpy({shape, data}) {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${writeDescr(data)}', 'fortran_order': False, 'shape': (${dims}), }`;
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10; // The numbers begin at a multiple of 64.
  const head = new TextEncoder().encode(`\x00NUMPY\x01\x00\x00\x00${dict.padEnd(length - 1)}\n`);
  head[0] = 0x93;
  new DataView(head.buffer).setUint16(8, length, true);
  return joinBytes([head, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/**
 * Write many arrays.
 * @param {Map<string, Values>} arrays by name @param {Map<string, string>} [texts] text files, by name
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function writeNpz(arrays, texts = new Map()) {
  const encoder = new TextEncoder();
  const files = [
    ...[...arrays].map(([name, values]) => [`${name}.npy`, writeNpy(values)]),
    ...[...texts].map(([name, text]) => [name, encoder.encode(text)]),
  ];
  return zipSync(Object.fromEntries(files), {level: 0, mtime: MTIME});
}

/** Join bytes. @param {Uint8Array[]} parts @returns {Uint8Array<ArrayBuffer>} */
export function joinBytes(parts) {
  const out = new Uint8Array(parts.reduce((sum, {length}) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
