/**
 * This module knows where the files of the page are: beside it on every host. In a page that is a single file, another
 * module takes its place, which knows the files inside that page (site/single_file.js).
 */

/**
 * Return the address of a file that is no module: of the page, or of its gallery.
 * @param {string} path relative to the page's root
 */
export const addressOf = (path) => new URL(`../${path}`, import.meta.url).href;
