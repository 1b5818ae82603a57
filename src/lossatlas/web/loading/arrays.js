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
    const whole = await fetchNpy(fileUrl(run.id, run.entry(name).file), {signal, onData, onHeader});
    if (!run.isComplete(name)) run.put(name, whole);
  } catch (error) {
    // Remove the part that has arrived, since it would never be completed.
    if (array && run.get(name) === array) run.drop(name);
    throw error;
  }
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
