/** This module lets the browser save a file. */
import {make} from '../../lib/dom.js';
import {byteText} from '../../lib/numbers.js';

/**
 * Save a file, and report it.
 * @param {Blob} blob
 * @param {string} name
 * @param {(message: string) => void} showMessage
 */
export function saveFile(blob, name, showMessage) {
  const url = URL.createObjectURL(blob);
  make('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // Some browsers start to read it late.
  showMessage(`Saved ${name} (${byteText(blob.size)})`);
}
