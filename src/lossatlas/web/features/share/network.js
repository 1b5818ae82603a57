/** What is computed for a sheet: the network at a picked point or of a run trained here, and a surface not stored. */
/** @import {Seen, Shot} from '../../model/types.js' */
/** @import {Picked} from '../../compute/network.js' */
/** @import {Way} from '../../compute/descent.js' */
/** @import {Ground} from '../../compute/surfaces.js' */
/** @import {LogitsAt} from '../../figures/border.js' */
import {fetchArray} from '../../loading/arrays.js';
import {createLazyModule} from '../../lib/lazy.js';
import {parametersLimit} from '../../model/slice.js';

const computing = createLazyModule(() =>
  Promise.all([import('../../compute/lab.js'), import('../../compute/planes.js')]),
);
const probabilities = createLazyModule(() => import('../../compute/probabilities.js'));

/**
 * @typedef {object} Network
 * @property {Seen} seen
 * @property {Picked['metrics'] | null} metrics of a picked network
 * @property {Float32Array | null} theta of a picked network
 * @property {Ground | null} ground of a computed slice
 * @property {Way | null} way of a ball, once it rests
 * @property {LogitsAt | null} logits null where the network's parameters are not to be had
 */

/** @returns {(shot: Shot) => Promise<Network>} one after the other: the lab answers its newest question only */
export function createNetworks() {
  /** @type {ReturnType<typeof import('../../compute/lab.js').createLab> | null} */
  let lab = null;
  let answered = () => {};
  /** @type {(error: Error) => void} */
  let failed = () => {};
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();

  /** @param {Shot} shot @returns {Promise<Network>} */
  const compute = async (shot) => {
    const [{createLab}, {pickedTheta}] = await computing.request();
    lab ??= createLab({onAnswer: () => answered(), onError: (message) => failed(new Error(message))});
    const asked = lab;
    const isSeen = shot.pick !== null || !shot.run.hasPredictions;
    return new Promise((resolve, reject) => {
      failed = reject;
      answered = () => {
        asked.request(shot);
        const {known} = asked;
        const found = known.network(shot);
        const ground = shot.computed ? known.surface(shot) : null;
        const ball = known.ball(shot);
        if (ball && (ball.way.rolling || found?.epochs !== ball.way.losses.length - 1)) return; // until it rests
        const way = ball?.way ?? null;
        if ((isSeen && !found?.current) || (shot.computed && !ground?.final)) return;
        const picked =
          shot.pick && found ? {metrics: found.picked.metrics, theta: pickedTheta(shot)} : {metrics: null, theta: null};
        resolve({seen: found?.picked ?? shot.run.seen(shot.frame), ...picked, ground, way, logits: known.logits(shot)});
      };
      answered();
    });
  };

  return (shot) => {
    if (!shot.pick && !shot.computed && shot.run.hasPredictions) return recorded(shot);
    const mine = last.then(() => compute(shot));
    last = mine.catch(() => {});
    return mine;
  };
}

/**
 * Read the network of a stored frame. Its parameters are for the line between the classes.
 * @param {Shot} shot @returns {Promise<Network>}
 */
async function recorded(shot) {
  const {run, plane, frame} = shot;
  const logits =
    parametersLimit(run, plane) === ''
      ? await (async () => {
          if (!run.complete('weights')) await fetchArray(run, 'weights');
          return (await probabilities.request()).logitsOf(shot, run.frameOf('weights', frame));
        })().catch(() => null)
      : null;
  return {seen: run.seen(frame), metrics: null, theta: null, ground: null, way: null, logits};
}
