/** This view draws the timeline: curves of the loss or of the curvature, on the axis of the slider below them. */
/** @import {State} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
import {byId, make, makeSvg, setText} from '../lib/dom.js';
import {computeCurvature, findNearestMeasurement} from '../figures/curvature.js';
import {computeCurves} from '../figures/curves.js';
import {textScale} from '../lib/sizes.js';

/**
 * Half the width of the slider's thumb: a native slider's first and last value lie there. It equals half of --thumb in
 * styles/tokens.css.
 */
const INSET = 8;
const LOGARITHMIC =
  'The first 50 epochs are evenly spaced, later ones by their logarithm, so that the fall of the loss has room.';
const LABELS = {
  loss: 'Train and test loss by epoch',
  curvature: 'Largest and smallest eigenvalue of the Hessian by epoch',
};

/**
 * @typedef {object} Curves two curves and their places
 * @property {{first: string, second: string, ticks: {at: number, text: string}[], epochTicks: {at: number, text:
 *   string}[], edge: {at: number | null, text: string} | null}} figure
 * @property {(frame: number) => {x: number, y: number[]}} at returns the places of a frame; the second curve comes
 *   first
 */

export function createCurves() {
  /** @type {SVGSVGElement} */
  const svg = byId('curves');
  const ticks = byId('epoch-ticks');
  const axis = makeSvg('g', {class: 'axis'});
  const edge = makeSvg('g', {class: 'edge'});
  const second = makeSvg('path', {class: 'test'});
  const first = makeSvg('path', {class: 'train'});
  const cursor = makeSvg('line', {class: 'cursor'});
  const dots = [makeSvg('circle', {class: 'test', r: 3}), makeSvg('circle', {class: 'train', r: 3})];
  svg.append(axis, edge, cursor, second, first, ...dots);
  /** @type {Curves | null} */
  let curves = null;
  /** The size is measured once for each style: measuring makes the browser lay out the whole page. */
  let size = {style: NaN, width: 0, height: 0, text: 1};

  return {
    /**
     * Draw the curves if they, or their size, have changed.
     * @param {Run} run
     * @param {'linear' | 'log'} scale
     * @param {State['timeline']} timeline
     * @param {number} style changes with size and theme
     */
    draw(run, scale, timeline, style) {
      if (style !== size.style || size.width === 0) {
        const {width, height} = svg.getBoundingClientRect();
        size = {style, width, height, text: textScale()};
      }
      const {width, height, text} = size;
      if (width === 0) return;
      const box = {width, height, inset: INSET, top: 8, bottom: 6, text};
      curves = timeline === 'curvature' ? createCurvatureCurves(run, box) : createLossCurves(run, scale, box);
      const {figure} = curves;
      svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
      svg.setAttribute('aria-label', LABELS[timeline]);
      first.setAttribute('d', figure.first);
      second.setAttribute('d', figure.second);
      cursor.setAttribute('y2', String(height));
      axis.replaceChildren(
        ...figure.ticks.flatMap(({at, text}) => [
          makeSvg('line', {x1: INSET, x2: width - INSET, y1: at, y2: at}),
          makeSvg('text', {x: -4, y: at}, text),
        ]),
      );
      const at = figure.edge?.at ?? null;
      edge.replaceChildren(...(at === null ? [] : [makeSvg('line', {x1: INSET, x2: width - INSET, y1: at, y2: at})]));
      ticks.title = run.hasEveryEpoch ? LOGARITHMIC : '';
      setText(byId('edge'), figure.edge?.text ?? '');
      ticks.replaceChildren(
        ...figure.epochTicks.map(({at, text}) => {
          const label = make('span', {}, text);
          label.style.left = `${at}px`;
          return label;
        }),
      );
    },
    /** @param {number} frame */
    mark(frame) {
      if (!curves) return;
      const {x, y} = curves.at(frame);
      cursor.setAttribute('x1', String(x));
      cursor.setAttribute('x2', String(x));
      dots.forEach((dot, i) => {
        const there = Number.isFinite(y[i]);
        dot.style.display = there ? '' : 'none';
        if (!there) return;
        dot.setAttribute('cx', String(x));
        dot.setAttribute('cy', String(y[i]));
      });
    },
  };
}

/**
 * @param {Run} run
 * @param {'linear' | 'log'} scale
 * @param {import('../figures/curves.js').Box} box
 * @returns {Curves}
 */
export function createLossCurves(run, scale, box) {
  const {train, test, ticks, epochTicks, x, y} = computeCurves(run, scale, box);
  const {test_loss, train_loss} = run.metrics;
  return {
    figure: {first: train, second: test, ticks, epochTicks, edge: null},
    at: (frame) => ({
      x: x(frame),
      y: [test_loss[frame], train_loss[frame]].map((loss) => (Number.isFinite(loss) ? y(loss) : NaN)),
    }),
  };
}

/** @param {Run} run @param {import('../figures/curves.js').Box} box @returns {Curves} */
export function createCurvatureCurves(run, box) {
  const curvature = /** @type {import('../model/types.js').Curvature} */ (run.manifest.curvature);
  const {upper, lower, edge, ticks, epochTicks, x, y} = computeCurvature(run, curvature, box);
  return {
    figure: {first: upper, second: lower, ticks, epochTicks, edge},
    at: (frame) => {
      const i = findNearestMeasurement(curvature, frame);
      const there = curvature.frames[i] === frame; // Between two measurements the cursor is alone.
      return {x: x(frame), y: [curvature.smallest[i], curvature.largest[i]].map((value) => (there ? y(value) : NaN))};
    },
  };
}
