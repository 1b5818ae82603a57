/** Vectors that computing takes and a picture alone does not: fetched when they are first asked for. */
/** @import {Shot} from '../model/types.js' */
import {fetchNpy} from '../loading/npy.js';
import {planeArray} from '../model/slice.js';

/** @param {{onArrival: () => void}} options */
export function createSupply({onArrival}) {
  /** @type {Set<string>} */
  const coming = new Set();

  /** Are a shot's weights there, and its plane's vectors? What is missing is sent for. @param {Shot} shot @param {boolean} [vectors] are these needed? */
  return ({run, plane}, vectors = true) => {
    const names = run.trained
      ? []
      : [
          'weights',
          ...(vectors && plane.drawn === undefined
            ? ['directions', 'centre'].map((name) => planeArray(plane, name))
            : []),
        ];
    const missing = names.filter((name) => run.entry(name) && !run.complete(name));
    for (const name of missing) {
      const url = `data/runs/${encodeURIComponent(run.id)}/${run.entry(name).file}`;
      if (coming.has(url)) continue;
      coming.add(url);
      fetchNpy(url)
        .then((array) => {
          run.put(name, array);
          onArrival();
        })
        .catch(() => {})
        .finally(() => coming.delete(url));
    }
    return missing.length === 0;
  };
}
