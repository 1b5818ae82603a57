/** This module draws what explains a plot's colours and marks: the bar of the losses, and the legend of the classes. */
/** @import {Shot} from '../../model/types.js' */
/** @import {Picture} from '../../views/picture.js' */
/** @import {Theme} from '../../lib/theme.js' */
/** @import {Box} from './vector.js' */
import {textWidth} from '../../lib/dom.js';
import {tickLabel} from '../../lib/numbers.js';
import {listClasses} from '../../figures/boundary.js';
import {chooseClassColour, writeCss, computeMapColour, choosePointColour} from '../../figures/colours.js';
import {glyph, SWATCH} from '../../figures/glyphs.js';
import {chooseNamedTicks, computeShare} from '../../figures/range.js';
import {escapeXml, roundForSvg, writeTag, writeWords} from './vector.js';

/** The height of a row of the legend, in pixels. */
const ROW = 16;

/** @param {string} text @param {number} size @param {string} font @param {number} [weight] */
export const measure = (text, size, font, weight = 400) => textWidth(text, `${weight} ${size}px ${font}`);

/**
 * Draw the colours of the losses, with their name at the left, and a mark at the network's own loss.
 * @param {Pick<Picture, 'range' | 'loss' | 'title'>} picture @param {Box} bar @param {Theme} theme
 */
export function drawColourBar({range, loss, title}, bar, theme) {
  const {x, y, width, height} = bar;
  const stops = Array.from({length: 17}, (_, i) =>
    writeTag('stop', {offset: i / 16, 'stop-color': writeCss(computeMapColour(range.kind, i / 16))}),
  );
  const now = x + width * Math.min(1, Math.max(0, computeShare(range, loss)));
  return (
    writeTag('linearGradient', {id: 'loss-map'}, ...stops) +
    writeWords(x - 12, y + 9, escapeXml(title), {'font-size': 12, 'text-anchor': 'end', fill: theme.muted}) +
    writeTag('rect', {...bar, rx: 2, fill: 'url(#loss-map)'}) +
    writeTag('rect', {
      x: now - 2,
      y: y - 3,
      width: 4,
      height: height + 6,
      rx: 2,
      fill: theme.paper,
      stroke: theme.ink,
    }) +
    chooseNamedTicks(range)
      .map((tick) =>
        writeWords(x + width * computeShare(range, tick), y + height + 14, tickLabel(tick), {
          'font-size': 11,
          'text-anchor': 'middle',
          fill: theme.muted,
        }),
      )
      .join('')
  );
}

/**
 * Draw the legend of the classes and of the points, in as many rows as it needs.
 * @param {Shot['run']} run @param {{x: number, y: number, width: number}} place `y`: the middle of the first row
 * @param {Theme} theme @param {number} [most] the largest number of rows
 * @returns {{svg: string, height: number}} the height from the first row's middle to the last row's lower edge
 */
export function drawLegendRows(run, {x: left, y: top, width: room}, theme, most = Infinity) {
  const grey = {stroke: theme.muted, 'stroke-width': 1.5};
  const {occurring, pointed} = listClasses(run);
  const entries = [
    ...occurring.map((k) => ({
      name: run.classes[k],
      mark: pointed.has(k)
        ? writeTag('path', {d: glyph(k, 4), fill: writeCss(choosePointColour(k, theme.dark))})
        : writeTag('path', {d: SWATCH, fill: writeCss(chooseClassColour(k)), 'fill-opacity': 0.6, stroke: theme.muted}),
    })),
    {name: 'train', mark: writeTag('path', {d: glyph(0, 4), ...grey, fill: theme.muted})},
    ...(run.numbers('split').includes(1)
      ? [{name: 'test', mark: writeTag('path', {d: glyph(0, 3.6), ...grey, fill: 'none'})}]
      : []),
    {name: 'misclassified', mark: writeTag('path', {d: glyph(0, 6) + glyph(0, 2.5), ...grey, fill: 'none'})},
  ].map((entry) => ({...entry, width: 32 + measure(entry.name, 12, theme.font)}));
  let [x, row] = [left, 0];
  const svg = entries.map(({name, mark, width}) => {
    // The room after the last entry of a row may be cut off.
    if (x > left && x + width - 16 > left + room && row + 1 < most) [x, row] = [left, row + 1];
    const y = top + ROW * row;
    const drawn =
      writeTag('g', {transform: `translate(${roundForSvg(x)} ${roundForSvg(y)})`}, mark) +
      writeWords(x + 11, y + 4, escapeXml(name), {'font-size': 12, fill: theme.muted});
    x += width;
    return drawn;
  });
  return {svg: svg.join(''), height: ROW * (row + 0.5)};
}
