/** The looks of what comes after the first picture, which does without them. */
import {make} from '../dom.js';

const SOURCE = 'styles/access.css';
/** @type {Promise<void> | null} */
let loaded = null;

/** Settles when they are there, or when it is known that they cannot be had: what is plain still works. */
export function loadStyle() {
  loaded ??= new Promise((resolve) => {
    const link = make('link', {rel: 'stylesheet', href: SOURCE});
    link.addEventListener('load', () => resolve());
    link.addEventListener('error', () => resolve());
    document.head.append(link);
  });
  return loaded;
}
