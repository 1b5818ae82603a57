/** This module draws the loss of each sample over the epochs for a sheet, as views/samples.js draws it in the page. */
/** @import {Shot} from '../../model/types.js' */
/** @import {Theme} from '../../lib/theme.js' */
/** @import {Box} from './vector.js' */
/** @import {Part} from './parts.js' */
import {tickLabel} from '../../lib/numbers.js';
import {writeCss, computeMapColour} from '../../figures/colours.js';
import {chooseNamedTicks, computeShare} from '../../figures/range.js';
import {findLearntLine, paintSamples, readSampleLosses} from '../../figures/sample_losses.js';
import {createCanvas} from './parts.js';
import {writeTag, writeWords} from './vector.js';

/** The gap between training and test samples, and the height of the label of an epoch. */
const [GAP, LABEL] = [8, 40];

/** @param {Shot} shot @param {Box} box @param {Theme} theme @returns {Part} */
export function drawSamplePart({run, frame}, box, theme) {
  const all = readSampleLosses(run);
  const room = {x: box.x + 28, y: box.y, width: box.width - 28, height: box.height - 40};
  const total = all.groups.reduce((sum, {samples}) => sum + samples.length, 0);
  const height = room.height - GAP * (all.groups.length - 1);
  let y = room.y;
  const parts = all.groups.map((group) => {
    const own = {...room, y, height: (height * group.samples.length) / total};
    y += own.height + GAP;
    const canvas = createCanvas(all.frames, group.samples.length, (pixels) => paintSamples(all, group, pixels));
    const d = findLearntLine(group, all.frames, own);
    const line = {d, fill: 'none', 'stroke-linejoin': 'round'};
    const [x, middle] = [box.x + 14, own.y + own.height / 2];
    return {
      cells: {canvas, box: own, clip: own, sharp: true},
      svg:
        writeTag('path', {...line, stroke: '#fff', 'stroke-opacity': 0.85, 'stroke-width': 3.5}) +
        writeTag('path', {...line, stroke: '#111', 'stroke-width': 1.5}) +
        writeWords(x, middle, group.name, {...small(theme), transform: `rotate(-90 ${x} ${middle})`}),
    };
  });
  const width = room.width / all.frames;
  const every = Math.ceil(LABEL / width);
  const epochs = run.frames.flatMap((epoch, k) =>
    k % every ? [] : [writeWords(room.x + (k + 0.5) * width, room.y + room.height + 16, String(epoch), small(theme))],
  );
  const now = {x: room.x + frame * width, y: room.y, width, height: room.height};
  return {
    cells: parts.map(({cells}) => cells),
    svg: [
      ...parts.map(({svg}) => svg),
      writeTag('rect', {...now, fill: 'none', stroke: '#fff', 'stroke-width': 4}),
      writeTag('rect', {...now, fill: 'none', stroke: theme.accent, 'stroke-width': 2}),
      ...epochs,
      writeWords(room.x + room.width / 2, room.y + room.height + 34, 'epoch', {...small(theme), fill: theme.ink}),
    ].join(''),
  };
}

/** Draw the colours of the samples' losses. @param {Shot['run']} run @param {Box} box @param {Theme} theme */
export function drawSampleColours(run, {x, y, width, height}, theme) {
  const {range} = readSampleLosses(run);
  const stops = Array.from({length: 17}, (_, i) =>
    writeTag('stop', {offset: i / 16, 'stop-color': writeCss(computeMapColour(range.kind, i / 16))}),
  );
  return (
    writeTag('linearGradient', {id: 'sample-map'}, ...stops) +
    writeTag('rect', {x, y, width, height, rx: 2, fill: 'url(#sample-map)'}) +
    chooseNamedTicks(range)
      .map((tick) => writeWords(x + width * computeShare(range, tick), y + height + 14, tickLabel(tick), small(theme)))
      .join('')
  );
}

/** @param {Theme} theme */
const small = ({muted}) => ({'font-size': 11, 'text-anchor': 'middle', fill: muted});
