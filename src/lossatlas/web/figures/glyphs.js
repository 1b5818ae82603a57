/**
 * This module draws the shapes of the classes as SVG paths, for the legend and the thumbnails. They equal Plotly's
 * symbols and are centred on the origin.
 */
import {roundToDecimals} from '../lib/numbers.js';
import {chooseClassSymbol} from './colours.js';

/** @type {Record<string, (r: number, x: number, y: number) => string>} */
const SHAPES = {
  circle: (r, x, y) => `M${short(x + r)} ${short(y)}a${r} ${r} 0 1 1 ${-2 * r} 0a${r} ${r} 0 1 1 ${2 * r} 0Z`,
  diamond: (r, x, y) => polygon(4, r * 1.3, 0, x, y),
  'triangle-up': (r, x, y) => polygon(3, r * 1.3, -90, x, y),
  square: (r, x, y) => polygon(4, r * 1.3, 45, x, y),
  pentagon: (r, x, y) => polygon(5, r * 1.15, -90, x, y),
  cross: (r, x, y) => plus(r * 1.15, r * 0.4, x, y),
  'triangle-down': (r, x, y) => polygon(3, r * 1.3, 90, x, y),
  star: (r, x, y) => star(r * 1.45, r * 0.55, x, y),
  x: (r, x, y) => saltire(r * 1.2, r * 0.4, x, y),
  hourglass: (r, x, y) =>
    path(
      [
        [-1, -1],
        [1, -1],
        [-1, 1],
        [1, 1],
      ].map(([u, v]) => [x + r * 1.05 * u, y + r * 1.05 * v]),
    ),
};

/** The mark of a class of which the plot has regions but no points. */
export const SWATCH = 'M-6 -5h12v10h-12Z';

/** @param {number} k class @param {number} radius @param {number} [x] @param {number} [y] */
export function glyph(k, radius, x = 0, y = 0) {
  return SHAPES[chooseClassSymbol(k)](radius, x, y);
}

/**
 * Draw a plus as two bars with an area, so that it can be filled as the other shapes are.
 * @param {number} arm @param {number} half @param {number} x @param {number} y
 */
function plus(arm, half, x, y) {
  const rest = short(arm - half);
  const wide = short(2 * half);
  const corners = [`h${wide}`, `v${rest}h${rest}`, `v${wide}h${-rest}`, `v${rest}h${-wide}`, `v${-rest}h${-rest}`];
  return `M${short(x - half)} ${short(y - arm)}${corners.join('')}v${-wide}h${rest}Z`;
}

/** @param {number} corners @param {number} radius @param {number} start degrees @param {number} x @param {number} y */
function polygon(corners, radius, start, x, y) {
  return path(Array.from({length: corners}, (_, i) => pointAround(radius, start + (360 * i) / corners, x, y)));
}

/**
 * Draw a star with five points.
 * @param {number} outer radius @param {number} inner radius @param {number} x @param {number} y
 */
function star(outer, inner, x, y) {
  return path(Array.from({length: 10}, (_, i) => pointAround(i % 2 === 0 ? outer : inner, 36 * i - 90, x, y)));
}

/**
 * Draw the plus, rotated by 45 degrees.
 * @param {number} arm @param {number} half @param {number} x @param {number} y
 */
function saltire(arm, half, x, y) {
  const corners = [
    [half, -half],
    [arm, -half],
    [arm, half],
    [half, half],
    [half, arm],
    [-half, arm],
    [-half, half],
    [-arm, half],
    [-arm, -half],
    [-half, -half],
    [-half, -arm],
    [half, -arm],
  ];
  return path(corners.map(([u, v]) => [x + (u - v) * Math.SQRT1_2, y + (u + v) * Math.SQRT1_2]));
}

/** @param {number} radius @param {number} degrees @param {number} x @param {number} y @returns {number[]} */
const pointAround = (radius, degrees, x, y) => [
  x + radius * Math.cos((degrees * Math.PI) / 180),
  y + radius * Math.sin((degrees * Math.PI) / 180),
];

/** @param {number[][]} corners */
const path = (corners) => `M${corners.map(([x, y]) => `${short(x)} ${short(y)}`).join('L')}Z`;

/** @param {number} value */
function short(value) {
  return roundToDecimals(value, 2);
}
