/** The stored run on show: which of its arrays are asked for, in which order, and when all of them have arrived. */
/** @import {Run} from '../model/run.js' */
import {FRAME_ARRAYS, STATIC_ARRAYS} from '../model/run.js';
import {createArrivals} from './arrays.js';

/** The small arrays come first: a browser opens six connections at a time to an HTTP/1.1 host. */
const SMALL = [...STATIC_ARRAYS, FRAME_ARRAYS[0]];
const LARGE = FRAME_ARRAYS.slice(1);

/** @typedef {ReturnType<typeof createStoredRun>} StoredRun */

/**
 * @param {Run} run
 * @param {object} options
 * @param {AbortSignal} options.signal
 * @param {(run: Run) => string[]} options.wanted the arrays of planes that the state asks for
 * @param {() => void} options.onData more of an array has arrived
 * @param {() => void} options.onWait arrays are asked for of a run that was whole before
 * @param {(isFirst: boolean) => void} options.onWhole all that is wanted has arrived, for the first time or again
 * @param {(error: unknown) => Promise<void>} options.recover an array has not arrived, or is damaged
 * @param {(error: unknown) => void} options.onError there was no way to recover
 */
export function createStoredRun(run, {signal, wanted, onData, onWait, onWhole, recover, onError}) {
  const arrivals = createArrivals(run, {signal, onData: () => signal.aborted || onData()});
  let wasWhole = false;
  /** The wishes are numbered, as only the newest of them counts. */
  let newest = 0;

  return {
    /** Ask for the arrays that are wanted now. */
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
      const coming = arrivals.request([...SMALL, ...wanted(run), ...LARGE]);
      if (!coming) return finish();
      if (wasWhole) onWait();
      const stop = async (/** @type {unknown} */ error) => {
        if (isOver()) return;
        arrivals.request([]); // the other arrays would be of a run that may be set aside
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
