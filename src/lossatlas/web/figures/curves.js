/**
 * The loss curves above the epoch slider: data → SVG path strings; and the time axis that both share. A recorded run has its
 * frames evenly spaced. One that is trained here has every epoch, most of them after the fall of the loss: there the axis is
 * logarithmic, so that the fall keeps its room however long it goes on.
 */
/** @import {Run} from '../model/run.js' */
import {fewTicks, logTicks, tickLabel} from './ticks.js';

/** @typedef {{width: number, height: number, inset: number, top: number, bottom: number}} Box `inset`: half the slider's thumb */

/** Frames beyond which not every one is looked at for a tick. */
const MANY = 1000;
/** Up to this epoch the axis of a training in the page is even, and logarithmic beyond; it has no kink there. */
const EVEN = 50;

/** @typedef {Pick<Run, 'frames' | 'hasEveryEpoch'>} Timed */

/** From the least to the largest loss on show. @param {{metrics: Pick<Run['metrics'], 'train_loss' | 'test_loss'>}} run @param {'linear' | 'log'} scale */
export function lossDomain(run, scale) {
  let [low, high] = [Infinity, -Infinity];
  for (const losses of [run.metrics.train_loss, run.metrics.test_loss]) {
    for (const loss of losses) {
      // a training in the page may have a hundred thousand: too many to spread
      if (!Number.isFinite(loss)) continue;
      if (loss < low) low = loss;
      if (loss > high) high = loss;
    }
  }
  if (low > high) return [0, 1];
  if (scale === 'log') return [Math.max(low, high * 1e-6) * 0.9, high * 1.1 || 1];
  return [0, high * 1.04 || 1];
}

/** Time on the axis of a training in the page. @param {number} epoch */
function timeOf(epoch) {
  return epoch <= EVEN ? epoch / EVEN : 1 + Math.log(epoch / EVEN);
}

/** How far along the axis a frame is, from 0 to 1. @param {Timed} run @param {number} frame */
export function progressOf({frames, hasEveryEpoch}, frame) {
  const last = frames.length - 1;
  return last < 1 ? 0 : hasEveryEpoch ? timeOf(frames[frame]) / timeOf(frames[last]) : frame / last;
}

/** The frame nearest to a place on the axis. @param {Timed} run @param {number} progress from 0 to 1 */
export function frameAtProgress(run, progress) {
  const last = run.frames.length - 1;
  if (!run.hasEveryEpoch) return Math.round(progress * last);
  let [low, high] = [0, last];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (progressOf(run, middle) <= progress) low = middle;
    else high = middle;
  }
  return progress - progressOf(run, low) <= progressOf(run, high) - progress ? low : high;
}

/**
 * So many frames, each but once, as evenly along the axis as they are there: the first and the last among them.
 * @param {Timed} run @param {number} count
 */
export function spreadFrames(run, count) {
  const last = run.frames.length - 1;
  const most = Math.min(count, last + 1);
  let before = -1;
  return Array.from({length: most}, (_, i) => {
    const wanted = frameAtProgress(run, i / Math.max(1, most - 1));
    before = Math.min(Math.max(before + 1, wanted), last - (most - 1 - i)); // the rest must have room
    return before;
  });
}

/** @param {Box} box @param {Timed} run @returns {(frame: number) => number} */
export function framePosition(box, run) {
  const room = box.width - 2 * box.inset;
  return (frame) => box.inset + progressOf(run, frame) * room;
}

/**
 * @param {Run} run @param {'linear' | 'log'} scale @param {Box} box
 */
export function curvesFigure(run, scale, box) {
  const [low, high] = lossDomain(run, scale);
  const x = framePosition(box, run);
  const room = box.height - box.top - box.bottom;
  /** @param {number} loss */
  const y = (loss) => {
    const share = scale === 'log' ? Math.log(Math.max(loss, low) / low) / Math.log(high / low) : loss / high;
    return box.height - box.bottom - room * share;
  };
  const ticks = ticksOfLoss(low, high, scale, room);
  return {
    train: pen(run.metrics.train_loss, x, y, box.width),
    test: pen(run.metrics.test_loss, x, y, box.width),
    ticks: ticks.map((tick) => ({at: y(tick), text: tickLabel(tick)})),
    epochTicks: run.hasEveryEpoch ? timeTicks(run, box) : epochTicks(run.frames, x, box.width),
    x,
    y,
  };
}

/**
 * A line whose pen is lifted where a value is not finite. Of very many values, each pixel's lowest and highest are drawn.
 * @param {number[]} values @param {(i: number) => number} x @param {(value: number) => number} y @param {number} [width] in pixels
 */
export function pen(values, x, y, width = Infinity) {
  let down = 'M';
  let out = '';
  for (const i of values.length > 4 * width ? extremes(values, x) : values.keys()) {
    if (!Number.isFinite(values[i])) {
      down = 'M';
      continue;
    }
    out += `${down}${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`;
    down = 'L';
  }
  return out;
}

/** In each column of pixels, where the lowest and the highest are. @param {number[]} values @param {(i: number) => number} x */
function* extremes(values, x) {
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

/** Epochs to name on the axis of a training in the page: its ends first, then the roundest. @param {Timed} run @param {Box} box */
function timeTicks({frames}, {width, inset}) {
  const last = frames[frames.length - 1];
  const round = [1, 5, 2, 3, 4].flatMap((head) => Array.from({length: 7}, (_, power) => head * 10 ** power));
  return apart(
    [last, 0, ...round.filter((epoch) => epoch < last)].map((epoch) => ({
      at: inset + (timeOf(epoch) / (timeOf(last) || 1)) * (width - 2 * inset),
      text: String(epoch),
    })),
    width,
  );
}

/** Labels in the order of their weight, without those that would touch another. @param {{at: number, text: string}[]} labels @param {number} width */
function apart(labels, width) {
  const gap = Math.max(44, width / 16);
  /** @type {{at: number, text: string}[]} */
  const ticks = [];
  for (const label of labels) if (ticks.every(({at}) => Math.abs(at - label.at) >= gap)) ticks.push(label);
  return ticks;
}

/**
 * Epochs to name under the frames. Frames may be dense at first and sparse later; so a label is placed at its frame.
 * Round epochs come first, and a label is left out where it would touch another.
 * @param {number[]} frames @param {(frame: number) => number} x @param {number} width
 */
export function epochTicks(frames, x, width) {
  const last = frames.length - 1;
  /** @param {number} epoch */
  const roundness = (epoch) => [1000, 500, 100, 50, 20, 10, 5, 2, 1].findIndex((m) => epoch % m === 0);
  const order = candidates(frames).sort((a, b) => rank(a) - rank(b) || a - b);
  /** @param {number} i */
  function rank(i) {
    return i === 0 || i === last ? -1 : roundness(frames[i]);
  }
  return apart(
    order.map((i) => ({at: x(i), text: String(frames[i])})),
    width,
  );
}

/** The losses named beside curves: as many as have room. @param {number} low @param {number} high @param {'linear' | 'log'} scale @param {number} room in px */
export function ticksOfLoss(low, high, scale, room) {
  return scale === 'log' ? thin(logTicks(low, high), room < 48 ? 2 : 3) : fewTicks(0, high, room);
}

/** @param {number[]} ticks @param {number} most */
function thin(ticks, most) {
  const step = Math.ceil(ticks.length / most);
  return ticks.filter((_, i) => i % step === 0);
}

/** Frames that a tick may name: of very many, those of round epochs. @param {number[]} frames */
function candidates(frames) {
  const last = frames.length - 1;
  if (last < MANY) return [...frames.keys()];
  const round = 10 ** Math.floor(Math.log10((frames[last] || 1) / 20));
  const found = [last];
  for (let i = 0; i < last; i++) if (frames[i] % round === 0) found.push(i);
  return found;
}
