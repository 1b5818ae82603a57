/**
 * This module is the worker that trains outside the page's thread: it receives messages from the page and sends epochs.
 * It runs one training at a time; nothing more is reported of a training that was stopped.
 */
/** @import {Progress, Task} from './job.js' */
import {Job} from './job.js';
import {loadModule} from './kernel.js';
import {addressOf} from '../../lib/files.js';

/**
 * @typedef {{type: 'open', id: number, task: Task}} OpenMessage
 * @typedef {{type: 'start', id: number, until?: number, pauses?: boolean}} StartMessage
 * @typedef {{type: 'pause' | 'step' | 'stop' | 'state', id: number}} PlainMessage
 * @typedef {{type: 'rate', id: number, rate: number}} RateMessage
 */

const scope = /** @type {any} */ (globalThis);
const readBuild = async (/** @type {string} */ name) =>
  (await fetch(addressOf(`compute/engine/${name}`))).arrayBuffer();
const SIMD = loadModule(readBuild).catch(() => null);
SIMD.then(() => scope.postMessage({type: 'ready'})); // workers.js waits for it, but not for ever.

/** The training that runs. @type {Job | null} */
let job = null;
/** The id of the training that was requested last, from the moment its message arrives; 0: none. */
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

/** Messages are answered one after the other, so that none is handled before the training that it is meant for. */
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
      return job.shortenWait();
    case 'state':
      return scope.postMessage({type: 'state', id: message.id, state: job.state()});
    default:
      job = null; // This is the message `stop`.
  }
  return undefined;
}

/** @param {MessageEvent} event */
scope.onmessage = ({data}) => {
  if (data.type === 'open') wanted = data.id;
  // This happens at once, even while the kernels are being fetched.
  if (data.type === 'stop' && wanted === data.id) wanted = 0;
  turn = turn.then(() => answer(data)).catch(report);
};
