/**
 * This module provides the package's constants, which the page takes from catalog.json (lossatlas.site.constants) and
 * defines nowhere else. The first module of a page sets them before anything else happens, and they do not change. A
 * worker has no constants: it receives what it needs.
 */
/** @import {Catalog, CatalogDataset} from './types.js' */

/** @typedef {{least: number, most: number}} Bounds of a number */

/**
 * @typedef {object} Constants
 * @property {number} format_version of the runs that the package writes: the newest that the page reads
 * @property {number} most_parameters of a network that the page evaluates: a larger one takes too long for an answer
 *   while one drags
 * @property {{name: string, title: string}[]} optimizers
 * @property {Record<'learning_rate' | 'batch_size' | 'weight_decay' | 'epochs' | 'frames', Bounds>} bounds of a
 *   training's settings
 * @property {{points: number, test_fraction: number, boundary: {resolution: number, margin: number}}} defaults that a
 *   configuration need not say: how many points, the share of them that is for testing, and the grid of the boundary
 * @property {FreshPlane} fresh_plane along two fresh models, as the package lays it where nothing else is said
 * @property {OwnData} own_data
 * @property {Record<'losses' | 'classes', [number, number, number][]>} colours red, green and blue: the stops of the
 *   map of losses, and the colour of each class
 *
 * @typedef {{name: string, kind: string, title: string, what: string, hides: string, seed: number, spans: number[],
 *   grid: number}} FreshPlane `grid`: samples along each axis of a surface
 *
 * @typedef {object} OwnData what a person's own data may be
 * @property {string[]} features names of the axes, where they have none
 * @property {number} classes the largest number of classes: colour and shape must distinguish them
 * @property {number} points the largest number of points: the page trains quickly on this number
 * @property {number} points_per_class the smallest number in a class: one to train on, and one to test
 * @property {number} coordinate the largest: beyond it they would leave float32, or their squares a double
 * @property {number} name_length letters of a name that are kept
 */

/** @type {(Constants & {datasets: CatalogDataset[]}) | null} */
let known = null;

/** Take the constants from the catalog. @param {Catalog} catalog */
export function takeConstants(catalog) {
  if (!catalog.constants) {
    throw new Error('catalog.json is of another version of Loss Atlas than this page. Reload the page.');
  }
  known = Object.freeze({...catalog.constants, datasets: catalog.datasets});
}

/** Return the constants, and the datasets that the package knows by name. */
export function constants() {
  if (!known) throw new Error('The constants have not come: takeConstants hands them over.');
  return known;
}
