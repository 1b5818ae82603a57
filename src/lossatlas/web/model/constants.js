/**
 * This module provides the package's constants, which the page takes from catalog.json (lossatlas.site.constants) and
 * defines nowhere else. The first module of a page sets them before anything else happens, and they do not change. A
 * worker has no constants: it receives what it needs.
 */
/** @import {Catalog, CatalogDataset} from './types.js' */

/** @typedef {{least: number, most: number}} Bounds the limits of a number */

/**
 * @typedef {object} Constants
 * @property {number} format_version the newest format of runs, which the package writes and the page reads
 * @property {number} most_parameters the size of the largest network that the page evaluates; for a larger one, answers
 *   during a drag would take too long
 * @property {{name: string, title: string}[]} optimizers
 * @property {Record<'learning_rate' | 'batch_size' | 'weight_decay' | 'epochs' | 'frames', Bounds>} bounds the limits
 *   of a training's settings
 * @property {{points: number, test_fraction: number, boundary: {resolution: number, margin: number}}} defaults the
 *   number of points, the share that is for testing, and the grid of the boundary, if a configuration omits them
 * @property {FreshPlane} fresh_plane the default plane along two freshly initialised models
 * @property {OwnData} own_data
 * @property {Record<'losses' | 'classes', [number, number, number][]>} colours the stops of the colour map of losses,
 *   and the colour of each class, as red, green and blue
 *
 * @typedef {{name: string, kind: string, title: string, what: string, hides: string, seed: number, spans: number[],
 *   grid: number}} FreshPlane `grid`: the number of samples along each axis of a surface
 *
 * @typedef {object} OwnData the limits of a person's own data
 * @property {string[]} features the names of axes that have no name
 * @property {number} classes the largest number of classes: colour and shape must distinguish them
 * @property {number} points the largest number of points: the page trains quickly on this number
 * @property {number} points_per_class the smallest number of points in a class: one to train on, and one to test
 * @property {number} coordinate the largest coordinate: larger ones would overflow float32, or their squares float64
 * @property {number} name_length the largest number of letters in a name
 */

/** @type {(Constants & {datasets: CatalogDataset[]}) | null} */
let known = null;

/** Take the constants from the catalog. @param {Catalog} catalog */
export function takeConstants(catalog) {
  if (!catalog.constants) {
    throw new Error('catalog.json belongs to another version of Loss Atlas than this page. Reload the page.');
  }
  known = Object.freeze({...catalog.constants, datasets: catalog.datasets});
}

/** Return the constants, and the datasets that the package knows by name. */
export function constants() {
  if (!known) throw new Error('The constants are not set yet: call takeConstants first.');
  return known;
}
