/** Plotly comes as a classic script, fetched beside the modules; this waits for it. */

/** @typedef {any} Plotly its types are not shipped; figures/ is the only place that knows its vocabulary */

/** @returns {Promise<Plotly>} */
export function whenPlotly() {
  const script = /** @type {HTMLScriptElement} */ (document.querySelector('script[src*="plotly"]'));
  return new Promise((resolve, reject) => {
    const found = () => /** @type {any} */ (globalThis).Plotly;
    if (found()) return resolve(found());
    script.addEventListener('load', () => resolve(found()));
    script.addEventListener('error', () => reject(new Error('vendor/plotly could not be loaded')));
  });
}

/** Nothing but the picture: no mode bar, no zooming with the wheel (the page scrolls). */
export const CONFIG = {displayModeBar: false, scrollZoom: false, doubleClick: false, showTips: false, plotGlPixelRatio: 1};

/** Is there WebGL to draw a surface with? */
export function hasWebGl() {
  const context = document.createElement('canvas').getContext('webgl');
  context?.getExtension('WEBGL_lose_context')?.loseContext(); // browsers allow few at a time
  return context !== null;
}
