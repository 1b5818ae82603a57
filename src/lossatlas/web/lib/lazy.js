/**
 * Parts of the page that load with their first use, modules and stylesheets alike. Where one fails to load, the next use
 * asks for it again.
 */
import {make} from './dom.js';

/** Say in words for people why a part of the page is not there. @param {unknown} error */
export function reasonOf(error) {
  const message = String(/** @type {any} */ (error)?.message ?? error);
  return /dynamically imported module|importing a module script/i.test(message) ? LACKING : message;
}

const LACKING = 'A part of the page has not come: the server does not answer, or lacks it.';

/** @type {Map<string, Promise<void>>} */
const styles = new Map();

/**
 * Load a stylesheet. What it styles is shown when it is there, since else the plots would move.
 * @param {string} path from the page's root @returns {Promise<void>}
 */
function loadStyle(path) {
  const known = styles.get(path);
  if (known) return known;
  const link = make('link', {rel: 'stylesheet', href: new URL(`../${path}`, import.meta.url).href});
  const coming = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
    link.addEventListener('load', () => resolve());
    link.addEventListener('error', () => {
      styles.delete(path);
      link.remove();
      reject(new Error(LACKING));
    });
  });
  styles.set(path, coming);
  document.head.append(link);
  return coming;
}

/**
 * A part of the page that is fetched with its first use, and anew where that has failed.
 * @template M, T
 * @param {object} options
 * @param {() => Promise<M>} options.load imports its modules
 * @param {(modules: M) => T | Promise<T>} options.create makes the part of them, once the stylesheets are there as well
 * @param {string[]} [options.styles] paths from the page's root
 * @param {string[]} [options.optionalStyles] of what works without them: they are not waited for
 */
export function createLazy({load, create, styles = [], optionalStyles = []}) {
  /** @type {T | null} */
  let part = null;
  /** @type {Promise<T> | null} */
  let coming = null;
  const arrive = async () => {
    try {
      for (const path of optionalStyles) loadStyle(path).catch(() => {});
      const [modules] = await Promise.all([load(), ...styles.map(loadStyle)]);
      part = await create(modules);
      return part;
    } catch (error) {
      coming = null;
      throw error;
    }
  };
  return {
    /** The part, if it has arrived. */
    known: () => part,
    isAsked: () => coming !== null,
    /** @returns {Promise<T>} */
    request() {
      coming ??= arrive();
      return coming;
    },
  };
}

/**
 * Modules of functions that are fetched with its first use.
 * @template M
 * @param {() => Promise<M>} load imports them
 */
export function createLazyModule(load) {
  return createLazy({load, create: (modules) => modules});
}
