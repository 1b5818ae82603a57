/**
 * Everything that the page computes of a shot, as no array has it. `request` asks for all that the shot takes;
 * `known` reads what has been answered, and starts no work. The workers start with the first question.
 */
/** @import {Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
import {parametersLimit} from '../model/slice.js';
import {createBall, networkOf, samplesOf} from './descent.js';
import {createEngine} from './engine/client.js';
import {createNetwork, thetaOf} from './network.js';
import {createTint} from './point_loss.js';
import {logitsOf, oddsAt} from './probabilities.js';
import {createStoredVectors} from './stored_vectors.js';
import {createSurfaces} from './surfaces.js';

/** @typedef {ReturnType<typeof createLab>} Lab */

/**
 * @param {{pace?: number, onAnswer: () => void, onError: (message: string) => void}} options `pace` of a ball, in
 *   epochs a second
 */
export function createLab({pace = Infinity, onAnswer, onError}) {
  const engineFor = createEngines({
    /** The workers have turned to another run, or are gone: they answer nothing more of what they were asked. */
    onForget() {
      surfaces.forget();
      network.forget();
      tint.forget();
    },
    onError,
  });
  const surfaces = createSurfaces({engineFor, onAnswer});
  const ball = createBall({pace, onRoll: onAnswer, onError});
  const stored = createStoredVectors({onArrival: onAnswer});
  const tint = createTint({engineFor, isKnown: stored.known, onAnswer});
  const network = createNetwork({engineFor, ball, onAnswer});
  /** Can the network on show be evaluated here? @param {Shot} shot */
  const hasParameters = (shot) =>
    parametersLimit(shot.run, shot.plane) === '' && stored.known(shot, shot.pick !== null);

  /**
   * Fetch the parameters of the network on show.
   * @param {Shot} shot
   * @param {boolean} [vectors] those of the plane as well?
   */
  const requestParameters = (shot, vectors = shot.pick !== null) => {
    if (parametersLimit(shot.run, shot.plane) === '') stored.request(shot, vectors);
  };

  return {
    requestParameters,
    /**
     * Ask for all that a picture of this shot takes, in place of what was asked for before.
     * @param {Shot} shot
     * @param {{point?: number | null, isFaulty?: boolean}} [options] `point`: the data point whose own loss is wanted;
     *   `isFaulty`: the workers have failed, so they are asked for nothing
     */
    request(shot, {point = null, isFaulty = false} = {}) {
      requestParameters(shot, shot.pick !== null || point !== null);
      if (shot.ball) ball.request(shot);
      else ball.stop();
      if (isFaulty) return;
      if (shot.computed) surfaces.request(shot);
      network.request(shot);
      if (point !== null) tint.request(shot, point);
    },
    known: {
      /** The surface of a computed slice, as far as it is computed. */
      surface: surfaces.known,
      /** The network at a picked point, or of a frame without stored predictions. */
      network: network.known,
      /** One data point's own loss over the plane. */
      tint: tint.known,
      /** A ball that was released, and how far it has rolled. */
      ball: ball.known,
      /**
       * The probability of each class at a place of the inputs.
       * @param {Shot} shot
       * @param {number} x
       * @param {number} y
       */
      odds: (shot, x, y) => (hasParameters(shot) ? oddsAt(shot, thetaOf(shot, ball), x, y) : null),
      /** The logits of the network on show at any place. @param {Shot} shot */
      logits: (shot) => (hasParameters(shot) ? logitsOf(shot, thetaOf(shot, ball)) : null),
    },
  };
}

/**
 * The workers, which know one run at a time.
 * @param {{onForget: () => void, onError: (message: string) => void}} options
 * @returns {(run: Run) => ReturnType<typeof createEngine>}
 */
function createEngines({onForget, onError}) {
  /** @type {ReturnType<typeof createEngine> | null} */
  let engine = null;
  /** @type {Run | null} */
  let opened = null;
  return (run) => {
    if (!engine) {
      engine = createEngine();
      engine.onError = (message) => {
        engine = opened = null; // the next question starts others
        onForget();
        onError(message);
      };
    }
    if (opened !== run) {
      opened = run;
      engine.open(describeRun(run));
      onForget();
    }
    return engine;
  };
}

/** What the workers need to know of a run. @param {Run} run @returns {import('./engine/worker.js').Run} */
function describeRun(run) {
  const points = /** @type {Float32Array} */ (run.numbers('points'));
  const [x, y] = [run.numbers('grid_x'), run.numbers('grid_y')];
  const inputs = new Float32Array(2 * x.length * y.length + points.length);
  for (let j = 0, at = 0; j < y.length; j++) for (let i = 0; i < x.length; i++) inputs.set([x[i], y[j]], 2 * at++);
  inputs.set(points, 2 * x.length * y.length);
  return {network: networkOf(run), samples: samplesOf(run), inputs};
}
