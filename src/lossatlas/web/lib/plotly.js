/** Plotly: when it has arrived, how it is loaded, and the configuration of every plot. */

/** @typedef {any} Plotly its types are not shipped; figures/ is the only place that knows its vocabulary */

const SOURCE = 'vendor/plotly-gl3d-4.1.1.min.js';

/**
 * Wait until Plotly's file is there, or has failed to come. Other long files wait for this: on a slow line both would come
 * late.
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
 * Run Plotly, which is a classic script. To read its 1.7 MB keeps the page's one thread busy for a third of a second, so
 * call this when the first run's data have been asked for. The download itself is begun by index.html (`preload`).
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

/** Every plot's configuration: no mode bar, and no zooming with the wheel, which scrolls the page. */
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
