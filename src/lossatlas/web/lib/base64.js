/** This module writes bytes as URL-safe base64, and reads them. */

/** The number of bytes that one call can take as its arguments. */
const SOME = 8192;

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let letters = '';
  for (let at = 0; at < bytes.length; at += SOME) letters += String.fromCharCode(...bytes.subarray(at, at + SOME));
  return btoa(letters).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Read bytes; null if the text is no base64. @param {string} text */
export function fromBase64(text) {
  if (!/^[\w-]*$/.test(text)) return null;
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
}
