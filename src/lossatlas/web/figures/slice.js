/** This module says in words and numbers what a slice shows and what it hides. */
/** @import {PlaneEntry, Shot} from '../model/types.js' */
/** @import {Numbers} from '../loading/npy.js' */
import {hasPath, isMoving, hasMovingTest} from '../model/slice.js';
import {SET_TITLES} from './landscape.js';
import {curvatureText, lossText, roundToDecimals, shortText, tickLabel, varianceText} from '../lib/numbers.js';

/** @param {Pick<PlaneEntry, 'name' | 'title'>} plane */
export function writePlaneTitle({title, name}) {
  return title ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', ' ');
}

/** Say in a sentence where the plane is. @param {Shot} shot */
export function describeMode({run, plane, computed, set, follow}) {
  if (follow) return 'The plane moves with the network: the centre is always the current parameters.';
  const centre = plane.centre_frame ?? (isMoving(plane) ? run.frames.length - 1 : null);
  const last = centre === run.frames.length - 1;
  const where =
    centre === null ? 'its own centre' : last ? 'the trained network' : `the network of epoch ${run.frames[centre]}`;
  const why =
    set !== 'train' && !computed && isMoving(plane) && !hasMovingTest(plane)
      ? ', since test losses are stored only there'
      : '';
  const point = hasPath(plane) ? '; the point shows the projection of the current parameters' : '';
  return `The plane stays at ${where}${why}${point}.`;
}

/**
 * @typedef {{text: string, why: string}} Fact a fact in plain words, and a sentence with the term and the consequence
 */

const FACTS = {
  walk:
    'A network that learns nothing and moves at random also seems to follow its two main directions: ' +
    'only what exceeds this share is due to training. Both are shares of the variance of the path.',
  curvature:
    'How strongly the loss curves along each direction at the plane’s centre: eigenvalues of the Hessian, ' +
    'the matrix of second derivatives. If one is below zero, the loss curves down.',
  even:
    'The directions are orthonormal: a step of one along a or along b is as long in parameter space, ' +
    'so distances and angles in the picture are true.',
  uneven:
    'The directions are not orthonormal, so a step of one is not as long along both, ' +
    'and angles in the picture are not true.',
  away:
    'The distance of the current parameters from the nearest point of the plane, where the ball is shown at ' +
    'its own loss.',
};

/** List what the manifest says about a plane in numbers. @param {PlaneEntry} plane @returns {Fact[]} */
export function listPlaneFacts({random_walk: walk, cosine, orthonormal, eigenvalues, nonconvexity, batchnorm}) {
  /** @type {Fact[]} */
  const facts = [];
  if (walk !== undefined && walk !== null)
    facts.push({text: `a random walk would hold ${varianceText(walk)}`, why: FACTS.walk});
  if (eigenvalues) {
    facts.push({
      text: `curvature ${eigenvalues.map((value) => curvatureText(value)).join(' along a and ')} along b`,
      why: FACTS.curvature,
    });
  }
  if (nonconvexity) {
    facts.push({
      text: `bends down in ${varianceText(nonconvexity.share)} of it`,
      why: describeNonconvexity(nonconvexity),
    });
  }
  if (orthonormal) facts.push({text: 'a and b at right angles, equally long', why: FACTS.even});
  else if (cosine !== undefined) {
    const angle = Math.round((Math.acos(Math.max(-1, Math.min(1, cosine))) * 180) / Math.PI);
    const why = `The cosine of their angle is ${tickLabel(roundToDecimals(cosine, 2))}. ${FACTS.uneven}`;
    facts.push({text: `a and b at ${angle}°`, why});
  }
  if (batchnorm) facts.push({text: `BatchNorm with ${STATISTICS[batchnorm.train]}`, why: describeBatchNorm(batchnorm)});
  return facts;
}

const STATISTICS = {
  batch: 'the statistics of each batch',
  refreshed: 'the statistics of the training samples',
  running: 'the statistics that the model keeps',
};

/** Say which statistics the surfaces have. @param {NonNullable<PlaneEntry['batchnorm']>} batchnorm */
const describeBatchNorm = ({train, test}) =>
  `BatchNorm normalises with ${STATISTICS[train]} for the training loss, the path and the Hessian, and with ` +
  `${STATISTICS[test]} for the test loss. Other statistics give other surfaces.`;

/** Say the share of the path's variance in plain words. @param {PlaneEntry} plane */
export function describeShare({explained_variance: share}) {
  return share === undefined || share === null ? '' : `This picture holds ${varianceText(share)} of what training did.`;
}

/**
 * Explain how the share of nonconvex places was found.
 * @param {NonNullable<PlaneEntry['nonconvexity']>} nonconvexity
 */
function describeNonconvexity({threshold, grid, span}) {
  return (
    `Non-convex: at this share of a ${grid} × ${grid} grid over ±${shortText(span)} the loss curves down in some ` +
    'direction ' +
    'of parameter space. The smallest eigenvalue of the Hessian is negative there, ' +
    `and more than ${varianceText(threshold)} of the largest in size.`
  );
}

/** Say how far the current parameters are from a fixed plane. @param {Shot} shot @returns {Fact | null} */
export function describeResidual({run, plane, frame, follow}) {
  if (follow || !hasPath(plane)) return null;
  return {
    text: `the network is ${shortText(run.numbersOf(plane, 'residual')[frame])} away from the plane`,
    why: FACTS.away,
  };
}

/** Describe the picture in words. @param {Shot} shot @param {Numbers} values @param {number | undefined} loss */
export function describeLandscape({run, frame, span, set, follow}, values, loss) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const what = set === 'train' ? 'loss' : SET_TITLES[set];
  return (
    `Epoch ${run.frames[frame]}: ${what} from ${lossText(low)} to ${lossText(high)} ` +
    `over a, b ∈ [−${shortText(span)}, ${shortText(span)}]; ` +
    `${lossText(loss)} ${follow ? 'at the centre' : 'for the network itself'}`
  );
}
