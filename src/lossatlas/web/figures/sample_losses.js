/**
 * This module turns the loss of each sample at every frame into a picture: a row for each sample, and the samples that
 * are learnt first on top. It consists of pure functions.
 */
/** @import {Run} from '../model/run.js' */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {LossRange} from './range.js' */
/** @import {Table} from './tables.js' */
import {lossText, pixelText} from '../lib/numbers.js';
import {createMapTable} from './colours.js';
import {computeShare} from './range.js';

/** The share of all losses that the colours leave out at either end, so that single ones do not stretch them. */
const LEFT_OUT = 0.02;
/** A range of more than this factor has a logarithmic scale. It spans at most MOST, because errors pass through 0. */
const WIDE = 30;
const MOST = 300;

/**
 * @typedef {{name: 'training' | 'test', samples: number[], learnt: number[]}} Group `samples` are in the order of their
 *   rows; `learnt` has the frame from which on each counts as learnt
 * @typedef {{losses: Numbers, count: number, frames: number, threshold: number, groups: Group[], range: LossRange}}
 *   SampleLosses
 */

/** @type {WeakMap<Run, SampleLosses>} */
const known = new WeakMap();

/** Return the samples' losses of a run in the order of drawing. @param {Run} run @returns {SampleLosses} */
export function readSampleLosses(run) {
  const before = known.get(run);
  if (before) return before;
  const made = orderSamples(run.numbers('sample_loss'), run.numbers('sample_split'), run.frames.length);
  known.set(run, made);
  return made;
}

/**
 * Sort samples by the time at which they are learnt. A sample counts as learnt from the first frame from which on its
 * loss stays below the threshold: half-way between the training samples' mean losses at the first and the last frame.
 * @param {Numbers} losses [frame, sample] flattened @param {Numbers} split 0 for training samples, 1 for test samples
 * @param {number} frames @returns {SampleLosses}
 */
export function orderSamples(losses, split, frames) {
  const count = split.length;
  const all = [...split.keys()];
  const lossAt = (/** @type {number} */ frame, /** @type {number} */ i) => losses[frame * count + i];
  const mean = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const training = all.filter((i) => split[i] === 0);
  const [first, last] = [0, frames - 1].map((frame) => mean(training.map((i) => lossAt(frame, i))));
  const threshold = (first + last) / 2;
  const learntAt = all.map((i) => {
    let frame = frames;
    while (frame > 0 && lossAt(frame - 1, i) < threshold) frame--;
    return frame;
  });
  const means = all.map((i) => mean(Array.from({length: frames}, (_, frame) => lossAt(frame, i))));
  const groups = /** @type {const} */ (['training', 'test']).flatMap((name, part) => {
    const samples = all
      .filter((i) => split[i] === part)
      .sort((i, j) => learntAt[i] - learntAt[j] || means[i] - means[j] || i - j);
    return samples.length ? [{name, samples, learnt: samples.map((i) => learntAt[i])}] : [];
  });
  return {losses, count, frames, threshold, groups, range: findRange(losses)};
}

/** @param {Numbers} losses @returns {LossRange} */
function findRange(losses) {
  const values = Float64Array.from(losses).filter(Number.isFinite).sort();
  const at = (/** @type {number} */ share) => values[Math.round(share * (values.length - 1))] ?? 0;
  const high = at(1 - LEFT_OUT);
  const low = at(LEFT_OUT) > 0 ? Math.max(at(LEFT_OUT), high / MOST) : at(LEFT_OUT);
  const isLog = low > 0 && high / low > WIDE;
  const least = isLog || low > 0.25 * high ? low : Math.min(0, low);
  return {
    kind: 'loss',
    low: least,
    high: high > least ? high : least + (Math.abs(least) || 1),
    min: at(0),
    max: at(1),
    clipped: at(1) > high,
    floored: at(0) < least,
    scale: isLog ? 'log' : 'linear',
  };
}

/**
 * Paint a group: a row for each sample and a column for each frame.
 * @param {SampleLosses} all @param {Group} group @param {Uint32Array} pixels
 */
export function paintSamples({losses, count, frames, range}, {samples}, pixels) {
  const table = createMapTable(range.kind);
  samples.forEach((sample, row) => {
    for (let frame = 0; frame < frames; frame++) {
      const share = computeShare(range, losses[frame * count + sample]);
      const byte = Number.isNaN(share) ? 255 : Math.round(255 * Math.min(1, Math.max(0, share)));
      pixels[row * frames + frame] = table[byte];
    }
  });
}

/**
 * Return the line that marks when samples are learnt, as an SVG path over a box. A frame is as wide as a pixel of the
 * picture.
 * @param {Group} group @param {number} frames @param {{x: number, y: number, width: number, height: number}} box
 */
export function findLearntLine({learnt}, frames, box) {
  const x = (/** @type {number} */ frame) => pixelText(box.x + (frame / frames) * box.width);
  const y = (/** @type {number} */ row) => pixelText(box.y + (row / learnt.length) * box.height);
  return learnt.map((frame, row) => `${row ? 'L' : 'M'}${x(frame)} ${y(row)}V${y(row + 1)}`).join('');
}

/** Count the samples of a group that are learnt at a frame. @param {Group} group @param {number} frame */
export const countLearnt = ({learnt}, frame) => learnt.filter((at) => at <= frame).length;

/** Say how many samples are learnt at a frame. @param {SampleLosses} all @param {number} frame */
export function describeLearnt({groups}, frame) {
  return groups
    .map((group) => `${countLearnt(group, frame)} of ${group.samples.length} ${group.name} samples learnt`)
    .join(', ');
}

/** Return the samples' losses at every frame as a table. @param {Run} run @param {number} shown @returns {Table[]} */
export function createSampleTables(run, shown) {
  const all = readSampleLosses(run);
  return all.groups.map((group) => ({
    caption: `${group.samples.length} ${group.name} samples: their losses at each epoch`,
    corner: 'Epoch',
    columns: ['smallest', 'median', 'largest', 'learnt'],
    rows: run.frames.map((epoch, frame) => {
      const values = group.samples.map((i) => all.losses[frame * all.count + i]).sort((a, b) => a - b);
      const learnt = countLearnt(group, frame);
      return {
        name: String(epoch),
        now: frame === shown,
        cells: [
          ...[0, 0.5, 1].map((share) => {
            const value = values[Math.round(share * (values.length - 1))];
            return {text: lossText(value), value};
          }),
          {text: String(learnt), value: learnt},
        ],
      };
    }),
  }));
}
