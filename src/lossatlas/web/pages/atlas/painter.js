/**
 * Paints both plots, at most once in an animation frame, however often that is asked for; the newest wish wins. Here,
 * and only here, what a picture takes is asked for; drawing only reads what is known. A picture that cannot be drawn
 * yet is not drawn: the last picture stays.
 */
/** @import {Shot} from '../../model/types.js' */
import {sameShot} from '../../model/shot.js';

/** @typedef {{draw: (shot: Shot) => void}} Plot */

/**
 * @param {object} options
 * @param {(shown: Shot | null) => Shot | null} options.wish the picture that is wanted, as far as its arrays have
 *   arrived
 * @param {(shot: Shot | null) => void} options.ask ask for all that a picture takes and that is not known yet
 * @param {(shot: Shot) => boolean} options.isKnown is all known that a picture cannot do without?
 * @param {Plot[]} options.plots the slowest last
 * @param {(shot: Shot, first: boolean) => void} options.onDrawn
 */
export function createPainter({wish, ask, isKnown, plots, onDrawn}) {
  let pending = false;
  let stale = false;
  let renewed = false;
  let isReported = true;
  /** @type {Shot | null} */
  let shown = null;
  let begun = false;

  /**
   * All but the last plot, which takes long for the first time: until it is there, there is something to look at.
   * @param {Shot} shot
   */
  const begin = (shot) => {
    begun = true;
    for (const plot of plots.slice(0, -1)) plot.draw(shot);
    performance.mark('lossatlas:first-plot');
    request();
  };

  const paint = () => {
    pending = false;
    const wished = wish(shown);
    ask(wished ?? shown);
    const wanted = wished && isKnown(wished) ? wished : null;
    const shot = wanted ?? (stale ? shown : null);
    if (!shot || (!stale && !(wanted && renewed) && sameShot(shot, shown))) {
      if (!isReported && shown) report(shown, false);
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
    report(shot, first);
  };

  /** @param {Shot} shot @param {boolean} first */
  const report = (shot, first) => {
    isReported = true;
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
      isReported = false;
      request();
    },
    get shown() {
      return shown;
    },
  };
}
