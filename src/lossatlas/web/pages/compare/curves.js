/** This module draws both runs' losses by epoch, on the axis of the slider below. */
/** @import {LossSet} from '../../model/types.js' */
/** @import {Run} from '../../model/run.js' */
import {byId, make, makeSvg, setText} from '../../lib/dom.js';
import {chooseEpochTicks, findLossDomain, drawLine, chooseLossTicks} from '../../figures/curves.js';
import {tickLabel} from '../../lib/numbers.js';

/** Half the width of the slider's thumb. It equals half of --thumb in styles/tokens.css. */
const INSET = 8;
const TOP = 10;
/** The radius of the dots that mark the epoch that is shown. */
const RADIUS = 7;
const BOTTOM = 6;

export function createCurves() {
  /** @type {SVGSVGElement} */
  const svg = byId('curves');
  const axis = makeSvg('g', {class: 'axis'});
  const cursor = makeSvg('line', {class: 'cursor'});
  const lines = ['a', 'b'].map((name) => makeSvg('path', {class: name}));
  const dots = ['a', 'b'].map((name) =>
    makeSvg('g', {class: `dot ${name}`}, makeSvg('circle', {r: RADIUS}), makeSvg('text', {}, name.toUpperCase())),
  );
  svg.append(axis, cursor, ...lines, ...dots);
  /** @type {((epoch: number, run: Run, set: LossSet) => {x: number, y: number}) | null} */
  let placeOf = null;

  return {
    /**
     * Draw new curves, or the same ones in a new size.
     * @param {(Run | null)[]} runs @param {number[]} epochs the epochs that either run has recorded @param {'linear' |
     *   'log'} scale @param {LossSet} set
     */
    draw(runs, epochs, scale, set) {
      const {width, height} = svg.getBoundingClientRect();
      const there = runs.filter((run) => run !== null);
      if (width === 0 || there.length === 0) return;
      const [low, high] = findLossDomain(
        {metrics: {train_loss: there.flatMap((run) => lossOf(run, set)), test_loss: []}},
        scale,
      );
      const last = Math.max(1, epochs.at(-1) ?? 1);
      const room = height - TOP - BOTTOM;
      const x = (/** @type {number} */ epoch) => INSET + (epoch / last) * (width - 2 * INSET);
      const y = (/** @type {number} */ loss) => {
        const share = scale === 'log' ? Math.log(Math.max(loss, low) / low) / Math.log(high / low) : loss / high;
        return height - BOTTOM - room * share;
      };
      placeOf = (epoch, run, of) => ({x: x(epoch), y: y(lossOf(run, of)[run.frameAt(epoch)])});
      svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
      svg.setAttribute('aria-label', `${set === 'train' ? 'Train' : 'Test'} loss of A and B by epoch`);
      cursor.setAttribute('y2', String(height));
      runs.forEach((run, i) =>
        lines[i].setAttribute('d', run ? drawLine(lossOf(run, set), (frame) => x(run.frames[frame]), y) : ''),
      );
      axis.replaceChildren(
        ...chooseLossTicks(low, high, scale, room).flatMap((tick) => [
          makeSvg('line', {x1: INSET, x2: width - INSET, y1: y(tick), y2: y(tick)}),
          makeSvg('text', {x: -4, y: y(tick)}, tickLabel(tick)),
        ]),
      );
      byId('epoch-ticks').replaceChildren(
        ...chooseEpochTicks(epochs, (i) => x(epochs[i]), width).map(({at, text}) => {
          const label = make('span', {}, text);
          label.style.left = `${at}px`;
          return label;
        }),
      );
      for (const name of ['a', 'b'])
        setText(byId(`key-${name}`), `${name.toUpperCase()} ${set === 'train' ? 'train' : 'test'} loss`);
    },
    /** @param {(Run | null)[]} runs @param {number} epoch @param {LossSet} set */
    mark(runs, epoch, set) {
      const places = runs.map((run) =>
        run && placeOf ? placeOf(Math.min(epoch, run.frames.at(-1) ?? 0), run, set) : null,
      );
      const at = Math.max(0, ...places.map((place) => place?.x ?? 0));
      cursor.setAttribute('x1', String(at));
      cursor.setAttribute('x2', String(at));
      const [a, b] = places;
      const close = a !== null && b !== null && Math.hypot(a.x - b.x, a.y - b.y) < 2 * RADIUS;
      places.forEach((place, i) => {
        const there = place !== null && Number.isFinite(place.y);
        dots[i].style.display = there ? '' : 'none';
        if (there)
          dots[i].setAttribute('transform', `translate(${place.x + (close ? (2 * i - 1) * RADIUS : 0)} ${place.y})`);
      });
    },
  };
}

/** @param {Run} run @param {LossSet} set */
function lossOf(run, set) {
  return set === 'train' ? run.metrics.train_loss : run.metrics.test_loss;
}
