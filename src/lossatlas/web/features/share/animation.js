/** This module knows which films can be made: their sizes, lengths and formats, and how large a file will be. */
import {make} from '../../lib/dom.js';

/** The number of frames a second, as in playback. */
export const RATE = 10;
/** The time that the last frame stays, in milliseconds. */
export const REST = 1000;

/** The sizes on offer, all in the sheet's shape. */
export const SIZES = [
  [1920, 1080],
  [1280, 720],
  [640, 360],
];

/** The lengths on offer, in seconds; lengths that the frames do not fill are left out. */
const LENGTHS = [5, 10, 20, 60];
/** A film longer than this, in seconds, is rarely wanted. */
const LONG = 20;

/**
 * @typedef {object} Format
 * @property {string} name the name that people know
 * @property {string} ending the ending of the file's name
 * @property {string} type the media type of the file
 * @property {string} codec the name that people know; empty if the format needs no encoder of the browser
 * @property {string} configuration the codec's name for the browser's encoder
 * @property {number} bits the size of a picture in bits for each of its pixels, as measured
 */

/**
 * The formats of a film. To offer another one, add it here, and to video.js or exports.js.
 * @type {Format[]}
 */
export const FORMATS = [
  // The measured sizes are 0.30 bits at 1280 × 720, and 0.40 to 0.45 at 640 × 360.
  {name: 'WebM', ending: '.webm', type: 'video/webm', codec: 'VP8', configuration: 'vp8', bits: 0.4},
  // The baseline profile plays everywhere; level 4 is enough for the largest size.
  {name: 'MP4', ending: '.mp4', type: 'video/mp4', codec: 'H.264', configuration: 'avc1.420028', bits: 0.4},
  // The measured sizes are 0.57 bits at 1280 × 720, and 0.86 at 640 × 360.
  {name: 'GIF', ending: '.gif', type: 'image/gif', codec: '', configuration: '', bits: 0.7},
];

/** Count the pictures of a film of that length. @param {number} seconds */
const countPictures = (seconds) => (seconds * 1000 - REST) / (1000 / RATE) + 1;

/**
 * List the lengths to which a film can be thinned out.
 * @param {number} frames the number of frames
 * @returns {{pictures: number, text: string, usual: boolean}[]} all frames come first; `usual`: the length to begin
 *   with
 */
export function listLengths(frames) {
  const usual = computeSeconds(frames) <= LONG ? frames : countPictures(LONG);
  const shorter = LENGTHS.map((seconds) => ({pictures: countPictures(seconds), text: `${seconds} s`})).filter(
    ({pictures}) => pictures < frames,
  );
  return [{pictures: frames, text: 'all epochs'}, ...shorter].map((length) => ({
    ...length,
    usual: length.pictures === usual,
  }));
}

/** @param {number} pictures */
const computeSeconds = (pictures) => (pictures - 1) / RATE + REST / 1000;

/**
 * Estimate how long a film will be, and about how large.
 * @param {number} pictures @param {number} width @param {number} height @param {Format} format
 */
export function describeFilm(pictures, width, height, format = FORMATS[0]) {
  return {seconds: computeSeconds(pictures), bytes: (pictures * width * height * format.bits) / 8};
}

/** Return the settings of the browser's encoder. @param {Format} format @param {number} width @param {number} height */
export function chooseEncoderConfig({configuration}, width, height) {
  return /** @type {VideoEncoderConfig} */ ({
    codec: configuration,
    width,
    height,
    bitrate: width * height * 5,
    framerate: RATE,
    latencyMode: 'realtime',
  });
}

/**
 * Ask the browser which formats it can make in a size.
 * @param {number} width @param {number} height
 * @returns {Promise<{format: Format, limit: string}[]>} `limit`: the reason why it cannot; empty if it can
 */
export function findFormatLimits(width, height) {
  return Promise.all(
    FORMATS.map(async (format) => ({
      format,
      limit: format.codec && (findEncodingLimit() || (await findCodecLimit(format, width, height))),
    })),
  );
}

/** Say why this page cannot encode any video; empty if it can. */
function findEncodingLimit() {
  if (typeof VideoEncoder === 'function') return '';
  return isSecureContext
    ? 'This browser cannot encode video (WebCodecs).'
    : 'Browsers encode video on pages from https or from this machine only.';
}

/** @param {Format} format @param {number} width @param {number} height */
async function findCodecLimit(format, width, height) {
  // WebKitGTK starts its media system for an element only: an encoder without one ends the page's process.
  make('video').canPlayType(format.type);
  const {supported} = await VideoEncoder.isConfigSupported(chooseEncoderConfig(format, width, height));
  return supported ? '' : `This browser has no encoder for ${format.codec} in this size.`;
}
