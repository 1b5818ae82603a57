/**
 * The surface drawn once more beside the page, in a size and sharpness of its own: what is on the screen, its camera above
 * all, is not touched.
 */
/** @import {Eye} from '../types.js' */
/** @import {Picture} from '../views/landscape.js' */
import {make} from '../dom.js';
import {CONFIG} from '../plotly.js';
import {createSurface3d, sceneOf} from '../views/surface3d.js';

/** Pixels of the surface to one of the sheet. No more: WebGL's contour lines are one pixel wide whatever it is told. */
const SHARPNESS = 1.5;

/** @param {import('../plotly.js').Plotly} Plotly @param {{width: number, height: number, eye: () => Eye}} options */
export function createStudio(Plotly, {width, height, eye}) {
  const root = make('div', {class: 'studio', 'aria-hidden': 'true', inert: true});
  Object.assign(root.style, {width: `${width}px`, height: `${height}px`});
  document.body.append(root);
  const surface = createSurface3d(Plotly, root, {eye, onCamera() {}, onPick() {}, config: {...CONFIG, plotGlPixelRatio: SHARPNESS}});

  return {
    /** A picture of the surface; null where the browser does not draw in three dimensions. @param {Picture} picture @returns {HTMLCanvasElement | null} */
    draw(picture) {
      surface.draw(picture);
      const drawing = sceneOf(root)?.glplot;
      if (!drawing) return null;
      drawing.redraw();
      // At once, as the browser clears what WebGL has drawn when it has shown it.
      const copy = make('canvas', {width: SHARPNESS * width, height: SHARPNESS * height});
      copy.getContext('2d')?.drawImage(drawing.gl.canvas, 0, 0, copy.width, copy.height);
      return copy;
    },
    /** Gives the graphics memory back: a browser has few such contexts. */
    close() {
      Plotly.purge(root);
      root.remove();
    },
  };
}
