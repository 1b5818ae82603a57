/**
 * This module converts pixels to brightness and two colour differences in the limited range, which video players
 * expect.
 */

/**
 * The shares of red and blue in the brightness, by the matrix's name in WebCodecs: ITU-R BT.601 and BT.709.
 * @type {Record<'smpte170m' | 'bt709', {red: number, blue: number}>}
 */
const SHARES = {smpte170m: {red: 0.299, blue: 0.114}, bt709: {red: 0.2126, blue: 0.0722}};

/**
 * Convert pixels to planar Y′CbCr with one sample of each colour difference for 2 × 2 pixels (I420). In the limited
 * range black is 16 and white is 235, and the differences span 16 to 240.
 * @param {ArrayLike<number>} rgba `[height, width, 4]` @param {number} width even @param {number} height even
 * @param {'smpte170m' | 'bt709'} matrix
 * @returns {Uint8ClampedArray<ArrayBuffer>} the planes Y `[height, width]`, Cb and Cr `[height / 2, width / 2]`
 */
export function toI420(rgba, width, height, matrix) {
  const {red, blue} = SHARES[matrix];
  const green = 1 - red - blue;
  const half = width / 2;
  const pixels = width * height;
  const out = new Uint8ClampedArray(pixels * 1.5); // It rounds the values that are written to it.
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      let [r, g, b] = [0, 0, 0]; // The values are summed over the four pixels.
      for (let k = 0; k < 4; k++) {
        const at = (y + (k >> 1)) * width + x + (k & 1);
        const [pr, pg, pb] = [rgba[4 * at], rgba[4 * at + 1], rgba[4 * at + 2]];
        out[at] = 16 + (219 / 255) * (red * pr + green * pg + blue * pb);
        r += pr;
        g += pg;
        b += pb;
      }
      const bright = red * r + green * g + blue * b;
      const at = (y / 2) * half + x / 2;
      out[pixels + at] = 128 + ((112 / 255) * (b - bright)) / (4 * (1 - blue));
      out[pixels * 1.25 + at] = 128 + ((112 / 255) * (r - bright)) / (4 * (1 - red));
    }
  }
  return out;
}
