/**
 * This module draws the surface once more outside the screen, in another size and resolution. The surface on the
 * screen, and above all its camera, does not change.
 */
/** @import {Eye} from '../../model/types.js' */
/** @import {Picture} from '../../views/picture.js' */
import {make} from '../../lib/dom.js';
import {createSurface3d} from '../../views/surface3d.js';

/** The number of pixels of the surface for one pixel of the sheet. */
const SHARPNESS = 2;

/**
 * @param {import('../../lib/plotly.js').Plotly} Plotly @param {{width: number, height: number, eye: () => Eye}} options
 */
export function createOffscreenSurface(Plotly, {width, height, eye}) {
  const root = make('div', {class: 'studio', 'aria-hidden': 'true', inert: true});
  Object.assign(root.style, {width: `${width}px`, height: `${height}px`});
  document.body.append(root);
  const surface = createSurface3d(Plotly, root, {eye, sharpness: SHARPNESS});

  return {
    /**
     * Draw the surface, with what is behind and in front of it; null if the browser cannot draw in three dimensions.
     * @param {Picture} picture @returns {Promise<{canvas: HTMLCanvasElement, behind: string, before: string} | null>}
     */
    async draw(picture) {
      surface.look(eye());
      await surface.draw(picture);
      const canvas = await surface.copy();
      const {behind, before} = surface.annotations();
      return canvas && {canvas, behind, before};
    },
    /** Release the graphics memory: a browser has few such contexts. */
    close() {
      surface.close();
      root.remove();
    },
  };
}
