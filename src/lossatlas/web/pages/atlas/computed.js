/** What the page computes for a picture. It takes the lab, which comes with the first thing that is to be computed: most visits do without. */
/** @import {Shot} from '../../model/types.js' */
import {faultNow} from '../../model/slice.js';

/** Milliseconds before what nobody misses is asked for again. */
const QUIET = 10_000;
/** Networks with more parameters are shown by their previews while they train. */
const AT_ONCE = 700;

/** @typedef {ReturnType<typeof createComputed>} Computed */

/**
 * @typedef {object} Options
 * @property {boolean} still less motion is wished
 * @property {() => void} onAnswer
 * @property {(error: unknown) => void} onError it does not come, or has failed
 */

/** @param {Options} options */
export function createComputed(options) {
  const lab = lazyLab(options);
  /** The network at the picked point, or one whose predictions are not stored. @param {Shot} shot */
  const networkOf = (shot) => ((shot.pick || shot.run.trained) && !faultNow() ? (lab()?.of(shot) ?? null) : null);

  return {
    networkOf,
    /** @param {Shot} shot */
    pickedOf: (shot) => (shot.pick ? networkOf(shot) : null),
    /** The surface, as far as it is computed. @param {Shot} shot */
    groundOf: (shot) => lab()?.surfaces.known(shot) ?? null,
    /** One data point's own loss over the plane. @param {Shot} shot @param {number} point */
    tintOf: (shot, point) => (faultNow() ? null : (lab(true, true)?.tint.of(shot, point) ?? null)),
    /** The way of a ball that was released. @param {Shot} shot */
    wayOf: (shot) => (shot.ball ? (lab()?.ball.of(shot)?.way ?? null) : null),
    /** @param {Shot} shot @param {number} x @param {number} y */
    oddsOf: (shot, x, y) => lab(true, true)?.odds(shot, x, y) ?? null,
    /** @param {Shot} shot @param {boolean} ask for the lab, and for the network's parameters */
    logitsOf: (shot, ask) => lab(ask, true)?.logits(shot) ?? null,
    /** Is all there that a picture takes? What is not is asked for. @param {Shot} shot */
    isThere(shot) {
      const ground = shot.computed && !faultNow() ? (lab()?.surfaces.want(shot) ?? null) : null;
      const seen = shot.run.trained ? networkOf(shot) : null;
      const grown = ground?.final || !shot.run.growing || shot.run.manifest.model.parameters > AT_ONCE;
      return (!shot.computed || (ground !== null && grown)) && (!shot.run.trained || seen?.current === true);
    },
  };
}

/**
 * `quiet`: it would better what is there (a line, a number under the pointer); should it not come, that stays, and it is
 * asked for again later.
 * @param {Options} options
 */
function lazyLab({still, ...options}) {
  /** @type {ReturnType<typeof import('../../compute/lab.js').createLab> | null} */
  let lab = null;
  let [asked, isMissed, again] = [false, false, 0];

  const load = async () => {
    asked = true;
    try {
      const [{createLab}, {READABLE}] = await Promise.all([
        import('../../compute/lab.js'),
        import('../../compute/descent.js'),
      ]);
      lab = createLab({...options, pace: still ? Infinity : READABLE});
    } catch (error) {
      asked = false;
      again = performance.now() + QUIET;
      if (isMissed) options.onError(error);
      return;
    }
    options.onAnswer();
  };

  return (wanted = true, quiet = false) => {
    isMissed ||= wanted && !quiet;
    if (!asked && wanted && !faultNow() && !(quiet && performance.now() < again)) {
      isMissed = !quiet;
      load();
    }
    return lab;
  };
}
