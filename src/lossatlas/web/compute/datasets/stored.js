/**
 * This module loads the own points that a stored run was trained on: its manifest contains them, exact to the last bit.
 */
/** @import {Dataset} from './prepared.js' */
/** @import {DatasetConfig} from './generate.js' */
import {fetchManifest} from '../../loading/json.js';
import {ownOfConfig, prepareOwn} from './own.js';

/**
 * @param {string} run the run's id @param {DatasetConfig} config @returns {Promise<Dataset>} split and standardised as
 *   `load_dataset` does
 */
export async function loadStored(run, {seed, test_fraction: testFraction}) {
  const manifest = await fetchManifest(run);
  const own = ownOfConfig(/** @type {any} */ (manifest.config).dataset.own);
  return {...prepareOwn(own, {seed, testFraction}), name: manifest.dataset.name, run};
}
