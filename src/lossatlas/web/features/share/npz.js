/** A writer for NumPy's files: .npy (version 1.0, little-endian, C order), and .npz, a zip of them without compression. */
/** @import {Numbers} from '../../loading/npy.js' */

/** @typedef {{shape: number[], data: Numbers}} Values */

/** @param {Numbers} data */
function descrOf(data) {
  const kind =
    data instanceof Float32Array || data instanceof Float64Array ? 'f' : /^U/.test(data.constructor.name) ? 'u' : 'i';
  return `${data.BYTES_PER_ELEMENT === 1 ? '|' : '<'}${kind}${data.BYTES_PER_ELEMENT}`;
}

/** @param {Values} values @returns {Uint8Array<ArrayBuffer>} */
export function npy({shape, data}) {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${descrOf(data)}', 'fortran_order': False, 'shape': (${dims}), }`;
  const length = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10; // the numbers begin at a multiple of 64
  const head = new TextEncoder().encode(`\x00NUMPY\x01\x00\x00\x00${dict.padEnd(length - 1)}\n`);
  head[0] = 0x93;
  new DataView(head.buffer).setUint16(8, length, true);
  return join([head, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/**
 * @param {Map<string, Values>} arrays by name @param {Map<string, string>} [texts] files that are none, by name
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function npz(arrays, texts = new Map()) {
  const encoder = new TextEncoder();
  return zip([
    ...[...arrays].map(([name, values]) => ({name: `${name}.npy`, bytes: npy(values)})),
    ...[...texts].map(([name, text]) => ({name, bytes: encoder.encode(text)})),
  ]);
}

/** A zip archive whose members are stored as they are (PKWARE APPNOTE 6.3, 4.3). @param {{name: string, bytes: Uint8Array}[]} files */
export function zip(files) {
  /** @type {Uint8Array[]} */
  const parts = [];
  /** @type {Uint8Array[]} */
  const directory = [];
  let at = 0;
  for (const {name, bytes} of files) {
    const label = new TextEncoder().encode(name);
    // From the needed version on, local header and directory say the same: flags (UTF-8), method, time and date (1980), CRC, sizes.
    const common = fields(
      [20, 2],
      [0x0800, 2],
      [0, 2],
      [0, 2],
      [0x21, 2],
      [crc32(bytes), 4],
      [bytes.length, 4],
      [bytes.length, 4],
      [label.length, 2],
      [0, 2],
    );
    parts.push(fields([0x04034b50, 4]), common, label, bytes);
    directory.push(fields([0x02014b50, 4], [20, 2]), common, fields([0, 2], [0, 2], [0, 2], [0, 4], [at, 4]), label);
    at += 4 + common.length + label.length + bytes.length;
  }
  const size = directory.reduce((sum, {length}) => sum + length, 0);
  const end = fields([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [size, 4], [at, 4], [0, 2]);
  return join([...parts, ...directory, end]);
}

/** Little-endian numbers of 2 or 4 bytes. @param {[number, 2 | 4][]} numbers */
function fields(...numbers) {
  const bytes = new Uint8Array(numbers.reduce((sum, [, size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [value, size] of numbers) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}

const CRC = Uint32Array.from({length: 256}, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let c = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) c = CRC[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** @param {Uint8Array[]} parts @returns {Uint8Array<ArrayBuffer>} */
export function join(parts) {
  const out = new Uint8Array(parts.reduce((sum, {length}) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
