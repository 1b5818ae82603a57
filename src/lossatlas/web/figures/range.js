/**
 * This module chooses the range of losses that the vertical axis and the colours cover, and the ticks that are named on
 * it.
 */
/** @import {Numbers} from '../loading/npy.js' */
import {chooseLinearTicks, chooseLogTicks} from './ticks.js';
import {roundToDigits, shortText, tickLabel} from '../lib/numbers.js';

/**
 * @typedef {object} LossRange the range of a slice, so that the axes are steady during playback, or of one frame if
 *   that is chosen
 * @property {'loss' | 'gap'} kind selects the colours
 * @property {number} low
 * @property {number} high
 * @property {number} max the largest value, perhaps infinite
 * @property {number} min
 * @property {boolean} clipped is `high` below `max`?
 * @property {boolean} floored is `low` above `min`?
 * @property {'linear' | 'log'} scale
 */

/** The number of cells that are examined for a range: enough for a quantile. */
const SAMPLE = 40_000;
/**
 * A range ends at this quantile of the cells if the rest would stretch it by more than STRETCH: a factor for each
 * scale.
 */
const QUANTILE = 0.96;
const STRETCH = {linear: 1.5, log: 100};
/**
 * A range reaches this quantile of every frame, so that no whole frame is cut off. Frames beyond BEYOND times its end
 * (diverged ones) are ignored.
 */
const OF_FRAME = 0.6;
const BEYOND = {linear: 20, log: 1e4};
/** A logarithmic axis shows at most this many decades, unless more than this share of a frame would lie below it. */
const DECADES = 6;
const OF_PIT = 0.25;
/** The share of a range that may be empty, at either end, before a growing run gets a new range. */
const SLACK = 0.4;
/**
 * The logarithmic axis of a growing run reaches this factor below the values, so that the axis changes in few steps.
 */
const HEADROOM = 3;

/**
 * Choose the range of the losses on some surfaces. A few large outliers (the corners of a wide span) would flatten
 * everything else: then the range ends at a quantile, and the page says so.
 * @param {Numbers[]} surfaces @param {'linear' | 'log'} scale
 * @param {Numbers[]} [drawn] the surfaces that are drawn, if they are others: the test loss is drawn on the training
 *   loss's scale
 * @returns {LossRange}
 */
export function findLossRange(surfaces, scale, drawn = surfaces) {
  const {values, min, max} = sampleCells(surfaces);
  const top = values[Math.floor((values.length - 1) * QUANTILE)] ?? 1;
  const whole = Math.max(
    top,
    ...surfaces.map((surface) => computeQuantile(surface, OF_FRAME)).filter((most) => most <= top * BEYOND[scale]),
  );
  const isLog = scale === 'log';
  const high = roundUp(max > whole * STRETCH[scale] ? whole : max, scale);
  const least = isLog ? findLowestLoss(high, surfaces) : 0;
  const low = isLog ? Math.max(min, least) : Math.min(min, 0.98 * high);
  const seen = drawn === surfaces ? {min, max} : sampleCells(drawn);
  return {
    kind: 'loss',
    low: !isLog && low < 0.25 * high ? 0 : isLog ? Math.min(low, 0.98 * high) : low,
    high,
    min: seen.min,
    max: seen.max,
    clipped: seen.max > high,
    floored: isLog && seen.min < low,
    scale,
  };
}

/**
 * Choose how far a logarithmic axis reaches down: a few deep pits do not stretch it, but no frame lies entirely below
 * it.
 * @param {number} high @param {Numbers[]} surfaces
 */
function findLowestLoss(high, surfaces) {
  const pits = surfaces.map((surface) => computeQuantile(surface, OF_PIT)).filter((each) => each > 0);
  return Math.min(high / 10 ** DECADES, ...pits);
}

/** Return the value below which a share of a surface lies. @param {Numbers} surface @param {number} share */
function computeQuantile(surface, share) {
  const some = [];
  for (let at = 0; at < surface.length; at += 7) if (Number.isFinite(surface[at])) some.push(surface[at]);
  return some.sort((a, b) => a - b)[Math.floor((some.length - 1) * share)] ?? 0;
}

/**
 * Choose the range of one frame alone, as narrow as its values: at a deep zoom, a rounder range would show a flat
 * plate.
 * @param {Numbers} surface @param {'linear' | 'log'} scale @returns {LossRange}
 */
export function findFrameRange(surface, scale) {
  const {values, min, max} = sampleCells([surface]);
  const top = values[Math.floor((values.length - 1) * QUANTILE)] ?? 1;
  const high = max - min > STRETCH.linear * 2 * (top - min) && top > min ? top : Number.isFinite(max) ? max : top;
  const low = scale === 'log' ? Math.max(min, findLowestLoss(high, [surface])) : min;
  const pad = high > low ? 0.02 * (high - low) : 0.02 * Math.abs(high) || 1;
  const bottom = scale === 'log' ? low * (low / high) ** 0.02 : low - pad;
  return {
    kind: 'loss',
    low: high > low ? bottom : low - pad,
    high: high + pad,
    min,
    max,
    clipped: max > high + pad,
    floored: scale === 'log' && min < low,
    scale,
  };
}

/**
 * Choose the range of differences, which reaches as far above zero as below.
 * @param {Numbers[]} surfaces @returns {LossRange}
 */
export function findGapRange(surfaces) {
  const {values, min, max} = sampleCells(surfaces);
  const sizes = values.map(Math.abs).sort();
  const top = sizes[Math.floor((sizes.length - 1) * QUANTILE)] ?? 1;
  const most = Math.max(max, -min);
  const high = roundUp(most > top * STRETCH.linear ? top : most, 'linear');
  return {kind: 'gap', low: -high, high, min, max, clipped: max > high, floored: min < -high, scale: 'linear'};
}

/**
 * Choose one range for two runs that are shown side by side: the wider of both, in the form of the first. If the two
 * show different quantities, keep the first run's own range.
 * @param {LossRange} own @param {LossRange} other @returns {LossRange}
 */
export function joinRanges(own, other) {
  if (own.kind !== other.kind || own.scale !== other.scale) return own;
  const high = Math.max(own.high, other.high);
  const low = Math.min(own.low, other.low);
  return {
    ...own,
    low,
    high,
    clipped: own.max > high,
    floored: (own.kind === 'gap' || own.scale === 'log') && own.min < low,
  };
}

/**
 * Keep the range of a growing run as long as the new values fit into it and fill most of it. New axes cost Plotly more
 * than ten frames, and a landscape is easier to follow on steady axes.
 * @param {LossRange} next @param {LossRange | undefined} before @returns {LossRange}
 */
export function keepRange(next, before) {
  if (!before || before.kind !== next.kind || before.scale !== next.scale) return next;
  const low = computeShare(before, next.low);
  const high = computeShare(before, next.high);
  if (low < 0 && next.scale === 'log') {
    const reach = next.low / HEADROOM;
    return {...next, low: reach, floored: next.min < reach};
  }
  const isEmpty = low > SLACK && !(next.scale === 'log' && next.low < 1.5 * HEADROOM * before.low);
  if (low < 0 || isEmpty || high > 1 || high < 1 - SLACK) return next;
  return {
    ...next,
    low: before.low,
    high: before.high,
    clipped: next.max > before.high,
    floored: (next.kind === 'gap' || next.scale === 'log') && next.min < before.low,
  };
}

/**
 * Sample the cells of all surfaces, sort them, and find the extremes of all cells.
 * @param {Numbers[]} surfaces on any grids
 */
function sampleCells(surfaces) {
  const cells = surfaces.reduce((sum, surface) => sum + surface.length, 0);
  // The stride is odd, so that it does not follow one column.
  const stride = Math.max(1, Math.floor(cells / SAMPLE)) | 1;
  const values = new Float32Array(Math.ceil(cells / stride) + surfaces.length);
  let count = 0;
  let min = Infinity;
  let max = -Infinity;
  surfaces.forEach((surface, k) => {
    for (let i = 0; i < surface.length; i++) {
      const value = surface[i];
      if (value < min) min = value;
      if (value > max) max = value;
      if (i % stride === k % stride && Number.isFinite(value)) values[count++] = value;
    }
  });
  return {values: values.subarray(0, count).sort(), min: min < Infinity ? min : 0, max};
}

/**
 * Round up to a round number, so that a growing range changes in few steps.
 * @param {number} value @param {'linear' | 'log'} scale
 */
function roundUp(value, scale) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value) - (scale === 'log' ? 0 : 1));
  const step =
    scale === 'log' ? ([1, 2, 5, 10].find((m) => m * power >= value) ?? 10) : Math.ceil(value / power / 2) * 2;
  return roundToDigits(step * power, 6);
}

/**
 * Choose the levels of the contours, which are also the ticks of the axis. A linear scale that starts at zero has a few
 * more near its bottom, where training happens.
 * @param {LossRange} range
 */
export function chooseLossTicks({low, high, scale}) {
  if (scale === 'log') return chooseLogTicks(low, high);
  const even = chooseLinearTicks(low, high, 10);
  if (low !== 0) return even;
  const fine = [0.1, 0.25, 0.5].map((share) => share * even[1]);
  return [...even, ...fine].sort((a, b) => a - b);
}

/**
 * Select the levels that are named on the axis and the colour bar: those at least 0.12 of the range apart.
 * @param {LossRange} range
 */
export function chooseNamedTicks(range) {
  const whole = range.scale === 'log' ? chooseLossTicks(range) : chooseLinearTicks(range.low, range.high, 6);
  /** @type {number[]} */
  const named = [];
  for (const tick of whole) {
    const before = named.at(-1);
    if (before === undefined || computeShare(range, tick) - computeShare(range, before) >= 0.12) named.push(tick);
  }
  return named;
}

/**
 * Return the share of the range at which a loss lies: 0 at the bottom, 1 at the top.
 * @param {LossRange} range @param {number} loss
 */
export function computeShare({low, high, scale}, loss) {
  return scale === 'log' ? Math.log(loss / low) / Math.log(high / low) : (loss - low) / (high - low);
}

/** Say which values the range leaves out. @param {LossRange} range */
export function describeRange({clipped, floored, high, low, max, min}) {
  const above = clipped ? `clipped at ${shortText(high)} (up to ${shortText(max)})` : '';
  const below = floored ? `cut below ${tickLabel(roundToDigits(low, 2))} (down to ${shortText(min)})` : '';
  return [above, below].filter(Boolean).join(' · ');
}

/** Limit a value to the range, as it is drawn. @param {LossRange} range @param {number} value */
export function limitTo({low, high}, value) {
  return value > high ? high : value < low ? low : value; // NaN (an unknown value) stays NaN.
}
