/**
 * This feature shows a training while somebody records it: the curves of its losses, and its path so far. It has no
 * planes yet, so nothing else can be drawn.
 */
/** @import {Recording} from '../../loading/live.js' */
import {make, makeSvg, setText} from '../../lib/dom.js';
import {percentText} from '../../lib/numbers.js';
import {hasCurves, lineThrough, lossCurves, pathPlaces} from './figure.js';

const CURVES = {width: 400, height: 180, inset: 8, top: 8, bottom: 24};
const PATH = {width: 440, height: 260, room: 16};
/** The width of the labels of the losses. */
const LABELS = 40;

export function createRecordingView() {
  const main = /** @type {HTMLElement} */ (document.querySelector('main'));
  const heading = make('h2', {id: 'recording-heading'});
  const note = make('p', {class: 'recording-note'});
  const curves = makeSvg('svg', {class: 'recording-curves', role: 'img', 'aria-label': 'Train and test loss so far'});
  const path = makeSvg('svg', {class: 'recording-path', role: 'img', 'aria-label': 'The path so far'});
  const caption = make('figcaption');
  const losses = make('figure', {}, curves, make('figcaption', {}, makeKey('train'), makeKey('test')));
  const root = make(
    'section',
    {class: 'recording', id: 'recording', 'aria-labelledby': 'recording-heading', hidden: true},
    heading,
    note,
    losses,
    make('figure', {}, path, caption),
  );
  main.append(root);
  return {
    /** @param {Recording} recording */
    show(recording) {
      root.hidden = false;
      main.dataset.recording = 'true';
      setText(heading, recording.title);
      losses.hidden = !hasCurves(recording);
      setText(note, describeState(recording, losses.hidden));
      if (!losses.hidden) drawCurves(curves, recording);
      drawPath(path, caption, recording);
    },
    hide() {
      root.hidden = true;
      delete main.dataset.recording;
    },
  };
}

/** @param {Recording} recording @param {boolean} lacksLosses */
function describeState({frames, outcome}, lacksLosses) {
  if (outcome.status === 'interrupted') return `Interrupted, with ${frames.length} frames. ${outcome.message}`;
  return (
    `Being recorded: epoch ${frames.at(-1)}, ${frames.length} frames. ` +
    'The landscape, the curvature and the right plot are computed when the recording ends; then they are shown here.' +
    (lacksLosses
      ? ' Losses follow as soon as measuring them takes at most a hundredth of the time of the training; a recorder ' +
        'with measure="now" shows them at once.'
      : '')
  );
}

/** @param {'train' | 'test'} name */
const makeKey = (name) => make('span', {class: name}, `${name} loss`);

/** @param {SVGSVGElement} svg @param {Recording} recording */
function drawCurves(svg, recording) {
  const {width, height, bottom} = CURVES;
  const {train, test, ticks, epochTicks} = lossCurves(recording, CURVES);
  svg.setAttribute('viewBox', `${-LABELS} 0 ${width + LABELS} ${height}`);
  svg.replaceChildren(
    ...ticks.flatMap(({at, text}) => [
      makeSvg('line', {x1: 0, x2: width, y1: at, y2: at}),
      makeSvg('text', {x: -6, y: at + 4, 'text-anchor': 'end'}, text),
    ]),
    ...epochTicks.map(({at, text}) => makeSvg('text', {x: at, y: height - bottom + 20, 'text-anchor': 'middle'}, text)),
    makeSvg('path', {class: 'test', d: test}),
    makeSvg('path', {class: 'train', d: train}),
  );
}

/** @param {SVGSVGElement} svg @param {HTMLElement} caption @param {Recording} recording */
function drawPath(svg, caption, {path, frames}) {
  svg.setAttribute('viewBox', `0 0 ${PATH.width} ${PATH.height}`);
  const places = path ? pathPlaces(path.points, PATH) : [];
  svg.replaceChildren(
    makeSvg('path', {class: 'train', d: lineThrough(places)}),
    ...places.map(({x, y}, i) => {
      const isLast = i === places.length - 1;
      const dot = makeSvg('circle', {cx: x, cy: y, r: isLast ? 7 : 3, class: isLast ? 'now' : 'frame'});
      dot.append(makeSvg('title', {}, `epoch ${frames[i]}`));
      return dot;
    }),
  );
  setText(
    caption,
    path
      ? `The path in the plane of its two principal components so far, which holds ` +
          `${percentText(path.explained_variance)} of its variance. The large dot is the newest frame.`
      : 'The path follows with the third frame, unless the model is too large for it.',
  );
}
