/** The loss curves above the epoch slider: data → SVG path strings. One step of the slider is one frame is one step here. */
/** @import {Run} from '../run.js' */
import {fewTicks, logTicks, tickLabel} from './ticks.js';

/** @typedef {{width: number, height: number, inset: number, top: number, bottom: number}} Box `inset`: half the slider's thumb */

/** Frames beyond which not every one is looked at for a tick. */
const MANY = 1000;

/** From the least to the largest loss on show. @param {{metrics: Pick<Run['metrics'], 'train_loss' | 'test_loss'>}} run @param {'linear' | 'log'} scale */
export function lossDomain(run, scale) {
  let [low, high] = [Infinity, -Infinity];
  for (const losses of [run.metrics.train_loss, run.metrics.test_loss]) {
    for (const loss of losses) { // a training in the page may have a hundred thousand: too many to spread
      if (!Number.isFinite(loss)) continue;
      if (loss < low) low = loss;
      if (loss > high) high = loss;
    }
  }
  if (low > high) return [0, 1];
  if (scale === 'log') return [Math.max(low, high * 1e-6) * 0.9, high * 1.1 || 1];
  return [0, high * 1.04 || 1];
}

/** @param {Box} box @param {number} frames */
export function framePosition(box, frames) {
  const step = (box.width - 2 * box.inset) / Math.max(1, frames - 1);
  return (/** @type {number} */ frame) => box.inset + frame * step;
}

/**
 * @param {Run} run @param {'linear' | 'log'} scale @param {Box} box
 */
export function curvesFigure(run, scale, box) {
  const [low, high] = lossDomain(run, scale);
  const x = framePosition(box, run.frames.length);
  const room = box.height - box.top - box.bottom;
  /** @param {number} loss */
  const y = (loss) => {
    const share = scale === 'log' ? Math.log(Math.max(loss, low) / low) / Math.log(high / low) : loss / high;
    return box.height - box.bottom - room * share;
  };
  const ticks = scale === 'log' ? thin(logTicks(low, high), room < 48 ? 2 : 3) : fewTicks(0, high, room);
  return {
    train: pen(run.metrics.train_loss, x, y, box.width),
    test: pen(run.metrics.test_loss, x, y, box.width),
    ticks: ticks.map((tick) => ({at: y(tick), text: tickLabel(tick)})),
    epochTicks: epochTicks(run.frames, x, box.width),
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
  for (const i of values.length > 4 * width ? extremes(values, Math.ceil(values.length / width)) : values.keys()) {
    if (!Number.isFinite(values[i])) {
      down = 'M';
      continue;
    }
    out += `${down}${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`;
    down = 'L';
  }
  return out;
}

/** In each stretch of so many values, where the lowest and the highest are. @param {number[]} values @param {number} size */
function* extremes(values, size) {
  for (let start = 0; start < values.length; start += size) {
    let [low, high] = [start, start];
    for (let i = start; i < Math.min(start + size, values.length); i++) {
      if (values[i] < values[low]) low = i;
      if (values[i] > values[high]) high = i;
    }
    yield Math.min(low, high);
    if (low !== high) yield Math.max(low, high);
  }
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
  function rank(i) { return i === 0 || i === last ? -1 : roundness(frames[i]); }
  const gap = Math.max(44, width / 16);
  /** @type {{at: number, text: string}[]} */
  const ticks = [];
  for (const i of order) {
    const at = x(i);
    if (ticks.every((tick) => Math.abs(tick.at - at) >= gap)) ticks.push({at, text: String(frames[i])});
  }
  return ticks;
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
