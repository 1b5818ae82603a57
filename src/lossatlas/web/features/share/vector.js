/**
 * This module writes pieces of SVG as text, and axes that consist of them. Numbers are written short, since a drawing
 * has thousands.
 */
import {roundToDecimals} from '../../lib/numbers.js';

/** @typedef {{x: number, y: number, width: number, height: number}} Box */
/** @typedef {{at: number, text: string}[]} Ticks `at`: in pixels from the box's left, or from its bottom */

/** @param {string} value */
export function escapeXml(value) {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

/** @param {number} value */
export function roundForSvg(value) {
  return roundToDecimals(value, 2);
}

/**
 * @param {string} name @param {Record<string, string | number | undefined>} attributes @param {string[]} children SVG
 */
export function writeTag(name, attributes, ...children) {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? roundForSvg(value) : escapeXml(String(value))}"`)
    .join('');
  return children.length ? `<${name}${written}>${children.join('')}</${name}>` : `<${name}${written}/>`;
}

/**
 * @param {number} x @param {number} y the baseline @param {string} content SVG
 * @param {Record<string, string | number>} attributes
 */
export function writeWords(x, y, content, attributes = {}) {
  return writeTag('text', {x, y, ...attributes}, content);
}

/**
 * Write a line through points, with a gap where one is not finite.
 * @param {ArrayLike<number>} x @param {ArrayLike<number>} y
 */
export function drawPath(x, y) {
  let down = 'M';
  let out = '';
  for (let i = 0; i < x.length; i++) {
    if (!Number.isFinite(x[i] + y[i])) {
      down = 'M';
      continue;
    }
    out += `${down}${roundForSvg(x[i])} ${roundForSvg(y[i])}`;
    down = 'L';
  }
  return out;
}

/**
 * Write segments x1, y1, x2, y2, … as lines.
 * @param {number[]} segments @param {(x: number) => number} x @param {(y: number) => number} y
 */
export function drawStrokes(segments, x, y) {
  let out = '';
  for (let i = 0; i < segments.length; i += 4) {
    const [x1, y1, x2, y2] = segments.slice(i, i + 4);
    out += `M${roundForSvg(x(x1))} ${roundForSvg(y(y1))}L${roundForSvg(x(x2))} ${roundForSvg(y(y2))}`;
  }
  return out;
}

/**
 * Write ticks and titles below and to the left of a box.
 * @param {Box} box @param {{ticks: Ticks, title: string}} across the title is SVG
 * @param {{ticks: Ticks, title: string, stand?: number}} up `stand`: the room between the box and the labels
 * @param {{ink: string, muted: string}} theme
 */
export function drawAxes(box, across, up, {ink, muted}) {
  const [left, bottom] = [box.x, box.y + box.height];
  const stand = up.stand ?? 4;
  const below = across.ticks.map(({at}) => `M${roundForSvg(left + at)} ${roundForSvg(bottom)}v4`);
  const beside = up.ticks.map(({at}) => `M${roundForSvg(left)} ${roundForSvg(bottom - at)}h-4`);
  return writeTag(
    'g',
    {fill: muted, 'font-size': 11},
    writeTag('path', {
      d: [...below, ...(stand > 4 ? [] : beside)].join(''),
      stroke: muted,
    }),
    ...across.ticks.map(({at, text}) => writeWords(left + at, bottom + 16, escapeXml(text), {'text-anchor': 'middle'})),
    ...up.ticks.map(({at, text}) =>
      writeWords(left - stand - 3, bottom - at + 4, escapeXml(text), {'text-anchor': 'end'}),
    ),
    writeWords(left + box.width / 2, bottom + 32, across.title, {'text-anchor': 'middle', 'font-size': 13, fill: ink}),
    up.title
      ? writeWords(0, 0, up.title, {
          'text-anchor': 'middle',
          'font-size': 13,
          fill: ink,
          transform: `translate(${roundForSvg(left - 38)} ${roundForSvg(box.y + box.height / 2)}) rotate(-90)`,
        })
      : '',
  );
}

/**
 * Place an axis's ticks.
 * @param {{range: number[], tickvals: number[], ticktext: string[]}} axis the axis in Plotly's form @param {number}
 *   length
 * @param {(value: number) => number} [scale] @returns {Ticks}
 */
export function placeTicks({range: [low, high], tickvals, ticktext}, length, scale = (value) => value) {
  return tickvals
    .map((value, i) => ({at: ((scale(value) - low) / (high - low)) * length, text: ticktext[i]}))
    .filter(({at}) => at >= -0.5 && at <= length + 0.5);
}
