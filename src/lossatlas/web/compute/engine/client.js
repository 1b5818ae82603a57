/**
 * This module is the page's side of the engine: two workers share the work of a surface. Only the newest question of
 * each kind is answered.
 */
/** @import {Losses, LossSet, ModelAnswer, PointAnswer, Run, SamplesAnswer, SurfaceAnswer} from './worker.js' */
import {startWorker} from './workers.js';

/** The number of samples of a preview along each axis. */
export const COARSE = 17;

/** @typedef {'surface' | 'samples' | 'point' | 'model'} Sort */
/** @typedef {[Float32Array, Float32Array]} Directions */

export function createEngine() {
  const questions = createQuestions();
  /** @type {(message: string) => void} */
  let onError = () => {};
  const close = () => {
    for (const worker of workers) worker.end();
  };
  const start = () =>
    startWorker(() => new Worker(new URL('./worker.js', import.meta.url), {type: 'module'}), {
      onMessage: questions.answer,
      onFault(words) {
        close(); // Both workers end, since each computes a part of every surface.
        onError(words);
      },
    });
  const workers = [start(), start()];
  /** @param {number} worker @param {Sort} sort @param {number} id @param {object} request */
  const send = (worker, sort, id, request) => workers[worker].post({...request, type: sort, id});
  const {next} = questions;

  return {
    /**
     * The workers answer nothing more; the handler receives the reason once.
     * @param {(message: string) => void} handler
     */
    set onError(handler) {
      onError = handler;
    },
    /** Change to another run: questions about earlier runs are no longer answered. @param {Run} run */
    open(run) {
      questions.forget();
      for (const worker of workers) worker.post({type: 'run', run});
    },
    /**
     * Compute a loss surface: first a preview of COARSE × COARSE, then the full grid, unless a newer surface is
     * requested.
     * @param {{theta: Float32Array, directions: Directions, span: number, grid: number, sets: LossSet[]}} request
     * @param {(losses: Losses, final: boolean) => void} onAnswer
     */
    surface(request, onAnswer) {
      const {grid, sets} = request;
      // The first worker also computes the preview.
      const split = Math.max(0, Math.min(grid, Math.round((grid * grid - COARSE * COARSE) / (2 * grid))));
      /** @type {SurfaceAnswer[]} */
      const parts = [];
      const id = next('surface', (/** @type {SurfaceAnswer} */ answer) => {
        if (!answer.final) return parts.length < 2 && onAnswer(answer.losses, false);
        parts.push(answer);
        if (parts.length === 2) onAnswer(joinParts(parts, grid, sets), true);
      });
      send(0, 'surface', id, {...request, coarse: COARSE, rows: [0, split]});
      send(1, 'surface', id, {...request, coarse: 0, rows: [split, grid]});
    },
    /**
     * Compute small surfaces around several models.
     * @param {{thetas: Float32Array[], directions: Directions, span: number, sets: LossSet[]}} request
     * @param {(losses: Losses[]) => void} onAnswer
     */
    samples(request, onAnswer) {
      const id = next('samples', (/** @type {SamplesAnswer} */ {losses}) => onAnswer(losses));
      send(1, 'samples', id, {...request, grid: COARSE});
    },
    /**
     * Compute the loss of one data point over the plane.
     * @param {{theta: Float32Array, directions: Directions, span: number, grid: number, point: [number, number], label:
     *   number}} request
     * @param {(losses: Float32Array) => void} onAnswer
     */
    point(request, onAnswer) {
      const id = next('point', (/** @type {PointAnswer} */ {losses}) => onAnswer(losses));
      send(0, 'point', id, request);
    },
    /**
     * Compute the boundary and the losses of one model.
     * @param {Float32Array} theta @param {(answer: ModelAnswer) => void} onAnswer
     */
    model(theta, onAnswer) {
      send(1, 'model', next('model', onAnswer), {theta});
    },
    close,
  };
}

/** Create the list of the newest question of each kind, with the function that receives its answer. */
function createQuestions() {
  /** @type {Record<Sort, ((answer: any) => void) | null>} */
  const waiting = {surface: null, samples: null, point: null, model: null};
  /** @type {Record<Sort, number>} */
  const ids = {surface: 0, samples: 0, point: 0, model: 0};
  /**
   * Replace the question of a kind by a new one, and return its id.
   * @param {Sort} sort @param {((answer: any) => void) | null} onAnswer
   */
  const next = (sort, onAnswer) => {
    waiting[sort] = onAnswer;
    return ++ids[sort];
  };
  return {
    next,
    /** Drop all questions: they are no longer answered. */
    forget() {
      for (const sort of /** @type {Sort[]} */ (Object.keys(ids))) next(sort, null);
    },
    /** @param {{type: Sort, id: number}} data an answer, which may belong to an older question */
    answer(data) {
      if (data.id === ids[data.type]) waiting[data.type]?.(data);
    },
  };
}

/** @param {SurfaceAnswer[]} parts @param {number} grid @param {LossSet[]} sets @returns {Losses} */
function joinParts(parts, grid, sets) {
  return Object.fromEntries(
    sets.map((set) => {
      const whole = new Float32Array(grid * grid);
      for (const {rows, losses} of parts) whole.set(/** @type {Float32Array} */ (losses[set]), rows[0] * grid);
      return [set, whole];
    }),
  );
}
