/**
 * The WebAssembly kernel (kernel.c): losses and logits of many models on the same inputs. What lies where in its memory is
 * as engine/wasm_kernel.py lays it out.
 */
/** @import {Architecture} from '../../model/architecture.js' */
import {parameterCount, sortedByClass} from '../../model/architecture.js';

/** Points that the kernel takes through all layers at once. */
const BLOCK = 16;
const PAGE = 65536;
const LINE = 64;
const ACTIVATIONS = ['tanh', 'relu', 'sigmoid', 'gelu', 'linear'];
/** The faster one first; it needs an instruction that not every browser has. */
const BUILDS = ['kernel-relaxed.wasm', 'kernel.wasm'];

/**
 * What every kernel can do, here and in plain JavaScript (scalar.js). Models are packed: see model/architecture.js.
 * @typedef {object} Kernel
 * @property {(models: Float32Array, count: number) => Float32Array} losses mean cross-entropy [count], in nats
 * @property {(plane: Float32Array, places: Float32Array) => Float32Array} lossesAt the same at places [count, (a, b)] of a plane [centre, first, second][P]
 * @property {(model: Float32Array) => Float32Array} logits [K, N] of one model
 */

/** The compiled module, or null where the browser has no SIMD. @param {(name: string) => Promise<ArrayBuffer>} read @returns {Promise<WebAssembly.Module | null>} */
export async function loadModule(read) {
  for (const name of BUILDS) {
    const bytes = await read(name);
    if (WebAssembly.validate(bytes)) return WebAssembly.compile(bytes);
  }
  return null;
}

/**
 * @param {WebAssembly.Module} module @param {Architecture} network
 * @param {ArrayLike<number>} points [N, features] @param {ArrayLike<number> | null} labels where losses are wanted
 * @returns {Kernel}
 */
export function wasmKernel(module, network, points, labels) {
  const memory = createMemory(module);
  const {layers} = network;
  const features = layers[0];
  const classes = layers[layers.length - 1];
  const parameters = parameterCount(network);
  const {order, runs} = sortedByClass(points, features, labels);
  const blocks = blocked(points, features, order, runs);
  const widest = Math.max(...layers.slice(1));
  const problem = memory.put(
    Int32Array.from([
      memory.put(Int32Array.from(layers)),
      layers.length - 1,
      ACTIVATIONS.indexOf(network.activation),
      Number(network.residual),
      parameters,
      order.length,
      runs.length,
      memory.put(Int32Array.from(runs.flatMap(({label, count}) => [label, count]))),
      memory.put(blocks.inputs),
      memory.place(4 * (2 * widest * BLOCK + classes * (layers[layers.length - 2] + 1))),
      widest,
    ]),
  );
  const models = memory.place(0);

  /** @param {Float32Array} packed @param {number} size @param {string} name @param {number} count */
  const run = (packed, size, name, count) => {
    memory.reserve(models + 4 * (packed.length + size));
    memory.floats(models, packed.length).set(packed);
    memory.call(name, problem, models, count, models + 4 * packed.length);
    return memory.floats(models + 4 * packed.length, size).slice();
  };

  return {
    losses: (packed, count) => run(packed, count, 'losses', count),
    lossesAt(plane, places) {
      const count = places.length / 2;
      const [pairs, model] = [models + 4 * plane.length, models + 4 * (plane.length + places.length)];
      const result = model + 4 * parameters;
      memory.reserve(result + 4 * count);
      memory.floats(models, plane.length).set(plane);
      memory.floats(pairs, places.length).set(places);
      memory.call('losses_at', problem, models, pairs, count, model, result);
      return memory.floats(result, count).slice();
    },
    logits(packed) {
      const found = run(packed, blocks.places.length * classes, 'logits', 1);
      const result = new Float32Array(classes * order.length);
      blocks.places.forEach((place, column) => {
        if (place < 0) return;
        const block = Math.floor(column / BLOCK);
        for (let k = 0; k < classes; k++) {
          result[k * order.length + place] = found[(block * classes + k) * BLOCK + (column % BLOCK)];
        }
      });
      return result;
    },
  };
}

/**
 * The inputs as blocks [block][feature][point], each run filled up with its last point, and which point a column is.
 * @param {ArrayLike<number>} points @param {number} features @param {number[]} order
 * @param {{start: number, count: number}[]} runs
 */
function blocked(points, features, order, runs) {
  const blocks = runs.reduce((sum, {count}) => sum + Math.ceil(count / BLOCK), 0);
  const inputs = new Float32Array(blocks * features * BLOCK);
  const places = new Int32Array(blocks * BLOCK).fill(-1);
  let column = 0;
  for (const {start, count} of runs) {
    for (let i = 0; i < Math.ceil(count / BLOCK) * BLOCK; i++, column++) {
      const point = order[start + Math.min(i, count - 1)];
      if (i < count) places[column] = point;
      for (let f = 0; f < features; f++) {
        inputs[(Math.floor(column / BLOCK) * features + f) * BLOCK + (column % BLOCK)] = points[point * features + f];
      }
    }
  }
  return {inputs, places};
}

/** One instance: its memory, handed out from __heap_base on and grown as needed. @param {WebAssembly.Module} module */
function createMemory(module) {
  const exports = /** @type {any} */ (new WebAssembly.Instance(module).exports);
  /** @type {WebAssembly.Memory} */
  const memory = exports.memory;
  let end = exports.__heap_base.value;
  /** @param {number} bytes make sure that memory reaches so far */
  const reserve = (bytes) => {
    const missing = bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  };
  /** @param {number} bytes @returns {number} the address of so many fresh bytes */
  const place = (bytes) => {
    const address = Math.ceil(end / LINE) * LINE;
    end = address + bytes;
    reserve(end);
    return address;
  };
  return {
    place,
    reserve,
    /** @param {Int32Array | Float32Array} values */
    put(values) {
      const address = place(values.byteLength);
      new Uint8Array(memory.buffer, address).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      return address;
    },
    /** @param {number} address @param {number} count valid until memory grows */
    floats: (address, count) => new Float32Array(memory.buffer, address, count),
    /** @param {string} name @param {number[]} values */
    call(name, ...values) {
      exports[name](...values);
    },
  };
}
