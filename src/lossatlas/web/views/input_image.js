/** This view shows the input under the pointer as a picture, on the plane through three samples that are pictures. */
/** @import {Run} from '../model/run.js' */
import {make} from '../lib/dom.js';
import {drawInput, computeWeights} from '../figures/input_image.js';

/** The longer side of the picture in CSS pixels. */
const SIZE = 88;
/** The gap between the pointer and the picture. */
const STAND = 16;

/** @param {HTMLElement} root the plot */
export function createInputImage(root) {
  const figure = make('figure', {class: 'input-image', 'aria-hidden': 'true', hidden: true});
  root.after(figure);
  return {
    /**
     * @param {Run} run @param {{x: number, y: number} | null} place shares of the plot, from its lower left corner;
     *   null: hide the picture
     * @param {{x: number, y: number}} [at] in CSS pixels of the plot
     */
    show(run, place, at = {x: 0, y: 0}) {
      const images = run.get('anchor_images');
      figure.hidden = !place || !images;
      if (!place || !images) return;
      const [x, y] = [valueAt(run.numbers('grid_x'), place.x), valueAt(run.numbers('grid_y'), place.y)];
      const canvas = drawInput(images, computeWeights(run.numbers('points'), x, y));
      const scale = SIZE / Math.max(canvas.width, canvas.height);
      Object.assign(canvas.style, {width: `${canvas.width * scale}px`, height: `${canvas.height * scale}px`});
      figure.replaceChildren(canvas, make('figcaption', {}, 'this input'));
      const {clientWidth: width, clientHeight: height} = root;
      const left = at.x + STAND + SIZE > width ? at.x - STAND - SIZE : at.x + STAND;
      const top = Math.min(Math.max(0, at.y - SIZE / 2), height - SIZE - 24);
      Object.assign(figure.style, {left: `${left}px`, top: `${top}px`});
    },
  };
}

/** @param {import('../loading/npy.js').Numbers} grid @param {number} share */
const valueAt = (grid, share) => grid[0] + share * (grid[grid.length - 1] - grid[0]);
