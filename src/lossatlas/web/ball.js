/** A ball released at the picked point: a training that starts there, and its way in the plane. */
/** @import {Shot} from './types.js' */
/** @import {Run} from './run.js' */
import {createTrainer} from './engine/trainer_client.js';
import {projector} from './projection.js';
import {centreName} from './slice.js';
import {centreOf, directionsOf, pickedTheta} from './vectors.js';

/**
 * @typedef {object} Way one number an epoch
 * @property {number[]} points (a, b), (a, b), …: where the ball is, projected onto the plane
 * @property {number[]} losses its own training loss, on the plane or off it
 * @property {boolean} rolling
 */

/** Epochs that a ball rolls, and how many of them a second: so that one sees it roll. */
const EPOCHS = 200;
const PACE = 60;

/** @param {{onRoll: () => void, onError: (message: string) => void}} options */
export function createBall({onRoll, onError}) {
  /** @type {ReturnType<typeof createTrainer> | null} */
  let trainer = null;
  /** @type {{key: string, way: Way, theta: Float32Array, record: import('./engine/trainer_client.js').TrainingRecord} | null} */
  let rolling = null;

  /** @param {Shot} shot @param {string} key */
  const release = (shot, key) => {
    const {run, plane, frame, follow} = shot;
    trainer ??= createTrainer({onNews, onError});
    const theta = pickedTheta(shot);
    const place = projector(centreOf(run, plane, follow ? frame : null), directionsOf(run, plane));
    const record = trainer.open({network: networkOf(run), config: /** @type {any} */ (run.manifest.config).training, samples: samplesOf(run), theta});
    rolling = {key, way: {points: [], losses: [], rolling: true}, theta, record};
    project = place;
    trainer.limit(PACE);
    trainer.start(EPOCHS);
  };
  /** @type {(theta: Float32Array) => [number, number]} */
  let project = () => [0, 0];

  /** @param {import('./engine/trainer_client.js').TrainingNews} news */
  const onNews = ({record, status}) => {
    if (rolling?.record !== record) return;
    const {way} = rolling;
    for (let row = way.losses.length; row < record.epochs.length; row++) {
      way.points.push(...project(record.theta(row)));
      way.losses.push(record.metrics.train_loss[row]);
    }
    way.rolling = status === 'training' || status === 'ready';
    rolling.theta = record.theta(record.epochs.length - 1).slice();
    onRoll();
  };

  return {
    /** The ball of a shot, released with the first question. @param {Shot} shot @returns {{way: Way, theta: Float32Array} | null} */
    of(shot) {
      if (!shot.ball || !shot.pick) return null;
      const {run, plane, pick} = shot;
      const key = [run.id, plane.name, centreName(shot), ...pick].join();
      if (rolling?.key !== key) release(shot, key);
      return rolling;
    },
    /** It is taken away. */
    stop() {
      if (!rolling) return;
      rolling = null;
      trainer?.stop();
    },
  };
}

/** @param {Run} run */
export function networkOf(run) {
  const {layers, activation, residual} = run.manifest.model;
  return {layers, activation, residual: residual === true};
}

/** The points to learn from, and those to test with. @param {Run} run */
export function samplesOf(run) {
  const points = /** @type {Float32Array} */ (run.numbers('points'));
  const labels = run.numbers('labels');
  const train = run.manifest.dataset.train_points; // which come first
  return {
    train: {points: points.slice(0, 2 * train), labels: labels.slice(0, train)},
    test: {points: points.slice(2 * train), labels: labels.slice(train)},
  };
}
