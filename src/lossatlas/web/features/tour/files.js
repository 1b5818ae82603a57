/** This module saves a story as a file, opens one, and copies its link. */
import {make} from '../../lib/dom.js';
import {StoryFault} from './story.js';

/** Save a text as a file. @param {string} text @param {string} name */
export function saveText(text, name) {
  const url = URL.createObjectURL(new Blob([text], {type: 'application/json'}));
  make('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // Some browsers start to read it late.
}

/**
 * Let a person choose a file, and read its text; null if no file is chosen.
 * @param {number} most the most bytes that are read @returns {Promise<string | null>}
 */
export async function chooseFile(most) {
  const input = make('input', {type: 'file', accept: '.json,application/json'});
  const file = await new Promise((/** @type {(file: File | null) => void} */ done) => {
    input.addEventListener('change', () => done(input.files?.[0] ?? null));
    input.addEventListener('cancel', () => done(null));
    input.click();
  });
  if (!file) return null;
  if (file.size > 4 * most) throw new StoryFault(`${file.name} is too large for a story.`);
  return file.text();
}

/** Copy a link, and say whether it worked. @param {string} link @returns {Promise<string>} */
export function copyLink(link) {
  return navigator.clipboard.writeText(link).then(
    () => 'Link copied.',
    () => 'The browser does not let the page copy. The link is the address of this page.',
  );
}
