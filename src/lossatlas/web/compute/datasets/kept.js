/**
 * This module keeps own data under the text that the state carries: the points themselves if a link can hold them, else
 * a name under which this browser stores them (IndexedDB). So a reload and the Back button find them.
 */
/** @import {Own} from './own.js' */
import {decodeOwn, encodeOwn} from './link.js';
import {LOST} from '../../model/state.js';
import {MAX_LINKED} from './own.js';

const DATABASE = 'lossatlas';
const STORE = 'own';
/** The number of datasets that are kept; the oldest are removed. */
const MOST = 20;
const PREFIX = 'here-only-';

/** @type {Map<string, Own>} */
const kept = new Map();

/**
 * Keep a dataset.
 * @param {Own} own @returns {Promise<{text: string, lasting: boolean}>} `lasting`: a link or a reload finds it
 */
export async function keepOwn(own) {
  const linked = encodeOwn(own);
  const text = linked ?? PREFIX + nameOf(own);
  kept.set(text, own);
  if (linked) return {text, lasting: true};
  try {
    await store(text, own);
    return {text, lasting: true};
  } catch {
    return {text, lasting: false};
  }
}

/** Find a dataset by its text. @param {string} text @returns {Promise<Own>} */
export async function findOwn(text) {
  const own = kept.get(text) ?? decodeOwn(text) ?? (text.startsWith(PREFIX) ? await readStored(text) : null);
  if (text === LOST) {
    throw new Error(
      'This link has lost its data points: they followed a “#” at its end. Ask for the link again, or open the ' +
        'file with “Your own data…”.',
    );
  }
  if (!own) {
    throw new Error(
      text.startsWith(PREFIX)
        ? `These points are not in this browser, or no longer: a link can carry up to ${MAX_LINKED}, and there ` +
            'were more. Open their file again with “Your own data…”.'
        : 'The points in this link are damaged: the link was cut off or changed. Ask for it again, or open the ' +
            'file with “Your own data…”.',
    );
  }
  kept.set(text, own);
  return own;
}

/** Name a dataset: equal data have the same name (FNV-1a, in two halves). @param {Own} own */
function nameOf(own) {
  const bytes = new TextEncoder().encode(
    JSON.stringify([own.name, own.features, own.classes, [...own.points], [...own.labels]]),
  );
  return [0x811c9dc5, 0x01000193]
    .map((start) => {
      let hash = start;
      for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
      return hash.toString(36);
    })
    .join('');
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, {keyPath: 'text'}).createIndex('at', 'at');
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error ?? new Error('blocked'));
  });
}

/** @param {string} text @param {Own} own */
async function store(text, own) {
  const database = await open();
  try {
    const transaction = database.transaction(STORE, 'readwrite');
    const objects = transaction.objectStore(STORE);
    objects.put({text, at: Date.now(), own});
    const keys = objects.index('at').getAllKeys(); // The keys begin with the oldest dataset.
    keys.onsuccess = () => {
      for (const key of keys.result.slice(0, -MOST)) objects.delete(key);
    };
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** @param {string} text @returns {Promise<Own | null>} */
async function readStored(text) {
  try {
    const database = await open();
    try {
      return await new Promise((resolve, reject) => {
        const request = database.transaction(STORE).objectStore(STORE).get(text);
        request.onsuccess = () => resolve(request.result?.own ?? null);
        request.onerror = () => reject(request.error);
      });
    } finally {
      database.close();
    }
  } catch {
    return null;
  }
}
