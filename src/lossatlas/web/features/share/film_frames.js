/** This module draws the frames of a film as pixels, one after the other. */

/**
 * @typedef {object} Film the film to make
 * @property {number} frames the number of frames
 * @property {(canvas: HTMLCanvasElement, frame: number) => Promise<void>} draw
 * @property {number} width @property {number} height
 * @property {AbortSignal} signal
 * @property {(done: number) => void} onProgress
 */

/**
 * Draw all frames. A frame counts as done when the next one is requested.
 * @param {Film} film
 * @returns {AsyncGenerator<{frame: number, rgba: ImageData['data']}>} `rgba`: `[height, width, 4]`
 */
export async function* drawFrames({frames, draw, width, height, signal, onProgress}) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, {width, height});
  const options = {alpha: false, willReadFrequently: true};
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', options));
  for (let frame = 0; frame < frames; frame++) {
    await draw(canvas, frame);
    signal.throwIfAborted();
    yield {frame, rgba: context.getImageData(0, 0, width, height).data};
    onProgress(frame + 1);
  }
}
