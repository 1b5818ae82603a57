/** The one door to Plotly. */

/** @typedef {any} Plotly its types are not shipped; figures/ is the only place that knows its vocabulary */

const SOURCE = 'vendor/plotly-gl3d-4.1.1.min.js';

/**
 * Plotly comes as a classic script. Reading its 1.7 MB keeps the page's one thread busy for half a second, so this is
 * called when the first run's data have been asked for; the download itself is begun by index.html (`preload`).
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

/** Nothing but the picture: no mode bar, no zooming with the wheel (the page scrolls). */
export const CONFIG = {displayModeBar: false, scrollZoom: false, doubleClick: false, showTips: false, plotGlPixelRatio: 1};
