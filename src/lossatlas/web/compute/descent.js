/** This module releases a ball at the picked point: a training that starts there, and its path in the plane. */
/** @import {Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
import {createTrainer} from './engine/trainer_client.js';
import {createProjector} from './projection.js';
import {pickKey} from '../model/keys.js';
import {centreTheta, directionsOf, pickedTheta} from './planes.js';

/** The settings of a ball's training if it is not known how the network was trained: plain gradient descent. */
const UNKNOWN = {optimizer: 'sgd', learning_rate: 0.1, momentum: 0.9, batch_size: 'full', weight_decay: 0, seed: 0};

/**
 * @typedef {object} Way the path of a ball: each list has one entry for each epoch
 * @property {number[]} points (a, b), (a, b), …: the ball's place, projected onto the plane
 * @property {number[]} losses the ball's own training loss, in the plane or outside it
 * @property {number[]} inside the share of its path so far (of its squared length) that lies in the plane
 * @property {boolean} rolling is it still training?
 */

/** The number of epochs that a ball trains. */
export const EPOCHS = 200;
/** The number of epochs a second: a person can read the numbers and the curve while the ball rolls. */
export const READABLE = 20;

/**
 * @param {{pace: number, onRoll: () => void, onError: (message: string) => void}} options `pace`: the largest number of
 *   epochs a second
 */
export function createBall({pace, onRoll, onError}) {
  /** @type {ReturnType<typeof createTrainer> | null} */
  let trainer = null;
  /**
   * @type {{key: string, way: Way, theta: Float32Array, record: import('./engine/trainer_client.js').TrainingRecord} |
   *   null}
   */
  let rolling = null;

  /** @param {Shot} shot @param {string} key */
  const releaseBall = (shot, key) => {
    const {run, plane, frame, follow} = shot;
    trainer ??= createTrainer({
      onNews,
      onError(message) {
        rolling = null;
        onError(message);
      },
    });
    const theta = pickedTheta(shot);
    place = createProjector(centreTheta(run, plane, follow ? frame : null), directionsOf(run, plane));
    const record = trainer.open({
      network: networkOf(run),
      config: /** @type {any} */ (run.manifest.config).training ?? UNKNOWN,
      samples: samplesOf(run),
      theta,
    });
    start = theta;
    rolling = {key, way: {points: [], losses: [], inside: [], rolling: true}, theta, record};
    trainer.limit(pace);
    trainer.start(EPOCHS);
  };
  /** @type {ReturnType<typeof createProjector>} */
  let place = () => [0, 0];
  let start = /** @type {ArrayLike<number>} */ ([]);

  /** @param {import('./engine/trainer_client.js').TrainingNews} news */
  const onNews = ({record, status}) => {
    if (rolling?.record !== record) return;
    const {way} = rolling;
    for (let row = way.losses.length; row < record.epochs.length; row++) {
      const theta = record.theta(row);
      let [moved, left] = [0, 0];
      way.points.push(
        ...place(theta, (p, rest) => {
          moved += (theta[p] - start[p]) ** 2;
          left += rest ** 2;
        }),
      );
      way.inside.push(row === 0 ? 1 : Math.max(0, 1 - left / moved)); // The start lies in the plane.
      way.losses.push(record.metrics.train_loss[row]);
    }
    way.rolling = status === 'training' || status === 'ready';
    rolling.theta = record.theta(record.epochs.length - 1).slice();
    onRoll();
  };

  return {
    /**
     * Return the ball of a shot, if it was released.
     * @param {Shot} shot @returns {{way: Way, theta: Float32Array} | null}
     */
    known: (shot) => (rolling !== null && rolling.key === keyOf(shot) ? rolling : null),
    /** Release the ball of a shot, unless it was released before. @param {Shot} shot */
    request(shot) {
      const key = keyOf(shot);
      if (key !== null && rolling?.key !== key) releaseBall(shot, key);
    },
    /** Remove the ball. */
    stop() {
      if (!rolling) return;
      rolling = null;
      trainer?.stop();
    },
  };
}

/** Return the name of a shot's ball; null if the shot has none. @param {Shot} shot */
function keyOf(shot) {
  return shot.ball && shot.pick ? pickKey(shot) : null;
}

/** @param {Run} run */
export function networkOf(run) {
  const {layers, activation, residual} = run.manifest.model;
  return {layers, activation, residual: residual === true};
}

/**
 * Return the points to train on, and those to test with. A recorded run may have none to test with: the points to train
 * on replace them, as no model can be measured without.
 * @param {Run} run
 */
export function samplesOf(run) {
  const points = /** @type {Float32Array} */ (run.numbers('points'));
  const labels = run.numbers('labels');
  const train = run.manifest.dataset.train_points; // The training points come first.
  const first = {points: points.slice(0, 2 * train), labels: labels.slice(0, train)};
  if (labels.length === train) return {train: first, test: first};
  return {train: first, test: {points: points.slice(2 * train), labels: labels.slice(train)}};
}
