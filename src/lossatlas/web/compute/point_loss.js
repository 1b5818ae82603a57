/** One data point's own loss over the plane on show: what the surface is coloured by while the point is hovered. */
/** @import {Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {createEngine} from './engine/client.js' */
import {lossRange} from '../figures/range.js';
import {centreName, gridOf, labLimit} from '../model/slice.js';
import {centreOf, directionsOf} from './planes.js';

/** @typedef {{values: Float32Array, range: import('../figures/range.js').LossRange, name: string}} Tint values [b, a] */

/** @param {{engineFor: (run: Run) => ReturnType<typeof createEngine>, has: (shot: Shot) => boolean, onAnswer: () => void}} options `has`: are the vectors there? */
export function createTint({engineFor, has, onAnswer}) {
  let asked = '';
  /** @type {{key: string, tint: Tint} | null} */
  let answer = null;

  return {
    /** What was asked for will not come. */
    forget() {
      asked = '';
    },
    /** As soon as it is known. @param {Shot} shot @param {number} point of the data @returns {Tint | null} */
    of(shot, point) {
      const {run, frame, plane, follow, span} = shot;
      if (labLimit(run, plane) !== '' || !has(shot)) return null;
      const key = [run.id, plane.name, span, centreName(shot), point].join();
      if (key !== asked) {
        asked = key;
        const [points, labels] = [run.numbers('points'), run.numbers('labels')];
        const request = {
          theta: centreOf(run, plane, follow ? frame : null),
          directions: directionsOf(run, plane),
          span,
          grid: gridOf(run, shot),
          point: /** @type {[number, number]} */ ([points[2 * point], points[2 * point + 1]]),
          label: labels[point],
        };
        engineFor(run).point(request, (values) => {
          answer = {
            key,
            tint: {
              values,
              range: lossRange([values], 'linear'),
              name: `loss of this ${run.classes[labels[point]]} point`,
            },
          };
          onAnswer();
        });
      }
      return answer?.key === key ? answer.tint : null;
    },
  };
}
