/** The network whose boundary is shown: the run's own, or the one at the picked point, which is computed. */
/** @import {Seen, Shot} from '../types.js' */
/** @import {Picked} from '../lab.js' */

/** @typedef {{seen: Seen, metrics: Picked['metrics'] | null, theta: Float32Array | null}} Network `metrics`, `theta`: of a picked one */

/** @returns {(shot: Shot) => Promise<Network>} one after the other: the lab answers its newest question only */
export function createNetworks() {
  /** @type {ReturnType<typeof import('../lab.js').createLab> | null} */
  let lab = null;
  let answered = () => {};
  /** @type {(error: Error) => void} */
  let failed = () => {};
  /** @type {Promise<unknown>} */
  let last = Promise.resolve();

  /** @param {Shot} shot @returns {Promise<Network>} */
  const pick = async (shot) => {
    const {createLab, pickedTheta} = await import('../lab.js');
    const known = lab ??= createLab({onAnswer: () => answered(), onError: (message) => failed(new Error(message))});
    return new Promise((resolve, reject) => {
      failed = reject;
      answered = () => {
        const found = known.of(shot);
        if (found?.current) resolve({seen: found.picked, metrics: found.picked.metrics, theta: pickedTheta(shot)});
      };
      answered();
    });
  };

  return (shot) => {
    if (!shot.pick) return Promise.resolve({seen: shot.run.seen(shot.frame), metrics: null, theta: null});
    const mine = last.then(() => pick(shot));
    last = mine.catch(() => {});
    return mine;
  };
}
