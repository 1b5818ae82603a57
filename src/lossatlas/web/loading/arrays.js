/** Fetching the arrays of a stored run. */
/** @import {Run} from '../model/run.js' */
/** @import {NpyArray} from './npy.js' */
import {fileUrl} from './addresses.js';
import {fetchNpy} from './npy.js';

/** @typedef {ReturnType<typeof createArrivals>} Arrivals */

/**
 * Fetch one array into the run, which has it from the first byte on as far as it has arrived.
 * @param {Run} run
 * @param {string} name
 * @param {{signal?: AbortSignal, onData?: () => void}} [options] `onData` after every piece
 */
export async function fetchArray(run, name, {signal, onData} = {}) {
  /** @type {NpyArray | undefined} */
  let array;
  const onHeader = (/** @type {NpyArray} */ begun) => {
    array = begun;
    if (!run.get(name)) run.put(name, array); // else somebody else has asked for it as well
  };
  try {
    const whole = await fetchNpy(fileUrl(run.id, run.entry(name).file), {signal, onData, onHeader});
    if (!run.complete(name)) run.put(name, whole);
  } catch (error) {
    if (array && run.get(name) === array) run.drop(name); // a part would never grow again
    throw error;
  }
}

/**
 * The arrays of a run that are on their way, of which some may be no longer wanted.
 * @param {Run} run
 * @param {{signal: AbortSignal, onData: () => void}} options `onData` after every piece
 */
export function createArrivals(run, {signal, onData}) {
  /** @type {Map<string, {abort: AbortController, whole: Promise<void>}>} */
  const coming = new Map();

  /** @param {string} name */
  const request = (name) => {
    const abort = new AbortController();
    const whole = fetchArray(run, name, {signal: AbortSignal.any([signal, abort.signal]), onData}).finally(() => {
      if (coming.get(name)?.abort === abort) coming.delete(name);
    });
    whole.catch(() => {}); // the error is reported to whoever waits for the array
    coming.set(name, {abort, whole});
  };

  return {
    /**
     * Ask for the arrays that are neither here nor on their way, and stop those on their way that are not wanted any
     * more.
     * @param {string[]} names @returns {Promise<void> | null} settles when all are here; null: all are here already
     */
    request(names) {
      for (const [name, {abort}] of coming) {
        if (names.includes(name)) continue;
        coming.delete(name);
        abort.abort();
      }
      for (const name of names) if (!run.complete(name) && !coming.has(name)) request(name);
      const waited = names.flatMap((name) => coming.get(name)?.whole ?? []);
      return waited.length ? Promise.all(waited).then(() => undefined) : null;
    },
  };
}
