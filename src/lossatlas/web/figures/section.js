/** This module turns two sections of the landscape, along a and along b, into Plotly traces and a layout. */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {LossRange} from './range.js' */
import {BALL_COLOUR} from './colours.js';
import {createSliceAxis} from './map.js';
import {chooseNamedTicks, computeShare, limitTo} from './range.js';
import {lossText, shortText, tickLabel} from '../lib/numbers.js';

/** Write the dashes of the curve along b: they grow with the texts, as all lines do. @param {{text: number}} theme */
const writeDashes = ({text}) => `${7 * text}px,${4 * text}px`;

/**
 * Return the values along a (b = 0) and along b (a = 0), without infinite and unknown ones.
 * @param {Numbers} surface @param {number} size
 */
export function cutSections(surface, size) {
  const middle = size >> 1;
  const replaceInfinite = (/** @type {number} */ value) => (Number.isFinite(value) ? value : NaN);
  return {
    a: Array.from({length: size}, (_, i) => replaceInfinite(surface[middle * size + i])),
    b: Array.from({length: size}, (_, j) => replaceInfinite(surface[j * size + middle])),
  };
}

/**
 * @param {number[]} axis the sampled values of a and b @param {{a: number[], b: number[]}} values
 * @param {[number, number] | null} place the network's (a, b) @param {number} loss the network's own loss
 * @param {string} title the name of the value @param {{ink: string, paper: string, accent: string,
 *   text: number}} theme
 * @param {{points: number[], losses: number[]} | null} way the path of a released ball, seen from the side: it has a
 *   place along a and one along b
 * @param {LossRange} range values below the range are drawn at its edge
 */
export function createSectionTraces(axis, values, place, loss, title, theme, way, range) {
  /** @param {string} letter @param {number[]} losses */
  const hovers = (letter, losses) => ({
    text: losses.map((value, i) => `${letter} = ${shortText(axis[i])}<br>${title} ${lossText(value)}`),
    hovertemplate: '%{text}<extra></extra>',
  });
  const line = {type: 'scatter', mode: 'lines', x: axis, connectgaps: false};
  const markAt = (
    /** @type {number | undefined} */ at,
    /** @type {string} */ symbol,
    /** @type {number} */ size,
    /** @type {string} */ colour,
  ) => ({
    type: 'scatter',
    mode: 'markers',
    showlegend: false,
    x: [at ?? NaN],
    y: [place ? loss : NaN],
    hovertemplate: `the network now<br>${title} ${lossText(loss)}<extra></extra>`,
    marker: {
      symbol,
      size: size * theme.text,
      color: theme.paper,
      line: {color: colour, width: 2 * theme.text},
      opacity: 1,
    },
  });
  return [
    {
      ...line,
      y: values.b,
      name: 'along <i>b</i>, <i>a</i> = 0',
      line: {color: theme.accent, width: 2 * theme.text, dash: writeDashes(theme)},
      ...hovers('b', values.b),
    },
    {
      ...line,
      y: values.a,
      name: 'along <i>a</i>, <i>b</i> = 0',
      line: {color: theme.ink, width: 2 * theme.text},
      ...hovers('a', values.a),
    },
    markAt(place?.[1], 'diamond', 12, theme.accent),
    markAt(place?.[0], 'circle', 11, theme.ink),
    ...createBallTraces(way, range, theme),
  ];
}

/**
 * @param {{points: number[], losses: number[]} | null} way @param {LossRange} range
 * @param {{ink: string, text: number}} theme
 */
function createBallTraces(way, range, theme) {
  const rolled = way?.losses.length ? way : {points: [NaN, NaN], losses: [NaN]};
  const losses = rolled.losses.map((loss) => limitTo(range, loss));
  return [1, 0].flatMap((axis) => {
    const x = losses.map((_, t) => rolled.points[2 * t + axis]);
    const name = `ball along ${axis ? 'b' : 'a'}`;
    const shared = {type: 'scatter', showlegend: false};
    return [
      {
        ...shared,
        name,
        mode: 'lines',
        x,
        y: losses,
        line: {color: BALL_COLOUR, width: 2.5 * theme.text, ...(axis ? {dash: writeDashes(theme)} : {})},
        hoverinfo: 'skip',
      },
      {
        ...shared,
        name: `${name} now`,
        mode: 'markers',
        x: x.slice(-1),
        y: losses.slice(-1),
        text: [lossText(rolled.losses.at(-1))],
        hovertemplate: 'the ball now<br>train loss %{text}<extra></extra>',
        marker: {
          symbol: axis ? 'diamond' : 'circle',
          size: (axis ? 12 : 11) * theme.text,
          color: BALL_COLOUR,
          line: {color: theme.ink, width: 1.5 * theme.text},
          opacity: 1,
        },
      },
    ];
  });
}

/** The height of a tick's text, in pixels. */
const LINE = 13;

/**
 * Select ticks that do not overlap.
 * @param {number[]} ticks @param {LossRange} range @param {number} height the length of the axis in pixels
 * @param {number} line the height of a tick's text
 */
function removeOverlap(ticks, range, height, line) {
  if (height === Infinity) return ticks;
  let below = -Infinity;
  return ticks.filter((tick) => {
    const at = computeShare(range, tick) * height;
    if (at - below < line) return false;
    below = at;
    return true;
  });
}

/**
 * @param {number} span @param {LossRange} range @param {{ink: string, muted: string, grid: string, line: string, font:
 *   string, text: number}} theme @param {number} [height] the height of the plot in pixels
 */
export function createSectionAxes(span, range, theme, height = Infinity) {
  const ticks = removeOverlap(chooseNamedTicks(range), range, height, LINE * theme.text);
  const ends = findAxisEnds(range);
  return {
    xaxis: {
      ...createSliceAxis('a', span, theme),
      title: {
        text: '<i>a</i>, <i>b</i>',
        font: {family: theme.font, size: 14 * theme.text, color: theme.ink},
        standoff: 6,
      },
    },
    yaxis: {
      type: range.scale,
      range: range.scale === 'log' ? ends.map(Math.log10) : ends,
      fixedrange: true,
      zeroline: range.kind === 'gap',
      zerolinecolor: theme.muted,
      zerolinewidth: 1,
      showgrid: true,
      gridcolor: theme.line,
      showline: false,
      ticks: '',
      tickvals: ticks,
      ticktext: ticks.map(tickLabel),
      tickfont: {family: theme.font, size: 11 * theme.text, color: theme.muted},
      ticklabelstandoff: 12,
    },
  };
}

/**
 * Extend the range a little, so that a curve at its edge is fully visible.
 * @param {LossRange} range @returns {[number, number]}
 */
function findAxisEnds({low, high, scale}) {
  if (scale === 'log') return [low * (low / high) ** 0.03, high * (high / low) ** 0.03];
  return [low - 0.03 * (high - low), high + 0.03 * (high - low)];
}

/**
 * Return where the range begins and ends on that axis, as shares of its length from the bottom.
 * @param {LossRange} range
 */
export function placeRange(range) {
  const [bottom, top] = findAxisEnds(range).map((end) => computeShare(range, end));
  return [-bottom, 1 - bottom].map((share) => share / (top - bottom));
}
