/** The page's side of training: a worker, and the record of the training it is at. Late answers are dropped. */
/** @import {Progress, Task} from './job.js' */
/** @import {TrainingState} from './training.js' */
import {parameterCount} from '../../model/architecture.js';
import {constants} from '../../model/constants.js';
import {createRecord} from './record.js';
import {startWorker} from './workers.js';

/**
 * @typedef {ReturnType<typeof createRecord>} TrainingRecord
 * @typedef {Pick<Progress, 'status' | 'message' | 'dead' | 'advice'> & {record: TrainingRecord, fresh: number[]}} TrainingNews
 *   `fresh`: the epochs that came since the last news; the record has them already
 */

/**
 * @param {{onNews: (news: TrainingNews) => void, onError: (message: string) => void}} options news come at most some thirty
 *   times a second; the first of a training, with its start, soon after it is opened
 */
export function createTrainer({onNews, onError}) {
  let fault = '';
  const begin = () =>
    startWorker('trainer.js', {
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
  const tell = (type, more) => worker.post({...more, type, id});
  /** A training goes on; one whose worker has died says why it does not. @param {'start' | 'step'} type @param {object} [more] */
  const goOn = (type, more) => (worker.ended ? onError(fault) : tell(type, more));
  let worker = begin();

  return {
    /** A new training, untrained; another one ends. @param {Task} task @returns {TrainingRecord} where its epochs will be */
    open(task) {
      id++;
      forget();
      if (worker.ended) worker = begin();
      record = createRecord(parameterCount(task.network));
      const {title} = constants().optimizers.find(({name}) => name === task.config.optimizer) ?? {};
      tell('open', {task: {...task, optimizerTitle: title}});
      return record;
    },
    /**
     * Train on. @param {number} [until] the epoch to end at; at first that of the configuration
     * @param {boolean} [pauses] does it pause at a plateau, which begins from here on? As it was, where nothing is said
     */
    start: (until, pauses) => goOn('start', {until, pauses}),
    pause: () => tell('pause'),
    /** One epoch more, of one that is paused. */
    step: () => goOn('step'),
    /** Nothing is heard of it any more. */
    stop() {
      tell('stop');
      record = null;
      forget();
    },
    /** Epochs a second, at most; of every training. @param {number} rate Infinity: as fast as it can */
    limit: (rate) => tell('rate', {rate}),
    /** All that it takes to go on to the same bits; null where it was stopped meanwhile. @returns {Promise<TrainingState | null>} */
    state: () =>
      new Promise((resolve) => {
        if (worker.ended) return resolve(null);
        waiting.push(resolve);
        tell('state');
      }),
    close: () => worker.end(),
  };
}
