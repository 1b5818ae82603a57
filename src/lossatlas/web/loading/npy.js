/**
 * This module reads NumPy's .npy files (versions 1.0 to 3.0, little-endian, C order). It hands out the numbers while
 * they arrive, so the first frame of a long array can be drawn long before the last.
 */

import {fetchAnswer, toAway} from './json.js';

/**
 * @typedef {Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array}
 *   Numbers
 */
/** @typedef {{shape: number[], data: Numbers, filled: number}} NpyArray `filled` elements have arrived so far */

/** @type {Record<string, new (buffer: ArrayBuffer, offset: number, length: number) => Numbers>} */
const VIEWS = {
  u1: Uint8Array,
  b1: Uint8Array,
  i1: Int8Array,
  u2: Uint16Array,
  i2: Int16Array,
  u4: Uint32Array,
  i4: Int32Array,
  f4: Float32Array,
  f8: Float64Array,
};
const NAMES = {
  bool: 'b1',
  uint8: 'u1',
  int8: 'i1',
  uint16: 'u2',
  int16: 'i2',
  uint32: 'u4',
  int32: 'i4',
  float16: 'f2',
  float32: 'f4',
  float64: 'f8',
};

/**
 * Parse a header if enough bytes have arrived.
 * @param {Uint8Array} bytes the file's beginning
 * @returns {{descr: string, shape: number[], offset: number, planes: boolean} | null} null: more bytes are needed;
 *   `planes`: the bytes of each block of the last two axes are ordered by their position in a number
 *   (docs/run-format.md)
 */
export function parseHeader(bytes) {
  if (bytes.length < 12) return null;
  const magic = String.fromCharCode(...bytes.subarray(1, 6));
  if (magic !== 'NUMPY' && magic !== 'PLANE') throw new Error('not a .npy file');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const wide = bytes[6] > 1;
  const start = wide ? 12 : 10;
  const offset = start + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  if (bytes.length < offset) return null;
  const text = new TextDecoder().decode(bytes.subarray(start, offset));
  const descr = /'descr':\s*'[<|=]?(\w\d)'/.exec(text)?.[1];
  const dims = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1];
  if (!descr || dims === undefined || /'fortran_order':\s*True/.test(text))
    throw new Error(`unsupported .npy header: ${text.trim()}`);
  return {
    descr,
    shape: dims
      .split(',')
      .filter((part) => part.trim())
      .map(Number),
    offset,
    planes: magic === 'PLANE',
  };
}

/**
 * Allocate an array of a dtype, which `write` fills as bytes arrive.
 * @param {string} dtype a NumPy name (`float32`) or code (`f4`)
 * @param {number[]} shape
 * @param {boolean} [planes] do the bytes come in byte planes?
 */
export function allocate(dtype, shape, planes = false) {
  const code = NAMES[/** @type {keyof typeof NAMES} */ (dtype)] ?? dtype;
  const count = shape.reduce((product, n) => product * n, 1);
  const size = Number(code[1]);
  const buffer = new ArrayBuffer(count * size);
  const half = code === 'f2';
  if (!half && !VIEWS[code]) throw new Error(`unsupported dtype ${dtype}`);
  const bytes = new Uint8Array(buffer);
  const data = half ? new Float32Array(count) : new VIEWS[code](buffer, 0, count);
  /** @type {NpyArray} */
  const array = {shape, data, filled: 0};
  const block = shape.length > 2 ? shape[shape.length - 2] * shape[shape.length - 1] : count;
  let at = 0;
  /** @param {Uint8Array} chunk */
  const write = (chunk) => {
    bytes.set(chunk.subarray(0, bytes.length - at), at);
    at = Math.min(at + chunk.length, bytes.length);
    const filled = planes ? block * Math.floor(at / (block * size)) : Math.floor(at / size);
    for (let from = array.filled; planes && from < filled; from += block)
      joinBytePlanes(bytes.subarray(from * size, (from + block) * size), size);
    if (half) decodeHalves(new Uint16Array(buffer), /** @type {Float32Array} */ (data), array.filled, filled);
    array.filled = filled;
  };
  return {array, write, bytes};
}

/**
 * Convert byte planes to numbers, in place: byte k of number i is at k · count + i.
 * @param {Uint8Array} block @param {number} size the bytes of a number
 */
function joinBytePlanes(block, size) {
  const planes = block.slice();
  for (let k = 0, from = 0; k < size; k++) for (let i = k; i < block.length; i += size) block[i] = planes[from++];
}

/**
 * Convert float16 to float32, for the elements [from, to).
 * @param {Uint16Array} halves @param {Float32Array} out @param {number} from @param {number} to
 */
export function decodeHalves(halves, out, from, to) {
  for (let i = from; i < to; i++) {
    const h = halves[i];
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    const size =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction
            ? NaN
            : Infinity
          : (1 + fraction / 1024) * 2 ** (exponent - 15);
    out[i] = h & 0x8000 ? -size : size;
  }
}

/**
 * Fetch a .npy file as a stream.
 * @param {string} url
 * @param {{
 *   signal?: AbortSignal,
 *   onHeader?: (array: NpyArray) => void,
 *   onData?: () => void,
 *   onWhole?: (header: Uint8Array, data: Uint8Array) => Promise<void>
 * }} [options] `onData` is called after every chunk; `onWhole` with the bytes of the file, and may refuse them
 * @returns {Promise<NpyArray>} settles with the last byte
 */
export async function fetchNpy(url, {signal, onHeader, onData, onWhole} = {}) {
  const response = await fetchAnswer(url, {signal, headers: {Accept: 'application/x-lossatlas-byte-planes, */*'}});
  if (!response.ok || !response.body) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  const reader = (await unpack(response.body)).getReader();
  let head = new Uint8Array(0);
  /** @type {ReturnType<typeof allocate> | null} */
  let target = null;
  let offset = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    if (target) {
      target.write(value);
    } else {
      head = join(head, value);
      const header = parseHeader(head);
      if (!header) continue;
      target = allocate(header.descr, header.shape, header.planes);
      offset = header.offset;
      target.write(head.subarray(header.offset));
      onHeader?.(target.array);
    }
    onData?.();
  }
  if (!target || target.array.filled < target.array.data.length) throw new Error(`${url}: the file ends too early`);
  await onWhole?.(head.subarray(0, offset), target.bytes);
  return target.array;
}

/**
 * Unpack a file that may be gzip. Its first bytes decide, not its name: some hosts let the browser unpack files whose
 * names end in .gz, others do not.
 * @param {ReadableStream<Uint8Array<ArrayBuffer>>} body
 */
async function unpack(body) {
  const reader = body.getReader();
  const next = () =>
    reader.read().catch((error) => {
      throw toAway(error);
    });
  const first = await next();
  /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */
  const whole = new ReadableStream({
    start(queue) {
      if (first.done) queue.close();
      else queue.enqueue(first.value);
    },
    async pull(queue) {
      const {done, value} = await next();
      if (done) queue.close();
      else queue.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  const packed = first.value?.[0] === 0x1f && first.value[1] === 0x8b;
  return packed ? whole.pipeThrough(new DecompressionStream('gzip')) : whole;
}

/** @param {Uint8Array} a @param {Uint8Array} b */
function join(a, b) {
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}
