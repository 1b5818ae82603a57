/** The picture on the screen: the two plots and their painter, which come with Plotly. Until then nothing is drawn. */
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
  /** How often sizes and colours have changed. */
  let style = 0;

  return {
    /** Plotly has arrived. @param {Plots} plots */
    begin(plots) {
      ({painter, pictures, landscape, boundary} = plots);
      painter.request();
    },
    /** What is drawn. */
    get shown() {
      return painter?.shown ?? null;
    },
    get style() {
      return style;
    },
    /** Another picture may be wanted. */
    request() {
      painter?.request();
    },
    /** The same picture anew. */
    repaint() {
      painter?.repaint();
    },
    /** More has been computed for the picture that is wanted. */
    renew() {
      painter?.renew();
    },
    /** What goes with the picture anew; the plots stay. */
    redrawn() {
      painter?.redrawn();
    },
    /**
     * Sizes or colours of the plots have changed.
     * @param {{now?: boolean}} [how] `now`: for the printer, who does not wait
     */
    restyle({now} = {}) {
      style++;
      pictures?.restyle();
      boundary?.restyle();
      if (now) painter?.repaintNow();
      else painter?.repaint();
    },
    /** The size of what goes with the picture has changed. */
    resized() {
      style++;
      painter?.redrawn();
    },
    /** @param {Eye} camera */
    look(camera) {
      landscape?.look(camera);
    },
    /** Draw what lies between two frames. @param {Shot} from @param {Shot} to @param {number} share of the way */
    blend(from, to, share) {
      landscape?.blend(from, to, share);
    },
    /** A view that has not come is asked for again. */
    retry() {
      landscape?.retry();
    },
    range: () => landscape?.range() ?? null,
    /** The picture of a shot, as far as it is known. @param {Shot} shot */
    pictureOf: (shot) => pictures?.of(shot) ?? null,
    /** Where what is drawn is. */
    places: {landscape: () => landscape?.places() ?? null, boundary: () => boundary?.places() ?? null},
  };
}
