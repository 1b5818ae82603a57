/** This module generates the synthetic datasets of lossatlas.datasets in the page, with the same numbers as Python. */
/** @import {Dataset} from './prepared.js' */
import {constants} from '../../model/constants.js';
import {drawNormals, POINT_STREAMS, createUniforms} from '../engine/random.js';
import {prepareDataset} from './prepared.js';

/**
 * @typedef {object} DatasetConfig the settings of a dataset, in the form of a run's `config.dataset`
 * @property {string} name
 * @property {number} [points] the number of points, for training and testing together
 * @property {number | null} [noise] the spread, in the dataset's own units
 * @property {number} [test_fraction]
 * @property {number} [seed] the seed of the points and of the split
 *
 * @typedef {object} Drawn a dataset in its own units; its points are in the order in which they were drawn
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

/** Return the labels 0, 1, …, K−1, 0, 1, … @param {number} count @param {number} classes */
const labelsInTurn = (count, classes) => Uint8Array.from({length: count}, (_, i) => i % classes);

/**
 * Place the points and add normal noise to each.
 * @param {number} count @param {number} noise @param {() => number} draw @param {(i: number) => [number, number]} place
 */
function drawAround(count, noise, draw, place) {
  const points = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) points.set(place(i), 2 * i);
  // The noise is drawn after the places, which may draw numbers themselves.
  const spread = drawNormals(draw, 2 * count);
  for (let i = 0; i < points.length; i++) points[i] += noise * spread[i];
  return points;
}

/**
 * Draw Gaussian clouds around the centres in turn.
 * @param {[number, number][]} centres @param {number} classes @returns {Sample}
 */
const drawBlobs = (centres, classes) => (count, noise, draw) => ({
  points: drawAround(count, noise, draw, (i) => centres[i % centres.length]),
  labels: Uint8Array.from({length: count}, (_, i) => (i % centres.length) % classes),
});

/** @type {Sample} */
function drawMoons(count, noise, draw) {
  const labels = labelsInTurn(count, 2);
  const points = drawAround(count, noise, draw, (i) => {
    const angle = Math.PI * draw();
    return labels[i] === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
  });
  return {points, labels};
}

/** @type {Sample} */
function drawCircles(count, noise, draw) {
  const labels = labelsInTurn(count, 2);
  const points = drawAround(count, noise, draw, (i) => {
    const angle = TURN * draw();
    const radius = labels[i] === 0 ? 1 : 0.5;
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
  return {points, labels};
}

/** @type {Sample} */
function drawCheckerboard(count, noise, draw) {
  const labels = new Uint8Array(count);
  const points = drawAround(count, noise, draw, (i) => {
    const [u, v] = [4 * draw(), 4 * draw()];
    labels[i] = (Math.floor(u) + Math.floor(v)) % 2;
    return [u, v];
  });
  return {points, labels};
}

/** @param {number} count @param {number} turns @returns {Sample} */
const drawArms = (count, turns) => (total, noise, draw) => {
  const labels = labelsInTurn(total, count);
  const points = drawAround(total, noise, draw, (i) => {
    const radius = 0.1 + 0.9 * draw();
    const angle = TURN * (turns * radius + labels[i] / count);
    return [radius * Math.cos(angle), radius * Math.sin(angle)];
  });
  return {points, labels};
};

/**
 * The functions that draw each synthetic dataset; the catalog holds everything else about the datasets.
 * @type {Record<string, Sample>}
 */
const SAMPLES = {
  moons: drawMoons,
  blobs: drawBlobs(
    [
      [-1, -1],
      [1, 1],
    ],
    2,
  ),
  corners: drawBlobs(
    [
      [-1, -1],
      [-1, 1],
      [1, 1],
      [1, -1],
    ],
    2,
  ),
  spirals: drawArms(2, 1.25),
  circles: drawCircles,
  checkerboard: drawCheckerboard,
  arms: drawArms(3, 0.75),
};

/**
 * Can this page generate the dataset? The points of measured datasets are in a file (measured.js).
 * @param {string} name
 */
export const canGenerate = (name) => name in SAMPLES;

/** Return the datasets that this page can draw. */
export const syntheticDatasets = () => constants().datasets.filter(({name}) => canGenerate(name));

/** Draw the points; they are not yet split and standardised. @param {DatasetConfig} config @returns {Drawn} */
export function draw({name, points, noise, seed = 0}) {
  const dataset = syntheticDatasets().find((each) => each.name === name);
  if (!dataset)
    throw new Error(`The points of “${name}” cannot be generated, since they were measured: measured.js reads them.`);
  const {title, features, classes, noise: usual = 0} = dataset;
  const count = points ?? constants().defaults.points;
  return {
    name,
    title,
    classes,
    features,
    ...SAMPLES[name](count, noise ?? usual, createUniforms(seed, POINT_STREAMS.points)),
  };
}

/** Generate the dataset of a configuration, as `load_dataset` does. @param {DatasetConfig} config @returns {Dataset} */
export function generate(config) {
  return prepareDataset(draw(config), {testFraction: config.test_fraction, seed: config.seed});
}
