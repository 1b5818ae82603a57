/** This module lets the browser save files, and writes sizes as people read them. */
import {make} from '../../lib/dom.js';

/** Save a file, and report it. @param {Blob} blob @param {string} name @param {(message: string) => void} showMessage */
export function saveFile(blob, name, showMessage) {
  const url = URL.createObjectURL(blob);
  make('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // Some browsers start to read it late.
  showMessage(`Saved ${name} (${sizeText(blob.size)})`);
}

/** Write a size for people. @param {number} bytes */
export function sizeText(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
