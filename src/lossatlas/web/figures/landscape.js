/** The loss landscape in three dimensions: data → Plotly traces and layout. Nothing here touches the page. */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {Camera} from './camera.js' */
/** @import {LossRange} from './range.js' */
/** @import {Line} from './relief.js' */
/** @import {Trajectory} from './path.js' */
import {BALL_COLOUR, colourScale, PATH_COLOUR} from './colours.js';
import {drawnPart, dropLine, dropLines, pathLine, wayLine} from './path.js';
import {lossTicks, shareOf} from './range.js';
import {boxSides, equalLines, GROUND, heightOf, heightsOf, meshOf} from './relief.js';
import {trianglesOf} from './isolines.js';

/** What the vertical axis and the colours show. */
export const SET_TITLES = {train: 'train loss', test: 'test loss', gap: 'test − train'};
/** How light falls on the surface: enough from the side to model the relief, with colours that still read as values. */
const LIGHT = {ambient: 0.62, diffuse: 0.62, specular: 0.12, roughness: 0.55, fresnel: 0.1};
/** Where from, in units of the scene: over the left shoulder of the default camera. */
const LAMP = {x: 12_000, y: 4_000, z: 14_000};
/** The floor's lines lie this far above it. */
const FLOOR = 0.004;

/**
 * @typedef {object} Relief the surface of one frame, ready to be drawn, picked and stood on
 * @property {Float64Array} heights `[b, a]`
 * @property {number} size samples along a, and along b
 * @property {Uint32Array} triangles
 */

/** @param {Numbers} values @param {number} size @param {LossRange} range @returns {Relief} */
export function reliefOf(values, size, range) {
  const heights = heightsOf(values, range);
  return {heights, size, triangles: trianglesOf(heights, size)};
}

/**
 * @typedef {object} Drawn what is drawn of a picture
 * @property {Relief} relief
 * @property {LossRange} range
 * @property {number} span
 * @property {number} frame
 * @property {{path: Trajectory, whole: boolean} | null} path `whole`: all of it, not just where the network is
 * @property {import('../compute/point_loss.js').Tint | null} tint what the surface is coloured by instead
 * @property {{points: number[], losses: number[]} | null} way of a ball that was released
 */

/**
 * The traces, by name, those that have something to draw. Few traces, each of one colour: Plotly looks at every point's
 * own colour one by one, which takes it longer than all the rest.
 * @param {Drawn} drawn @param {Camera} camera
 * @param {{ink: string, muted: string, dark: boolean}} theme
 * @param {number} ratio pixels of the drawing to one of the page
 */
export function landscapeTraces({relief, range, span, frame, path, tint, way}, camera, theme, ratio) {
  const {heights, size, triangles} = relief;
  const colours = tint && Float64Array.from(tint.values, (value) => shareOf(tint.range, value));
  const {x, y, z, i, j, k, intensity} = meshOf(heights, size, triangles, colours ?? heights);
  const levels = lossTicks(range)
    .map((tick) => heightOf(range, tick))
    .filter((level) => level > GROUND && level < 1);
  const lines = equalLines(heights, size, triangles, levels, boxSides(camera.box), FLOOR);
  const quiet = {type: 'scatter3d', mode: 'lines', showlegend: false, hoverinfo: 'skip', connectgaps: false};
  const thin = {line: {color: theme.dark ? '#d5e8dc' : '#26413f', width: ratio}}; // opaque: Plotly draws all twice if one trace is not
  const box = {span, range};
  return [
    {
      type: 'mesh3d',
      name: 'surface',
      x,
      y,
      z,
      i,
      j,
      k,
      intensity,
      hoverinfo: 'skip',
      showscale: false,
      colorscale: colourScale(tint?.range.kind ?? range.kind),
      cmin: tint ? 0 : GROUND,
      cmax: 1,
      flatshading: false,
      lighting: LIGHT,
      lightposition: LAMP,
    },
    {...quiet, name: 'lines', ...joined(lines.above, lines.below), ...thin},
    {...quiet, name: 'floor', ...lines.floor, line: {color: theme.muted, width: ratio}},
    {
      ...quiet,
      name: 'drop',
      ...inBox(path && dropLine(path.path, frame, span, range), box),
      line: {color: theme.ink, width: 5 * ratio},
    },
    ...pathTraces(path?.whole ? drawnPart(path.path) : null, box, {quiet, ink: theme.ink, ratio}),
    ...wayTraces(way, box, {quiet, ratio}),
  ].filter(({x: places}) => places.some((place) => !Number.isNaN(place)));
}

/** One after the other, as one line. @param {Line} first @param {Line} second @returns {Line} */
function joined(first, second) {
  return {x: first.x.concat(second.x), y: first.y.concat(second.y), z: first.z.concat(second.z)};
}

/** @param {Trajectory | null} path @param {{span: number, range: LossRange}} box @param {{quiet: object, ink: string, ratio: number}} style */
function pathTraces(path, box, {quiet, ink, ratio}) {
  const line = inBox(path && pathLine(path, box.span, box.range), box);
  const drops = inBox(path && dropLines(path, box.span, box.range), box);
  return [
    {...quiet, name: 'path', ...line, line: {color: PATH_COLOUR, width: 4 * ratio}},
    {...quiet, name: 'drops', ...drops, line: {color: ink, width: ratio}},
    {...quiet, name: 'path on the floor', ...onFloor(line), line: {color: PATH_COLOUR, width: 2 * ratio}},
  ];
}

/** @param {{points: number[], losses: number[]} | null} way @param {{span: number, range: LossRange}} box @param {{quiet: object, ratio: number}} style */
function wayTraces(way, box, {quiet, ratio}) {
  const line = inBox(way && wayLine(way, box.span, box.range), box);
  return [
    {...quiet, name: 'way', ...line, line: {color: BALL_COLOUR, width: 5 * ratio}},
    {...quiet, name: 'way on the floor', ...onFloor(line), line: {color: BALL_COLOUR, width: 2 * ratio}},
  ];
}

/** A line in (a, b, loss), in coordinates of the box. @param {Line | null} line @param {{span: number, range: LossRange}} box @returns {Line} */
function inBox(line, {span, range}) {
  if (!line?.x.length) return {x: [NaN], y: [NaN], z: [NaN]};
  return {
    x: line.x.map((a) => a / span),
    y: line.y.map((b) => b / span),
    z: line.z.map((loss) => Math.min(1, heightOf(range, loss))),
  };
}

/** @param {Line} line @returns {Line} */
function onFloor({x, y, z}) {
  return {x, y, z: z.map((height) => (Number.isNaN(height) ? NaN : FLOOR))};
}

/**
 * The scene: the box, from −1 to 1 in a and b and from 0 to 1 in height. Its axes and labels are drawn beside Plotly
 * (axes3d.js), upright and sharp.
 * @param {Camera} camera @param {number} ratio pixels of the drawing to one of the page
 */
export function landscapeLayout({plotly, box, size}, ratio) {
  const axis = {
    autorange: false,
    title: {text: ''},
    tickvals: [],
    ticktext: [],
    showticklabels: false,
    showgrid: false,
    zeroline: false,
    showline: false,
    showspikes: false,
    showbackground: false,
  };
  return {
    width: Math.round(size.width * ratio),
    height: Math.round(size.height * ratio),
    margin: {l: 0, r: 0, t: 0, b: 0},
    showlegend: false,
    paper_bgcolor: 'rgba(0,0,0,0)',
    scene: {
      xaxis: {...axis, range: [-1, 1]},
      yaxis: {...axis, range: [-1, 1]},
      zaxis: {...axis, range: [0, 1]},
      aspectmode: 'manual',
      aspectratio: box,
      dragmode: false,
      hovermode: false,
      camera: plotly,
      bgcolor: 'rgba(0,0,0,0)',
    },
  };
}
