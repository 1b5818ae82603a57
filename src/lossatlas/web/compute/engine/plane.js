/**
 * This module computes a surface and a boundary with a kernel: the losses on a grid of (a, b), and the classes on a
 * meshgrid.
 */
/** @import {Kernel} from './kernel.js' */

/**
 * The number of places that a kernel computes at a time, and the time in milliseconds after which newer requests have
 * their turn.
 */
const CHUNK = 64;
const TURN = 8;

/**
 * Compute the losses [b, a] at centre + a·d_a + b·d_b, with a and b from -span to span. The operations are in float32
 * and in the order of lossatlas.landscape, so that the models are the same.
 * @param {Kernel} kernel @param {Float32Array} centre packed @param {[Float32Array, Float32Array]} directions packed
 * @param {number} span @param {number} grid odd
 * @param {() => Promise<boolean>} goOn called from time to time; false ends the computation
 * @param {[number, number]} [rows] the rows of the grid, from the first up to but without the second
 * @returns {Promise<Float32Array | null>} null: the computation was ended
 */
export async function computeSurface(kernel, centre, [first, second], span, grid, goOn, [from, to] = [0, grid]) {
  const size = centre.length;
  const half = (grid - 1) / 2;
  const values = Float32Array.from({length: grid}, (_, i) => span * ((i - half) / half));
  const losses = new Float32Array((to - from) * grid);
  const plane = new Float32Array(3 * size);
  [centre, first, second].forEach((vector, part) => plane.set(vector, part * size));
  let rested = performance.now();
  for (let start = 0; start < losses.length; start += CHUNK) {
    if (performance.now() - rested > TURN) {
      if (!(await goOn())) return null;
      rested = performance.now();
    }
    const places = new Float32Array(2 * Math.min(CHUNK, losses.length - start));
    for (let m = 0; m < places.length / 2; m++) {
      places[2 * m] = values[(start + m) % grid];
      places[2 * m + 1] = values[from + Math.floor((start + m) / grid)];
    }
    losses.set(kernel.lossesAt(plane, places), start);
  }
  return losses;
}

/**
 * Write centre + a·first + b·second, with each product and sum rounded to float32.
 * @param {Float32Array} out @param {Float32Array} centre @param {Float32Array} first @param {Float32Array} second
 * @param {number} a @param {number} b
 */
export function moveTo(out, centre, first, second, a, b) {
  const round = Math.fround;
  for (let p = 0; p < centre.length; p++) {
    out[p] = round(round(round(a * first[p]) + round(b * second[p])) + centre[p]);
  }
}

/**
 * Find the most probable class, and its probability, for each column of logits.
 * @param {Float32Array} logits [K, N] @param {number} classes
 * @returns {{predicted: Uint8Array, confidence: Float32Array}}
 */
export function classify(logits, classes) {
  const count = logits.length / classes;
  const predicted = new Uint8Array(count);
  const confidence = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (logits[k * count + i] > logits[best * count + i]) best = k;
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += Math.exp(logits[k * count + i] - logits[best * count + i]);
    predicted[i] = best;
    confidence[i] = 1 / sum;
  }
  return {predicted, confidence};
}

/**
 * Interpolate a square grid of samples bilinearly on a finer grid.
 * @param {Float32Array} values [b, a] @param {number} grid @returns {Float32Array}
 */
export function refineGrid(values, grid) {
  const size = Math.sqrt(values.length);
  const fine = new Float32Array(grid * grid);
  const places = Array.from({length: grid}, (_, i) => {
    const place = (i * (size - 1)) / (grid - 1);
    const low = Math.min(size - 2, Math.floor(place));
    return [low, place - low];
  });
  places.forEach(([row, v], j) =>
    places.forEach(([column, u], i) => {
      const at = row * size + column;
      const near = (1 - u) * values[at] + (u && u * values[at + 1]); // This avoids 0·∞.
      const far = v && (1 - u) * values[at + size] + (u && u * values[at + size + 1]);
      fine[j * grid + i] = (1 - v) * near + v * far;
    }),
  );
  return fine;
}
