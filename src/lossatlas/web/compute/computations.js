/**
 * This module computes everything of a shot that no stored array contains. `request` asks for all that the shot needs;
 * `known` reads what has been answered and starts no work. The workers start with the first request.
 */
/** @import {Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
import {parametersLimit} from '../model/slice.js';
import {createBall, networkOf, samplesOf} from './descent.js';
import {createEngine} from './engine/client.js';
import {createNetwork, thetaOf} from './network.js';
import {createPointLoss} from './point_loss.js';
import {createLogits, probabilitiesAt} from './probabilities.js';
import {createStoredVectors} from './stored_vectors.js';
import {createSurfaces} from './surfaces.js';

/** @typedef {ReturnType<typeof createComputations>} Computations */

/**
 * @param {{pace?: number, onAnswer: () => void, onError: (message: string) => void}} options `pace`: of a ball, in
 *   epochs a second
 */
export function createComputations({pace = Infinity, onAnswer, onError}) {
  const engineFor = createEngines({
    /** The workers have changed to another run or have ended: they no longer answer earlier requests. */
    onForget() {
      surfaces.forget();
      network.forget();
      pointLoss.forget();
    },
    onError,
  });
  const surfaces = createSurfaces({engineFor, onAnswer});
  const ball = createBall({pace, onRoll: onAnswer, onError});
  const stored = createStoredVectors({onArrival: onAnswer});
  const pointLoss = createPointLoss({engineFor, isKnown: stored.known, onAnswer});
  const network = createNetwork({engineFor, ball, onAnswer});
  /** Can the page evaluate the network that is shown? @param {Shot} shot */
  const hasParameters = (shot) =>
    parametersLimit(shot.run, shot.plane) === '' && stored.known(shot, shot.pick !== null);

  /**
   * Fetch the parameters of the network that is shown.
   * @param {Shot} shot
   * @param {boolean} [vectors] are the vectors of the plane needed as well?
   */
  const requestParameters = (shot, vectors = shot.pick !== null) => {
    if (parametersLimit(shot.run, shot.plane) === '') stored.request(shot, vectors);
  };

  return {
    requestParameters,
    /**
     * Request everything that a picture of this shot needs, instead of what was requested before.
     * @param {Shot} shot
     * @param {{point?: number | null, isFaulty?: boolean}} [options] `point`: the data point whose own loss is wanted;
     *   `isFaulty`: the workers have failed, so nothing is requested from them
     */
    request(shot, {point = null, isFaulty = false} = {}) {
      requestParameters(shot, shot.pick !== null || point !== null);
      if (shot.ball) ball.request(shot);
      else ball.stop();
      if (isFaulty) return;
      if (shot.computed) surfaces.request(shot);
      network.request(shot);
      if (point !== null) pointLoss.request(shot, point);
    },
    known: {
      /** Return the surface of a computed slice, as far as it is computed. */
      surface: surfaces.known,
      /** Return the network at a picked point, or of a frame without stored predictions. */
      network: network.known,
      /** Return the loss of one data point over the plane. */
      pointLoss: pointLoss.known,
      /** Return the ball that was released, and how far it has rolled. */
      ball: ball.known,
      /**
       * Return the probability of each class at a place of the input plane.
       * @param {Shot} shot
       * @param {number} x
       * @param {number} y
       */
      odds: (shot, x, y) => (hasParameters(shot) ? probabilitiesAt(shot, thetaOf(shot, ball), x, y) : null),
      /** Return a function that evaluates the logits of the network that is shown. @param {Shot} shot */
      logits: (shot) => (hasParameters(shot) ? createLogits(shot, thetaOf(shot, ball)) : null),
    },
  };
}

/**
 * Create the workers, which know one run at a time.
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
        engine = opened = null; // The next request starts new ones.
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

/** Describe a run to the workers. @param {Run} run @returns {import('./engine/worker.js').Run} */
function describeRun(run) {
  const points = /** @type {Float32Array} */ (run.numbers('points'));
  const [x, y] = [run.numbers('grid_x'), run.numbers('grid_y')];
  const inputs = new Float32Array(2 * x.length * y.length + points.length);
  for (let j = 0, at = 0; j < y.length; j++) for (let i = 0; i < x.length; i++) inputs.set([x[i], y[j]], 2 * at++);
  inputs.set(points, 2 * x.length * y.length);
  return {network: networkOf(run), samples: samplesOf(run), inputs};
}
