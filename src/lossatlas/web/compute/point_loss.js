/**
 * This module computes the loss of one data point over the plane that is shown. The surface is coloured by it while the
 * point is hovered.
 */
/** @import {Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {createEngine} from './engine/client.js' */
import {findLossRange} from '../figures/range.js';
import {pointKey} from '../model/keys.js';
import {gridSizeOf, computeLimit} from '../model/slice.js';
import {centreTheta, directionsOf} from './planes.js';

/**
 * @typedef {{values: Float32Array, range: import('../figures/range.js').LossRange, name: string}} PointLoss values [b,
 *   a]
 */

/**
 * @param {{engineFor: (run: Run) => ReturnType<typeof createEngine>, isKnown: (shot: Shot) => boolean, onAnswer: () =>
 *   void}} options `isKnown`: have the plane's vectors arrived?
 */
export function createPointLoss({engineFor, isKnown, onAnswer}) {
  let asked = '';
  /** @type {{key: string, pointLoss: PointLoss} | null} */
  let answer = null;

  return {
    /** The workers no longer answer earlier requests. */
    forget() {
      asked = '';
    },
    /** @param {Shot} shot @param {number} point the index of the data point @returns {PointLoss | null} */
    known: (shot, point) => (answer?.key === pointKey(shot, point) ? answer.pointLoss : null),
    /** @param {Shot} shot @param {number} point */
    request(shot, point) {
      const {run, frame, plane, follow, span} = shot;
      const key = pointKey(shot, point);
      if (key === asked || computeLimit(run, plane) !== '' || !isKnown(shot)) return;
      const engine = engineFor(run); // This comes first: it drops the requests about another run.
      asked = key;
      const [points, labels] = [run.numbers('points'), run.numbers('labels')];
      const question = {
        theta: centreTheta(run, plane, follow ? frame : null),
        directions: directionsOf(run, plane),
        span,
        grid: gridSizeOf(run, shot),
        point: /** @type {[number, number]} */ ([points[2 * point], points[2 * point + 1]]),
        label: labels[point],
      };
      engine.point(question, (values) => {
        const name = `loss of this ${run.classes[labels[point]]} point`;
        answer = {key, pointLoss: {values, range: findLossRange([values], 'linear'), name}};
        onAnswer();
      });
    },
  };
}
