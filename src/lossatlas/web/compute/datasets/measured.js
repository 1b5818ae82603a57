/** The measured datasets of lossatlas.datasets: their points are in a file of this page, and chosen and split as Python has it. */
/** @import {Dataset} from './prepared.js' */
/** @import {DatasetConfig} from './generate.js' */
import {fetchJson} from '../../loading/json.js';
import {constants} from '../../model/constants.js';
import {permutation, POINT_STREAMS, uniforms} from '../engine/random.js';
import {prepare} from './prepared.js';

/** @typedef {{title: string, features: string[], classes: string[], x: number[], y: number[], label: number[]}} Measured all points there are, in their own units */

/** The dataset of a configuration, as `load_dataset` gives it. @param {DatasetConfig} config @returns {Promise<Dataset>} */
export async function loadMeasured(config) {
  /** @type {Record<string, Measured>} */
  const all = await fetchJson(new URL('measured.json', import.meta.url).href);
  const found = all[config.name];
  if (!found) throw new Error(`This page knows no dataset “${config.name}”. Choose one on the right.`);
  return choose(found, config);
}

/** @param {Measured} found @param {DatasetConfig} config @returns {Dataset} */
function choose(
  {title, features, classes, x, y, label},
  {name, points = constants().defaults.points, seed = 0, test_fraction: testFraction},
) {
  const chosen = permutation(uniforms(seed, POINT_STREAMS.points), label.length).slice(0, points).sort();
  const pairs = new Float64Array(2 * chosen.length);
  chosen.forEach((row, i) => pairs.set([x[row], y[row]], 2 * i));
  return prepare(
    {name, title, features, classes, points: pairs, labels: Uint8Array.from(chosen, (row) => label[row])},
    {testFraction, seed},
  );
}
