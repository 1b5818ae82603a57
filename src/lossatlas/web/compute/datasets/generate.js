/** The invented datasets of lossatlas.datasets, drawn in the page with the very same numbers. */
/** @import {Dataset} from './prepared.js' */
import {constants} from '../../model/constants.js';
import {normals, POINT_STREAMS, uniforms} from '../engine/random.js';
import {prepare} from './prepared.js';

/**
 * @typedef {object} DatasetConfig as a run's `config.dataset`
 * @property {string} name
 * @property {number} [points] train and test together
 * @property {number | null} [noise] in the dataset's own units
 * @property {number} [test_fraction]
 * @property {number} [seed] of the points and of the split
 *
 * @typedef {object} Drawn points in the dataset's own units, in the order in which they were drawn
 * @property {string} name
 * @property {string} title
 * @property {string[]} features
 * @property {string[]} classes
 * @property {Float64Array} points [N, 2]
 * @property {Uint8Array} labels [N]
 *
 * @typedef {(count: number, noise: number, draw: () => number) => {points: Float64Array, labels: Uint8Array}} Sample
 */

const TURN = 2 * Math.PI;

/** Labels 0, 1, …, K−1, 0, 1, … @param {number} count @param {number} classes */
const inTurn = (count, classes) => Uint8Array.from({length: count}, (_, i) => i % classes);

/**
 * Places, each with normal noise added.
 * @param {number} count @param {number} noise @param {() => number} draw @param {(i: number) => [number, number]} place
 */
function around(count, noise, draw, place) {
  const points = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) points.set(place(i), 2 * i);
  const spread = normals(draw, 2 * count); // after the places, which may draw numbers themselves
  for (let i = 0; i < points.length; i++) points[i] += noise * spread[i];
  return points;
}

/** Gaussian clouds about centres in turn. @param {[number, number][]} centres @param {number} classes @returns {Sample} */
const blobs = (centres, classes) => (count, noise, draw) => ({
  points: around(count, noise, draw, (i) => centres[i % centres.length]),
  labels: Uint8Array.from({length: count}, (_, i) => (i % centres.length) % classes),
});

/** @type {Sample} */
function moons(count, noise, draw) {
  const labels = inTurn(count, 2);
  const points = around(count, noise, draw, (i) => {
    const angle = Math.PI * draw();
    return labels[i] === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
  });
  return {points, labels};
}

/** @type {Sample} */
function circles(count, noise, draw) {
  const labels = inTurn(count, 2);
  const points = around(count, noise, draw, (i) => {
    const angle = TURN * draw();
    const radius = labels[i] === 0 ? 1 : 0.5;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
  return {points, labels};
}

/** @type {Sample} */
function checkerboard(count, noise, draw) {
  const labels = new Uint8Array(count);
  const points = around(count, noise, draw, (i) => {
    const [u, v] = [4 * draw(), 4 * draw()];
    labels[i] = (Math.floor(u) + Math.floor(v)) % 2;
    return [u, v];
  });
  return {points, labels};
}

/** @param {number} count @param {number} turns @returns {Sample} */
const arms = (count, turns) => (total, noise, draw) => {
  const labels = inTurn(total, count);
  const points = around(total, noise, draw, (i) => {
    const radius = 0.1 + 0.9 * draw();
    const angle = TURN * (turns * radius + labels[i] / count);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
  return {points, labels};
};

/** How each invented dataset is drawn; what else there is to say of it stands in the catalog. @type {Record<string, Sample>} */
const SAMPLES = {
  moons,
  blobs: blobs(
    [
      [-1, -1],
      [1, 1],
    ],
    2,
  ),
  corners: blobs(
    [
      [-1, -1],
      [-1, 1],
      [1, 1],
      [1, -1],
    ],
    2,
  ),
  spirals: arms(2, 1.25),
  circles,
  checkerboard,
  arms: arms(3, 0.75),
};

/** Can this page draw the dataset? Those that were measured are in a file (measured.js). @param {string} name */
export const canGenerate = (name) => name in SAMPLES;

/** The datasets that this page can draw. */
export const inventedDatasets = () => constants().datasets.filter(({name}) => canGenerate(name));

/** The points before they are split and standardised. @param {DatasetConfig} config @returns {Drawn} */
export function draw({name, points, noise, seed = 0}) {
  const dataset = inventedDatasets().find((each) => each.name === name);
  if (!dataset)
    throw new Error(`The points of “${name}” cannot be drawn here, for they were measured: measured.js reads them.`);
  const {title, features, classes, noise: usual = 0} = dataset;
  const count = points ?? constants().defaults.points;
  return {
    name,
    title,
    classes,
    features,
    ...SAMPLES[name](count, noise ?? usual, uniforms(seed, POINT_STREAMS.points)),
  };
}

/** The dataset of a configuration, as `load_dataset` gives it. @param {DatasetConfig} config @returns {Dataset} */
export function generate(config) {
  return prepare(draw(config), {testFraction: config.test_fraction, seed: config.seed});
}
