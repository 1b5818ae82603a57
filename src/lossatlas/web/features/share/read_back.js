/**
 * This module recognises browsers that return noise when a page reads the pixels that it has drawn. They do so against
 * tracking. A picture saved in such a browser would be noise as well.
 */
import {make} from '../../lib/dom.js';

const SIDE = 16;
/** Some browsers change only the last bits of some pixels, which nobody sees. Larger differences are noise. */
const UNSEEN = 8;
const REASON =
  'this browser gives pages random pixels in place of their own pictures, so that they cannot track anybody. Allow ' +
  'this site to read canvas data, or take a screenshot; numbers can be saved in any case.';

/** Throw an error with the reason if the pixels of a canvas cannot be read. */
export async function requireReadBack() {
  const drawn = new ImageData(SIDE, SIDE);
  drawn.data.forEach((_, i) => {
    drawn.data[i] = i % 4 === 3 ? 255 : (i * 37) % 256;
  });
  const canvas = createCanvasWith((context) => context.putImageData(drawn, 0, 0));
  if (!areSame(drawn, canvas)) throw new Error(REASON);
  const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ done) => {
    canvas.toBlob(done, 'image/png');
  });
  const picture = blob && (await createImageBitmap(blob).catch(() => null));
  if (
    !picture ||
    !areSame(
      drawn,
      createCanvasWith((context) => context.drawImage(picture, 0, 0)),
    )
  )
    throw new Error(REASON);
}

/** @param {(context: CanvasRenderingContext2D) => void} draw */
function createCanvasWith(draw) {
  const canvas = make('canvas', {width: SIDE, height: SIDE});
  draw(openContext(canvas));
  return canvas;
}

/** @param {HTMLCanvasElement} canvas */
const openContext = (canvas) =>
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', {willReadFrequently: true}));

/** @param {ImageData} drawn @param {HTMLCanvasElement} canvas */
function areSame(drawn, canvas) {
  const {data} = openContext(canvas).getImageData(0, 0, SIDE, SIDE);
  return drawn.data.every((value, i) => Math.abs(value - data[i]) <= UNSEEN);
}
