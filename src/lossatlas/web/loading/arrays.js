/** This module fetches the arrays of a stored run. */
/** @import {Run} from '../model/run.js' */
/** @import {NpyArray} from './npy.js' */
import {fileUrl} from './addresses.js';
import {fetchNpy} from './npy.js';

/** @typedef {ReturnType<typeof createArrayRequests>} Arrivals */

/**
 * Fetch one array into the run. The run holds it from the first byte on, as far as it has arrived.
 * @param {Run} run
 * @param {string} name
 * @param {{signal?: AbortSignal, onData?: () => void}} [options] `onData` is called after every piece
 */
export async function fetchArray(run, name, {signal, onData} = {}) {
  /** @type {NpyArray | undefined} */
  let array;
  const onHeader = (/** @type {NpyArray} */ begun) => {
    array = begun;
    if (!run.get(name)) run.put(name, array); // Otherwise another request has already added it.
  };
  try {
    const {file, sha256} = run.entry(name);
    const onWhole = (/** @type {Uint8Array} */ header, /** @type {Uint8Array} */ data) =>
      refuseDamaged(file, sha256, header, data);
    const whole = await fetchNpy(fileUrl(run.id, file), {signal, onData, onHeader, onWhole});
    if (!run.isComplete(name)) run.put(name, whole);
  } catch (error) {
    // Remove the part that has arrived, since it would never be completed.
    if (array && run.get(name) === array) run.drop(name);
    throw error;
  }
}

const MAGIC = Uint8Array.from('\x93NUMPY', (letter) => letter.charCodeAt(0));

/**
 * Compare a file with its checksum. Runs of earlier versions have none, and browsers compute none without https.
 * @param {string} file @param {string | undefined} sha256 of the .npy file, in whichever form it was sent
 * @param {Uint8Array} header @param {Uint8Array} data
 */
async function refuseDamaged(file, sha256, header, data) {
  if (!sha256 || !globalThis.crypto?.subtle) return;
  const bytes = new Uint8Array(header.length + data.length);
  bytes.set(header);
  bytes.set(MAGIC); // Byte planes have another one, and the same header otherwise.
  bytes.set(data, header.length);
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  if (Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('') !== sha256)
    throw new Error(`${file} is damaged: its checksum is not the stored one`);
}

/**
 * Create the set of a run's arrays that are being fetched; a later request may no longer want some of them.
 * @param {Run} run
 * @param {{signal: AbortSignal, onData: () => void}} options `onData` is called after every piece
 */
export function createArrayRequests(run, {signal, onData}) {
  /** @type {Map<string, {abort: AbortController, whole: Promise<void>}>} */
  const coming = new Map();

  /** @param {string} name */
  const request = (name) => {
    const abort = new AbortController();
    const whole = fetchArray(run, name, {signal: AbortSignal.any([signal, abort.signal]), onData}).finally(() => {
      if (coming.get(name)?.abort === abort) coming.delete(name);
    });
    whole.catch(() => {}); // The error is reported to the caller that waits for the array.
    coming.set(name, {abort, whole});
  };

  return {
    /**
     * Fetch the arrays that have neither arrived nor been requested, and stop fetching those that are no longer wanted.
     * @param {string[]} names @returns {Promise<void> | null} settles when all have arrived; null: all have arrived
     *   already
     */
    request(names) {
      for (const [name, {abort}] of coming) {
        if (names.includes(name)) continue;
        coming.delete(name);
        abort.abort();
      }
      for (const name of names) if (!run.isComplete(name) && !coming.has(name)) request(name);
      const waited = names.flatMap((name) => coming.get(name)?.whole ?? []);
      return waited.length ? Promise.all(waited).then(() => undefined) : null;
    },
  };
}
