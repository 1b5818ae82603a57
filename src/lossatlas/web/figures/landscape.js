/** The loss landscape: data → Plotly traces and layout. Nothing here touches the page. */
/** @import {Eye, Shot} from '../types.js' */
/** @import {Run} from '../run.js' */
import {LOSS_SCALE} from './colours.js';
import {linearTicks, logTicks, tickLabel} from './ticks.js';

/**
 * @typedef {object} LossRange what the vertical axis and the colours span, fixed for a run and span
 * @property {number} low
 * @property {number} high
 * @property {number} max the largest loss there is, perhaps infinite
 * @property {number} min
 * @property {boolean} clipped is `high` below `max`?
 * @property {boolean} floored is `low` above `min`?
 * @property {'linear' | 'log'} scale
 */

/** Cells looked at for a range: enough for a quantile. */
const SAMPLE = 40_000;
/** A linear range ends at this quantile of the cells, if the rest would stretch it by more than STRETCH. */
const QUANTILE = 0.96;
const STRETCH = 1.5;
/** A logarithmic axis shows at most this many decades. */
const DECADES = 6;
/** The floor with the contours lies this share of the range below it, or the bowl would hide them. */
const FLOOR = 0.28;

/**
 * The range of a span over all the frames that have arrived. A few far outliers (the corners of a wide span) would
 * flatten everything else: then the range ends at a quantile, and the page says so.
 * @param {Run} run @param {number} spanIndex @param {number} frames how many frames to look at
 * @param {'linear' | 'log'} scale @returns {LossRange}
 */
export function lossRange(run, spanIndex, frames, scale) {
  const {values, min, max} = sample(run, spanIndex, frames);
  const top = values[Math.floor((values.length - 1) * QUANTILE)] ?? 1;
  const clipped = max > (scale === 'log' ? top * 100 : top * STRETCH);
  const high = niceAbove(clipped ? top : max, scale);
  const least = high / 10 ** DECADES;
  const low = scale === 'log' ? Math.max(min, least) : Math.min(min, 0.98 * high);
  return {low: scale === 'linear' && low < 0.25 * high ? 0 : low, high, min, max, clipped, floored: scale === 'log' && min < least, scale};
}

/** @param {Run} run @param {number} spanIndex @param {number} frames */
function sample(run, spanIndex, frames) {
  const cells = run.grid ** 2;
  const stride = Math.max(1, Math.floor((frames * cells) / SAMPLE)) | 1; // odd, so that it does not walk one column
  const values = new Float32Array(Math.ceil((frames * cells) / stride) + frames);
  let count = 0;
  let min = Infinity;
  let max = -Infinity;
  for (let frame = 0; frame < frames; frame++) {
    const surface = run.surface(frame, spanIndex);
    for (let i = 0; i < cells; i++) {
      const value = surface[i];
      if (value < min) min = value;
      if (value > max) max = value;
      if (i % stride === frame % stride && value < Infinity) values[count++] = value;
    }
  }
  return {values: values.subarray(0, count).sort(), min: min < Infinity ? min : 0, max};
}

/** The next round number, so that a range that grows does so in few steps. @param {number} value @param {'linear' | 'log'} scale */
function niceAbove(value, scale) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value) - (scale === 'log' ? 0 : 1));
  const step = scale === 'log' ? [1, 2, 5, 10].find((m) => m * power >= value) ?? 10 : Math.ceil(value / power / 2) * 2;
  return Number((step * power).toPrecision(6));
}

/**
 * The levels of the contours, which Plotly takes from the ticks of the axis. A linear scale that starts at zero has
 * a few more near its bottom, where training happens.
 * @param {LossRange} range
 */
export function lossTicks({low, high, scale}) {
  if (scale === 'log') return logTicks(low, high);
  const even = linearTicks(low, high, 10);
  if (low > 0) return even;
  const fine = [0.1, 0.25, 0.5].map((share) => share * even[1]);
  return [...even, ...fine].sort((a, b) => a - b);
}

/** Which of them are named, on the axis and the colour bar: those at least a tenth of the range apart. @param {LossRange} range */
export function namedTicks(range) {
  const whole = range.scale === 'log' ? lossTicks(range) : linearTicks(range.low, range.high, 6);
  /** @type {number[]} */
  const named = [];
  for (const tick of whole) {
    const before = named.at(-1);
    if (before === undefined || shareOf(range, tick) - shareOf(range, before) >= 0.12) named.push(tick);
  }
  return named;
}

/** Where the floor is. @param {LossRange} range */
export function floorOf({low, high, scale}) {
  return scale === 'log' ? low * (low / high) ** FLOOR : low - FLOOR * (high - low);
}

/** The share of the range at which a loss lies: 0 at the bottom, 1 at the top. @param {LossRange} range @param {number} loss */
export function shareOf({low, high, scale}, loss) {
  return scale === 'log' ? Math.log(loss / low) / Math.log(high / low) : (loss - low) / (high - low);
}

/** @param {LossRange} range */
export function rangeNote({clipped, floored, high, low, max, min}) {
  const above = clipped ? `clipped at ${tickLabel(high)} (up to ${max < Infinity ? tickLabel(Number(max.toPrecision(3))) : '∞'})` : '';
  const below = floored ? `cut below ${tickLabel(Number(low.toPrecision(2)))} (down to ${tickLabel(Number(min.toPrecision(2)))})` : '';
  return [above, below].filter(Boolean).join(' · ');
}

/**
 * Write a frame into the rows that Plotly holds.
 * @param {ArrayLike<number>} surface @param {LossRange} range @param {Float64Array[]} z
 */
export function fillSurface(surface, {low, high}, z) {
  const size = z.length;
  for (let j = 0; j < size; j++) {
    const heights = z[j];
    for (let i = 0; i < size; i++) {
      const value = surface[j * size + i];
      heights[i] = value > high ? high : value < low ? low : value; // +∞ too is drawn at the top
    }
  }
}

/**
 * A plumb line through the network's place: from the top of the box to its loss, and on to the floor. The line
 * above the surface is seen from every side, also where the near rim hides the valley.
 * @param {number} loss @param {LossRange} range
 */
export function markerHeights(loss, range) {
  return [range.high, Math.min(Math.max(loss, range.low), range.high), floorOf(range)];
}

/** Plotly colours a logarithmic axis by its logarithms. @param {LossRange} range */
function colourBounds({low, high, scale}) {
  return scale === 'log' ? {cmin: Math.log10(low), cmax: Math.log10(high)} : {cmin: low, cmax: high};
}

/**
 * @param {ArrayLike<number>} coordinates the grid in units of the span @param {number} span
 * @param {Float64Array[]} z @param {LossRange} range @param {number} loss @param {{ink: string, paper: string}} theme
 */
export function landscapeTraces(coordinates, span, z, range, loss, theme) {
  const axis = Array.from(coordinates, (c) => c * span);
  const quiet = {show: false, highlight: false};
  return [
    {
      type: 'surface', x: axis, y: axis, z, ...colourBounds(range),
      colorscale: LOSS_SCALE, showscale: false,
      lighting: {ambient: 0.78, diffuse: 0.5, specular: 0.06, roughness: 0.85, fresnel: 0.05},
      contours: {x: quiet, y: quiet, z: {show: true, usecolormap: true, highlight: false, width: 2, project: {z: true}}},
      hovertemplate: 'a = %{x:.3~g}<br>b = %{y:.3~g}<br>loss %{z:.4~g}<extra></extra>',
    },
    {
      type: 'scatter3d', mode: 'lines+markers', x: [0, 0, 0], y: [0, 0, 0], z: markerHeights(loss, range),
      line: {color: theme.ink, width: 2},
      marker: {size: [0, 13, 5], color: [theme.ink, theme.paper, theme.ink], line: {color: theme.ink, width: 2}, opacity: 1},
      hovertemplate: 'the network now<br>loss %{z:.4~g}<extra></extra>', showlegend: false,
    },
  ];
}

/**
 * @param {LossRange} range @param {number} span @param {{ink: string, muted: string, grid: string, font: string}} theme
 * @param {{width: number, height: number}} size
 */
export function landscapeAxes(range, span, theme, size) {
  const small = Math.min(size.width, size.height) < 420;
  const font = {family: theme.font, size: small ? 10 : 11, color: theme.muted};
  const common = {
    gridcolor: theme.grid, zeroline: false, showbackground: false, showspikes: false, linecolor: theme.grid,
    tickfont: font, tickcolor: theme.grid,
  };
  /** @param {string} letter */
  const flat = (letter) => ({
    ...common, title: {text: `<i>${letter}</i>`, font: {family: theme.font, size: 15, color: theme.ink}},
    range: [-span, span], tickvals: [-span, -span / 2, 0, span / 2, span], ticktext: [tickLabel(-span), '', '0', '', tickLabel(span)],
  });
  const log = range.scale === 'log';
  const ticks = lossTicks(range);
  const named = new Set(namedTicks(range));
  const bounds = [floorOf(range), log ? range.high * 1.01 : range.high + 0.005 * (range.high - range.low)]; // a clipped top lies inside
  return {
    xaxis: flat('a'),
    yaxis: flat('b'),
    zaxis: {
      ...common, title: {text: ''}, // the colour bar names it
      type: range.scale, range: log ? bounds.map(Math.log10) : bounds,
      tickvals: ticks, ticktext: ticks.map((tick) => (named.has(tick) ? tickLabel(tick) : '')),
    },
  };
}

/**
 * The box's sides. The camera sees a fixed angle from top to bottom, so a narrow panel would cut the box at its sides.
 * @param {{width: number, height: number}} size
 */
export function boxFor({width, height}) {
  const side = Math.min(0.9, Math.max(0.6, (0.98 * width) / height));
  const tall = Math.min(1.1, Math.max(0.8, (0.75 * height) / width));
  return {x: side, y: side, z: side * tall};
}

/** @param {Eye} eye */
export function cameraFrom(eye) {
  return {eye: {...eye}, center: {x: 0, y: 0, z: -0.12}, up: {x: 0, y: 0, z: 1}};
}

/** Turn an eye about the vertical, and tilt it, keeping its distance. @param {Eye} eye @param {number} turn @param {number} tilt in radians @returns {Eye} */
export function orbit(eye, turn, tilt) {
  const distance = Math.hypot(eye.x, eye.y, eye.z);
  const heading = Math.atan2(eye.y, eye.x) + turn;
  const height = Math.min(1.5, Math.max(-0.3, Math.asin(eye.z / distance) + tilt));
  return {
    x: distance * Math.cos(height) * Math.cos(heading),
    y: distance * Math.cos(height) * Math.sin(heading),
    z: distance * Math.sin(height),
  };
}

/** The picture in words. @param {Shot} shot @param {number | undefined} loss */
export function landscapeSummary({run, frame, spanIndex, span}, loss) {
  const surface = run.surface(frame, spanIndex);
  let low = Infinity;
  let high = -Infinity;
  for (const value of surface) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const words = [low, high].map((value) => (value < Infinity ? Number(value.toPrecision(3)) : '∞'));
  return `Epoch ${run.frames[frame]}: loss from ${words[0]} to ${words[1]} over a, b ∈ [−${span}, ${span}]; ${Number(loss?.toPrecision(3))} at the centre`;
}
