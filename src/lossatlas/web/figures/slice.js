/** What a slice shows and what it hides, in words and numbers. */
/** @import {PlaneEntry, Shot} from '../types.js' */
/** @import {Numbers} from '../npy.js' */
import {hasPath, isMoving, testMoves} from '../slice.js';
import {SET_TITLES} from './landscape.js';
import {tickLabel} from './ticks.js';

/** @param {Pick<PlaneEntry, 'name' | 'title'>} plane */
export function planeTitle({title, name}) {
  return title ?? name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', ' ');
}

/** Where the plane is, in a sentence. @param {Shot} shot */
export function modeText({run, plane, computed, set, follow}) {
  if (follow) return 'The plane moves with the network: the centre is always the current parameters.';
  const centre = plane.centre_frame ?? (isMoving(plane) ? run.frames.length - 1 : null);
  const last = centre === run.frames.length - 1;
  const where = centre === null ? 'its own centre' : last ? 'the trained network' : `the network of epoch ${run.frames[centre]}`;
  const why = set !== 'train' && !computed && isMoving(plane) && !testMoves(plane) ? ', as test losses are stored there only' : '';
  const point = hasPath(plane) ? '; the point shows where the current parameters project to' : '';
  return `The plane stays at ${where}${why}${point}.`;
}

/** What the manifest says in numbers of a plane. @param {PlaneEntry} plane @returns {string[]} */
export function planeFacts({explained_variance: variance, random_walk: walk, cosine, orthonormal, eigenvalues, nonconvexity}) {
  const facts = [];
  if (variance !== undefined && variance !== null) {
    facts.push(`${percent(variance)} of the path’s variance${walk === undefined || walk === null ? '' : `; a random walk would give ${percent(walk)}`}`);
  }
  if (eigenvalues) facts.push(`Hessian eigenvalues ${eigenvalues.map((value) => short(value)).join(' (a) and ')} (b)`);
  if (nonconvexity) facts.push(`${percent(nonconvexity.share)} non-convex`);
  if (orthonormal) facts.push('a, b orthonormal');
  else if (cosine !== undefined) facts.push(`cosine ${tickLabel(Number(cosine.toFixed(2)))}, not orthonormal`);
  return facts;
}

/** The share of the path's variance in plain words. @param {PlaneEntry} plane */
export function shareText({explained_variance: share}) {
  return share === undefined || share === null ? '' : `This picture holds ${percent(share)} of what training did.`;
}

/** How some of these numbers were found. @param {PlaneEntry} plane */
export function factsTitle({nonconvexity}) {
  if (!nonconvexity) return '';
  const {threshold, grid, span} = nonconvexity;
  return `Non-convex: the share of a ${grid} × ${grid} grid over ±${short(span)} where the smallest eigenvalue of the Hessian is negative and more than ${percent(threshold)} of the largest in size.`;
}

/** How far the current parameters are from a plane that stays. @param {Shot} shot */
export function residualText({run, plane, frame, follow}) {
  if (follow || !hasPath(plane)) return '';
  return `now ${short(run.numbersOf(plane, 'residual')[frame])} off the plane`;
}

/** @param {number} share */
function percent(share) {
  const size = share * 100;
  if (size > 0 && size < 0.1) return 'under 0.1\u00a0%';
  return `${size < 10 || size > 99 ? Number(size.toFixed(1)) : Math.round(size)}\u00a0%`;
}

/** @param {number} value */
function short(value) {
  return tickLabel(Number(value.toPrecision(3)));
}

/** The picture in words. @param {Shot} shot @param {Numbers} values @param {number | undefined} loss */
export function landscapeSummary({run, frame, span, set, follow}, values, loss) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const words = [low, high].map((value) => (value < Infinity ? Number(value.toPrecision(3)) : '∞'));
  const what = set === 'train' ? 'loss' : SET_TITLES[set];
  return `Epoch ${run.frames[frame]}: ${what} from ${words[0]} to ${words[1]} over a, b ∈ [−${span}, ${span}]; ${Number(loss?.toPrecision(3))} ${follow ? 'at the centre' : 'for the network itself'}`;
}
