/**
 * This module fetches the arrays of the stored run that is shown: it decides their order and reports when all of them
 * have arrived.
 */
/** @import {Run} from '../model/run.js' */
import {createArrayRequests} from './arrays.js';

/** @typedef {ReturnType<typeof createStoredRun>} StoredRun */

/**
 * @param {Run} run
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(run: Run) => string[]} options.listNeeded the arrays of planes that the state needs
 * @param {() => void} options.onData more of an array has arrived
 * @param {() => void} options.onWait arrays are requested for a run that was complete before
 * @param {(isFirst: boolean) => void} options.onWhole everything that is needed has arrived, for the first time or
 *   again
 * @param {(error: unknown) => Promise<void>} options.recover an array has not arrived, or is damaged
 * @param {(error: unknown) => void} options.onError the run could not be recovered
 */
export function createStoredRun(run, {signal, listNeeded, onData, onWait, onWhole, recover, onError}) {
  const arrivals = createArrayRequests(run, {signal, onData: () => signal.aborted || onData()});
  let wasWhole = false;
  /** The requests are numbered, since only the newest counts. */
  let newest = 0;

  return {
    /** Request the arrays that are needed now. */
    request() {
      if (signal.aborted) return;
      const wish = ++newest;
      const isOver = () => signal.aborted || wish !== newest;
      const finish = () => {
        if (isOver()) return;
        const isFirst = !wasWhole;
        wasWhole = true;
        onWhole(isFirst);
        onData();
      };
      // The small arrays come first: a browser opens six connections at a time to an HTTP/1.1 host.
      const [small, ...large] = [run.frameArrays.slice(0, 1), ...run.frameArrays.slice(1)];
      const coming = arrivals.request([...run.staticArrays, ...small, ...listNeeded(run), ...large.flat()]);
      if (!coming) return finish();
      if (wasWhole) onWait();
      const stop = async (/** @type {unknown} */ error) => {
        if (isOver()) return;
        arrivals.request([]); // The other arrays belong to a run that may be set aside.
        await recover(error);
      };
      coming.then(finish, stop).catch(onError);
    },
    /** Report nothing more: another run takes its place. */
    stop() {
      newest++;
    },
  };
}
