/** The arrays of a stored run that are on their way. */
/** @import {Run} from '../model/run.js' */
import {fetchNpy} from './npy.js';

/** @typedef {ReturnType<typeof createArrivals>} Arrivals */

/**
 * @param {Run} run
 * @param {{signal: AbortSignal, onData: () => void}} options `onData` after every piece
 */
export function createArrivals(run, {signal, onData}) {
  const base = `data/runs/${encodeURIComponent(run.id)}/`;
  /** @type {Map<string, {let: AbortController, whole: Promise<void>}>} */
  const coming = new Map();

  /** @param {string} name */
  const ask = (name) => {
    const leave = new AbortController();
    /** @type {import('./npy.js').NpyArray | undefined} */
    let array;
    const onHeader = (/** @type {import('./npy.js').NpyArray} */ begun) => {
      array = begun;
      run.put(name, array);
    };
    const whole = fetchNpy(base + run.entry(name).file, {
      signal: AbortSignal.any([signal, leave.signal]),
      onData,
      onHeader,
    })
      .then(
        () => undefined,
        (error) => {
          if (array && run.get(name) === array) run.drop(name); // a part would never grow again
          throw error;
        },
      )
      .finally(() => {
        if (coming.get(name)?.let === leave) coming.delete(name);
      });
    whole.catch(() => {}); // told to whoever waits for it
    coming.set(name, {let: leave, whole});
  };

  return {
    /**
     * Ask for what is not there and not on its way, and let go of what is on its way and no longer wanted.
     * @param {string[]} names @returns {Promise<void> | null} settles when all are there; null: they are
     */
    want(names) {
      for (const [name, {let: leave}] of coming) {
        if (names.includes(name)) continue;
        coming.delete(name);
        leave.abort();
      }
      for (const name of names) if (!run.complete(name) && !coming.has(name)) ask(name);
      const waited = names.flatMap((name) => coming.get(name)?.whole ?? []);
      return waited.length ? Promise.all(waited).then(() => undefined) : null;
    },
  };
}
