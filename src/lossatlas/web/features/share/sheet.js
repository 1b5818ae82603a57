/**
 * This module puts both plots on one sheet, with everything that is needed to read them, as pictures of cells and SVG
 * above them.
 */
/** @import {Seen, State} from '../../model/types.js' */
/** @import {Picked} from '../../compute/network.js' */
/** @import {Picture} from '../../views/picture.js' */
/** @import {Theme} from '../../lib/theme.js' */
/** @import {Cells} from './parts.js' */
import {findMisclassified} from '../../figures/boundary.js';
import {describeRange} from '../../figures/range.js';
import {describeMode, listPlaneFacts, writePlaneTitle, describeResidual, describeShare} from '../../figures/slice.js';
import {lossText, percentText, shortText} from '../../lib/numbers.js';
import {describeLearnt, readSampleLosses} from '../../figures/sample_losses.js';
import {drawCurvesPart} from './curves_part.js';
import {drawColourBar, drawLegendRows, measure} from './legend.js';
import {drawBoundaryPart, drawMapPart, drawSectionPart} from './parts.js';
import {drawSampleColours, drawSamplePart} from './sample_part.js';
import {escapeXml, writeTag, writeWords} from './vector.js';

/** The size of a sheet in pixels, at scale 1. */
export const SIZE = {width: 1280, height: 720};
const LEFT = {x: 32, width: 596};
const RIGHT = {x: 660, width: 588};
const PLOT = {y: 152, height: 410};
/** The place of the surface, which is drawn elsewhere. Its corners are empty, so it may reach below the colour bar. */
export const SURFACE = {x: LEFT.x, y: 124, width: LEFT.width, height: 444};
const CURVES = {x: 72, y: 632, width: 1176, height: 52};
const BAR = {x: 108, y: 127, width: 360, height: 10};

/**
 * @typedef {object} Subject what a sheet shows
 * @property {Picture} picture
 * @property {Seen | null} seen the predictions that the right plot shows; null: the run has no boundary
 * @property {import('../../figures/border.js').LogitsAt | null} logits evaluates that network, for the line between the
 *   classes
 * @property {Picked['metrics'] | null} metrics the metrics of the picked network
 * @property {State['timeline']} timeline
 * @property {Theme} theme
 * @property {Surface | null} surface needed if the view is the surface
 *
 * @typedef {{canvas: HTMLCanvasElement | null, behind: string, before: string}} Surface the picture of the surface, and
 *   the SVG around it; without a picture, the SVG has everything
 * @typedef {object} Sheet a drawing, ready to be painted or written
 * @property {{width: number, height: number}} size in pixels, at scale 1
 * @property {string | null} paper the colour behind everything; null: nothing, so that the drawing is transparent
 * @property {string} behind SVG below the cells
 * @property {Cells[]} cells
 * @property {string} svg SVG above the cells
 * @property {string} font the font family
 */

/** @param {Subject} subject @returns {Sheet} */
export function composeSheet(subject) {
  const {picture, theme, surface} = subject;
  const {shot} = picture;
  const left = surface
    ? {
        cells: surface.canvas ? [{canvas: surface.canvas, box: SURFACE, clip: SURFACE}] : [],
        svg: placeSvg(surface.before),
      }
    : shot.view === 'section'
      ? drawSectionPart(picture, {...LEFT, ...PLOT}, theme)
      : drawMapPart(picture, {...LEFT, ...PLOT}, theme);
  const right = drawRightPart(subject);
  // Without a right plot the left one is in the middle.
  const middle = right ? 0 : (SIZE.width - LEFT.width) / 2 - LEFT.x;
  const moveToMiddle = (/** @type {string} */ svg) =>
    middle ? writeTag('g', {transform: `translate(${middle} 0)`}, svg) : svg;
  return {
    size: SIZE,
    paper: theme.paper,
    font: theme.font,
    behind: surface ? moveToMiddle(placeSvg(surface.behind)) : '',
    cells: [...left.cells.map((cells) => shift(cells, middle)), ...(right?.cells ?? [])],
    svg: [
      drawHead(subject),
      moveToMiddle(
        [
          drawLandscapeHead(picture, theme),
          drawColourBar(picture, BAR, theme),
          left.svg,
          drawLandscapeCaption(subject),
        ].join(''),
      ),
      right ? writeTag('path', {d: `M644 84V604`, stroke: theme.line}) + right.svg : '',
      drawRule(608, theme),
      drawCurvesPart(picture.shot, subject.timeline, CURVES, theme),
    ].join(''),
  };
}

/** @param {Cells} cells @param {number} by @returns {Cells} */
const shift = (cells, by) => ({
  ...cells,
  box: {...cells.box, x: cells.box.x + by},
  clip: {...cells.clip, x: cells.clip.x + by},
});

/**
 * Draw the right plot with its heading: the boundary, or the samples' losses; null if the run has neither.
 * @param {Subject} subject @returns {import('./parts.js').Part | null}
 */
function drawRightPart({picture: {shot}, seen, logits, theme}) {
  const {run, frame} = shot;
  const box = {...RIGHT, ...PLOT};
  if (run.hasSampleLosses) {
    const {cells, svg} = drawSamplePart(shot, box, theme);
    const bar = drawSampleColours(run, {...BAR, x: RIGHT.x + 28}, theme);
    const note = drawRightNote(describeLearnt(readSampleLosses(run), frame), theme);
    return {cells, svg: drawHeading(RIGHT.x, 'Loss of each sample', theme) + bar + svg + note};
  }
  if (!seen) return null;
  const {cells, svg} = drawBoundaryPart(shot, seen, logits, box, theme);
  const head =
    drawHeading(RIGHT.x, 'Decision boundary', theme) +
    drawLegendRows(run, {x: RIGHT.x + 4, y: 132, width: RIGHT.width - 4}, theme, 2).svg;
  const wrong = findMisclassified(run, seen).length;
  const note = drawRightNote(`${wrong} of ${run.numbers('labels').length} points misclassified`, theme);
  return {cells, svg: head + svg + note};
}

/** @param {string} text @param {Theme} theme */
const drawRightNote = (text, theme) =>
  writeWords(RIGHT.x + RIGHT.width, 600, text, {'font-size': 11, fill: theme.muted, 'text-anchor': 'end'});

/** Move what is drawn around the surface to its place. @param {string} svg */
function placeSvg(svg) {
  return writeTag('svg', {...SURFACE, viewBox: `0 0 ${SURFACE.width} ${SURFACE.height}`}, svg);
}

/** Write what is shown, and how good the network is. @param {Subject} subject */
function drawHead({
  picture: {
    shot: {run, frame, pick},
  },
  metrics,
  theme,
}) {
  const of = (/** @type {keyof Picked['metrics']} */ name) => (metrics ? metrics[name] : run.metrics[name][frame]);
  const boldText = (/** @type {string} */ content) =>
    writeTag('tspan', {fill: theme.ink, 'font-weight': 600}, escapeXml(content));
  const pair = (
    /** @type {string} */ name,
    /** @type {'loss' | 'accuracy'} */ what,
    /** @type {(value: number) => string} */ write,
  ) => `${name} ${boldText(write(of(`train_${what}`)))} train, ${boldText(write(of(`test_${what}`)))} test`;
  const where = metrics && pick ? `   ·   at ${boldText(`a ${shortText(pick[0])}, b ${shortText(pick[1])}`)}` : '';
  return (
    writeWords(32, 46, escapeXml(run.manifest.title), {
      'font-size': 22,
      'font-weight': 650,
      fill: theme.ink,
      'letter-spacing': -0.2,
    }) +
    writeWords(SIZE.width - 32, 46, `Epoch ${boldText(String(run.frames[frame]))}`, {
      'font-size': 22,
      'text-anchor': 'end',
      fill: theme.muted,
    }) +
    writeWords(
      32,
      72,
      [pair('loss', 'loss', lossText), pair('accuracy', 'accuracy', percentText)].join('   ·   ') + where,
      {
        'font-size': 14,
        fill: theme.muted,
        'xml:space': 'preserve',
      },
    ) +
    writeWords(SIZE.width - 32, 72, 'Loss Atlas', {'font-size': 13, 'text-anchor': 'end', fill: theme.muted}) +
    drawRule(84, theme)
  );
}

/** @param {number} y @param {Theme} theme */
function drawRule(y, theme) {
  return writeTag('path', {d: `M0 ${y}H${SIZE.width}`, stroke: theme.line});
}

/** @param {Picture} picture @param {Theme} theme */
function drawLandscapeHead({shot: {plane, span}}, theme) {
  const [loss, theta, a, b, d] = ['L', 'θ', 'a', 'b', 'd'].map(
    (letter) => `<tspan font-style="italic">${letter}</tspan>`,
  );
  const maths = `${loss}(${theta} + ${a}·${d}₁ + ${b}·${d}₂)`;
  return (
    drawHeading(LEFT.x, 'Loss landscape', theme) +
    writeWords(LEFT.x + 12 + measure('Loss landscape', 15, theme.font, 650), 110, maths, {
      'font-family': 'STIX Two Text, Cambria Math, Georgia, serif',
      'font-size': 16,
      fill: theme.muted,
    }) +
    writeWords(LEFT.x + LEFT.width, 110, escapeXml(`${writePlaneTitle(plane)} · ±${shortText(span)}`), {
      'font-size': 13,
      'text-anchor': 'end',
      fill: theme.muted,
    })
  );
}

/** @param {number} x @param {string} title @param {Theme} theme */
function drawHeading(x, title, theme) {
  return writeWords(x, 110, title, {'font-size': 15, 'font-weight': 650, fill: theme.ink});
}

/** Describe the slice. @param {Subject} subject */
function drawLandscapeCaption({picture: {shot, range}, theme}) {
  const texts = [...listPlaneFacts(shot.plane), describeResidual(shot)].map((fact) => fact?.text);
  const facts = [describeShare(shot.plane).replace(/\.$/, ''), ...texts, describeRange(range)]
    .filter(Boolean)
    .join(' · ');
  const small = {'font-size': 11, fill: theme.muted};
  return breakLines(`${describeMode(shot)} ${facts}`, LEFT.width, theme)
    .slice(0, 3)
    .map((line, i) => writeWords(LEFT.x, 574 + 13 * i, escapeXml(line), small))
    .join('');
}

/** Break a text into lines. @param {string} text @param {number} width @param {Theme} theme */
function breakLines(text, width, theme) {
  return text.split(' ').reduce((/** @type {string[]} */ done, word) => {
    const longer = `${done.at(-1) ?? ''} ${word}`.trim();
    return done.length && measure(longer, 11, theme.font) <= width ? [...done.slice(0, -1), longer] : [...done, word];
  }, []);
}
