/** Frames → a film, each shown as long as any other however long it took to draw. */
import {webm} from './webm.js';

/** Frames a second, as in playback. */
const RATE = 10;
/** So long the last one stays, in milliseconds. */
const REST = 1000;
/** Every so many frames one stands for itself, so that a player can jump there. */
const KEY = 10;

/** The sizes offered, all in the sheet's shape. */
export const SIZES = [
  [1920, 1080],
  [1280, 720],
  [640, 360],
];

/** The lengths offered, in seconds; those that the frames do not fill are left out. */
const LENGTHS = [5, 10, 20, 60];
/** A film longer than this is not what most people want of a training. */
const LONG = 20;
/** Bits that a picture takes, for each of its pixels: 0.30 were measured at 1280 × 720, and 0.40 to 0.45 at 640 × 360. */
const BITS = 0.4;

/** How many pictures make a film of that length. @param {number} seconds */
const picturesIn = (seconds) => (seconds * 1000 - REST) / (1000 / RATE) + 1;

/**
 * What a film can be thinned to. @param {number} frames that there are
 * @returns {{pictures: number, text: string, usual: boolean}[]} all frames first; `usual`: the one to begin with
 */
export function lengthsOf(frames) {
  const usual = filmOf(frames, 0, 0).seconds <= LONG ? frames : picturesIn(LONG);
  const shorter = LENGTHS.map((seconds) => ({pictures: picturesIn(seconds), text: `${seconds} s`})).filter(
    ({pictures}) => pictures < frames,
  );
  return [{pictures: frames, text: 'all epochs'}, ...shorter].map((length) => ({
    ...length,
    usual: length.pictures === usual,
  }));
}

/** How long a film will be, and about how large. @param {number} pictures @param {number} width @param {number} height */
export function filmOf(pictures, width, height) {
  return {seconds: (pictures - 1) / RATE + REST / 1000, bytes: (pictures * width * height * BITS) / 8};
}

/** Why no film can be made here; empty where one can. */
export function filmLimit() {
  if (typeof VideoEncoder === 'function') return '';
  return isSecureContext
    ? 'This browser cannot encode video (WebCodecs).'
    : 'Browsers encode video on pages from https or from this machine only.';
}

/**
 * @param {object} options
 * @param {number} options.frames how many
 * @param {(canvas: HTMLCanvasElement, frame: number) => Promise<void>} options.draw
 * @param {number} options.width @param {number} options.height
 * @param {AbortSignal} options.signal
 * @param {(done: number) => void} options.onProgress
 * @returns {Promise<Blob>}
 */
export async function film({frames, draw, width, height, signal, onProgress}) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, {width, height});
  /** @type {import('./webm.js').Picture[]} */
  const pictures = [];
  /** @type {unknown} */
  let fault = null;
  const encoder = new VideoEncoder({
    output(chunk) {
      const data = new Uint8Array(chunk.byteLength);
      chunk.copyTo(data);
      pictures.push({data, time: Math.round(chunk.timestamp / 1000), key: chunk.type === 'key'});
    },
    error(error) {
      fault = error;
    },
  });
  /** @param {number} time in milliseconds @param {boolean} keyFrame */
  const encode = async (time, keyFrame) => {
    while (encoder.state === 'configured' && encoder.encodeQueueSize > 2)
      await new Promise((resolve) => setTimeout(resolve, 5));
    if (fault) throw fault;
    const picture = new VideoFrame(canvas, {timestamp: time * 1000});
    encoder.encode(picture, {keyFrame});
    picture.close();
  };
  try {
    encoder.configure({
      codec: 'vp8',
      width,
      height,
      bitrate: width * height * 5,
      framerate: RATE,
      latencyMode: 'realtime',
    });
    for (let frame = 0; frame < frames; frame++) {
      await draw(canvas, frame);
      signal.throwIfAborted();
      await encode((frame * 1000) / RATE, frame % KEY === 0);
      onProgress(frame + 1);
    }
    const end = ((frames - 1) * 1000) / RATE + REST;
    await encode(end - 1000 / RATE, true);
    await encoder.flush();
    return new Blob([webm({pictures, codec: 'V_VP8', width, height, duration: end})], {type: 'video/webm'});
  } finally {
    if (encoder.state !== 'closed') encoder.close();
  }
}
