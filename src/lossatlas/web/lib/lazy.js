/**
 * This module loads parts of the page when they are first used, modules and stylesheets alike. If a part fails to load,
 * its next use tries again.
 */
import {make} from './dom.js';
import {addressOf} from './files.js';

/** Explain in plain words why a part of the page is missing. @param {unknown} error */
export function reasonOf(error) {
  const message = String(/** @type {any} */ (error)?.message ?? error);
  return /dynamically imported module|importing a module script/i.test(message) ? LACKING : message;
}

const LACKING = 'A part of the page is missing. The server does not answer, or has a newer page: then reload this one.';

/** @type {Map<string, Promise<void>>} */
const styles = new Map();

/**
 * Load a stylesheet. Wait for it before you show what it styles: otherwise the plots would jump.
 * @param {string} path relative to the page's root @returns {Promise<void>}
 */
function loadStyle(path) {
  const known = styles.get(path);
  if (known) return known;
  const link = make('link', {rel: 'stylesheet', href: addressOf(path)});
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
 * Create a part of the page that is fetched when it is first requested, and fetched again after a failure.
 * @template M, T
 * @param {object} options
 * @param {() => Promise<M>} options.load imports the modules
 * @param {(modules: M) => T | Promise<T>} options.create creates the part from them, once the stylesheets have loaded
 * @param {string[]} [options.styles]
 * @param {string[]} [options.optionalStyles] the part works without them, so it does not wait for them
 */
export function createLazy({load, create, styles = [], optionalStyles = []}) {
  /** @type {T | null} */
  let part = null;
  /** @type {Promise<T> | null} */
  let coming = null;
  const loadPart = async () => {
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
    /** Return the part if it has arrived, else null. */
    known: () => part,
    isAsked: () => coming !== null,
    /** @returns {Promise<T>} */
    request() {
      coming ??= loadPart();
      return coming;
    },
  };
}

/**
 * Create a loader of modules that contain only functions; they are fetched when they are first used.
 * @template M
 * @param {() => Promise<M>} load imports the modules
 */
export function createLazyModule(load) {
  return createLazy({load, create: (modules) => modules});
}
