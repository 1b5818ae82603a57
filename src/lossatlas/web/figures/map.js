/** This module draws the landscape from above: pixels, contour lines, and Plotly's axes and path. */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {LossRange} from './range.js' */
/** @import {Trajectory} from './path.js' */
import {PATH_COLOUR} from './colours.js';
import {findIsolines} from './isolines.js';
import {createRelief} from './landscape.js';
import {isInside, drawPathLine} from './path.js';
import {chooseLossTicks, computeShare} from './range.js';
import {computeHeight} from './relief.js';
import {styleAxis, chooseLinearTicks} from './ticks.js';
import {lossText, tickLabel} from '../lib/numbers.js';

/** The minimum room for the axes. */
const ROOM = {l: 52, r: 20, t: 8, b: 40};

/**
 * Compute margins that leave a square.
 * @param {{width: number, height: number}} size @param {number} text the size of texts, relative to the usual one
 */
export function computeSquareMargins({width, height}, text) {
  const room = {l: ROOM.l * text, r: ROOM.r * text, t: ROOM.t * text, b: ROOM.b * text};
  const side = Math.max(1, Math.floor(Math.min(width - room.l - room.r, height - room.t - room.b)));
  const l = Math.max(room.l, Math.round((width - side) / 2));
  const t = room.t + Math.max(0, Math.round((height - room.t - room.b - side) / 3));
  return {side, margin: {l, t, r: width - l - side, b: height - t - side}};
}

/**
 * Paint the pixels of a surface, top row first. Unknown values (NaN) are left transparent.
 * @param {Numbers} surface @param {number} size @param {LossRange} range @param {Uint32Array} table
 * @param {Uint32Array} pixels
 */
export function paintSurface(surface, size, range, table, pixels) {
  for (let j = 0, from = 0; j < size; j++) {
    for (let i = 0, to = (size - 1 - j) * size; i < size; i++, from++, to++) {
      const share = Math.min(1, Math.max(0, computeShare(range, surface[from])));
      pixels[to] = table[Math.round(255 * share)] ?? 0;
    }
  }
}

/**
 * Find the contours at the ticks of the vertical axis: the lines are dark where the map is light.
 * @param {Numbers} surface @param {number} size @param {LossRange} range
 * @returns {{segments: number[], light: boolean, strong: boolean}[]}
 */
export function findContours(surface, size, range) {
  const {heights, triangles} = createRelief(surface, size, range); // These are the same lines as on the surface.
  return chooseLossTicks(range)
    .filter((level) => level > range.low && level < range.high)
    .map((level) => ({
      segments: findIsolines(heights, size, computeHeight(range, level), triangles),
      light: range.kind === 'gap' ? Math.abs(computeShare(range, level) - 0.5) < 0.3 : computeShare(range, level) > 0.6,
      strong: level === 0,
    }));
}

/** The width of a letter of a tick's label in pixels, with its share of the gap between two labels. */
const LETTER = 8;

/**
 * @param {string} letter @param {number} span
 * @param {{ink: string, muted: string, font: string, text: number}} theme
 * @param {number} [room] the length of the axis in pixels: an axis on which five labels would touch has two or three
 */
export function createSliceAxis(letter, span, theme, room = Infinity) {
  const many = chooseLinearTicks(-span, span, 5);
  const letters = many.map(tickLabel).join('').length;
  const ticks = letters * LETTER * theme.text > room ? chooseLinearTicks(-span, span, 2) : many;
  return {
    range: [-span, span],
    ...styleAxis(theme),
    tickvals: ticks,
    ticktext: ticks.map(tickLabel),
    tickangle: 0, // Plotly would turn labels that touch, and move the axis' name out of the plot.
    title: {text: `<i>${letter}</i>`, font: {family: theme.font, size: 14 * theme.text, color: theme.ink}, standoff: 6},
  };
}

/**
 * Draw the path with its casing, and a dot for each frame.
 * @param {Trajectory} path @param {number} span @param {LossRange} range @param {string} title
 * @param {number} unit the width of a thin line in pixels
 */
export function createPathTraces(path, span, range, title, unit) {
  const {x, y} = drawPathLine(path, span, range);
  const line = {type: 'scatter', mode: 'lines', x, y, connectgaps: false, hoverinfo: 'skip', showlegend: false};
  const frames = [...path.epochs.keys()].filter((t) => isInside(path, t, span));
  return [
    {...line, line: {color: 'rgba(255, 255, 255, 0.9)', width: 5 * unit}},
    {...line, line: {color: PATH_COLOUR, width: 2 * unit}},
    {
      type: 'scatter',
      mode: 'markers',
      name: 'frames',
      showlegend: false,
      x: frames.map((t) => path.points[2 * t]),
      y: frames.map((t) => path.points[2 * t + 1]),
      marker: {size: 5 * unit, color: PATH_COLOUR, line: {color: '#fff', width: 0.8 * unit}, opacity: 1},
      text: frames.map(
        (t) =>
          `epoch ${path.epochs[t]}<br>${title} ${lossText(path.own[t])}<br>on the slice ${lossText(path.slice[t])}`,
      ),
      hovertemplate: '%{text}<extra></extra>',
    },
  ];
}

/**
 * Mark the points that define the plane, with their names.
 * @param {{name: string, a: number, b: number}[]} anchors @param {number} span
 * @param {{font: string, text: number}} theme
 */
export function createAnchorTraces(anchors, span, theme) {
  const seen = anchors.filter(({a, b}) => Math.max(Math.abs(a), Math.abs(b)) <= span);
  const horizontal = (/** @type {number} */ a) => (a > 0.5 * span ? 'left' : a < -0.5 * span ? 'right' : 'center');
  return seen.map(({name, a, b}) => ({
    type: 'scatter',
    mode: 'markers+text',
    showlegend: false,
    hoverinfo: 'skip',
    x: [a],
    y: [b],
    text: [name],
    textposition: `${b > 0.8 * span ? 'bottom' : 'top'} ${horizontal(a)}`,
    textfont: {family: theme.font, size: 11 * theme.text, color: '#fff', shadow: '0 0 3px #000, 0 0 2px #000'},
    marker: {symbol: 'cross-thin', size: 9, color: '#fff', line: {color: '#fff', width: 2}},
  }));
}
