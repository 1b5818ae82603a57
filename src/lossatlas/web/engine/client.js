/** The page's side of the engine: two workers, one for surfaces and one for single models; stale answers are dropped. */
/** @import {ModelAnswer, Run, SurfaceAnswer} from './worker.js' */

/** A preview's samples along each axis. */
const COARSE = 17;

export function createEngine() {
  const workers = {surface: start(), model: start()};
  /** @type {Record<string, ((answer: any) => void) | null>} */
  const waiting = {surface: null, model: null};
  const ids = {surface: 0, model: 0};
  /** @type {(message: string) => void} */
  let onError = () => {};

  /** @param {'surface' | 'model'} sort */
  const listen = (sort) => {
    workers[sort].onmessage = ({data}) => {
      if (data.type === 'error') onError(data.message);
      else if (data.id === ids[sort]) waiting[sort]?.(data);
    };
  };
  listen('surface');
  listen('model');

  /** @param {'surface' | 'model'} sort @param {object} request @param {(answer: any) => void} onAnswer */
  const ask = (sort, request, onAnswer) => {
    waiting[sort] = onAnswer;
    workers[sort].postMessage({...request, type: sort, id: ++ids[sort]});
  };

  return {
    /** @param {(message: string) => void} handler */
    set onError(handler) { onError = handler; },
    /** From now on of this run; what was asked of another is not answered. @param {Run} run */
    open(run) {
      for (const sort of /** @type {const} */ (['surface', 'model'])) {
        ids[sort]++;
        waiting[sort] = null;
        workers[sort].postMessage({type: 'run', run});
      }
    },
    /**
     * A loss surface, first a preview and then in full, unless a newer one is asked for.
     * @param {{theta: Float32Array, directions: [Float32Array, Float32Array], span: number, grid: number, set: 'train' | 'test'}} request
     * @param {(answer: SurfaceAnswer) => void} onAnswer
     */
    surface: (request, onAnswer) => ask('surface', {...request, coarse: COARSE}, onAnswer),
    /** Boundary and losses of one model. @param {Float32Array} theta @param {(answer: ModelAnswer) => void} onAnswer */
    model: (theta, onAnswer) => ask('model', {theta}, onAnswer),
    close() { for (const worker of Object.values(workers)) worker.terminate(); },
  };
}

function start() {
  return new Worker(new URL('worker.js', import.meta.url), {type: 'module'});
}
