/** This module writes a film as WebM or MP4: the browser encodes it, and Mediabunny writes the file. */
/** @import {Format} from './animation.js' */
/** @import {Film} from './film_frames.js' */
import * as mediabunny from '../../vendor/mediabunny-1.61.0.min.js';
import {chooseEncoderConfig, RATE, REST} from './animation.js';
import {drawFrames} from './film_frames.js';
import {toI420} from './i420.js';

const {BufferTarget, EncodedPacket, EncodedVideoPacketSource, Mp4OutputFormat, Output, WebMOutputFormat} =
  /** @type {any} */ (mediabunny);

/** The number of frames from one key frame to the next: a player can jump to key frames. */
const KEY = 10;
/** The time that a frame lasts, in milliseconds. */
const BEAT = 1000 / RATE;

/** @typedef {'smpte170m' | 'bt709'} Matrix */

/**
 * The content of a file, by the format's name. VP8 implies the matrix of BT.601 (RFC 6386, 9.2). With H.264, players
 * that ignore colour metadata assume BT.709 for pictures of these sizes.
 * @type {Record<string, {codec: string, matrix: Matrix, container: () => object}>}
 */
const CONTENT = {
  WebM: {codec: 'vp8', matrix: 'smpte170m', container: () => new WebMOutputFormat()},
  MP4: {codec: 'avc', matrix: 'bt709', container: () => new Mp4OutputFormat({fastStart: 'in-memory'})},
};

/** Describe how the frames' numbers are read as colours. @param {Matrix} matrix @returns {VideoColorSpaceInit} */
const describeColourSpace = (matrix) => ({primaries: 'bt709', transfer: 'iec61966-2-1', matrix, fullRange: false});

/** Make a film. @param {Format} format @param {Film} film @returns {Promise<Blob>} */
export async function encodeVideo(format, film) {
  const writer = await createWriter(format, film.width, film.height);
  /** @type {ImageData['data']} */
  let last = new Uint8ClampedArray();
  try {
    for await (const {frame, rgba} of drawFrames(film)) {
      await writer.add(rgba, frame * BEAT, frame % KEY === 0);
      last = rgba;
    }
    // The last frame is added once more at the end: some players stop at the last frame.
    await writer.add(last, (film.frames - 2) * BEAT + REST, true);
    return await writer.finish();
  } finally {
    writer.close();
  }
}

/**
 * Create an encoder whose output goes into a file.
 * @param {Format} format @param {number} width @param {number} height
 */
async function createWriter(format, width, height) {
  const {codec, matrix, container} = CONTENT[format.name];
  const colorSpace = describeColourSpace(matrix);
  const target = new BufferTarget();
  const output = new Output({format: container(), target});
  const track = new EncodedVideoPacketSource(codec);
  output.addVideoTrack(track);
  await output.start();
  /** @type {unknown} */
  let fault = null;
  const fail = (/** @type {unknown} */ error) => {
    fault ??= error;
  };
  const encoder = new VideoEncoder({
    output(chunk, meta) {
      const decoderConfig = meta?.decoderConfig && {...meta.decoderConfig, colorSpace};
      track.add(EncodedPacket.fromEncodedChunk(chunk), {...meta, decoderConfig}).catch(fail);
    },
    error: fail,
  });
  encoder.configure(chooseEncoderConfig(format, width, height));

  return {
    /** @param {Uint8ClampedArray} rgba @param {number} time in milliseconds @param {boolean} keyFrame */
    async add(rgba, time, keyFrame) {
      while (encoder.state === 'configured' && encoder.encodeQueueSize > 2)
        await new Promise((resolve) => setTimeout(resolve, 5));
      if (fault) throw fault;
      const picture = new VideoFrame(toI420(rgba, width, height, matrix), {
        format: 'I420',
        codedWidth: width,
        codedHeight: height,
        timestamp: time * 1000,
        duration: BEAT * 1000,
        colorSpace,
      });
      encoder.encode(picture, {keyFrame});
      picture.close();
    },
    /** Write the remaining data, and return the file. */
    async finish() {
      await encoder.flush();
      await output.finalize();
      if (fault) throw fault;
      return new Blob([target.buffer], {type: format.type});
    },
    close() {
      if (encoder.state !== 'closed') encoder.close();
      if (output.state !== 'finalized') output.cancel().catch(() => {}); // Nobody waits for a file that is discarded.
    },
  };
}
