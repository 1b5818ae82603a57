/** This module turns an unfinished recording into figures: curves of losses, and its path. Its functions are pure. */
import {computeCurves} from '../../figures/curves.js';
import {pixelText} from '../../lib/numbers.js';

/**
 * @typedef {{frames: number[], metrics: Record<string, (number | null)[]>}} Recorded the data of the curves
 */

/**
 * Return whether there is a curve to draw: the losses of frames may be measured later.
 * @param {Recorded} recording
 */
export const hasCurves = ({frames, metrics}) =>
  frames.length === 1 || (metrics.train_loss?.filter((value) => value !== null).length ?? 0) > 1;

/**
 * Fill the gaps of frames that are not measured yet, so that the curve is straight between its neighbours. It has a
 * logarithmic scale.
 * @param {(number | null)[]} losses
 */
function fillGaps(losses) {
  const known = losses.flatMap((loss, frame) => (loss === null ? [] : [frame]));
  const at = (/** @type {number} */ frame) =>
    Math.log(Math.max(/** @type {number} */ (losses[frame]), Number.MIN_VALUE));
  return losses.map((loss, frame) => {
    if (loss !== null) return loss;
    const [before, after] = [known.findLast((each) => each < frame), known.find((each) => each > frame)];
    if (before === undefined || after === undefined) return NaN;
    return Math.exp(at(before) + ((at(after) - at(before)) * (frame - before)) / (after - before));
  });
}

/**
 * Return the curves of the training loss and the test loss.
 * @param {Recorded} recording @param {import('../../figures/curves.js').Box} box
 */
export function lossCurves({frames, metrics}, box) {
  const known = Object.entries(metrics).map(([name, list]) => [name, fillGaps(list)]);
  const run = {frames, metrics: Object.fromEntries(known), hasEveryEpoch: false};
  return computeCurves(/** @type {any} */ (run), 'log', box);
}

/**
 * Return the places of the frames in pixels, with the same scale along both axes.
 * @param {[number, number][]} points
 * @param {{width: number, height: number, room: number}} box `room`: the margin around the path
 */
export function pathPlaces(points, {width, height, room}) {
  const [low, high] = [Math.min, Math.max].map((end) => [0, 1].map((axis) => end(...points.map((at) => at[axis]))));
  const extent = [0, 1].map((axis) => high[axis] - low[axis]);
  const scale = Math.min((width - 2 * room) / (extent[0] || 1), (height - 2 * room) / (extent[1] || 1));
  return points.map(([a, b]) => ({
    x: width / 2 + scale * (a - (low[0] + high[0]) / 2),
    y: height / 2 - scale * (b - (low[1] + high[1]) / 2),
  }));
}

/** Write a line through places as an SVG path. @param {{x: number, y: number}[]} places */
export function lineThrough(places) {
  return places.map(({x, y}, i) => `${i ? 'L' : 'M'}${pixelText(x)} ${pixelText(y)}`).join('');
}
