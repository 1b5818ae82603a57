/**
 * This module draws the loss curves above the epoch slider as SVG path strings, and defines the time axis of both. A
 * stored run has evenly spaced frames. A training in the page has every epoch, most of them after the fall of the loss:
 * there the axis is logarithmic, so that the fall keeps its room however long the training continues.
 */
/** @import {Run} from '../model/run.js' */
import {chooseFewTicks, chooseLogTicks} from './ticks.js';
import {pixelText, tickLabel} from '../lib/numbers.js';

/**
 * @typedef {{width: number, height: number, inset: number, top: number, bottom: number, text?: number}} Box `inset`:
 *   half the width of the slider's thumb; `text`: the size of texts, relative to the usual one
 */

/** If there are more frames than this, not every frame is considered for a tick. */
const MANY = 1000;
/** Up to this epoch the axis of a training in the page is linear, beyond it logarithmic; the slope is continuous. */
const EVEN = 50;

/** @typedef {Pick<Run, 'frames' | 'hasEveryEpoch'>} Timed */

/**
 * Return the smallest and the largest loss that is shown.
 * @param {{metrics: Pick<Run['metrics'], 'train_loss' | 'test_loss'>}} run @param {'linear' | 'log'} scale
 */
export function findLossDomain(run, scale) {
  let [low, high] = [Infinity, -Infinity];
  for (const losses of [run.metrics.train_loss, run.metrics.test_loss]) {
    for (const loss of losses) {
      // A training in the page may have a hundred thousand values: too many to spread into the arguments of a function.
      if (!Number.isFinite(loss)) continue;
      if (loss < low) low = loss;
      if (loss > high) high = loss;
    }
  }
  if (low > high) return [0, 1];
  if (scale === 'log') return [Math.max(low, high * 1e-6) * 0.9, high * 1.1 || 1];
  return [0, high * 1.04 || 1];
}

/** Place an epoch on the axis of a training in the page. @param {number} epoch */
function placeEpoch(epoch) {
  return epoch <= EVEN ? epoch / EVEN : 1 + Math.log(epoch / EVEN);
}

/** Place a frame on the axis, from 0 to 1. @param {Timed} run @param {number} frame */
export function computeProgress({frames, hasEveryEpoch}, frame) {
  const last = frames.length - 1;
  return last < 1 ? 0 : hasEveryEpoch ? placeEpoch(frames[frame]) / placeEpoch(frames[last]) : frame / last;
}

/** Find the frame nearest to a place on the axis. @param {Timed} run @param {number} progress from 0 to 1 */
export function findFrameAt(run, progress) {
  const last = run.frames.length - 1;
  if (!run.hasEveryEpoch) return Math.round(progress * last);
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (computeProgress(run, middle) <= progress) low = middle;
    else high = middle;
  }
  return progress - computeProgress(run, low) <= computeProgress(run, high) - progress ? low : high;
}

/**
 * Choose `count` different frames, as evenly along the axis as possible, with the first and the last among them.
 * @param {Timed} run @param {number} count
 */
export function chooseFrames(run, count) {
  const last = run.frames.length - 1;
  const most = Math.min(count, last + 1);
  let before = -1;
  return Array.from({length: most}, (_, i) => {
    const wanted = findFrameAt(run, i / Math.max(1, most - 1));
    before = Math.min(Math.max(before + 1, wanted), last - (most - 1 - i)); // The remaining frames must have room.
    return before;
  });
}

/** @param {Box} box @param {Timed} run @returns {(frame: number) => number} */
export function placeFrames(box, run) {
  const room = box.width - 2 * box.inset;
  return (frame) => box.inset + computeProgress(run, frame) * room;
}

/**
 * @param {Run} run @param {'linear' | 'log'} scale @param {Box} box
 */
export function computeCurves(run, scale, box) {
  const [low, high] = findLossDomain(run, scale);
  const x = placeFrames(box, run);
  const room = box.height - box.top - box.bottom;
  /** @param {number} loss */
  const y = (loss) => {
    const share = scale === 'log' ? Math.log(Math.max(loss, low) / low) / Math.log(high / low) : loss / high;
    return box.height - box.bottom - room * share;
  };
  const {text = 1} = box;
  const ticks = chooseLossTicks(low, high, scale, room / text);
  return {
    train: drawLine(run.metrics.train_loss, x, y, box.width),
    test: drawLine(run.metrics.test_loss, x, y, box.width),
    ticks: ticks.map((tick) => ({at: y(tick), text: tickLabel(tick)})),
    epochTicks: run.hasEveryEpoch ? chooseTimeTicks(run, box) : chooseEpochTicks(run.frames, x, box.width, text),
    x,
    y,
  };
}

/**
 * Draw a line that is interrupted where a value is not finite. If there are very many values, the lowest and the
 * highest of each pixel are drawn.
 * @param {number[]} values @param {(i: number) => number} x @param {(value: number) => number} y @param {number}
 *   [width] in pixels
 */
export function drawLine(values, x, y, width = Infinity) {
  let down = 'M';
  let out = '';
  for (const i of values.length > 4 * width ? columnExtremes(values, x) : values.keys()) {
    if (!Number.isFinite(values[i])) {
      down = 'M';
      continue;
    }
    out += `${down}${pixelText(x(i))} ${pixelText(y(values[i]))}`;
    down = 'L';
  }
  return out;
}

/**
 * Find the lowest and the highest value in each column of pixels.
 * @param {number[]} values @param {(i: number) => number} x
 */
function* columnExtremes(values, x) {
  for (let start = 0; start < values.length; ) {
    const column = Math.floor(x(start));
    let [low, high, i] = [start, start, start];
    for (; i < values.length && Math.floor(x(i)) === column; i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    yield Math.min(low, high);
    if (low !== high) yield Math.max(low, high);
    start = i;
  }
}

/**
 * Choose the epochs to name on the axis of a training in the page: its ends first, then the roundest.
 * @param {Timed} run @param {Box} box
 */
function chooseTimeTicks({frames}, {width, inset, text = 1}) {
  const last = frames[frames.length - 1];
  const round = [1, 5, 2, 3, 4].flatMap((head) => Array.from({length: 7}, (_, power) => head * 10 ** power));
  return removeOverlap(
    [last, 0, ...round.filter((epoch) => epoch < last)].map((epoch) => ({
      at: inset + (placeEpoch(epoch) / (placeEpoch(last) || 1)) * (width - 2 * inset),
      text: String(epoch),
    })),
    width,
    text,
  );
}

/**
 * Keep the labels, in the order of their importance, that do not touch another.
 * @param {{at: number, text: string}[]} labels @param {number} width @param {number} text the size of texts
 */
function removeOverlap(labels, width, text) {
  const gap = Math.max(44 * text, width / 16);
  /** @type {{at: number, text: string}[]} */
  const ticks = [];
  for (const label of labels) if (ticks.every(({at}) => Math.abs(at - label.at) >= gap)) ticks.push(label);
  return ticks;
}

/**
 * Choose the epochs to name under the frames. Frames may be dense at first and sparse later, so each label is placed at
 * its frame. Round epochs come first, and a label that would touch another is left out.
 * @param {number[]} frames @param {(frame: number) => number} x @param {number} width
 * @param {number} [text] the size of texts, relative to the usual one
 */
export function chooseEpochTicks(frames, x, width, text = 1) {
  const last = frames.length - 1;
  /** @param {number} epoch */
  const roundness = (epoch) => [1000, 500, 100, 50, 20, 10, 5, 2, 1].findIndex((m) => epoch % m === 0);
  const order = selectTickCandidates(frames).sort((a, b) => rank(a) - rank(b) || a - b);
  /** @param {number} i */
  function rank(i) {
    return i === 0 || i === last ? -1 : roundness(frames[i]);
  }
  return removeOverlap(
    order.map((i) => ({at: x(i), text: String(frames[i])})),
    width,
    text,
  );
}

/**
 * Choose the losses that are written beside the curves. The room limits their number.
 * @param {number} low @param {number} high @param {'linear' | 'log'} scale @param {number} room in pixels
 */
export function chooseLossTicks(low, high, scale, room) {
  return scale === 'log' ? thinOut(chooseLogTicks(low, high), room < 48 ? 2 : 3) : chooseFewTicks(0, high, room);
}

/** @param {number[]} ticks @param {number} most */
function thinOut(ticks, most) {
  const step = Math.ceil(ticks.length / most);
  return ticks.filter((_, i) => i % step === 0);
}

/** Select the frames that a tick may name: if there are very many, those of round epochs. @param {number[]} frames */
function selectTickCandidates(frames) {
  const last = frames.length - 1;
  if (last < MANY) return [...frames.keys()];
  const round = 10 ** Math.floor(Math.log10((frames[last] || 1) / 20));
  const found = [last];
  for (let i = 0; i < last; i++) if (frames[i] % round === 0) found.push(i);
  return found;
}
