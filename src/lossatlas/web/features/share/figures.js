/**
 * This module draws one plot alone, for a paper or a slide. It is laid out at the size at which it is shown, 96 pixels
 * to the inch, so that its letters have the size that they have on the page.
 */
/** @import {Eye, Shot} from '../../model/types.js' */
/** @import {Theme} from '../../lib/theme.js' */
/** @import {Sheet, Subject} from './sheet.js' */
import {computePlotSize} from '../../figures/boundary.js';
import {drawBoundaryPart, drawMapPart, drawSectionPart} from './parts.js';
import {drawCurvesPart} from './curves_part.js';
import {drawColourBar, drawLegendRows, measure} from './legend.js';
import {drawSampleColours, drawSamplePart} from './sample_part.js';
import {findExtent, drawSurfacePart} from './surface_part.js';
import {roundForSvg, writeTag, writeWords} from './vector.js';

/** The number of a layout's pixels in an inch, and of millimetres in one. */
export const PIXELS = 96;
export const MILLIMETRES = 25.4;
/** The room around a figure, in pixels. */
const EDGE = 6;
/** The height of a colour bar with its numbers. */
const BAR = 40;
/**
 * The largest height of the surface's part, and the height of the curves and of a plot without a shape of its own, as
 * shares of its width.
 */
const SHARES = {surface: 0.74, section: 0.66, curves: 0.42, samples: 0.8};

/**
 * @typedef {'surface' | 'contours' | 'section' | 'boundary' | 'samples' | 'loss' | 'curvature'} Plot
 *
 * @typedef {object} Look
 * @property {number} width in pixels
 * @property {Theme} theme
 * @property {string | null} paper the colour of the background; null: transparent
 * @property {Eye} eye
 */

/** The plots, with the runs that have them. @type {{name: Plot, text: string, isThere: (shot: Shot) => boolean}[]} */
const PLOTS = [
  {name: 'surface', text: 'Surface', isThere: () => true},
  {name: 'contours', text: 'Contour map', isThere: () => true},
  {name: 'section', text: 'Sections', isThere: () => true},
  {name: 'boundary', text: 'Decision boundary', isThere: ({run}) => run.hasBoundary},
  {name: 'samples', text: 'Loss of each sample', isThere: ({run}) => !run.hasBoundary && run.hasSampleLosses},
  {name: 'loss', text: 'Loss curves', isThere: () => true},
  {name: 'curvature', text: 'Curvature', isThere: ({run}) => Boolean(run.manifest.curvature)},
];

/** List the plots that can be drawn of a shot. @param {Shot} shot */
export const listPlots = (shot) => PLOTS.filter(({isThere}) => isThere(shot));

/**
 * Draw one plot with everything that is needed to read it.
 * @param {Plot} plot @param {Omit<Subject, 'theme' | 'surface' | 'timeline'>} subject @param {Look} look
 * @returns {Sheet}
 */
export function composeFigure(plot, subject, look) {
  const {theme, width, paper} = look;
  const {height, behind = '', cells = [], svg} = DRAWN[plot](subject, look);
  return {size: {width, height}, paper, behind, cells, svg, font: theme.font};
}

/**
 * The functions that draw a plot, with its height.
 * @type {Record<Plot, (subject: Omit<Subject, 'theme' | 'surface' | 'timeline'>, look: Look) =>
 *   {height: number, behind?: string, cells?: Sheet['cells'], svg: string}>}
 */
const DRAWN = {
  surface({picture}, {width, theme, eye}) {
    const size = {width, height: width * SHARES.surface};
    const {top, bottom} = findExtent(picture, eye, size);
    const height = bottom - top;
    const viewBox = `0 ${roundForSvg(top)} ${roundForSvg(width)} ${roundForSvg(height)}`;
    const drawn = writeTag('svg', {x: 0, y: BAR, width, height, viewBox}, drawSurfacePart(picture, eye, size, theme));
    return {height: BAR + height, svg: drawBarAbove(picture, width, theme) + drawn};
  },
  contours({picture}, {width, theme}) {
    const height = width - 2 * EDGE - 16;
    const part = drawMapPart(picture, {x: 0, y: BAR, width, height}, theme);
    return {height: BAR + height + EDGE, cells: part.cells, svg: drawBarAbove(picture, width, theme) + part.svg};
  },
  section({picture}, {width, theme}) {
    const height = width * SHARES.section;
    return {height: height + EDGE, ...drawSectionPart(picture, {x: 0, y: EDGE, width, height}, theme)};
  },
  boundary({picture: {shot}, seen, logits}, {width, theme}) {
    if (!seen) throw new Error('this run has no decision boundary');
    const key = drawLegendRows(shot.run, {x: 16, y: EDGE + 8, width: width - 16}, theme);
    const top = EDGE + 8 + key.height + 4;
    const {height} = computePlotSize(shot.run, width - 52 - 2 * EDGE, width);
    const box = {x: 0, y: top, width: width - 2 * EDGE, height: height + 44};
    const part = drawBoundaryPart(shot, seen, logits, box, theme);
    return {height: top + box.height + EDGE, cells: part.cells, svg: key.svg + part.svg};
  },
  samples({picture: {shot}}, {width, theme}) {
    const bar = {x: 40, y: EDGE, width: Math.min(320, width - 40 - 24), height: 10};
    const height = width * SHARES.samples;
    const part = drawSamplePart(shot, {x: 0, y: BAR, width: width - 2 * EDGE, height}, theme);
    return {height: BAR + height + EDGE, cells: part.cells, svg: drawSampleColours(shot.run, bar, theme) + part.svg};
  },
  loss: ({picture: {shot}}, look) => drawCurves(shot, 'loss', look),
  curvature: ({picture: {shot}}, look) => drawCurves(shot, 'curvature', look),
};

/** Draw the bar of the losses above a plot. @param {Parameters<typeof drawColourBar>[0]} drawn @param {number} width
 * @param {Theme} theme */
function drawBarAbove(drawn, width, theme) {
  const name = measure(drawn.title, 12, theme.font);
  const x = EDGE + 16 + name;
  return drawColourBar(drawn, {x, y: EDGE + 2, width: Math.min(320, width - x - 24), height: 10}, theme);
}

/** @param {Shot} shot @param {'loss' | 'curvature'} timeline @param {Look} look */
function drawCurves(shot, timeline, {width, theme}) {
  const box = {x: 48, y: 24, width: width - 48 - EDGE, height: Math.round(width * SHARES.curves)};
  const svg = drawCurvesPart(shot, timeline, box, theme);
  const name = writeWords(box.x + box.width / 2, box.y + box.height + 34, 'epoch', {
    'font-size': 12,
    'text-anchor': 'middle',
    fill: theme.ink,
  });
  return {height: box.y + box.height + 40, svg: svg + name};
}
