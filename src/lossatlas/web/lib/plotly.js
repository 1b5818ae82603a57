/** This module loads Plotly, reports when its file has arrived, and holds the configuration of every plot. */
import {addressOf} from './files.js';

/** @typedef {any} Plotly Plotly ships no types; only figures/ knows the names of its properties */

const SOURCE = 'vendor/plotly-gl3d-4.1.1.min.js';

/**
 * Wait until Plotly's file has arrived or failed to arrive. Other large files wait for this: on a slow line, loading
 * them at the same time would delay both.
 */
export async function waitForPlotly() {
  const link = /** @type {HTMLLinkElement | null} */ (document.querySelector(`link[rel=preload][href="${SOURCE}"]`));
  if (!link?.relList.supports('preload') || performance.getEntriesByName(addressOf(SOURCE)).length) return;
  await new Promise((done) => {
    for (const type of ['load', 'error']) link.addEventListener(type, done);
  });
}

/**
 * Run Plotly, which is a classic script. Parsing its 1.7 MB blocks the page's main thread for a third of a second, so
 * call this after the first run's data have been requested. index.html (`preload`) starts the download itself.
 * @returns {Promise<Plotly>}
 */
export function loadPlotly() {
  const script = document.createElement('script');
  script.src = addressOf(SOURCE);
  return new Promise((resolve, reject) => {
    script.addEventListener('load', () => resolve(/** @type {any} */ (globalThis).Plotly));
    script.addEventListener('error', () => reject(new Error(`${SOURCE} could not be loaded`)));
    document.head.append(script);
  });
}

/** The configuration of every plot: it has no mode bar, and the wheel scrolls the page instead of zooming. */
export const CONFIG = {
  displayModeBar: false,
  scrollZoom: false,
  doubleClick: false,
  showTips: false,
  plotGlPixelRatio: 1,
};

/**
 * Test whether this browser can draw in three dimensions. The test takes a WebGL context, which is released at once.
 */
export function supports3d() {
  const context = document.createElement('canvas').getContext('webgl');
  context?.getExtension('WEBGL_lose_context')?.loseContext();
  return context !== null;
}
