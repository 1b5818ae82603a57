/**
 * This module draws the curvature by epoch as SVG path strings, on the axis of the epoch slider, and writes its numbers
 * at a frame.
 */
/** @import {Curvature} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {Box} from './curves.js' */
import {chooseEpochTicks, placeFrames, drawLine} from './curves.js';
import {chooseFewTicks} from './ticks.js';
import {countText, curvatureText, tickLabel} from '../lib/numbers.js';

/**
 * The edge of stability is drawn to scale unless that would flatten the curves: it may be this many times as high as
 * they are.
 */
const FARTHEST = 4;
/** Below this share of the largest eigenvalue, float64 cannot distinguish an eigenvalue from zero. */
const ROUNDING = 1e-12;

/** Find the measurement nearest to a frame. @param {Curvature} curvature @param {number} frame */
export function findNearestMeasurement({frames}, frame) {
  let best = 0;
  frames.forEach((own, i) => {
    if (Math.abs(own - frame) < Math.abs(frames[best] - frame)) best = i;
  });
  return best;
}

/** @param {Run} run @param {Curvature} curvature @param {Box} box */
export function computeCurvature(run, curvature, box) {
  const {frames, largest, smallest, stability} = curvature;
  const finite = [...largest, ...smallest].filter(Number.isFinite);
  const top = Math.max(...finite, 1e-12);
  const seen = stability !== null && stability <= FARTHEST * top;
  const [low, high] = [Math.min(0, ...finite), 1.06 * (seen ? Math.max(top, /** @type {number} */ (stability)) : top)];
  const x = placeFrames(box, run);
  const room = box.height - box.top - box.bottom;
  const y = (/** @type {number} */ value) => box.height - box.bottom - (room * (value - low)) / (high - low);
  return {
    upper: drawLine(largest, (i) => x(frames[i]), y),
    lower: drawLine(smallest, (i) => x(frames[i]), y),
    edge:
      stability === null
        ? null
        : {
            at: seen ? y(stability) : null,
            text: `${writeBoundFormula(run, stability)} = ${curvatureText(stability)}${seen ? '' : ', above'}`,
          },
    ticks: chooseFewTicks(low, high, room / (box.text ?? 1)).map((tick) => ({at: y(tick), text: tickLabel(tick)})),
    epochTicks: chooseEpochTicks(run.frames, x, box.width, box.text),
    x,
    y,
  };
}

/**
 * Write the formula of the bound: the formula of this optimizer, with or without its weight decay, as it was stored.
 * @param {Run} run @param {number} bound
 */
export function writeBoundFormula(run, bound) {
  const stored = run.manifest.curvature?.stability_formula;
  if (stored) return stored;
  const {
    optimizer,
    learning_rate: rate,
    weight_decay: decay = 0,
    momentum: beta = 0.9,
  } = /** @type {any} */ (run.manifest.config).training ?? {};
  /** @type {Record<string, [string, number]>} */
  const known = {
    sgd: ['2/η', 2 / rate],
    momentum: ['2(1 + β)/η', (2 * (1 + beta)) / rate],
    nesterov: ['2(1 + β)/(1 + 2β)η', (2 * (1 + beta)) / ((1 + 2 * beta) * rate)],
  };
  const [text, value] = known[optimizer] ?? ['bound', NaN];
  const isNear = (/** @type {number} */ other) => Math.abs(bound - other) <= 1e-6 * Math.abs(bound);
  return isNear(value) ? text : decay && isNear(value - decay) ? `${text} − λ` : 'bound';
}

/**
 * Set an eigenvalue to zero if only rounding makes it differ from zero: it is not negative then.
 * @param {number} value @param {number} largest the largest eigenvalue of the same matrix
 */
export function roundEigenvalue(value, largest) {
  return Math.abs(value) <= ROUNDING * Math.abs(largest) ? 0 : value;
}

/**
 * Write what is known of the curvature at a frame.
 * @param {Run} run @param {Curvature} curvature @param {number} frame
 */
export function writeCurvature(run, curvature, frame) {
  const i = findNearestMeasurement(curvature, frame);
  const {
    frames,
    largest,
    smallest,
    trace,
    trace_error: error,
    adaptive_sharpness: adaptive,
    negative,
    parameters,
  } = curvature;
  return {
    epoch: run.frames[curvature.frames[i]],
    largest: curvatureText(largest[i]),
    smallest: curvatureText(roundEigenvalue(smallest[i], largest[i])),
    measured: `${frames.length} of ${run.frames.length}`,
    trace:
      error && error[i] > 0 ? `${curvatureText(trace[i])} ± ${curvatureText(error[i], 1)}` : curvatureText(trace[i]),
    adaptive: curvatureText(adaptive[i]),
    negative: negative ? `${countText(negative[i])} of ${countText(parameters)}` : '–',
  };
}
