/**
 * This module turns the loss landscape in three dimensions into Plotly traces and a layout. It does not touch the page.
 */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {Camera} from './camera.js' */
/** @import {LossRange} from './range.js' */
/** @import {Line} from './relief.js' */
/** @import {Trajectory} from './path.js' */
import {BALL_COLOUR, createColourScale, PATH_COLOUR} from './colours.js';
import {thinPath, drawDropLine, drawDropLines, drawPathLine, drawDescentLine} from './path.js';
import {chooseLossTicks, computeShare} from './range.js';
import {measureSides, findEqualLines, GROUND, computeHeight, computeHeights, createMesh} from './relief.js';
import {divideIntoTriangles} from './isolines.js';

/** The names of the quantities that the vertical axis and the colours show. */
export const SET_TITLES = {train: 'train loss', test: 'test loss', gap: 'test − train'};
/** The lighting of the surface: enough comes from the side to show the relief, and the colours still read as values. */
const LIGHT = {ambient: 0.62, diffuse: 0.62, specular: 0.12, roughness: 0.55, fresnel: 0.1};
/** The position of the light, in units of the scene: over the left shoulder of the default camera. */
const LAMP = {x: 12_000, y: 4_000, z: 14_000};
/** The floor's lines lie this far above it. */
const FLOOR = 0.004;

/**
 * @typedef {object} Relief the surface of one frame, ready to be drawn and picked
 * @property {Float64Array} heights `[b, a]`
 * @property {number} size the number of samples along a and along b
 * @property {Uint32Array} triangles
 */

/** @param {Numbers} values @param {number} size @param {LossRange} range @returns {Relief} */
export function createRelief(values, size, range) {
  const heights = computeHeights(values, range);
  return {heights, size, triangles: divideIntoTriangles(heights, size)};
}

/**
 * @typedef {object} Drawn the parts of a picture that are drawn
 * @property {Relief} relief
 * @property {LossRange} range
 * @property {number} span
 * @property {number} frame
 * @property {{path: Trajectory, whole: boolean} | null} path `whole`: the whole path is drawn, not only the network's
 *   place
 * @property {import('../compute/point_loss.js').PointLoss | null} pointLoss the surface is coloured by this instead of
 *   the loss
 * @property {{points: number[], losses: number[]} | null} way the path of a released ball
 */

/**
 * Create the traces that have something to draw, by name. There are few traces, each of one colour: Plotly would
 * process a colour for each point one by one, which takes longer than everything else.
 * @param {Drawn} drawn @param {Camera} camera
 * @param {{ink: string, muted: string, dark: boolean, text: number}} theme
 * @param {number} ratio the drawing's pixels for one pixel of the page
 */
export function createLandscapeTraces({relief, range, span, frame, path, pointLoss, way}, camera, theme, ratio) {
  const {heights, size, triangles} = relief;
  const unit = ratio * theme.text; // Lines grow with the texts.
  const thinnest = unit * theme.text; // Plotly draws it half as wide, which nobody sees in a hall.
  const colours = pointLoss && Float64Array.from(pointLoss.values, (value) => computeShare(pointLoss.range, value));
  const {x, y, z, i, j, k, intensity} = createMesh(heights, size, triangles, colours ?? heights);
  const levels = chooseLossTicks(range)
    .map((tick) => computeHeight(range, tick))
    .filter((level) => level > GROUND && level < 1);
  const lines = findEqualLines(heights, size, triangles, levels, measureSides(camera.box), FLOOR);
  const quiet = {type: 'scatter3d', mode: 'lines', showlegend: false, hoverinfo: 'skip', connectgaps: false};
  // The line is opaque: Plotly draws everything twice if one trace is not.
  const thin = {line: {color: theme.dark ? '#d5e8dc' : '#26413f', width: thinnest}};
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
      colorscale: createColourScale(pointLoss?.range.kind ?? range.kind),
      cmin: pointLoss ? 0 : GROUND,
      cmax: 1,
      flatshading: false,
      lighting: LIGHT,
      lightposition: LAMP,
    },
    {...quiet, name: 'lines', ...joinLines(lines.above, lines.below), ...thin},
    {...quiet, name: 'floor', ...lines.floor, line: {color: theme.muted, width: thinnest}},
    {
      ...quiet,
      name: 'drop',
      ...toBox(path && drawDropLine(path.path, frame, span, range), box),
      line: {color: theme.ink, width: 5 * unit},
    },
    ...createPathTraces(path?.whole ? thinPath(path.path) : null, box, {quiet, ink: theme.ink, unit}),
    ...createDescentTraces(way, box, {quiet, unit}),
  ].filter(({x: places}) => places.some((place) => !Number.isNaN(place)));
}

/** Join two lines into one. @param {Line} first @param {Line} second @returns {Line} */
function joinLines(first, second) {
  return {x: first.x.concat(second.x), y: first.y.concat(second.y), z: first.z.concat(second.z)};
}

/**
 * @param {Trajectory | null} path @param {{span: number, range: LossRange}} box @param {{quiet: object, ink: string,
 *   unit: number}} style
 */
function createPathTraces(path, box, {quiet, ink, unit}) {
  const line = toBox(path && drawPathLine(path, box.span, box.range), box);
  const drops = toBox(path && drawDropLines(path, box.span, box.range), box);
  return [
    {...quiet, name: 'path', ...line, line: {color: PATH_COLOUR, width: 4 * unit}},
    {...quiet, name: 'drops', ...drops, line: {color: ink, width: unit}},
    {...quiet, name: 'path on the floor', ...toFloor(line), line: {color: PATH_COLOUR, width: 2 * unit}},
  ];
}

/**
 * @param {{points: number[], losses: number[]} | null} way @param {{span: number, range: LossRange}} box
 * @param {{quiet: object, unit: number}} style
 */
function createDescentTraces(way, box, {quiet, unit}) {
  const line = toBox(way && drawDescentLine(way, box.span, box.range), box);
  return [
    {...quiet, name: 'way', ...line, line: {color: BALL_COLOUR, width: 5 * unit}},
    {...quiet, name: 'way on the floor', ...toFloor(line), line: {color: BALL_COLOUR, width: 2 * unit}},
  ];
}

/**
 * Convert a line in (a, b, loss) to coordinates of the box.
 * @param {Line | null} line @param {{span: number, range: LossRange}} box @returns {Line}
 */
export function toBox(line, {span, range}) {
  if (!line?.x.length) return {x: [NaN], y: [NaN], z: [NaN]};
  return {
    x: line.x.map((a) => a / span),
    y: line.y.map((b) => b / span),
    z: line.z.map((loss) => Math.min(1, computeHeight(range, loss))),
  };
}

/** Project a line onto the floor. @param {Line} line @returns {Line} */
function toFloor({x, y, z}) {
  return {x, y, z: z.map((height) => (Number.isNaN(height) ? NaN : FLOOR))};
}

/**
 * Create the scene: the box runs from −1 to 1 in a and b and from 0 to 1 in height. Its axes and labels are drawn
 * outside Plotly (axes3d.js), so that they stay upright and sharp.
 * @param {Camera} camera @param {number} ratio the drawing's pixels for one pixel of the page
 */
export function createLandscapeLayout({plotly, box, size}, ratio) {
  const axis = {
    autorange: false,
    // Plotly finds the outline of every text, even of an empty one, by reading pixels. Some browsers give noise for
    // pixels, so the text is too small to be seen.
    title: {text: '', font: {size: 1, color: 'rgba(0,0,0,0)'}},
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
