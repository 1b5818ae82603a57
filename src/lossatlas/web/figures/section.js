/** Two cuts through the landscape, along a and along b: data → Plotly traces and layout. */
/** @import {Numbers} from '../npy.js' */
/** @import {LossRange} from './range.js' */
import {sliceAxis} from './map.js';
import {namedTicks, shareOf} from './range.js';
import {tickLabel} from './ticks.js';

/** The values along a (b = 0) and along b (a = 0). What is infinite or unknown is left out. @param {Numbers} surface @param {number} size */
export function sections(surface, size) {
  const middle = size >> 1;
  const drawn = (/** @type {number} */ value) => (Number.isFinite(value) ? value : NaN);
  return {
    a: Array.from({length: size}, (_, i) => drawn(surface[middle * size + i])),
    b: Array.from({length: size}, (_, j) => drawn(surface[j * size + middle])),
  };
}

/**
 * @param {number[]} axis the sampled a, and b @param {{a: number[], b: number[]}} values
 * @param {[number, number] | null} place of the network, (a, b) @param {number} loss its own
 * @param {string} title of the value @param {{ink: string, paper: string, accent: string}} theme
 */
export function sectionTraces(axis, values, place, loss, title, theme) {
  const hover = (/** @type {string} */ letter) => `${letter} = %{x:.3~g}<br>${title} %{y:.4~g}<extra></extra>`;
  const line = {type: 'scatter', mode: 'lines', x: axis, connectgaps: false};
  const mark = {type: 'scatter', mode: 'markers', showlegend: false, y: [place ? loss : NaN], hovertemplate: `the network now<br>${title} %{y:.4~g}<extra></extra>`};
  return [
    {...line, y: values.b, name: 'along <i>b</i>, <i>a</i> = 0', line: {color: theme.accent, width: 2, dash: '7px,4px'}, hovertemplate: hover('b')},
    {...line, y: values.a, name: 'along <i>a</i>, <i>b</i> = 0', line: {color: theme.ink, width: 2}, hovertemplate: hover('a')},
    {...mark, x: [place?.[1] ?? NaN], marker: {symbol: 'diamond', size: 12, color: theme.paper, line: {color: theme.accent, width: 2}, opacity: 1}},
    {...mark, x: [place?.[0] ?? NaN], marker: {symbol: 'circle', size: 11, color: theme.paper, line: {color: theme.ink, width: 2}, opacity: 1}},
  ];
}

/** @param {number} span @param {LossRange} range @param {{ink: string, muted: string, grid: string, line: string, font: string}} theme */
export function sectionAxes(span, range, theme) {
  const ticks = namedTicks(range);
  const ends = axisEnds(range);
  return {
    xaxis: {...sliceAxis('a', span, theme), title: {text: '<i>a</i>, <i>b</i>', font: {family: theme.font, size: 14, color: theme.ink}, standoff: 6}},
    yaxis: {
      type: range.scale, range: range.scale === 'log' ? ends.map(Math.log10) : ends, fixedrange: true, zeroline: range.kind === 'gap', zerolinecolor: theme.muted, zerolinewidth: 1,
      showgrid: true, gridcolor: theme.line, showline: false, ticks: '', tickvals: ticks, ticktext: ticks.map(tickLabel),
      tickfont: {family: theme.font, size: 11, color: theme.muted}, ticklabelstandoff: 12,
    },
  };
}

/** A little more than the range, so that a curve on its edge is whole. @param {LossRange} range @returns {[number, number]} */
function axisEnds({low, high, scale}) {
  if (scale === 'log') return [low * (low / high) ** 0.03, high * (high / low) ** 0.03];
  return [low - 0.03 * (high - low), high + 0.03 * (high - low)];
}

/** Where on that axis the range begins and ends, as shares of its length from the bottom. @param {LossRange} range */
export function rangeOnAxis(range) {
  const [bottom, top] = axisEnds(range).map((end) => shareOf(range, end));
  return [-bottom, 1 - bottom].map((share) => share / (top - bottom));
}
