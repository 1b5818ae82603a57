/**
 * This module draws the random numbers of lossatlas.rng: Philox4x64-10 (Salmon et al. 2011) keyed by (seed, stream),
 * with uniform doubles from the upper 53 bits of each word. A word is kept as two halves of 32 bits, lower half first:
 * JavaScript's integer operations have this width, and BigInt takes three times as long. Training draws one number for
 * each point and epoch.
 */

const ROUNDS = 10;
const HALF = 2 ** 32;
const MULTIPLIERS = Int32Array.of(0xe14c6c93, 0xd2e7470e, 0x95121157, 0xca5a8263);
const WEYL = Uint32Array.of(0x7f4a7c15, 0x9e3779b9, 0x84caa73b, 0xbb67ae85);

/**
 * Return the upper half of a product of two halves; `Math.imul` gives the lower one.
 * @param {number} a @param {number} b
 */
function multiplyUpper(a, b) {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = (Math.imul(a1, b0) + (Math.imul(a0, b0) >>> 16)) | 0;
  const other = (Math.imul(a0, b1) + (middle & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (middle >>> 16) + (other >>> 16)) | 0;
}

/**
 * Multiply word `m` of the multipliers by word `c` of the counter: four halves go into `product`.
 * @param {Int32Array} product @param {number} m @param {Int32Array} counter @param {number} c
 */
function multiply(product, m, counter, c) {
  const [a0, a1, b0, b1] = [MULTIPLIERS[2 * m], MULTIPLIERS[2 * m + 1], counter[2 * c], counter[2 * c + 1]];
  const second = (multiplyUpper(a0, b0) >>> 0) + (Math.imul(a0, b1) >>> 0) + (Math.imul(a1, b0) >>> 0);
  const third =
    (multiplyUpper(a0, b1) >>> 0) +
    (multiplyUpper(a1, b0) >>> 0) +
    (Math.imul(a1, b1) >>> 0) +
    Math.floor(second / HALF);
  product[0] = Math.imul(a0, b0);
  product[1] = second; // An Int32Array keeps the lower half.
  product[2] = third;
  product[3] = multiplyUpper(a1, b1) + Math.floor(third / HALF);
}

/** Compute the keys of all rounds, four halves each. @param {number} seed @param {number} stream */
function roundKeys(seed, stream) {
  const words = [seed, stream].map(BigInt);
  const steps = [0, 2].map((i) => BigInt(WEYL[i]) + (BigInt(WEYL[i + 1]) << 32n));
  const halves = Array.from({length: ROUNDS}, (_, round) =>
    words.flatMap((word, i) => {
      const key = BigInt.asUintN(64, word + BigInt(round) * steps[i]);
      return [Number(key & 0xffffffffn), Number(key >> 32n)];
    }),
  );
  return Int32Array.from(halves.flat());
}

/** Create a reproducible sequence of doubles in [0, 1). @param {number} seed up to 2⁵³ − 1 @param {number} stream */
export function createDraws(seed, stream) {
  const key = roundKeys(seed, stream);
  const counter = new Int32Array(8);
  const [first, second] = [new Int32Array(4), new Int32Array(4)];
  const doubles = new Float64Array(4);
  let blocks = 0;
  let used = 4;
  let values = new Float64Array(0);

  const block = () => {
    blocks++;
    counter.fill(0);
    counter[0] = blocks;
    counter[1] = Math.floor(blocks / HALF);
    for (let k = 0; k < 4 * ROUNDS; k += 4) {
      multiply(first, 0, counter, 0);
      multiply(second, 1, counter, 2);
      const [c2, c3, c6, c7] = [counter[2], counter[3], counter[6], counter[7]];
      counter[0] = second[2] ^ c2 ^ key[k];
      counter[1] = second[3] ^ c3 ^ key[k + 1];
      counter[2] = second[0];
      counter[3] = second[1];
      counter[4] = first[2] ^ c6 ^ key[k + 2];
      counter[5] = first[3] ^ c7 ^ key[k + 3];
      counter[6] = first[0];
      counter[7] = first[1];
    }
    for (let w = 0; w < 4; w++) doubles[w] = ((counter[2 * w + 1] >>> 0) * 2 ** 21 + (counter[2 * w] >>> 11)) / 2 ** 53;
    used = 0;
  };

  const next = () => {
    if (used === 4) block();
    return doubles[used++];
  };

  return {
    next,
    /**
     * Continue as if `count` doubles had been drawn. Call this only before the first one is drawn.
     * @param {number} count
     */
    skip(count) {
      blocks = Math.floor(count / 4);
      for (let i = 0; i < count % 4; i++) next();
    },
    /** Fill `order` with a random order: the stable argsort of as many doubles. @param {Int32Array} order */
    permute(order) {
      if (values.length !== order.length) values = new Float64Array(order.length);
      for (let i = 0; i < values.length; i++) values[i] = next();
      argsort(values, order);
    },
  };
}

/**
 * Compute the stable argsort of doubles that are spread evenly over [0, 1): each goes to its bucket, and few are left
 * to move.
 * @param {Float64Array} values @param {Int32Array} order
 */
function argsort(values, order) {
  const count = values.length;
  const starts = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) starts[Math.floor(values[i] * count) + 1]++;
  for (let b = 1; b < count; b++) starts[b] += starts[b - 1];
  for (let i = 0; i < count; i++) order[starts[Math.floor(values[i] * count)]++] = i;
  for (let i = 1; i < count; i++) {
    const item = order[i];
    let at = i;
    for (; at > 0 && values[order[at - 1]] > values[item]; at--) order[at] = order[at - 1];
    order[at] = item;
  }
}
