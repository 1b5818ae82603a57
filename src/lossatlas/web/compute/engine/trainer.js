/**
 * The worker that trains, off the page's thread: messages of the page come in, epochs go out. One training at a time; of
 * one that is stopped nothing is reported any more.
 */
/** @import {Progress, Task} from './job.js' */
import {Job} from './job.js';
import {loadModule} from './kernel.js';

/**
 * @typedef {{type: 'open', id: number, task: Task}} OpenMessage
 * @typedef {{type: 'start', id: number, until?: number, pauses?: boolean}} StartMessage
 * @typedef {{type: 'pause' | 'step' | 'stop' | 'state', id: number}} PlainMessage
 * @typedef {{type: 'rate', id: number, rate: number}} RateMessage
 */

const scope = /** @type {any} */ (globalThis);
const SIMD = loadModule(async (name) => (await fetch(new URL(name, import.meta.url))).arrayBuffer()).catch(() => null);

/** @type {Job | null} the one training */
let job = null;
/** The id of the training asked for last, from the moment on that its message is there; 0: none. */
let wanted = 0;
/** The largest number of epochs a second. */
let rate = Infinity;

/** @param {unknown} error */
function report(error) {
  scope.postMessage({type: 'error', id: wanted, message: String(error)});
}

/** @param {Progress} progress */
function post(progress) {
  scope.postMessage(progress, [progress.theta.buffer]);
}

/** @param {OpenMessage} message */
async function open({id, task}) {
  const simd = await SIMD;
  if (wanted !== id) return;
  job = new Job(id, task, simd, {isWanted: () => wanted === id, rate: () => rate, post, report});
}

/** Messages are answered one after the other, so that none overtakes the training that it is meant for. */
let turn = Promise.resolve();

/** @param {OpenMessage | StartMessage | PlainMessage | RateMessage} message */
async function answer(message) {
  if (message.type === 'open') return open(message);
  if (message.type === 'rate') rate = message.rate;
  if (job?.id !== message.id) return undefined;
  switch (message.type) {
    case 'start':
      return job.start(message.until, message.pauses);
    case 'pause':
      return job.pause();
    case 'step':
      return job.step();
    case 'rate':
      return job.hurry();
    case 'state':
      return scope.postMessage({type: 'state', id: message.id, state: job.state()});
    default:
      job = null; // stop
  }
  return undefined;
}

/** @param {MessageEvent} event */
scope.onmessage = ({data}) => {
  if (data.type === 'open') wanted = data.id;
  if (data.type === 'stop' && wanted === data.id) wanted = 0; // at once, even while the kernels are being fetched
  turn = turn.then(() => answer(data)).catch(report);
};
