/**
 * This module paints both plots, at most once in an animation frame, however often that is requested; the newest
 * request wins. Only this module requests what a picture needs; drawing only reads what is known. A picture that cannot
 * be drawn yet is not drawn: the last picture stays.
 */
/** @import {Shot} from '../../model/types.js' */
import {sameShot} from '../../model/shot.js';

/** @typedef {{draw: (shot: Shot) => void}} Plot */

/**
 * Are the arrays of a shot here? Those that had arrived in part are dropped when something else is opened.
 * @param {Shot} shot
 */
const hasArrays = (shot) => shot.run.has(shot.frame, shot);

/**
 * @param {object} options
 * @param {(shown: Shot | null) => Shot | null} options.wish returns the picture that is wanted, if its arrays have
 *   arrived
 * @param {(shot: Shot | null) => void} options.ask requests what a picture needs and is not known yet
 * @param {(shot: Shot) => boolean} options.isKnown is everything known that a picture needs?
 * @param {Plot[]} options.plots the slowest is last
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
   * Draw all but the last plot, which takes long the first time, so that the reader sees something meanwhile.
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
    const shot = wanted ?? (stale && shown && hasArrays(shown) ? shown : null);
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
    /** Paint the same picture again: its size, its colours or its range have changed. */
    repaint() {
      stale = true;
      request();
    },
    /** Paint the same picture again at once: the printer does not wait for an animation frame. */
    repaintNow() {
      if (!shown || !hasArrays(shown)) return;
      for (const plot of plots) plot.draw(shown);
    },
    /** Paint again because more is known: the picture may be drawn now, or drawn better. */
    update() {
      renewed = true;
      request();
    },
    /** Draw what accompanies the picture (readouts, curves) again; the plots stay. */
    redrawRest() {
      isReported = false;
      request();
    },
    get shown() {
      return shown;
    },
    /** Is the wanted picture drawn? */
    get isCurrent() {
      const wanted = wish(shown);
      return !pending && !stale && wanted !== null && sameShot(wanted, shown);
    },
  };
}
