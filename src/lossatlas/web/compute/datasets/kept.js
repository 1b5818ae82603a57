/**
 * Own data by the text that the state carries: the points themselves where a link can hold them, else a name under which
 * this browser keeps them (IndexedDB), so that a reload and the way back find them.
 */
/** @import {Own} from './own.js' */
import {decodeOwn, encodeOwn} from './link.js';
import {LOST} from '../../model/state.js';
import {MAX_LINKED} from './own.js';

const DATABASE = 'lossatlas';
const STORE = 'own';
/** The datasets kept: the latest. */
const MOST = 20;
const PREFIX = 'here-only-';

/** @type {Map<string, Own>} */
const kept = new Map();

/**
 * @param {Own} own @returns {Promise<{text: string, lasting: boolean}>} `lasting`: a link or a reload finds them
 */
export async function remember(own) {
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

/** @param {string} text @returns {Promise<Own>} */
export async function recall(text) {
  const own = kept.get(text) ?? decodeOwn(text) ?? (text.startsWith(PREFIX) ? await stored(text) : null);
  if (text === LOST) {
    throw new Error(
      'This link is of somebody’s own points, and has lost them on its way: they stood behind a “#” at its end. Ask for it once more, or open the file by “Your own data…”.',
    );
  }
  if (!own) {
    throw new Error(
      text.startsWith(PREFIX)
        ? `These points are not in this browser, or not any more: a link can carry up to ${MAX_LINKED}, and there were more. Open their file again by “Your own data…”.`
        : 'The points in this link are damaged: it was cut off or changed on its way. Ask for it once more, or open the file by “Your own data…”.',
    );
  }
  kept.set(text, own);
  return own;
}

/** What they are: the same data have the same name (FNV-1a, of two halves). @param {Own} own */
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
    const keys = objects.index('at').getAllKeys(); // the oldest first
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
async function stored(text) {
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
