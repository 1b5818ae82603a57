/**
 * This module writes a film as a GIF with gifenc. A GIF is larger than a video, but it plays wherever pictures are
 * shown.
 */
/** @import {Film} from './film_frames.js' */
import * as gifenc from '../../vendor/gifenc-1.0.3.min.js';
import {RATE, REST} from './animation.js';
import {drawFrames} from './film_frames.js';

const {GIFEncoder, applyPalette, quantize} = /** @type {any} */ (gifenc);

/** The largest number of colours in a frame of a GIF. */
const COLOURS = 256;

/** Make a film that starts again at its end. Each frame has its own colours. @param {Film} film */
export async function encodeGif(film) {
  const gif = GIFEncoder();
  for await (const {frame, rgba} of drawFrames(film)) {
    const palette = quantize(rgba, COLOURS);
    const delay = frame === film.frames - 1 ? REST : 1000 / RATE;
    gif.writeFrame(applyPalette(rgba, palette), film.width, film.height, {palette, delay, repeat: 0});
  }
  gif.finish();
  return new Blob([gif.bytes()], {type: 'image/gif'});
}
