/**
 * This module turns points in their own units into a dataset that a network can learn from, as lossatlas.datasets does:
 * it orders, splits and standardises them.
 */
/** @import {Feature} from '../../model/types.js' */
import {constants} from '../../model/constants.js';
import {drawPermutation, POINT_STREAMS, createUniforms} from '../engine/random.js';

/**
 * @typedef {object} Dataset
 * @property {string} name
 * @property {string} title
 * @property {Feature[]} features `points * scale + mean` are the original units
 * @property {string[]} classes
 * @property {Float64Array} points [N, 2], each feature with mean 0 and standard deviation 1 over the training points,
 *   which come first
 * @property {Uint8Array} labels [N]
 * @property {Uint8Array} split [N], 0 for training and 1 for test
 * @property {number} trainPoints the number of training points
 * @property {string} [run] a stored run that contains the points, if they are a person's own
 * @property {Float64Array} given [N, 2], the same points in their own units
 */

/**
 * @typedef {object} Split
 * @property {number} [testFraction] the share of the points that is kept for testing
 * @property {number} [seed] the seed of the split
 * @property {boolean} [byClass] is each class split separately, so that both parts have points of all classes?
 */

/**
 * Prepare the dataset. Mean and scale are computed from the training points alone, so that no information about the
 * test points is used.
 * @param {{name: string, title: string, features: string[], classes: string[], points: ArrayLike<number>, labels:
 *   ArrayLike<number>}} raw its points [N, 2] are in their own units
 * @param {Split} [options] @returns {Dataset}
 */
export function prepareDataset(
  {name, title, features, classes, points: raw, labels},
  {testFraction = constants().defaults.test_fraction, seed = 0, byClass = false} = {},
) {
  const count = labels.length;
  const drawn = drawPermutation(createUniforms(seed, POINT_STREAMS.split), count);
  const {order, trainPoints} = byClass
    ? splitEachClass(drawn, labels, classes.length, testFraction)
    : {order: drawn, trainPoints: count - roundHalfEven(count * testFraction)};
  const given = new Float64Array(2 * count);
  order.forEach((from, to) => given.set([raw[2 * from], raw[2 * from + 1]], 2 * to));
  const points = given.slice();
  const units = features.map((feature, axis) => ({name: feature, ...standardise(points, axis, trainPoints)}));
  return {
    name,
    title,
    classes: [...classes],
    features: units,
    points,
    given,
    trainPoints,
    labels: Uint8Array.from(order, (from) => labels[from]),
    split: Uint8Array.from({length: count}, (_, i) => (i < trainPoints ? 0 : 1)),
  };
}

/**
 * Keep the last points of each class for testing: the given share, but never all of a class, and at least one if it has
 * two.
 * @param {Uint32Array} drawn @param {ArrayLike<number>} labels @param {number} classes @param {number} testFraction
 */
function splitEachClass(drawn, labels, classes, testFraction) {
  const left = Array(classes).fill(0);
  for (const i of drawn) left[labels[i]]++;
  const train = left.map(
    (size) =>
      size -
      (testFraction > 0 ? Math.max(Math.min(1, size - 1), Math.min(size - 1, roundHalfEven(size * testFraction))) : 0),
  );
  const seen = Array(classes).fill(0);
  const isTrain = drawn.map((i) => (seen[labels[i]]++ < train[labels[i]] ? 1 : 0));
  const order = Uint32Array.from([...drawn.filter((_, at) => isTrain[at]), ...drawn.filter((_, at) => !isTrain[at])]);
  return {order, trainPoints: train.reduce((sum, size) => sum + size, 0)};
}

/**
 * Standardise one feature in place. A feature that never varies is only shifted.
 * @param {Float64Array} points @param {number} axis @param {number} train
 */
function standardise(points, axis, train) {
  let mean = 0;
  for (let i = 0; i < train; i++) mean += points[2 * i + axis];
  mean /= train;
  let variance = 0;
  let varies = false;
  for (let i = 0; i < train; i++) {
    variance += (points[2 * i + axis] - mean) ** 2 / train;
    varies ||= points[2 * i + axis] !== points[axis];
  }
  const scale = varies ? Math.sqrt(variance) : 1;
  for (let i = axis; i < points.length; i += 2) points[i] = (points[i] - mean) / scale;
  return {mean, scale};
}

/** Round as Python does: halves go to the even neighbour. @param {number} value */
function roundHalfEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * Return the columns and rows of the boundary's meshgrid, as `boundary.input_grid` does: it covers the points and a
 * margin around them. If all points share a coordinate, the grid extends one unit to both sides, so that there is
 * something to draw.
 * @param {ArrayLike<number>} points [N, 2], standardised @param {{resolution: number, margin: number}} [options]
 *   `margin` is a share of the extent
 * @returns {{x: Float32Array, y: Float32Array}}
 */
export function inputGrid(points, {resolution, margin} = constants().defaults.boundary) {
  const [x, y] = [0, 1].map((axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < points.length; i += 2) {
      low = Math.min(low, points[i]);
      high = Math.max(high, points[i]);
    }
    const room = high > low ? margin * (high - low) : 1;
    return spaceEvenly(low - room, high + room, resolution);
  });
  return {x, y};
}

/** @param {number} from @param {number} to @param {number} count */
function spaceEvenly(from, to, count) {
  const step = (to - from) / (count - 1);
  return Float32Array.from({length: count}, (_, i) => (i === count - 1 ? to : from + i * step));
}
