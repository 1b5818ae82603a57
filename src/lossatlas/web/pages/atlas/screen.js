/**
 * This module is the picture on the screen: the two plots and their painter, which are created when Plotly has arrived.
 * Until then nothing is drawn.
 */
/** @import {Eye, Shot} from '../../model/types.js' */

/** @typedef {ReturnType<typeof createScreen>} Screen */
/** @typedef {ReturnType<typeof import('./painter.js').createPainter>} Painter */
/** @typedef {ReturnType<typeof import('../../views/landscape.js').createLandscape>} Landscape */
/** @typedef {ReturnType<typeof import('../../views/boundary.js').createBoundary>} Boundary */
/** @typedef {import('../../views/picture.js').Pictures} Pictures */

/** @typedef {{painter: Painter, pictures: Pictures, landscape: Landscape, boundary: Boundary}} Plots */

export function createScreen() {
  /** @type {Painter | null} */
  let painter = null;
  /** @type {Landscape | null} */
  let landscape = null;
  /** @type {Boundary | null} */
  let boundary = null;
  /** @type {Pictures | null} */
  let pictures = null;
  /** The number of changes of sizes and colours so far. */
  let style = 0;

  return {
    /** Start to draw, since Plotly has arrived. @param {Plots} plots */
    begin(plots) {
      ({painter, pictures, landscape, boundary} = plots);
      painter.request();
    },
    /** Return what is drawn. */
    get shown() {
      return painter?.shown ?? null;
    },
    /** Is the wanted picture drawn? */
    get isCurrent() {
      return painter?.isCurrent ?? false;
    },
    get style() {
      return style;
    },
    /** Request a picture, since another one may be wanted. */
    request() {
      painter?.request();
    },
    /** Draw the same picture again. */
    repaint() {
      painter?.repaint();
    },
    /** Draw again, since more has been computed for the picture that is wanted. */
    update() {
      painter?.update();
    },
    /** Draw what accompanies the picture again; the plots stay. */
    redrawRest() {
      painter?.redrawRest();
    },
    /**
     * Draw again, since the sizes or colours of the plots have changed.
     * @param {{now?: boolean}} [how] `now`: at once, for the printer, which does not wait
     */
    restyle({now} = {}) {
      style++;
      pictures?.forgetKeys();
      boundary?.restyle();
      if (now) painter?.repaintNow();
      else painter?.repaint();
    },
    /** Draw the right plot anew, since its size has changed. The left one is not affected. */
    resizeBoundary() {
      boundary?.restyle();
      painter?.repaint();
    },
    /** Draw again what accompanies the picture, since its size has changed. */
    handleResize() {
      style++;
      painter?.redrawRest();
    },
    /** @param {Eye} camera */
    look(camera) {
      landscape?.look(camera);
    },
    /**
     * Draw a picture between two frames.
     * @param {Shot} from @param {Shot} to @param {number} share the share of the way
     */
    blend(from, to, share) {
      landscape?.blend(from, to, share);
    },
    /** Request a view again that has not arrived. */
    retry() {
      landscape?.retry();
    },
    range: () => landscape?.range() ?? null,
    /** Return the picture of a shot, as far as it is known. @param {Shot} shot */
    pictureOf: (shot) => pictures?.of(shot) ?? null,
    /** These functions return the places of what is drawn. */
    places: {landscape: () => landscape?.places() ?? null, boundary: () => boundary?.places() ?? null},
  };
}
