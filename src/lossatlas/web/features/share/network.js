/**
 * This module computes what a sheet needs and no array contains: the network at a picked point or of a run trained in
 * the page, and a surface that is not stored.
 */
/** @import {Seen, Shot} from '../../model/types.js' */
/** @import {Picked} from '../../compute/network.js' */
/** @import {Way} from '../../compute/descent.js' */
/** @import {ComputedSurface} from '../../compute/surfaces.js' */
/** @import {LogitsAt} from '../../figures/border.js' */
import {fetchArray} from '../../loading/arrays.js';
import {createLazyModule} from '../../lib/lazy.js';
import {parametersLimit} from '../../model/slice.js';

const computing = createLazyModule(() =>
  Promise.all([import('../../compute/computations.js'), import('../../compute/planes.js')]),
);
const probabilities = createLazyModule(() => import('../../compute/probabilities.js'));

/**
 * @typedef {object} Network
 * @property {Seen | null} seen
 * @property {Picked['metrics'] | null} metrics the metrics of a picked network
 * @property {Float32Array | null} theta the parameters of a picked network
 * @property {ComputedSurface | null} ground the surface of a computed slice
 * @property {Way | null} way the path of a ball, once it has stopped
 * @property {LogitsAt | null} logits null if the network's parameters cannot be fetched
 */

/**
 * Create the function that computes the networks one after the other: the workers answer only their newest question.
 * @returns {(shot: Shot) => Promise<Network>}
 */
export function createNetworks() {
  /** @type {ReturnType<typeof import('../../compute/computations.js').createComputations> | null} */
  let computations = null;
  let onAnswer = () => {};
  /** @type {(error: Error) => void} */
  let onFailure = () => {};
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();

  /** @param {Shot} shot @returns {Promise<Network>} */
  const compute = async (shot) => {
    const [{createComputations}, {pickedTheta}] = await computing.request();
    computations ??= createComputations({
      onAnswer: () => onAnswer(),
      onError: (message) => onFailure(new Error(message)),
    });
    const asked = computations;
    const isSeen = shot.pick !== null || !shot.run.hasPredictions;
    return new Promise((resolve, reject) => {
      onFailure = reject;
      onAnswer = () => {
        asked.request(shot);
        const {known} = asked;
        const found = known.network(shot);
        const ground = shot.computed ? known.surface(shot) : null;
        const ball = known.ball(shot);
        // Wait until the ball has stopped.
        if (ball && (ball.way.rolling || found?.epochs !== ball.way.losses.length - 1)) return;
        const way = ball?.way ?? null;
        if ((isSeen && !found?.current) || (shot.computed && !ground?.final)) return;
        const picked =
          shot.pick && found ? {metrics: found.picked.metrics, theta: pickedTheta(shot)} : {metrics: null, theta: null};
        resolve({
          seen: found?.picked ?? shot.run.predictionsOf(shot.frame),
          ...picked,
          ground,
          way,
          logits: known.logits(shot),
        });
      };
      onAnswer();
    });
  };

  return (shot) => {
    if (!shot.pick && !shot.computed && shot.run.hasPredictions) return readStoredNetwork(shot);
    const mine = last.then(() => compute(shot));
    last = mine.catch(() => {});
    return mine;
  };
}

/**
 * Read the network of a stored frame. Its parameters are needed for the line between the classes.
 * @param {Shot} shot @returns {Promise<Network>}
 */
async function readStoredNetwork(shot) {
  const {run, plane, frame} = shot;
  const logits =
    parametersLimit(run, plane) === ''
      ? await (async () => {
          if (!run.isComplete('weights')) await fetchArray(run, 'weights');
          return (await probabilities.request()).createLogits(shot, run.frameOf('weights', frame));
        })().catch(() => null)
      : null;
  return {
    seen: run.hasBoundary ? run.predictionsOf(frame) : null,
    metrics: null,
    theta: null,
    ground: null,
    way: null,
    logits,
  };
}
