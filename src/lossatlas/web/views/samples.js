/**
 * This view draws the loss of each sample over the epochs, in place of a boundary. It is loaded when the first run
 * without classes is shown.
 */
/** @import {Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {SampleLosses, Group} from '../figures/sample_losses.js' */
import {byId, make, makeSvg, setText} from '../lib/dom.js';
import {lossText} from '../lib/numbers.js';
import {findLearntLine, describeLearnt, paintSamples, readSampleLosses} from '../figures/sample_losses.js';
import {textScale} from '../lib/sizes.js';
import {joinKey} from '../model/keys.js';
import {createColourbar} from './colourbar.js';

/** The room around the cells in pixels, for text of the usual size. */
const MARGIN = {l: 32, r: 16, t: 40, b: 40};
/** The gap between training and test samples. */
const GAP = 8;
/** The height of the label of an epoch. */
const LABEL = 40;

/** @param {{onFrame: (frame: number) => void}} options */
export function createSamples({onFrame}) {
  const bar = make('div', {class: 'colourbar', 'aria-hidden': 'true'});
  const canvases = make('div', {class: 'samples-cells'});
  const lines = makeSvg('svg', {class: 'samples-lines'});
  const now = make('div', {class: 'samples-now'});
  const probe = make('p', {class: 'probe', 'aria-hidden': 'true'});
  const root = make(
    'div',
    {class: 'samples-plot', id: 'samples-plot', role: 'img', 'aria-labelledby': 'boundary-heading boundary-summary'},
    bar,
    canvases,
    lines,
    now,
    probe,
  );
  byId('boundary-plot').after(root);
  const colourbar = createColourbar(bar);
  /** @type {{run: Run, frame: number, all: SampleLosses, boxes: ReturnType<typeof layOut>} | null} */
  let shown = null;
  let drawn = '';

  /** Return the sample and the frame at a place of the page. @param {MouseEvent} event */
  const cellAt = (event) => {
    if (!shown) return null;
    const {left, top} = root.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const found = shown.boxes.find(({box}) => y >= box.y && y < box.y + box.height);
    const share = found ? (x - found.box.x) / found.box.width : -1;
    if (!found || share < 0 || share >= 1) return null;
    const row = Math.floor(((y - found.box.y) / found.box.height) * found.group.samples.length);
    return {group: found.group, sample: found.group.samples[row], frame: Math.floor(share * shown.all.frames)};
  };
  root.addEventListener('pointermove', (event) => setText(probe, textOf(shown, cellAt(event))));
  root.addEventListener('pointerleave', () => setText(probe, ''));
  root.addEventListener('click', (event) => {
    const cell = cellAt(event);
    if (cell) onFrame(cell.frame);
  });

  return {
    /** @param {Shot} shot @param {string} style changes with the size and the theme */
    draw({run, frame}, style) {
      const all = readSampleLosses(run);
      const key = joinKey(run.id, style);
      if (key !== drawn) {
        const boxes = layOut(all, root.clientWidth, root.clientHeight);
        shown = {run, frame, all, boxes};
        canvases.replaceChildren(...boxes.map(({group, box}) => paint(all, group, box)));
        lines.replaceChildren(...drawLines(run, all, boxes));
        colourbar.draw(all.range, 'loss', key);
      }
      drawn = key;
      if (!shown) return;
      shown.frame = frame;
      const [{box}] = shown.boxes;
      const last = shown.boxes[shown.boxes.length - 1].box;
      now.style.cssText =
        `left:${box.x + (frame / all.frames) * box.width}px;top:${box.y}px;` +
        `width:${box.width / all.frames}px;height:${last.y + last.height - box.y}px`;
      const mean = all.groups[0].samples.reduce((sum, i) => sum + all.losses[frame * all.count + i], 0);
      colourbar.mark(all.range, mean / all.groups[0].samples.length);
    },
    /** @param {Run} run @param {number} frame */
    summary: (run, frame) => `Epoch ${run.frames[frame]}: ${describeLearnt(readSampleLosses(run), frame)}`,
    /** @param {Run} run @param {number} frame */
    note: (run, frame) => describeLearnt(readSampleLosses(run), frame),
  };
}

/**
 * Divide the plot between training and test samples, in proportion to their number.
 * @param {SampleLosses} all @param {number} width @param {number} height
 */
function layOut({groups}, width, height) {
  const text = textScale();
  const room = Math.max(1, height - (MARGIN.t + MARGIN.b) * text - GAP * (groups.length - 1));
  const total = groups.reduce((sum, {samples}) => sum + samples.length, 0);
  let y = MARGIN.t * text;
  return groups.map((group) => {
    const box = {x: MARGIN.l * text, y, width: Math.max(1, width - (MARGIN.l + MARGIN.r) * text), height: 0};
    box.height = (room * group.samples.length) / total;
    y += box.height + GAP;
    return {group, box};
  });
}

/** @param {SampleLosses} all @param {Group} group @param {{x: number, y: number, width: number, height: number}} box */
function paint(all, group, {x, y, width, height}) {
  const canvas = make('canvas', {width: all.frames, height: group.samples.length});
  const image = new ImageData(canvas.width, canvas.height);
  paintSamples(all, group, new Uint32Array(image.data.buffer));
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  Object.assign(canvas.style, {left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px`});
  return canvas;
}

/**
 * Draw the line that marks when samples are learnt, the names of the groups, and the axis of epochs.
 * @param {Run} run @param {SampleLosses} all @param {ReturnType<typeof layOut>} boxes
 */
function drawLines(run, all, boxes) {
  const text = textScale();
  const [{box}] = boxes;
  const last = boxes[boxes.length - 1].box;
  const bottom = last.y + last.height;
  const every = Math.ceil((LABEL * text * all.frames) / box.width);
  return [
    ...boxes.flatMap(({group, box: own}) => {
      const d = findLearntLine(group, all.frames, own);
      const [x, y] = [own.x - 12 * text, own.y + own.height / 2];
      return [
        makeSvg('path', {class: 'casing', d}),
        makeSvg('path', {class: 'learnt', d}),
        makeSvg('text', {x, y, transform: `rotate(-90 ${x} ${y})`}, group.name),
      ];
    }),
    ...run.frames.flatMap((epoch, frame) => {
      const x = box.x + ((frame + 0.5) / all.frames) * box.width;
      return frame % every ? [] : [makeSvg('text', {x, y: bottom + 14 * text}, String(epoch))];
    }),
    makeSvg('text', {class: 'title', x: box.x + box.width / 2, y: bottom + 32 * text}, 'epoch'),
  ];
}

/**
 * @param {{run: Run, all: SampleLosses} | null} shown
 * @param {{group: Group, sample: number, frame: number} | null} cell
 */
function textOf(shown, cell) {
  if (!shown || !cell) return '';
  const {run, all} = shown;
  const loss = all.losses[cell.frame * all.count + cell.sample];
  const number = cell.group.name === 'test' ? cell.sample - all.groups[0].samples.length : cell.sample;
  return `${cell.group.name} sample ${number + 1}, epoch ${run.frames[cell.frame]}: loss ${lossText(loss)}`;
}
