/**
 * What the page computes for a picture. `request` asks for it, once the wish has changed; all else reads what is known.
 * The lab, which computes it, arrives with the first thing that is to be computed: most visits do without.
 */
/** @import {Shot} from '../../model/types.js' */
import {createLazy} from '../../lib/lazy.js';
import {faultNow} from '../../model/slice.js';

/** Milliseconds before a lab that would only better a picture is asked for again. */
const QUIET = 10_000;
/** Networks with more parameters are shown by their previews while they train. */
const AT_ONCE = 700;

/** @typedef {ReturnType<typeof createComputed>} Computed */

/**
 * @typedef {object} Options
 * @property {boolean} still less motion is wished
 * @property {() => void} onAnswer more is known than before
 * @property {(error: unknown) => void} onError something that was asked for will not be computed
 */

/** @param {Options} options */
export function createComputed(options) {
  const lab = createLazyLab(options);
  const known = () => lab.known()?.known;
  const networkOf = (/** @type {Shot} */ shot) => (faultNow() ? null : (known()?.network(shot) ?? null));
  const groundOf = (/** @type {Shot} */ shot) => (shot.computed ? (known()?.surface(shot) ?? null) : null);

  return {
    /**
     * Ask for all that a picture of a shot takes.
     * @param {Shot} shot
     * @param {number | null} point the data point that is hovered
     */
    request(shot, point) {
      const isFaulty = faultNow() !== '';
      const takesLab = shot.computed || shot.pick !== null || !shot.run.hasPredictions;
      if (takesLab) lab.request();
      else if (point !== null && !isFaulty) lab.request({isQuiet: true});
      lab.known()?.request(shot, {point, isFaulty});
    },
    /** Ask for the network's parameters, with which the line between the classes is exact. @param {Shot} shot */
    requestParameters(shot) {
      lab.request({isQuiet: true});
      lab.known()?.requestParameters(shot);
    },
    /** Is all known that a picture of a shot cannot do without? @param {Shot} shot */
    isKnown(shot) {
      const ground = faultNow() ? null : groundOf(shot);
      const grown = ground?.final || !shot.run.isGrowing || shot.run.manifest.model.parameters > AT_ONCE;
      return (
        (!shot.computed || (ground !== null && grown)) && (shot.run.hasPredictions || networkOf(shot)?.current === true)
      );
    },
    /** The network at the picked point, or one whose predictions are not stored. */
    networkOf,
    /** The network at the picked point. @param {Shot} shot */
    pickedOf: (shot) => (shot.pick ? networkOf(shot) : null),
    /** The surface of a computed slice, as far as it is computed. */
    groundOf,
    /** One data point's own loss over the plane. @param {Shot} shot @param {number} point */
    tintOf: (shot, point) => (faultNow() ? null : (known()?.tint(shot, point) ?? null)),
    /** The way of a ball that was released. @param {Shot} shot */
    wayOf: (shot) => known()?.ball(shot)?.way ?? null,
    /**
     * The probability of each class at a place of the inputs.
     * @param {Shot} shot
     * @param {number} x
     * @param {number} y
     */
    oddsOf: (shot, x, y) => known()?.odds(shot, x, y) ?? null,
    /** The network itself, as its logits at any places. @param {Shot} shot */
    logitsOf: (shot) => known()?.logits(shot) ?? null,
  };
}

/** @param {Options} options */
function createLazyLab({still, onAnswer, onError}) {
  const lab = createLazy({
    load: () => Promise.all([import('../../compute/lab.js'), import('../../compute/descent.js')]),
    create: ([{createLab}, {READABLE}]) => createLab({onAnswer, onError, pace: still ? Infinity : READABLE}),
  });
  /** Does something that is wished wait for the lab? Then it is an error if the lab does not arrive. */
  let isMissed = false;
  let again = 0;

  return {
    known: lab.known,
    /**
     * @param {{isQuiet?: boolean}} [options] `isQuiet`: the lab would only better what is shown (a line, a number under
     *   the pointer); if it does not arrive, that stays, and the lab is asked for again later
     */
    request({isQuiet = false} = {}) {
      isMissed ||= !isQuiet;
      if (lab.isAsked() || faultNow() || (isQuiet && performance.now() < again)) return;
      isMissed = !isQuiet;
      lab.request().then(onAnswer, (error) => {
        again = performance.now() + QUIET;
        if (isMissed) onError(error);
      });
    },
  };
}
