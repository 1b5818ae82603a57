/**
 * This module evaluates the network of a shot if no array contains its predictions: the network at a picked point, a
 * ball's network, or a frame's network of a run that is trained in the page. The workers evaluate it on the meshgrid
 * and on the data.
 */
/** @import {Seen, Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {createEngine} from './engine/client.js' */
/** @import {ModelAnswer} from './engine/worker.js' */
/** @import {createBall} from './descent.js' */
import {epochKey, joinKey, pickKey} from '../model/keys.js';
import {centreTheta, pickedTheta} from './planes.js';

/**
 * @typedef {Seen & {metrics: {train_loss: number, test_loss: number, train_accuracy: number, test_accuracy: number}}}
 *   Picked
 *
 * @typedef {object} NetworkAnswer
 * @property {Picked} picked
 * @property {number | null} epochs the number of epochs that a ball has trained
 * @property {boolean} current false: an earlier answer, which stays visible until the next one arrives
 */

/**
 * @param {{engineFor: (run: Run) => ReturnType<typeof createEngine>, ball: ReturnType<typeof createBall>, onAnswer: ()
 *   => void}} options
 */
export function createNetwork({engineFor, ball, onAnswer}) {
  let asked = '';
  let isWaiting = false;
  /**
   * The newest answer.
   * @type {{runId: string, key: string, base: string, epochs: number | null, picked: Picked} | null}
   */
  let answer = null;

  return {
    /** The workers no longer answer earlier requests. */
    forget() {
      asked = '';
      isWaiting = false;
    },
    /** @param {Shot} shot @returns {NetworkAnswer | null} */
    known(shot) {
      if (!answer || answer.runId !== shot.run.id || !takesNetwork(shot)) return null;
      const {key, base, released} = keysOf(shot, ball);
      const {picked, epochs} = answer;
      return {picked, epochs, current: released ? answer.base === base : answer.key === key};
    },
    /** @param {Shot} shot */
    request(shot) {
      if (!takesNetwork(shot)) return;
      const {run} = shot;
      const {key, base, released} = keysOf(shot, ball);
      if (key === asked || (released && isWaiting)) return; // A ball moves faster than its answers arrive.
      const engine = engineFor(run); // This comes first: it drops the requests about another run.
      asked = key;
      isWaiting = true;
      if (answer?.runId !== run.id) answer = null;
      const epochs = released ? Math.max(0, released.way.losses.length - 1) : null;
      engine.model(thetaOf(shot, ball), (found) => {
        answer = {runId: run.id, key, base, epochs, picked: readAnswer(run, found)};
        isWaiting = false;
        onAnswer();
      });
    },
  };
}

/** Does the shot show another network than a frame's of a stored run? @param {Shot} shot */
export const takesNetwork = ({pick, run}) => pick !== null || !run.hasPredictions;

/**
 * Return theta of the network whose boundary is drawn.
 * @param {Shot} shot @param {ReturnType<typeof createBall>} ball
 */
export function thetaOf(shot, ball) {
  const released = ball.known(shot);
  if (released) return released.theta;
  return shot.pick ? pickedTheta(shot) : centreTheta(shot.run, shot.plane, shot.frame);
}

/**
 * Name an answer: `base` names the requested network; `key` also contains the number of losses on its
 * ball's path.
 * @param {Shot} shot
 * @param {ReturnType<typeof createBall>} ball
 */
function keysOf(shot, ball) {
  const released = ball.known(shot);
  const base = shot.pick ? joinKey(pickKey(shot), released !== null) : epochKey(shot);
  return {base, key: joinKey(base, released?.way.losses.length), released};
}

/** @param {Run} run @param {ModelAnswer} answer @returns {Picked} */
function readAnswer(run, {predicted, confidence, losses}) {
  const cells = run.numbers('grid_x').length * run.numbers('grid_y').length;
  const points = predicted.subarray(cells);
  const labels = run.numbers('labels');
  const train = run.manifest.dataset.train_points;
  const right = [0, 0];
  for (let i = 0; i < points.length; i++) if (points[i] === labels[i]) right[i < train ? 0 : 1]++;
  return {
    predicted_class: predicted.subarray(0, cells),
    confidence: Uint8Array.from(confidence.subarray(0, cells), (share) => Math.round(share * 255)),
    point_predicted_class: points,
    metrics: {
      train_loss: losses.train,
      test_loss: losses.test,
      train_accuracy: right[0] / train,
      test_accuracy: right[1] / (points.length - train),
    },
  };
}
