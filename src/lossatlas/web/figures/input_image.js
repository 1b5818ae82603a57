/**
 * This module computes the pictures of inputs on the plane through three samples. A place of the plane is a weighted
 * sum of the samples, so its picture is the same sum of their pictures.
 */
/** @import {Run} from '../model/run.js' */
/** @import {NpyArray} from '../loading/npy.js' */

/**
 * Return the weights with which three places add up to a place; the sum of the weights is 1.
 * @param {ArrayLike<number>} points the three places, x and y each @param {number} x @param {number} y
 */
export function computeWeights(points, x, y) {
  const [x0, y0, x1, y1, x2, y2] = Array.from(points);
  const area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0);
  const second = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area;
  const third = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area;
  return [1 - second - third, second, third];
}

/**
 * Draw the weighted sum of the pictures. Values below black become black, and those above white become white.
 * @param {NpyArray} images uint8 [sample, row, column, channel] @param {number[]} weights
 * @returns {HTMLCanvasElement} of one pixel for each of theirs
 */
export function drawInput({data, shape: [, rows, columns, channels]}, weights) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, {width: columns, height: rows});
  const image = new ImageData(columns, rows);
  const size = rows * columns * channels;
  for (let pixel = 0; pixel < rows * columns; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      const at = pixel * channels + (channels === 3 ? colour : 0);
      image.data[4 * pixel + colour] = weights.reduce((sum, weight, k) => sum + weight * data[k * size + at], 0);
    }
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext('2d')?.putImageData(image, 0, 0);
  return canvas;
}

/** @type {WeakMap<Run, HTMLCanvasElement[]>} */
const known = new WeakMap();

/** Return the pictures of the three samples; an empty list if they are no pictures. @param {Run} run */
export function drawSamples(run) {
  const images = run.get('anchor_images');
  if (!images) return [];
  const pictures =
    known.get(run) ??
    [0, 1, 2].map((k) =>
      drawInput(
        images,
        [0, 1, 2].map((i) => (i === k ? 1 : 0)),
      ),
    );
  known.set(run, pictures);
  return pictures;
}

/**
 * Return where a sample's picture is drawn: above its mark, or below it if there is no space above.
 * @param {{x: number, y: number}} mark @param {{width: number, height: number}} picture @param {number} size the longer
 *   side @param {number} top the upper end of the plot
 */
export function placePicture(mark, {width, height}, size, top) {
  const scale = size / Math.max(width, height);
  const box = {width: width * scale, height: height * scale};
  const above = mark.y - GAP - box.height;
  return {...box, x: mark.x - box.width / 2, y: above < top ? mark.y + GAP : above};
}

/** The gap between a mark with its ring and the picture. */
const GAP = 10;
