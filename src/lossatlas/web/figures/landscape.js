/** The loss landscape in three dimensions: data → Plotly traces and layout. Nothing here touches the page. */
/** @import {Eye} from '../types.js' */
/** @import {LossRange} from './range.js' */
import {BALL_COLOUR, colourScale, PATH_COLOUR} from './colours.js';
import {floorOf, lossTicks, namedTicks, within} from './range.js';
import {spanText, tickLabel} from './ticks.js';

/** What the vertical axis and the colours show. */
export const SET_TITLES = {train: 'train loss', test: 'test loss', gap: 'test − train'};

/**
 * @typedef {object} Picture3d
 * @property {number[]} axis the sampled a, and b
 * @property {Float64Array[]} z the rows that Plotly holds
 * @property {LossRange} range
 * @property {string} title of the value
 * @property {Line | null} marker null: nobody knows where in this plane the network is
 * @property {Line | null} drop from the network's own loss to the surface, where the plane stays
 * @property {{line: Line, drops: Line} | null} path
 * @property {Line | null} mark at the picked point
 * @property {import('../tint.js').Tint | null} tint what the surface is coloured by instead
 * @property {Line | null} way of a ball that was released there
 * @typedef {{x: number[], y: number[], z: number[]}} Line in units of the axes; NaN lifts the pen
 */

/** Write a frame into the rows that Plotly holds. @param {ArrayLike<number>} surface @param {LossRange} range @param {Float64Array[]} z */
export function fillSurface(surface, range, z) {
  const size = z.length;
  for (let j = 0; j < size; j++) {
    for (let i = 0; i < size; i++) z[j][i] = within(range, surface[j * size + i]); // +∞ too is drawn at the top
  }
}

/**
 * A plumb line through the network's place: from the top of the box to its loss, and on to the floor. The line
 * above the surface is seen from every side, also where the near rim hides the valley.
 * @param {[number, number]} place @param {number} loss @param {LossRange} range @returns {Line}
 */
export function plumbLine([a, b], loss, range) {
  return {x: [a, a, a], y: [b, b, b], z: [range.high, within(range, loss), floorOf(range)]};
}

/** Plotly colours a logarithmic axis by its logarithms. @param {LossRange} range */
function colourBounds({low, high, scale}) {
  return scale === 'log' ? {cmin: Math.log10(low), cmax: Math.log10(high)} : {cmin: low, cmax: high};
}

/** @param {import('../tint.js').Tint} tint @param {number} grid */
function tinted({values, range: {low, high}}, grid) {
  return {surfacecolor: Array.from({length: grid}, (_, j) => Array.from(values.subarray(j * grid, (j + 1) * grid))), cmin: low, cmax: high};
}

/** What moves with the frame comes first. @param {Picture3d} picture @param {{ink: string, muted: string, paper: string}} theme */
export function landscapeTraces({axis, z, range, title, marker, drop, path, mark, way, tint}, theme) {
  const quiet = {show: false, highlight: false};
  const line = {type: 'scatter3d', mode: 'lines', showlegend: false, hoverinfo: 'skip', connectgaps: false};
  const floor = floorOf(range, 0.01);
  return [
    {
      type: 'surface', x: axis, y: axis, z, ...(tint ? tinted(tint, axis.length) : colourBounds(range)),
      colorscale: colourScale(range.kind), showscale: false,
      lighting: {ambient: 0.78, diffuse: 0.5, specular: 0.06, roughness: 0.85, fresnel: 0.05},
      contours: {x: quiet, y: quiet, z: {show: true, usecolormap: true, highlight: false, width: 2, project: {z: true}}},
      hovertemplate: `a = %{x:.3~g}<br>b = %{y:.3~g}<br>${title} %{z:.4~g}<extra></extra>`,
    },
    ...(marker ? [{
      type: 'scatter3d', mode: 'lines+markers', ...marker,
      line: {color: theme.ink, width: 2},
      marker: {size: [0, 13, 5], color: [theme.ink, theme.paper, theme.ink], line: {color: theme.ink, width: 2}, opacity: 1},
      hovertemplate: `the network now<br>${title} %{z:.4~g}<extra></extra>`, showlegend: false,
    }] : []),
    ...(drop ? [{...line, ...drop, line: {color: theme.ink, width: 8}}] : []),
    ...(path ? [
      {...line, ...path.line, line: {color: PATH_COLOUR, width: 5}},
      {...line, ...path.drops, line: {color: theme.muted, width: 1.5}},
      {...line, ...path.line, z: path.line.z.map((height) => (Number.isNaN(height) ? NaN : floor)), line: {color: PATH_COLOUR, width: 3}},
    ] : []),
    ...(mark ? [{
      type: 'scatter3d', mode: 'lines+markers', ...mark, showlegend: false, hoverinfo: 'skip',
      line: {color: PATH_COLOUR, width: 2}, marker: {size: [0, 9, 4], symbol: 'cross', color: PATH_COLOUR, opacity: 1},
    }] : []),
    ...(way?.x.length ? [
      {...line, ...way, line: {color: BALL_COLOUR, width: 6}},
      {...line, ...way, z: way.z.map((height) => (Number.isNaN(height) ? NaN : floor)), line: {color: BALL_COLOUR, width: 3}},
      {
        type: 'scatter3d', mode: 'markers', showlegend: false, ...ends(way), marker: {size: 7, color: BALL_COLOUR, line: {color: theme.paper, width: 2}, opacity: 1},
        hovertemplate: `the ball<br>${title} %{z:.4~g}<extra></extra>`,
      },
    ] : []),
  ];
}

/** Where a line ends. @param {Line} line */
function ends({x, y, z}) {
  return {x: x.slice(-1), y: y.slice(-1), z: z.slice(-1)};
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
    range: [-span, span], tickvals: [-span, -span / 2, 0, span / 2, span], ticktext: [spanText(-span), '', '0', '', spanText(span)],
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
  return {eye: {...eye}, center: {x: 0, y: 0, z: -0.16}, up: {x: 0, y: 0, z: 1}};
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
