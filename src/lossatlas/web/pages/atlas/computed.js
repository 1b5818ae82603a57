/**
 * This module provides what the page computes for a picture. `request` asks for it once the state has changed;
 * everything else reads what is known. The code that computes is fetched when it is first needed: most visits do not
 * need it.
 */
/** @import {Shot} from '../../model/types.js' */
import {createLazy} from '../../lib/lazy.js';
import {currentFault} from '../../model/slice.js';

/** The milliseconds before code that would only improve a picture is requested again. */
const QUIET = 10_000;
/** Larger networks are shown by their previews while they train. */
const AT_ONCE = 700;

/** @typedef {ReturnType<typeof createComputedPart>} Computed */

/**
 * @typedef {object} Options
 * @property {boolean} still does the reader prefer less motion?
 * @property {() => void} onAnswer called when more is known than before
 * @property {(error: unknown) => void} onError called when something that was requested will not be computed
 */

/** @param {Options} options */
export function createComputedPart(options) {
  const computations = createLazyComputations(options);
  const known = () => computations.known()?.known;
  const networkOf = (/** @type {Shot} */ shot) => (currentFault() ? null : (known()?.network(shot) ?? null));
  const computedSurfaceOf = (/** @type {Shot} */ shot) => (shot.computed ? (known()?.surface(shot) ?? null) : null);

  return {
    /**
     * Request everything that a picture of a shot needs.
     * @param {Shot} shot
     * @param {number | null} point the data point under the pointer
     */
    request(shot, point) {
      const isFaulty = currentFault() !== '';
      const needsComputations = shot.computed || shot.pick !== null || !shot.run.hasPredictions;
      if (needsComputations) computations.request();
      else if (point !== null && !isFaulty) computations.request({isQuiet: true});
      computations.known()?.request(shot, {point, isFaulty});
    },
    /** Request the network's parameters, which make the line between the classes exact. @param {Shot} shot */
    requestParameters(shot) {
      computations.request({isQuiet: true});
      computations.known()?.requestParameters(shot);
    },
    /** Is everything known that a picture of a shot needs? @param {Shot} shot */
    isKnown(shot) {
      const ground = currentFault() ? null : computedSurfaceOf(shot);
      const grown = ground?.final || !shot.run.isGrowing || shot.run.manifest.model.parameters > AT_ONCE;
      return (
        (!shot.computed || (ground !== null && grown)) && (shot.run.hasPredictions || networkOf(shot)?.current === true)
      );
    },
    /** Return the network at the picked point, or one whose predictions are not stored. */
    networkOf,
    /** Return the network at the picked point. @param {Shot} shot */
    pickedOf: (shot) => (shot.pick ? networkOf(shot) : null),
    /** Return the surface of a computed slice, as far as it is computed. */
    computedSurfaceOf,
    /** Return the loss of one data point over the plane. @param {Shot} shot @param {number} point */
    pointLossOf: (shot, point) => (currentFault() ? null : (known()?.pointLoss(shot, point) ?? null)),
    /** Return the path of a ball that was released. @param {Shot} shot */
    wayOf: (shot) => known()?.ball(shot)?.way ?? null,
    /**
     * Return the probability of each class at a place of the input plane.
     * @param {Shot} shot
     * @param {number} x
     * @param {number} y
     */
    oddsOf: (shot, x, y) => known()?.odds(shot, x, y) ?? null,
    /** Return a function that evaluates the network's logits at any places. @param {Shot} shot */
    logitsOf: (shot) => known()?.logits(shot) ?? null,
  };
}

/** @param {Options} options */
function createLazyComputations({still, onAnswer, onError}) {
  const computations = createLazy({
    load: () => Promise.all([import('../../compute/computations.js'), import('../../compute/descent.js')]),
    create: ([{createComputations}, {READABLE}]) =>
      createComputations({onAnswer, onError, pace: still ? Infinity : READABLE}),
  });
  /** Does a picture need the code? Then it is an error if the code does not arrive. */
  let isMissed = false;
  let again = 0;

  return {
    known: computations.known,
    /**
     * @param {{isQuiet?: boolean}} [options] `isQuiet`: the code would only improve what is shown (a line, a number
     *   under the pointer); if it does not arrive, the picture stays, and the code is requested again later
     */
    request({isQuiet = false} = {}) {
      isMissed ||= !isQuiet;
      if (computations.isAsked() || currentFault() || (isQuiet && performance.now() < again)) return;
      isMissed = !isQuiet;
      computations.request().then(onAnswer, (error) => {
        again = performance.now() + QUIET;
        if (isMissed) onError(error);
      });
    },
  };
}
