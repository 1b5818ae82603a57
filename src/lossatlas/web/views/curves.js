/** The loss curves, on the axis of the slider below them. */
/** @import {Run} from '../run.js' */
import {byId, make, makeSvg} from '../dom.js';
import {curvesFigure} from '../figures/curves.js';

/** Half the slider's thumb: where a native range's first and last value lie. As --thumb in styles/tokens.css. */
const INSET = 8;

export function createCurves() {
  /** @type {SVGSVGElement} */
  const svg = byId('curves');
  const ticks = byId('epoch-ticks');
  const axis = makeSvg('g', {class: 'axis'});
  const test = makeSvg('path', {class: 'test'});
  const train = makeSvg('path', {class: 'train'});
  const cursor = makeSvg('line', {class: 'cursor'});
  const dots = [makeSvg('circle', {class: 'test', r: 3}), makeSvg('circle', {class: 'train', r: 3})];
  svg.append(axis, cursor, test, train, ...dots);
  /** @type {ReturnType<typeof curvesFigure> | null} */
  let figure = null;

  return {
    /** New curves, or a new size. @param {Run} run @param {'linear' | 'log'} scale */
    draw(run, scale) {
      const {width, height} = svg.getBoundingClientRect();
      if (width === 0) return;
      const box = {width, height, inset: INSET, top: 8, bottom: 6};
      figure = curvesFigure(run, scale, box);
      svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
      train.setAttribute('d', figure.train);
      test.setAttribute('d', figure.test);
      cursor.setAttribute('y2', String(height));
      axis.replaceChildren(...figure.lossTicks.flatMap(({at, text}) => [
        makeSvg('line', {x1: INSET, x2: width - INSET, y1: at, y2: at}),
        makeSvg('text', {x: -4, y: at}, text),
      ]));
      ticks.replaceChildren(...figure.epochTicks.map(({at, text}) => {
        const label = make('span', {}, text);
        label.style.left = `${at}px`;
        return label;
      }));
    },
    /** @param {Run} run @param {number} frame */
    mark(run, frame) {
      if (!figure) return;
      const at = figure.x(frame);
      cursor.setAttribute('x1', String(at));
      cursor.setAttribute('x2', String(at));
      const losses = [run.metrics.test_loss[frame], run.metrics.train_loss[frame]];
      dots.forEach((dot, i) => {
        const there = Number.isFinite(losses[i]);
        dot.style.display = there ? '' : 'none';
        if (!there) return;
        dot.setAttribute('cx', String(at));
        dot.setAttribute('cy', String(figure?.y(losses[i])));
      });
    },
  };
}
