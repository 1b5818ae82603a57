/**
 * One drawing of the two plots for one animation frame at most, however often it is asked for; the newest wish wins.
 * What is not there yet is not drawn: the last picture stays.
 */
/** @import {Shot} from '../../model/types.js' */
import {sameShot} from '../../model/shot.js';

/** @typedef {{draw: (shot: Shot) => void}} Plot */

/**
 * @param {object} options
 * @param {(shown: Shot | null) => Shot | null} options.wish the picture wanted, if it can be drawn
 * @param {Plot[]} options.plots the slowest last
 * @param {(shot: Shot, first: boolean) => void} options.onDrawn
 */
export function createPainter({wish, plots, onDrawn}) {
  let pending = false;
  let stale = false;
  let renewed = false;
  let told = true;
  /** @type {Shot | null} */
  let shown = null;
  let begun = false;

  /** All but the last plot, which takes long for the first time: until it is there, there is something to look at. @param {Shot} shot */
  const begin = (shot) => {
    begun = true;
    for (const plot of plots.slice(0, -1)) plot.draw(shot);
    performance.mark('lossatlas:first-plot');
    request();
  };

  const paint = () => {
    pending = false;
    const wanted = wish(shown);
    const shot = wanted ?? (stale ? shown : null);
    if (!shot || (!stale && !(wanted && renewed) && sameShot(shot, shown))) {
      if (!told && shown) tell(shown, false);
      return;
    }
    const first = shown === null;
    if (first && !begun) return begin(shot);
    stale = renewed = false;
    const start = performance.now();
    for (const plot of plots) plot.draw(shot);
    performance.measure('lossatlas:draw', {start, end: performance.now()});
    if (first) performance.mark('lossatlas:first-picture');
    shown = shot;
    tell(shot, first);
  };

  /** @param {Shot} shot @param {boolean} first */
  const tell = (shot, first) => {
    told = true;
    onDrawn(shot, first);
  };

  const request = () => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(paint);
  };

  return {
    request,
    /** The same picture anew: its size, its colours or its range have changed. */
    repaint() {
      stale = true;
      request();
    },
    /** The same picture anew, at once: for the printer, who does not wait for an animation frame. */
    repaintNow() {
      if (!shown) return;
      for (const plot of plots) plot.draw(shown);
    },
    /** More is known of what is wanted: it may be drawn now, or drawn better. */
    renew() {
      renewed = true;
      request();
    },
    /** What goes with the picture (readouts, curves) anew; the plots stay. */
    redrawn() {
      told = false;
      request();
    },
    get shown() {
      return shown;
    },
  };
}
