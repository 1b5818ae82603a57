/**
 * This module puts both plots on one sheet, with everything that is needed to read them, as pictures of cells and SVG
 * above them.
 */
/** @import {Seen, Shot, State} from '../../model/types.js' */
/** @import {Picked} from '../../compute/network.js' */
/** @import {Picture} from '../../views/picture.js' */
/** @import {Theme} from '../../lib/theme.js' */
/** @import {Cells} from './parts.js' */
import {textWidth} from '../../lib/dom.js';
import {classesOf, findMisclassified} from '../../figures/boundary.js';
import {classColour, css, mapColour, pointColour} from '../../figures/colours.js';
import {glyph, SWATCH} from '../../figures/glyphs.js';
import {namedTicks, rangeNote, shareOf} from '../../figures/range.js';
import {modeText, planeFacts, planeTitle, residualFact, shareText} from '../../figures/slice.js';
import {lossText, percentText, shortText, tickLabel} from '../../lib/numbers.js';
import {learntText, sampleLossesOf} from '../../figures/sample_losses.js';
import {createCurvatureCurves, createLossCurves} from '../../views/curves.js';
import {boundaryPart, mapPart, sectionPart} from './parts.js';
import {sampleColours, samplePart} from './sample_part.js';
import {escapeXml, short, tag, words} from './vector.js';

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
 * @typedef {{canvas: HTMLCanvasElement, behind: string, before: string}} Surface the picture of the surface, and the
 *   SVG around it
 * @typedef {{behind: string, cells: Cells[], svg: string, theme: Theme}} Sheet `behind`: SVG below the cells; `svg`:
 *   SVG above them
 */

/** @param {Subject} subject @returns {Sheet} */
export function sheetOf(subject) {
  const {picture, theme, surface} = subject;
  const {shot} = picture;
  const left = surface
    ? {cells: [{canvas: surface.canvas, box: SURFACE, clip: SURFACE}], svg: placeSvg(surface.before)}
    : shot.view === 'section'
      ? sectionPart(picture, {...LEFT, ...PLOT}, theme)
      : mapPart(picture, {...LEFT, ...PLOT}, theme);
  const right = rightPart(subject);
  // Without a right plot the left one is in the middle.
  const middle = right ? 0 : (SIZE.width - LEFT.width) / 2 - LEFT.x;
  const moveToMiddle = (/** @type {string} */ svg) =>
    middle ? tag('g', {transform: `translate(${middle} 0)`}, svg) : svg;
  return {
    theme,
    behind: surface ? moveToMiddle(placeSvg(surface.behind)) : '',
    cells: [...left.cells.map((cells) => shift(cells, middle)), ...(right?.cells ?? [])],
    svg: [
      drawHead(subject),
      moveToMiddle(
        [landscapeHead(picture, theme), colourBar(picture, theme), left.svg, landscapeCaption(subject)].join(''),
      ),
      right ? tag('path', {d: `M644 84V604`, stroke: theme.line}) + right.svg : '',
      timeline(subject),
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
function rightPart({picture: {shot}, seen, logits, theme}) {
  const {run, frame} = shot;
  const box = {...RIGHT, ...PLOT};
  if (run.hasSampleLosses) {
    const {cells, svg} = samplePart(shot, box, theme);
    const bar = sampleColours(run, {...BAR, x: RIGHT.x + 28}, theme);
    const note = rightNote(learntText(sampleLossesOf(run), frame), theme);
    return {cells, svg: heading(RIGHT.x, 'Loss of each sample', theme) + bar + svg + note};
  }
  if (!seen) return null;
  const {cells, svg} = boundaryPart(shot, seen, logits, box, theme);
  const head = heading(RIGHT.x, 'Decision boundary', theme) + legend(run, theme);
  const wrong = findMisclassified(run, seen).length;
  const note = rightNote(`${wrong} of ${run.numbers('labels').length} points misclassified`, theme);
  return {cells, svg: head + svg + note};
}

/** @param {string} text @param {Theme} theme */
const rightNote = (text, theme) =>
  words(RIGHT.x + RIGHT.width, 600, text, {'font-size': 11, fill: theme.muted, 'text-anchor': 'end'});

/** Move what is drawn around the surface to its place. @param {string} svg */
function placeSvg(svg) {
  return tag('svg', {...SURFACE, viewBox: `0 0 ${SURFACE.width} ${SURFACE.height}`}, svg);
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
    tag('tspan', {fill: theme.ink, 'font-weight': 600}, escapeXml(content));
  const pair = (
    /** @type {string} */ name,
    /** @type {'loss' | 'accuracy'} */ what,
    /** @type {(value: number) => string} */ write,
  ) => `${name} ${boldText(write(of(`train_${what}`)))} train, ${boldText(write(of(`test_${what}`)))} test`;
  const where = metrics && pick ? `   ·   at ${boldText(`a ${shortText(pick[0])}, b ${shortText(pick[1])}`)}` : '';
  return (
    words(32, 46, escapeXml(run.manifest.title), {
      'font-size': 22,
      'font-weight': 650,
      fill: theme.ink,
      'letter-spacing': -0.2,
    }) +
    words(SIZE.width - 32, 46, `Epoch ${boldText(String(run.frames[frame]))}`, {
      'font-size': 22,
      'text-anchor': 'end',
      fill: theme.muted,
    }) +
    words(32, 72, [pair('loss', 'loss', lossText), pair('accuracy', 'accuracy', percentText)].join('   ·   ') + where, {
      'font-size': 14,
      fill: theme.muted,
      'xml:space': 'preserve',
    }) +
    words(SIZE.width - 32, 72, 'Loss Atlas', {'font-size': 13, 'text-anchor': 'end', fill: theme.muted}) +
    rule(84, theme)
  );
}

/** @param {number} y @param {Theme} theme */
function rule(y, theme) {
  return tag('path', {d: `M0 ${y}H${SIZE.width}`, stroke: theme.line});
}

/** @param {Picture} picture @param {Theme} theme */
function landscapeHead({shot: {plane, span}}, theme) {
  const [loss, theta, a, b, d] = ['L', 'θ', 'a', 'b', 'd'].map(
    (letter) => `<tspan font-style="italic">${letter}</tspan>`,
  );
  const maths = `${loss}(${theta} + ${a}·${d}₁ + ${b}·${d}₂)`;
  return (
    heading(LEFT.x, 'Loss landscape', theme) +
    words(LEFT.x + 12 + measure('Loss landscape', 15, theme.font, 650), 110, maths, {
      'font-family': 'STIX Two Text, Cambria Math, Georgia, serif',
      'font-size': 16,
      fill: theme.muted,
    }) +
    words(LEFT.x + LEFT.width, 110, escapeXml(`${planeTitle(plane)} · ±${shortText(span)}`), {
      'font-size': 13,
      'text-anchor': 'end',
      fill: theme.muted,
    })
  );
}

/** @param {number} x @param {string} title @param {Theme} theme */
function heading(x, title, theme) {
  return words(x, 110, title, {'font-size': 15, 'font-weight': 650, fill: theme.ink});
}

/** @param {Picture} picture @param {Theme} theme */
function colourBar({range, loss, title}, theme) {
  const {x, y, width, height} = BAR;
  const stops = Array.from({length: 17}, (_, i) =>
    tag('stop', {offset: i / 16, 'stop-color': css(mapColour(range.kind, i / 16))}),
  );
  const now = x + width * Math.min(1, Math.max(0, shareOf(range, loss)));
  return (
    tag('linearGradient', {id: 'loss-map'}, ...stops) +
    words(x - 12, y + 9, escapeXml(title), {'font-size': 12, 'text-anchor': 'end', fill: theme.muted}) +
    tag('rect', {...BAR, rx: 2, fill: 'url(#loss-map)'}) +
    tag('rect', {x: now - 2, y: y - 3, width: 4, height: height + 6, rx: 2, fill: theme.paper, stroke: theme.ink}) +
    namedTicks(range)
      .map((tick) =>
        words(x + width * shareOf(range, tick), y + height + 14, tickLabel(tick), {
          'font-size': 11,
          'text-anchor': 'middle',
          fill: theme.muted,
        }),
      )
      .join('')
  );
}

/** Draw the legend in one row, or in two where one is full. @param {Shot['run']} run @param {Theme} theme */
function legend(run, theme) {
  const grey = {stroke: theme.muted, 'stroke-width': 1.5};
  const {occurring, pointed} = classesOf(run);
  const entries = [
    ...occurring.map((k) => ({
      name: run.classes[k],
      mark: pointed.has(k)
        ? tag('path', {d: glyph(k, 4), fill: css(pointColour(k, theme.dark))})
        : tag('path', {d: SWATCH, fill: css(classColour(k)), 'fill-opacity': 0.6, stroke: theme.muted}),
    })),
    {name: 'train', mark: tag('path', {d: glyph(0, 4), ...grey, fill: theme.muted})},
    ...(run.numbers('split').includes(1)
      ? [{name: 'test', mark: tag('path', {d: glyph(0, 3.6), ...grey, fill: 'none'})}]
      : []),
    {name: 'misclassified', mark: tag('path', {d: glyph(0, 6) + glyph(0, 2.5), ...grey, fill: 'none'})},
  ].map((entry) => ({...entry, width: 32 + measure(entry.name, 12, theme.font)}));
  let x = RIGHT.x + 4;
  let y = 132;
  return entries
    .map(({name, mark, width}) => {
      if (x + width > RIGHT.x + RIGHT.width && y < 140) [x, y] = [RIGHT.x + 4, 148];
      const drawn =
        tag('g', {transform: `translate(${short(x)} ${y})`}, mark) +
        words(x + 11, y + 4, escapeXml(name), {'font-size': 12, fill: theme.muted});
      x += width;
      return drawn;
    })
    .join('');
}

/** Describe the slice. @param {Subject} subject */
function landscapeCaption({picture: {shot, range}, theme}) {
  const texts = [...planeFacts(shot.plane), residualFact(shot)].map((fact) => fact?.text);
  const facts = [shareText(shot.plane).replace(/\.$/, ''), ...texts, rangeNote(range)].filter(Boolean).join(' · ');
  const small = {'font-size': 11, fill: theme.muted};
  return lines(`${modeText(shot)} ${facts}`, LEFT.width, theme)
    .slice(0, 3)
    .map((line, i) => words(LEFT.x, 574 + 13 * i, escapeXml(line), small))
    .join('');
}

/** Break a text into lines. @param {string} text @param {number} width @param {Theme} theme */
function lines(text, width, theme) {
  return text.split(' ').reduce((/** @type {string[]} */ done, word) => {
    const longer = `${done.at(-1) ?? ''} ${word}`.trim();
    return done.length && measure(longer, 11, theme.font) <= width ? [...done.slice(0, -1), longer] : [...done, word];
  }, []);
}

/** Draw the curves at the bottom, with the epoch that is shown. @param {Subject} subject */
function timeline({
  picture: {
    shot: {run, frame, scale},
  },
  timeline: wished,
  theme,
}) {
  const {x, y, width, height} = CURVES;
  const box = {width, height, inset: 8, top: 4, bottom: 4};
  const known = wished === 'curvature' && run.manifest.curvature;
  const {figure, at} = known ? createCurvatureCurves(run, box) : createLossCurves(run, scale, box);
  const now = at(frame);
  const names = known ? ['λ max', 'λ min'] : ['train loss', 'test loss'];
  const dot = (/** @type {number} */ height, /** @type {string} */ fill) =>
    Number.isFinite(height)
      ? tag('circle', {cx: now.x, cy: height, r: 3.5, fill, stroke: theme.paper, 'stroke-width': 1.5})
      : '';
  const second = {stroke: theme.accent, 'stroke-dasharray': '4 2'};
  return (
    rule(608, theme) +
    tag(
      'g',
      {transform: `translate(${x} ${y})`, fill: 'none', 'stroke-width': 1.75, 'stroke-linejoin': 'round'},
      ...figure.ticks.map((tick) =>
        tag('path', {d: `M8 ${short(tick.at)}H${width - 8}`, stroke: theme.line, 'stroke-width': 1}),
      ),
      tag('path', {d: `M${short(now.x)} 0V${height}`, stroke: theme.accent, 'stroke-width': 1}),
      tag('path', {d: figure.second, ...second}),
      tag('path', {d: figure.first, stroke: theme.ink}),
      dot(now.y[0], theme.accent),
      dot(now.y[1], theme.ink),
      tag(
        'g',
        {fill: theme.muted, stroke: 'none', 'font-size': 11},
        ...figure.ticks.map((tick) => words(-4, tick.at + 4, tick.text, {'text-anchor': 'end'})),
        ...figure.epochTicks.map((tick) => words(tick.at, height + 16, tick.text, {'text-anchor': 'middle'})),
      ),
      tag(
        'g',
        {transform: `translate(${width - 176} -10)`, 'font-size': 11},
        tag('path', {d: 'M0 0h16', stroke: theme.ink}),
        words(22, 4, names[0], {fill: theme.muted, stroke: 'none'}),
        tag('path', {d: 'M92 0h16', ...second}),
        words(114, 4, names[1], {fill: theme.muted, stroke: 'none'}),
      ),
      figure.edge?.at
        ? tag('path', {
            d: `M8 ${short(figure.edge.at)}H${width - 8}`,
            stroke: theme.muted,
            'stroke-dasharray': '6 4',
            'stroke-width': 1,
          })
        : '',
    )
  );
}

/** @param {string} text @param {number} size @param {string} font @param {number} [weight] */
const measure = (text, size, font, weight = 400) => textWidth(text, `${weight} ${size}px ${font}`);
