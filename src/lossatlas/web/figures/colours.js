/**
 * This module holds the colours of the data. The colours of losses (Viridis) and of classes come from the package,
 * since a notebook shows them as well; the colours of the interface are in styles/tokens.css.
 */
import {constants} from '../model/constants.js';

/** @typedef {[number, number, number]} Rgb */

/**
 * Purple to orange through white (ColorBrewer PuOr, Apache 2.0): a diverging map, also safe for colour-blind people.
 * Purple is negative.
 * @type {Rgb[]}
 */
const PURPLE_ORANGE = [
  [45, 0, 75],
  [84, 39, 136],
  [128, 115, 172],
  [178, 171, 210],
  [216, 218, 235],
  [247, 247, 247],
  [254, 224, 182],
  [253, 184, 99],
  [224, 130, 20],
  [179, 88, 6],
  [127, 59, 8],
];
/** @typedef {'loss' | 'gap'} Kind the kind of a value: a loss, or a difference of losses */
/** Return the stops of a colour map. @param {Kind} kind @returns {Rgb[]} */
const listStops = (kind) => (kind === 'gap' ? PURPLE_ORANGE : constants().colours.losses);

/** Return a colour map in Plotly's form. @param {Kind} kind */
export const createColourScale = (kind) =>
  listStops(kind).map((colour, i, all) => [i / (all.length - 1), writeCss(colour)]);

/** The colour of the trajectory, which is visible on both maps because it has a casing. */
export const PATH_COLOUR = 'rgb(208, 52, 20)';
/** The colour of a released ball's path: it differs from the trajectory's in lightness as well. */
export const BALL_COLOUR = 'rgb(255, 140, 220)';

/** Each class has a shape as well, so that colour is never the only difference. */
export const CLASS_SYMBOLS = [
  'circle',
  'diamond',
  'triangle-up',
  'square',
  'pentagon',
  'cross',
  'triangle-down',
  'star',
  'x',
  'hourglass',
];
/** These factors make shapes of one size look as large as a circle. */
const SYMBOL_SCALES = [1, 1.15, 1.35, 1.15, 1.15, 1.15, 1.35, 1.45, 1.2, 1.3];

/**
 * Return a class's colour, on points and (lighter) in its region. Vermillion and blue differ in lightness too. Each
 * colour from the fourth on differs strongly from all others for every kind of colour vision, on light and on dark
 * backgrounds (a test measures it).
 * @param {number} index
 */
export function chooseClassColour(index) {
  const {classes} = constants().colours;
  return classes[index % classes.length];
}
/**
 * Return the colour of a class's points. A point must stand out from the region of its own class: it is lighter on a
 * dark background and darker on a light one.
 * @param {number} index @param {boolean} dark
 */
export const choosePointColour = (index, dark) =>
  dark ? mix(chooseClassColour(index), [255, 255, 255], 0.42) : mix(chooseClassColour(index), [0, 0, 0], 0.16);
/** @param {number} index */
export const chooseClassSymbol = (index) => CLASS_SYMBOLS[index % CLASS_SYMBOLS.length];
/** @param {number} index */
export const chooseSymbolScale = (index) => SYMBOL_SCALES[index % SYMBOL_SCALES.length];

/** @param {Rgb} colour */
export function writeCss(colour) {
  return `rgb(${colour.map(Math.round).join(', ')})`;
}

/** @param {Rgb} a @param {Rgb} b @param {number} t @returns {Rgb} */
export function mix(a, b, t) {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

/** Return the colour at a share of the range. @param {Kind} kind @param {number} share @returns {Rgb} */
export function computeMapColour(kind, share) {
  const map = listStops(kind);
  const at = Math.min(1, Math.max(0, share)) * (map.length - 1);
  const i = Math.min(map.length - 2, Math.floor(at));
  return mix(map[i], map[i + 1], at - i);
}

/** Return a colour map as a CSS gradient. @param {Kind} kind @param {string} direction */
export function writeGradient(kind, direction) {
  const stops = Array.from({length: 17}, (_, i) => writeCss(computeMapColour(kind, i / 16)));
  return `linear-gradient(${direction}, ${stops.join(', ')})`;
}

/**
 * Create a table from (class, confidence as a byte) to a pixel: neutral where the network is not confident, the class's
 * colour where it is.
 * @param {number} classes @param {Rgb} neutral @param {number} depth the share of the class's colour at full confidence
 * @returns {Uint32Array<ArrayBuffer>} little-endian RGBA, at `class × 256 + confidence`
 */
export function createRegionTable(classes, neutral, depth) {
  const table = new Uint32Array(classes * 256);
  for (let k = 0; k < classes; k++) {
    for (let byte = 0; byte < 256; byte++) {
      const sure = Math.max(0, (byte / 255 - 1 / classes) / (1 - 1 / classes));
      const [r, g, b] = mix(neutral, chooseClassColour(k), depth * sure).map(Math.round);
      table[k * 256 + byte] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    }
  }
  return table;
}

/** Return a colour map as a table of 256 pixels. @param {Kind} kind @returns {Uint32Array<ArrayBuffer>} */
export function createMapTable(kind) {
  return Uint32Array.from({length: 256}, (_, i) => {
    const [r, g, b] = computeMapColour(kind, i / 255).map(Math.round);
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}
