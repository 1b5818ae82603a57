/**
 * This module is the worker that evaluates networks outside the page's thread. Of each kind of request only the newest
 * counts: a surface is abandoned when a newer one is requested. A surface is answered coarsely first, then at its full
 * grid.
 */
/** @import {Architecture} from '../../model/architecture.js' */
/** @import {Kernel} from './kernel.js' */
import {loadModule, wasmKernel} from './kernel.js';
import {addressOf} from '../../lib/files.js';
import {packParameters, packedPlaces} from '../../model/architecture.js';
import {classify, computeSurface} from './plane.js';
import {scalarKernel} from './scalar.js';
import {pause} from './turns.js';

/**
 * @typedef {{points: Float32Array | Float64Array, labels: ArrayLike<number>}} Sample
 * @typedef {'train' | 'test'} LossSet
 * @typedef {Partial<Record<LossSet, Float32Array>>} Losses [b, a]
 * @typedef {object} Run the description of a run, which a worker receives once
 * @property {Architecture} network
 * @property {Record<'train' | 'test', Sample>} samples
 * @property {Float32Array} inputs [M, 2]: the places at which boundaries are evaluated, the meshgrid and after it the
 *   data points
 *
 * @typedef {{type: 'run', run: Run}} RunMessage
 * @typedef {{type: 'surface', id: number, theta: Float32Array, directions: [Float32Array, Float32Array], span: number,
 *   grid: number, coarse: number, rows: [number, number], sets: LossSet[]}} SurfaceMessage `coarse`: the grid of the
 *   preview, which comes first; 0: no preview
 * @typedef {{type: 'samples', id: number, thetas: Float32Array[], directions: [Float32Array, Float32Array], span:
 *   number, grid: number, sets: LossSet[]}} SamplesMessage surfaces around several models
 * @typedef {{type: 'point', id: number, theta: Float32Array, directions: [Float32Array, Float32Array], span: number,
 *   grid: number, point: [number, number], label: number}} PointMessage the loss of one data point
 * @typedef {{type: 'model', id: number, theta: Float32Array}} ModelMessage
 * @typedef {{type: 'surface', id: number, grid: number, rows: [number, number], losses: Losses, final: boolean,
 *   milliseconds: number}} SurfaceAnswer
 * @typedef {{type: 'samples', id: number, losses: Losses[]}} SamplesAnswer
 * @typedef {{type: 'point', id: number, losses: Float32Array}} PointAnswer
 * @typedef {{type: 'model', id: number, predicted: Uint8Array, confidence: Float32Array, losses: {train: number, test:
 *   number}}} ModelAnswer
 */

const scope = /** @type {any} */ (globalThis);
const readBuild = async (/** @type {string} */ name) =>
  (await fetch(addressOf(`compute/engine/${name}`))).arrayBuffer();
const SIMD = loadModule(readBuild).catch(() => null);
SIMD.then(() => scope.postMessage({type: 'ready'})); // workers.js waits for it, but not for ever.

/** @type {Run | null} */
let run = null;
/** @type {Map<string, Kernel>} */
let kernels = new Map();
let places = new Int32Array(0);
/** The newest request of each kind. @type {Record<string, number>} */
const newest = {surface: 0, samples: 0, point: 0, model: 0};

/**
 * @param {string} name @param {ArrayLike<number>} points @param {ArrayLike<number> | null} labels
 * @returns {Promise<Kernel>}
 */
async function kernelFor(name, points, labels) {
  const known = kernels.get(name);
  if (known) return known;
  const of = kernels;
  const simd = await SIMD;
  const {network} = /** @type {Run} */ (run);
  const made = simd ? wasmKernel(simd, network, points, labels) : scalarKernel(network, points, labels);
  of.set(name, made);
  return made;
}

/** @param {'train' | 'test'} set */
const lossKernel = (set) => {
  const {points, labels} = /** @type {Run} */ (run).samples[set];
  return kernelFor(set, points, labels);
};

/**
 * Compute a surface of each set, unless something newer is requested.
 * @param {Float32Array} theta @param {{directions: [Float32Array, Float32Array], span: number, sets: LossSet[]}}
 *   request
 * @param {number} grid @param {[number, number]} rows @param {() => boolean} current
 * @returns {Promise<Losses | null>}
 */
async function computeLosses(theta, {directions, span, sets}, grid, rows, current) {
  const centre = packParameters(theta, places);
  /** @type {[Float32Array, Float32Array]} */
  const pair = [packParameters(directions[0], places), packParameters(directions[1], places)];
  /** @type {Losses} */
  const found = {};
  for (const set of sets) {
    const evaluate = await lossKernel(set);
    const surface =
      current() &&
      (await computeSurface(
        evaluate,
        centre,
        pair,
        span,
        grid,
        async () => {
          await pause();
          return current();
        },
        rows,
      ));
    if (!surface) return null;
    found[set] = surface;
  }
  return found;
}

/** @param {SurfaceMessage} request */
async function answerSurface(request) {
  const own = run;
  const start = performance.now();
  const {id, grid, coarse, rows} = request;
  const current = () => newest.surface === id && run === own;
  for (const size of coarse && coarse < grid ? [coarse, grid] : [grid]) {
    const final = size === grid;
    const part = /** @type {[number, number]} */ (final ? rows : [0, size]);
    const found = await computeLosses(request.theta, request, size, part, current);
    if (!found) return;
    scope.postMessage(
      {type: 'surface', id, grid: size, rows: part, losses: found, final, milliseconds: performance.now() - start},
      buffersOf([found]),
    );
    await pause();
  }
}

/** @param {SamplesMessage} request */
async function answerSamples(request) {
  const own = run;
  const {id, grid} = request;
  /** @type {Losses[]} */
  const all = [];
  for (const theta of request.thetas) {
    const found = await computeLosses(theta, request, grid, [0, grid], () => newest.samples === id && run === own);
    if (!found) return;
    all.push(found);
  }
  scope.postMessage({type: 'samples', id, losses: all}, buffersOf(all));
}

/** @param {PointMessage} request */
async function answerPoint({id, theta, directions: [first, second], span, grid, point: place, label}) {
  await pause();
  const own = /** @type {Run} */ (run);
  const current = () => newest.point === id && run === own;
  const simd = await SIMD;
  if (!current()) return;
  const evaluate = simd ? wasmKernel(simd, own.network, place, [label]) : scalarKernel(own.network, place, [label]);
  const found = await computeSurface(
    evaluate,
    packParameters(theta, places),
    [packParameters(first, places), packParameters(second, places)],
    span,
    grid,
    async () => {
      await pause();
      return current();
    },
  );
  if (found) scope.postMessage({type: 'point', id, losses: found}, [found.buffer]);
}

/** @param {Losses[]} all */
const buffersOf = (all) => all.flatMap((found) => Object.values(found).map(({buffer}) => buffer));

/** @param {ModelMessage} request */
async function answerModel({id, theta}) {
  await pause();
  if (newest.model !== id || !run) return;
  const own = run;
  const vector = packParameters(theta, places);
  const boundary = await kernelFor('inputs', own.inputs, null);
  const {predicted, confidence} = classify(boundary.logits(vector), own.network.layers[own.network.layers.length - 1]);
  const [train, test] = [await lossKernel('train'), await lossKernel('test')];
  if (run !== own) return;
  const losses = {train: train.losses(vector, 1)[0], test: test.losses(vector, 1)[0]};
  scope.postMessage({type: 'model', id, predicted, confidence, losses}, [predicted.buffer, confidence.buffer]);
}

const answers = {surface: answerSurface, samples: answerSamples, point: answerPoint, model: answerModel};

/** @param {MessageEvent<RunMessage | SurfaceMessage | SamplesMessage | PointMessage | ModelMessage>} event */
scope.onmessage = ({data}) => {
  if (data.type === 'run') {
    run = data.run;
    kernels = new Map();
    places = packedPlaces(run.network);
    return;
  }
  newest[data.type] = data.id;
  answers[data.type](/** @type {any} */ (data)).catch((/** @type {unknown} */ error) =>
    scope.postMessage({type: 'error', id: data.id, message: String(error)}),
  );
};
