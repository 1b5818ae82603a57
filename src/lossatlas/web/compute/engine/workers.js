/** This module starts a worker and says why it cannot answer: it cannot be started, or it has died. */

const NOT_STARTED =
  'The worker could not be started: its file did not arrive, or the rules of this site (its ' +
  'Content-Security-Policy) forbid workers.';

/** @typedef {ReturnType<typeof startWorker>} Started */

/**
 * Start a worker.
 * @param {string} file the worker's file, in this folder
 * @param {{onMessage: (data: any) => void, onFault: (words: string) => void}} options `onFault` is called once, and
 *   never while the worker is being started; after it nothing more is answered
 */
export function startWorker(file, {onMessage, onFault}) {
  /** @type {Worker | null} */
  let worker = null;
  let ended = false;
  const end = () => {
    ended = true;
    worker?.terminate();
  };
  /** @param {string} message */
  const fail = (message) => {
    if (ended) return;
    end();
    onFault(/alloc|memory/i.test(message) ? `There is not enough memory for it (${message}).` : message || NOT_STARTED);
  };
  try {
    worker = new Worker(new URL(file, import.meta.url), {type: 'module'});
    worker.onmessage = ({data}) => {
      if (data.type === 'error') fail(data.message);
      else if (!ended) onMessage(data);
    };
    worker.onerror = (event) => {
      event.preventDefault(); // The error is reported where the answer is awaited.
      fail(event.message ?? '');
    };
    worker.onmessageerror = () => fail('An answer from the worker could not be read.');
  } catch {
    queueMicrotask(() => fail(NOT_STARTED));
  }
  return {
    get ended() {
      return ended;
    },
    /** @param {object} message */
    post(message) {
      if (ended) return;
      try {
        worker?.postMessage(message);
      } catch (error) {
        queueMicrotask(() => fail(String(error)));
      }
    },
    end,
  };
}
