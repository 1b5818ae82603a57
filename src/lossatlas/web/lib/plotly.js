/** The one door to Plotly. */

/** @typedef {any} Plotly its types are not shipped; figures/ is the only place that knows its vocabulary */

const SOURCE = 'vendor/plotly-gl3d-4.1.1.min.js';

/**
 * Settles when Plotly's file is there, or has failed to come: what else is long waits for it, lest they share a slow line
 * and both come late.
 */
export async function plotlyArrived() {
  const link = /** @type {HTMLLinkElement | null} */ (document.querySelector(`link[rel=preload][href="${SOURCE}"]`));
  if (!link?.relList.supports('preload') || performance.getEntriesByName(new URL(SOURCE, document.baseURI).href).length)
    return;
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
  return new Promise((resolve, reject) => {
    script.addEventListener('load', () => resolve(/** @type {any} */ (globalThis).Plotly));
    script.addEventListener('error', () => reject(new Error(`${SOURCE} could not be loaded`)));
    document.head.append(script);
  });
}

/** Nothing but the picture: no mode bar, no zooming with the wheel (the page scrolls). How sharp it is, is its size's matter. */
export const CONFIG = {
  displayModeBar: false,
  scrollZoom: false,
  doubleClick: false,
  showTips: false,
  plotGlPixelRatio: 1,
};

/** Does this browser draw in three dimensions? Asked once; the context that it takes to know is given back. */
export function drawsSolid() {
  const context = document.createElement('canvas').getContext('webgl');
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}
