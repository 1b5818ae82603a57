/**
 * This view shows the numbers of a released ball: its own loss by epoch, beside the picked point, and a sentence about
 * its path, below the plot.
 */
/** @import {Shot} from '../model/types.js' */
/** @import {Way} from '../compute/descent.js' */
import {EPOCHS} from '../compute/descent.js';
import {byId, makeSvg, setText} from '../lib/dom.js';
import {drawBallCurve, describeBall} from '../figures/ball.js';
import {lossText} from '../lib/numbers.js';

/** The size of the curve in pixels. */
const SIZE = {width: 104, height: 28};

export function createBallView() {
  const about = byId('ball-about');
  const line = makeSvg('path');
  const dot = makeSvg('circle', {r: 3});
  const chart = makeSvg(
    'svg',
    {...SIZE, class: 'ball-curve', role: 'img', viewBox: `0 0 ${SIZE.width} ${SIZE.height}`},
    line,
    dot,
  );
  byId('release').after(chart);
  return {
    /** @param {Shot} shot @param {Way | null} way */
    draw(shot, way) {
      const count = way?.losses.length ?? 0;
      chart.style.display = count ? '' : 'none';
      about.hidden = !count;
      byId('landscape').classList.toggle('with-ball', count > 0);
      if (!way || !count) return;
      const {path, end} = drawBallCurve(way.losses, EPOCHS, shot.scale, SIZE);
      line.setAttribute('d', path);
      dot.setAttribute('cx', String(end.x));
      dot.setAttribute('cy', String(end.y));
      const words =
        `The loss of the ball by epoch: ${lossText(way.losses[0])} where it was released, ` +
        `${lossText(way.losses[count - 1])} after ${count - 1} of ${EPOCHS} epochs.`;
      chart.setAttribute('aria-label', words);
      chart.setAttribute('data-hint', words);
      setText(about, describeBall(way, shot.span));
    },
  };
}
