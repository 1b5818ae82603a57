/**
 * What the page computes itself: the model at a picked point of the plane (its boundary, its losses, its accuracies), and
 * surfaces that are not stored. The workers start with the first of these that is asked for.
 */
/** @import {Seen, Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {ModelAnswer} from './engine/worker.js' */
import {createBall, networkOf, samplesOf} from './descent.js';
import {createEngine} from './engine/client.js';
import {logitsOf, oddsAt} from './probabilities.js';
import {centreName, parametersLimit} from '../model/slice.js';
import {createSupply} from './stored_vectors.js';
import {createSurfaces} from './surfaces.js';
import {createTint} from './point_loss.js';
import {centreOf, pickedTheta} from './planes.js';

/**
 * @typedef {Seen & {metrics: {train_loss: number, test_loss: number, train_accuracy: number, test_accuracy: number}}} Picked
 */

/** @param {{pace?: number, onAnswer: () => void, onError: (message: string) => void}} options `pace` of a ball, in epochs a second */
export function createLab({pace = Infinity, onAnswer, onError}) {
  /** @type {ReturnType<typeof createEngine> | null} */
  let engine = null;
  /** @type {Run | null} */
  let opened = null;
  let asked = '';
  let waiting = false;
  /** @type {{key: string, base: string, epochs: number | null, picked: Picked} | null} the newest answer; it stays until the next is there. `epochs`: of a ball */
  let answer = null;

  /** @param {Run} run */
  const open = (run) => {
    if (!engine) {
      engine = createEngine();
      engine.onError = (message) => {
        engine = opened = null; // the next question starts others
        asked = '';
        waiting = false;
        surfaces.forget();
        tint.forget();
        onError(message);
      };
    }
    if (opened !== run) {
      engine.open(told(run));
      opened = run;
      waiting = false; // of another run nothing is answered any more
      asked = ''; // nor did it answer: an older run that is drawn once more, in another size, must not leave the newer one waiting
      surfaces.forget();
    }
    return engine;
  };

  const surfaces = createSurfaces({engineFor: open, onAnswer});
  const ball = createBall({pace, onRoll: onAnswer, onError});
  const has = createSupply({onArrival: onAnswer});
  const tint = createTint({engineFor: open, has, onAnswer});

  /** The network whose boundary is drawn. @param {Shot} shot */
  const thetaOf = (shot) =>
    ball.of(shot)?.theta ?? (shot.pick ? pickedTheta(shot) : centreOf(shot.run, shot.plane, shot.frame));

  return {
    surfaces,
    tint,
    ball,
    /** The probability of each class at a place, as soon as it can be known; else null. @param {Shot} shot @param {number} x @param {number} y */
    odds: (shot, x, y) =>
      parametersLimit(shot.run, shot.plane) === '' && has(shot, shot.pick !== null)
        ? oddsAt(shot, thetaOf(shot), x, y)
        : null,
    /** The logits of the network on show at any place, as soon as its parameters are there; else null. @param {Shot} shot */
    logits: (shot) =>
      parametersLimit(shot.run, shot.plane) === '' && has(shot, shot.pick !== null)
        ? logitsOf(shot, thetaOf(shot))
        : null,
    /** The model of the shot's picked point, or of a frame of which no predictions are stored, as soon as it is known; else null. @param {Shot} shot @returns {{picked: Picked, epochs: number | null, current: boolean} | null} */
    of(shot) {
      if (!shot.pick && !shot.run.trained) return null;
      const {run, frame, plane, pick} = shot;
      const released = ball.of(shot);
      if (!released) ball.stop();
      const base = pick
        ? [run.id, plane.name, centreName(shot), ...pick, Boolean(released)].join()
        : [run.id, run.frames[frame]].join();
      const key = [base, released?.way.losses.length ?? ''].join();
      if (key !== asked && !(released && waiting)) {
        // a ball rolls faster than its answers come
        const known = open(run);
        asked = key;
        waiting = true;
        if (answer && !answer.key.startsWith(`${run.id},`)) answer = null;
        const epochs = released ? Math.max(0, released.way.losses.length - 1) : null;
        known.model(thetaOf(shot), (found) => {
          answer = {key, base, epochs, picked: pickedFrom(run, found)};
          waiting = false;
          onAnswer();
        });
      }
      return (
        answer && {
          picked: answer.picked,
          epochs: answer.epochs,
          current: released ? answer.base === base : answer.key === key,
        }
      );
    },
  };
}

/** What the workers are told of a run. @param {Run} run @returns {import('./engine/worker.js').Run} */
function told(run) {
  const points = /** @type {Float32Array} */ (run.numbers('points'));
  const [x, y] = [run.numbers('grid_x'), run.numbers('grid_y')];
  const inputs = new Float32Array(2 * x.length * y.length + points.length);
  for (let j = 0, at = 0; j < y.length; j++) for (let i = 0; i < x.length; i++) inputs.set([x[i], y[j]], 2 * at++);
  inputs.set(points, 2 * x.length * y.length);
  return {network: networkOf(run), samples: samplesOf(run), inputs};
}

/** @param {Run} run @param {ModelAnswer} answer @returns {Picked} */
function pickedFrom(run, {predicted, confidence, losses}) {
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
