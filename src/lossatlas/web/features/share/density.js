/** This module writes into a PNG file how large its picture is on paper: the chunk pHYs of the PNG standard. */

/** A PNG file begins with a signature of 8 bytes, and the chunk IHDR, which has 25. */
const HEAD = 8 + 25;
const INCH = 0.0254;

/**
 * Write the density of a picture into its file.
 * @param {Blob} png @param {number} dpi pixels per inch @returns {Promise<Blob>}
 */
export async function writeDensity(png, dpi) {
  const bytes = new Uint8Array(await png.arrayBuffer());
  const chunk = new DataView(new ArrayBuffer(4 + 4 + 9 + 4));
  const perMetre = Math.round(dpi / INCH);
  chunk.setUint32(0, 9);
  [...'pHYs'].forEach((letter, i) => {
    chunk.setUint8(4 + i, letter.charCodeAt(0));
  });
  chunk.setUint32(8, perMetre);
  chunk.setUint32(12, perMetre);
  chunk.setUint8(16, 1); // The unit is the metre.
  chunk.setUint32(17, computeChecksum(new Uint8Array(chunk.buffer, 4, 13)));
  return new Blob([bytes.subarray(0, HEAD), chunk.buffer, bytes.subarray(HEAD)], {type: png.type});
}

/** Compute the CRC-32 of a chunk. @param {Uint8Array} bytes */
function computeChecksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
