/** The one door to Plotly. */

/** @typedef {any} Plotly its types are not shipped; figures/ is the only place that knows its vocabulary */

const SOURCE = 'vendor/plotly-gl3d-4.1.1.min.js';

/**
 * Settles when Plotly's file is there, or has failed to come: what else is long waits for it, lest they share a slow line
 * and both come late.
 */
export async function plotlyArrived() {
  const link = /** @type {HTMLLinkElement | null} */ (document.querySelector(`link[rel=preload][href="${SOURCE}"]`));
  if (!link?.relList.supports('preload') || performance.getEntriesByName(new URL(SOURCE, document.baseURI).href).length) return;
  await new Promise((done) => {
    for (const type of ['load', 'error']) link.addEventListener(type, done);
  });
}

/**
 * Plotly comes as a classic script. Reading its 1.7 MB keeps the page's one thread busy for a third of a second, so this
 * is called when the first run's data have been asked for; the download itself is begun by index.html (`preload`).
 * @returns {Promise<Plotly>}
 */
export function loadPlotly() {
  const script = document.createElement('script');
  script.src = SOURCE;
  const restore = mindLabelCanvas();
  return new Promise((resolve, reject) => {
    script.addEventListener('load', () => {
      restore();
      resolve(/** @type {any} */ (globalThis).Plotly);
    });
    script.addEventListener('error', () => reject(new Error(`${SOURCE} could not be loaded`)));
    document.head.append(script);
  });
}

/**
 * Plotly writes the labels of a 3-D scene on a canvas of its own, made when the script is read: 8192 × 1024, all of it
 * painted anew and some read back for each label. Of a height that grows with the text, and kept out of a graphics
 * processor's memory, that takes next to nothing instead of 15 ms. It must have room for a line with an italic in it: to
 * make it higher would forget the font, and draw that line tiny.
 * @returns {() => void} ends it
 */
function mindLabelCanvas() {
  const prototype = HTMLCanvasElement.prototype;
  const usual = prototype.getContext;
  prototype.getContext = /** @type {any} */ (
    /** @this {HTMLCanvasElement} @param {string} kind @param {object} [options] */
    function getContext(kind, options) {
      if (kind !== '2d') return usual.call(this, kind, options);
      this.height = Math.min(this.height, 256);
      return usual.call(this, kind, {willReadFrequently: true, ...options});
    }
  );
  return () => { prototype.getContext = usual; };
}

/** Nothing but the picture: no mode bar, no zooming with the wheel (the page scrolls). */
export const CONFIG = {displayModeBar: false, scrollZoom: false, doubleClick: false, showTips: false, plotGlPixelRatio: 1};
