/**
 * This module is the page's side of training: it starts the worker and keeps the record of its training. Late answers
 * are dropped.
 */
/** @import {Progress, Task} from './job.js' */
/** @import {TrainingState} from './training.js' */
import {parameterCount} from '../../model/architecture.js';
import {constants} from '../../model/constants.js';
import {createRecord} from './record.js';
import {startWorker} from './workers.js';

/**
 * @typedef {ReturnType<typeof createRecord>} TrainingRecord
 * @typedef {Pick<Progress, 'status' | 'message' | 'dead' | 'advice'> & {record: TrainingRecord, fresh: number[]}}
 *   TrainingNews `fresh`: the epochs that arrived since the last news; the record already contains them
 */

/**
 * @param {{onNews: (news: TrainingNews) => void, onError: (message: string) => void}} options news arrive at most about
 *   thirty times a second; the first, with the start of the training, arrives soon after it is opened
 */
export function createTrainer({onNews, onError}) {
  let fault = '';
  const begin = () =>
    startWorker(() => new Worker(new URL('./trainer.js', import.meta.url), {type: 'module'}), {
      onMessage,
      onFault(words) {
        fault = words;
        forget();
        onError(words);
      },
    });
  let id = 0;
  /** @type {TrainingRecord | null} */
  let record = null;
  /** @type {((state: TrainingState | null) => void)[]} */
  const waiting = [];

  /** @param {any} data */
  const onMessage = (data) => {
    if (data.id !== id || !record) return;
    else if (data.type === 'state') waiting.shift()?.(data.state);
    else {
      const {status, epochs, message, dead, advice} = /** @type {Progress} */ (data);
      record.add(data);
      onNews({status, message, dead, advice, record, fresh: epochs});
    }
  };
  const forget = () => {
    for (const answer of waiting.splice(0)) answer(null);
  };

  /** @param {string} type @param {object} [more] */
  const sendMessage = (type, more) => worker.post({...more, type, id});
  /** Continue a training; if its worker has died, report why. @param {'start' | 'step'} type @param {object} [more] */
  const continueTraining = (type, more) => (worker.hasEnded ? onError(fault) : sendMessage(type, more));
  let worker = begin();

  return {
    /**
     * Open a new training, without training it yet; another one ends.
     * @param {Task} task @returns {TrainingRecord} the record that will contain its epochs
     */
    open(task) {
      id++;
      forget();
      if (worker.hasEnded) worker = begin();
      record = createRecord(parameterCount(task.network));
      const {title} = constants().optimizers.find(({name}) => name === task.config.optimizer) ?? {};
      sendMessage('open', {task: {...task, optimizerTitle: title}});
      return record;
    },
    /**
     * Train further.
     * @param {number} [until] the last epoch; by default that of the configuration
     * @param {boolean} [pauses] does the training pause at a plateau that begins from here on? By default this stays as
     *   it was
     */
    start: (until, pauses) => continueTraining('start', {until, pauses}),
    pause: () => sendMessage('pause'),
    /** Train one more epoch of a training that is paused. */
    step: () => continueTraining('step'),
    /** Stop the training: nothing more is reported of it. */
    stop() {
      sendMessage('stop');
      record = null;
      forget();
    },
    /** Limit the number of epochs a second, for every training. @param {number} rate Infinity: as fast as possible */
    limit: (rate) => sendMessage('rate', {rate}),
    /**
     * Return everything that is needed to continue to the same bits; null if the training was stopped meanwhile.
     * @returns {Promise<TrainingState | null>}
     */
    state: () =>
      new Promise((resolve) => {
        if (worker.hasEnded) return resolve(null);
        waiting.push(resolve);
        sendMessage('state');
      }),
    close: () => worker.end(),
  };
}
