/** This module starts a worker and says why it cannot answer: it cannot be started, or it has died. */
import {NO_WORKERS} from '../../model/slice.js';

const NOT_STARTED =
  'The worker could not be started: its file did not arrive, or the rules of this site (its ' +
  'Content-Security-Policy) forbid workers.';
/** A worker that has not reported within this many milliseconds is given up: some failures raise no event at all. */
const PATIENCE = 30_000;
const NOT_READY =
  `The worker has not started within ${PATIENCE / 1000} seconds: its files do not arrive, or the browser holds them ` +
  'back.';

/** @typedef {ReturnType<typeof startWorker>} Started */

/**
 * Start a worker.
 * @param {() => Worker} create
 * @param {{onMessage: (data: any) => void, onFault: (words: string) => void}} options `onFault` is called once, and
 *   never while the worker is being started; after it nothing more is answered
 */
export function startWorker(create, {onMessage, onFault}) {
  /** @type {Worker | null} */
  let worker = null;
  let ended = false;
  let timer = 0;
  const end = () => {
    ended = true;
    clearTimeout(timer);
    worker?.terminate();
  };
  /** @param {string} message */
  const fail = (message) => {
    if (ended) return;
    end();
    onFault(/alloc|memory/i.test(message) ? `There is not enough memory for it (${message}).` : message || NOT_STARTED);
  };
  try {
    worker = create();
    timer = window.setTimeout(() => fail(NOT_READY), PATIENCE);
    worker.onmessage = ({data}) => {
      if (data.type === 'ready') clearTimeout(timer);
      else if (data.type === 'error') fail(data.message);
      else if (!ended) onMessage(data);
    };
    worker.onerror = (event) => {
      event.preventDefault(); // The error is reported where the answer is awaited.
      fail(event.message ?? '');
    };
    worker.onmessageerror = () => fail('An answer from the worker could not be read.');
  } catch {
    queueMicrotask(() => fail(typeof Worker === 'function' ? NOT_STARTED : NO_WORKERS));
  }
  return {
    get hasEnded() {
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
