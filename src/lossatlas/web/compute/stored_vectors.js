/**
 * This module fetches the vectors that computations need and a picture alone does not: the weights of the frames, and a
 * plane's directions and centre.
 */
/** @import {Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
import {fetchArray} from '../loading/arrays.js';
import {planeArray} from '../model/keys.js';

/** @param {{onArrival: () => void}} options */
export function createStoredVectors({onArrival}) {
  /** The arrays of each run that are being fetched. @type {WeakMap<Run, Set<string>>} */
  const coming = new WeakMap();

  return {
    /**
     * Have the weights arrived, and the plane's vectors as well?
     * @param {Shot} shot
     * @param {boolean} [vectors] are the plane's vectors needed?
     */
    known: (shot, vectors = true) => listMissing(shot, vectors).length === 0,
    /** Fetch the vectors that have not arrived. @param {Shot} shot @param {boolean} [vectors] */
    request(shot, vectors = true) {
      const {run} = shot;
      for (const name of listMissing(shot, vectors)) {
        const ofRun = coming.get(run) ?? new Set();
        coming.set(run, ofRun);
        if (ofRun.has(name)) continue;
        ofRun.add(name);
        fetchArray(run, name)
          .then(onArrival)
          .catch(() => {})
          .finally(() => ofRun.delete(name));
      }
    },
  };
}

/** List the arrays that a shot lacks. @param {Shot} shot @param {boolean} vectors */
function listMissing({run, plane}, vectors) {
  if (!run.hasFiles) return [];
  const ofPlane = vectors && plane.drawn === undefined ? ['directions', 'centre'] : [];
  const names = ['weights', ...ofPlane.map((name) => planeArray(plane, name))];
  return names.filter((name) => run.entry(name) && !run.isComplete(name));
}
