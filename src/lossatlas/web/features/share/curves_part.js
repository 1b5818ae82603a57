/** This module draws the curves of a training, of the loss or of the curvature, with the epoch that is shown. */
/** @import {Shot, State} from '../../model/types.js' */
/** @import {Theme} from '../../lib/theme.js' */
/** @import {Box} from './vector.js' */
import {createCurvatureCurves, createLossCurves} from '../../views/curves.js';
import {measure} from './legend.js';
import {escapeXml, roundForSvg, writeTag, writeWords} from './vector.js';

/** The empty room at both ends of the time axis, in pixels. */
const INSET = 8;
/** The length of a line in the key, and the room between two entries, in pixels. */
const [SAMPLE, GAP] = [16, 18];
const SMALL = 11;

/**
 * @param {Shot} shot @param {State['timeline']} wished @param {Box} box the key lies above it, the epochs below it
 * @param {Theme} theme
 */
export function drawCurvesPart({run, frame, scale}, wished, {x, y, width, height}, theme) {
  const room = {width, height, inset: INSET, top: 4, bottom: 4};
  const known = wished === 'curvature' && run.manifest.curvature;
  const {figure, at} = known ? createCurvatureCurves(run, room) : createLossCurves(run, scale, room);
  const now = at(frame);
  const looks = {
    first: {stroke: theme.ink},
    second: {stroke: theme.accent, 'stroke-dasharray': '4 2'},
    edge: {stroke: theme.muted, 'stroke-dasharray': '6 4', 'stroke-width': 1},
  };
  const names = known ? ['λ max', 'λ min'] : ['train loss', 'test loss'];
  const entries = [
    {text: names[0], look: looks.first},
    {text: names[1], look: looks.second},
    ...(figure.edge ? [{text: figure.edge.text, look: looks.edge}] : []),
  ];
  const dot = (/** @type {number} */ height, /** @type {string} */ fill) =>
    Number.isFinite(height)
      ? writeTag('circle', {cx: now.x, cy: height, r: 3.5, fill, stroke: theme.paper, 'stroke-width': 1.5})
      : '';
  const across = (/** @type {number} */ height) => `M${INSET} ${roundForSvg(height)}H${roundForSvg(width - INSET)}`;
  return writeTag(
    'g',
    {transform: `translate(${x} ${y})`, fill: 'none', 'stroke-width': 1.75, 'stroke-linejoin': 'round'},
    ...figure.ticks.map((tick) => writeTag('path', {d: across(tick.at), stroke: theme.line, 'stroke-width': 1})),
    writeTag('path', {d: `M${roundForSvg(now.x)} 0V${roundForSvg(height)}`, stroke: theme.accent, 'stroke-width': 1}),
    figure.edge?.at ? writeTag('path', {d: across(figure.edge.at), ...looks.edge}) : '',
    writeTag('path', {class: 'second', d: figure.second, ...looks.second}),
    writeTag('path', {class: 'first', d: figure.first, ...looks.first}),
    dot(now.y[0], theme.accent),
    dot(now.y[1], theme.ink),
    writeTag(
      'g',
      {fill: theme.muted, stroke: 'none', 'font-size': SMALL},
      ...figure.ticks.map((tick) => writeWords(-4, tick.at + 4, tick.text, {'text-anchor': 'end'})),
      ...figure.epochTicks.map((tick) => writeWords(tick.at, height + 16, tick.text, {'text-anchor': 'middle'})),
    ),
    drawKey(entries, width - INSET, theme),
  );
}

/**
 * Write the key of the lines above the curves, up to their right end.
 * @param {{text: string, look: Record<string, string | number>}[]} entries @param {number} right @param {Theme} theme
 */
function drawKey(entries, right, theme) {
  const widths = entries.map(({text}) => SAMPLE + 6 + measure(text, SMALL, theme.font) + GAP);
  let x = right + GAP - widths.reduce((sum, width) => sum + width, 0);
  return writeTag(
    'g',
    {'font-size': SMALL},
    ...entries.map(({text, look}, i) => {
      const from = x;
      x += widths[i];
      return (
        writeTag('path', {d: `M${roundForSvg(from)} -10h${SAMPLE}`, ...look}) +
        writeWords(from + SAMPLE + 6, -6, escapeXml(text), {fill: theme.muted, stroke: 'none'})
      );
    }),
  );
}
