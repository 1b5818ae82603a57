/**
 * This module loads the measured datasets of lossatlas.datasets: their points are in a file of this page, and are
 * selected and split as Python does.
 */
/** @import {Dataset} from './prepared.js' */
/** @import {DatasetConfig} from './generate.js' */
import {fetchJson} from '../../loading/json.js';
import {constants} from '../../model/constants.js';
import {drawPermutation, POINT_STREAMS, createUniforms} from '../engine/random.js';
import {prepareDataset} from './prepared.js';

/**
 * @typedef {{title: string, features: string[], classes: string[], x: number[], y: number[], label: number[]}} Measured
 *   all measured points, in their own units
 */

/**
 * Load the dataset of a configuration, as `load_dataset` does.
 * @param {DatasetConfig} config @returns {Promise<Dataset>}
 */
export async function loadMeasured(config) {
  /** @type {Record<string, Measured>} */
  const all = await fetchJson('compute/datasets/measured.json');
  const found = all[config.name];
  if (!found) throw new Error(`This page has no dataset “${config.name}”. Choose one on the right.`);
  return choose(found, config);
}

/** @param {Measured} found @param {DatasetConfig} config @returns {Dataset} */
function choose(
  {title, features, classes, x, y, label},
  {name, points = constants().defaults.points, seed = 0, test_fraction: testFraction},
) {
  const chosen = drawPermutation(createUniforms(seed, POINT_STREAMS.points), label.length).slice(0, points).sort();
  const pairs = new Float64Array(2 * chosen.length);
  chosen.forEach((row, i) => pairs.set([x[row], y[row]], 2 * i));
  return prepareDataset(
    {name, title, features, classes, points: pairs, labels: Uint8Array.from(chosen, (row) => label[row])},
    {testFraction, seed},
  );
}
