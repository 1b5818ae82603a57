/**
 * Evaluates networks off the page's thread. Of each sort of request only the newest counts: a surface that a newer one
 * overtakes is left where it is. A surface is answered coarsely first, then at its full grid.
 */
/** @import {Architecture} from '../../model/architecture.js' */
/** @import {Kernel} from './kernel.js' */
import {loadModule, wasmKernel} from './kernel.js';
import {packed, packing} from '../../model/architecture.js';
import {classify, surfaceOf} from './plane.js';
import {scalarKernel} from './scalar.js';
import {pause} from './turns.js';

/**
 * @typedef {{points: Float32Array | Float64Array, labels: ArrayLike<number>}} Sample
 * @typedef {'train' | 'test'} LossSet
 * @typedef {Partial<Record<LossSet, Float32Array>>} Losses [b, a]
 * @typedef {object} Run what a worker is told once for each run
 * @property {Architecture} network
 * @property {Record<'train' | 'test', Sample>} samples
 * @property {Float32Array} inputs [M, 2]: where boundaries are asked for, the meshgrid and after it the data points
 *
 * @typedef {{type: 'run', run: Run}} RunMessage
 * @typedef {{type: 'surface', id: number, theta: Float32Array, directions: [Float32Array, Float32Array], span: number, grid: number, coarse: number, rows: [number, number], sets: LossSet[]}} SurfaceMessage `coarse`: of a preview, which comes first; 0 for none
 * @typedef {{type: 'samples', id: number, thetas: Float32Array[], directions: [Float32Array, Float32Array], span: number, grid: number, sets: LossSet[]}} SamplesMessage surfaces around several models
 * @typedef {{type: 'point', id: number, theta: Float32Array, directions: [Float32Array, Float32Array], span: number, grid: number, point: [number, number], label: number}} PointMessage the loss of one data point
 * @typedef {{type: 'model', id: number, theta: Float32Array}} ModelMessage
 * @typedef {{type: 'surface', id: number, grid: number, rows: [number, number], losses: Losses, final: boolean, milliseconds: number}} SurfaceAnswer
 * @typedef {{type: 'samples', id: number, losses: Losses[]}} SamplesAnswer
 * @typedef {{type: 'point', id: number, losses: Float32Array}} PointAnswer
 * @typedef {{type: 'model', id: number, predicted: Uint8Array, confidence: Float32Array, losses: {train: number, test: number}}} ModelAnswer
 */

const scope = /** @type {any} */ (globalThis);
const SIMD = loadModule(async (name) => (await fetch(new URL(name, import.meta.url))).arrayBuffer()).catch(() => null);

/** @type {Run | null} */
let run = null;
/** @type {Map<string, Kernel>} */
let kernels = new Map();
let places = new Int32Array(0);
/** The newest request of each sort. @type {Record<string, number>} */
const newest = {surface: 0, samples: 0, point: 0, model: 0};

/** @param {string} name @param {ArrayLike<number>} points @param {ArrayLike<number> | null} labels @returns {Promise<Kernel>} */
async function kernel(name, points, labels) {
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
  return kernel(set, points, labels);
};

/**
 * A surface of each set, unless something newer is asked for.
 * @param {Float32Array} theta @param {{directions: [Float32Array, Float32Array], span: number, sets: LossSet[]}} request
 * @param {number} grid @param {[number, number]} rows @param {() => boolean} current
 * @returns {Promise<Losses | null>}
 */
async function losses(theta, {directions, span, sets}, grid, rows, current) {
  const centre = packed(theta, places);
  /** @type {[Float32Array, Float32Array]} */
  const pair = [packed(directions[0], places), packed(directions[1], places)];
  /** @type {Losses} */
  const found = {};
  for (const set of sets) {
    const evaluate = await lossKernel(set);
    const surface =
      current() &&
      (await surfaceOf(
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
async function surface(request) {
  const own = run;
  const start = performance.now();
  const {id, grid, coarse, rows} = request;
  const current = () => newest.surface === id && run === own;
  for (const size of coarse && coarse < grid ? [coarse, grid] : [grid]) {
    const final = size === grid;
    const part = /** @type {[number, number]} */ (final ? rows : [0, size]);
    const found = await losses(request.theta, request, size, part, current);
    if (!found) return;
    scope.postMessage(
      {type: 'surface', id, grid: size, rows: part, losses: found, final, milliseconds: performance.now() - start},
      buffersOf([found]),
    );
    await pause();
  }
}

/** @param {SamplesMessage} request */
async function samples(request) {
  const own = run;
  const {id, grid} = request;
  /** @type {Losses[]} */
  const all = [];
  for (const theta of request.thetas) {
    const found = await losses(theta, request, grid, [0, grid], () => newest.samples === id && run === own);
    if (!found) return;
    all.push(found);
  }
  scope.postMessage({type: 'samples', id, losses: all}, buffersOf(all));
}

/** @param {PointMessage} request */
async function point({id, theta, directions: [first, second], span, grid, point: place, label}) {
  await pause();
  const own = /** @type {Run} */ (run);
  const current = () => newest.point === id && run === own;
  const simd = await SIMD;
  if (!current()) return;
  const evaluate = simd ? wasmKernel(simd, own.network, place, [label]) : scalarKernel(own.network, place, [label]);
  const found = await surfaceOf(
    evaluate,
    packed(theta, places),
    [packed(first, places), packed(second, places)],
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
async function model({id, theta}) {
  await pause();
  if (newest.model !== id || !run) return;
  const own = run;
  const vector = packed(theta, places);
  const boundary = await kernel('inputs', own.inputs, null);
  const {predicted, confidence} = classify(boundary.logits(vector), own.network.layers[own.network.layers.length - 1]);
  const [train, test] = [await lossKernel('train'), await lossKernel('test')];
  if (run !== own) return;
  const losses = {train: train.losses(vector, 1)[0], test: test.losses(vector, 1)[0]};
  scope.postMessage({type: 'model', id, predicted, confidence, losses}, [predicted.buffer, confidence.buffer]);
}

const answers = {surface, samples, point, model};

/** @param {MessageEvent<RunMessage | SurfaceMessage | SamplesMessage | PointMessage | ModelMessage>} event */
scope.onmessage = ({data}) => {
  if (data.type === 'run') {
    run = data.run;
    kernels = new Map();
    places = packing(run.network);
    return;
  }
  newest[data.type] = data.id;
  answers[data.type](/** @type {any} */ (data)).catch((/** @type {unknown} */ error) =>
    scope.postMessage({type: 'error', id: data.id, message: String(error)}),
  );
};
