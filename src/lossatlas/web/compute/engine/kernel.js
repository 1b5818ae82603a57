/**
 * This module calls the WebAssembly kernel (kernel.c), which computes losses and logits of many models on the same
 * inputs. Its memory is laid out as in engine/wasm_kernel.py.
 */
/** @import {Architecture} from '../../model/architecture.js' */
import {parameterCount, sortByClass} from '../../model/architecture.js';

/** The number of points that the kernel takes through all layers at once. */
const BLOCK = 16;
const PAGE = 65536;
const LINE = 64;
const ACTIVATIONS = ['tanh', 'relu', 'sigmoid', 'gelu', 'linear'];
/** The faster build comes first; it needs an instruction that not every browser has. */
const BUILDS = ['kernel-relaxed.wasm', 'kernel.wasm'];

/**
 * Every kernel has these functions, here and in plain JavaScript (scalar.js). Models are packed: see
 * model/architecture.js.
 * @typedef {object} Kernel
 * @property {(models: Float32Array, count: number) => Float32Array} losses the mean cross-entropies [count], in nats
 * @property {(plane: Float32Array, places: Float32Array) => Float32Array} lossesAt the same, at the places [count, (a,
 *   b)] of a plane [centre, first, second][P]
 * @property {(model: Float32Array) => Float32Array} logits the logits [K, N] of one model
 */

/**
 * Load and compile the module; null if the browser has no SIMD.
 * @param {(name: string) => Promise<ArrayBuffer>} read @returns {Promise<WebAssembly.Module | null>}
 */
export async function loadModule(read) {
  for (const name of BUILDS) {
    const bytes = await read(name);
    if (WebAssembly.validate(bytes)) return WebAssembly.compile(bytes);
  }
  return null;
}

/**
 * @param {WebAssembly.Module} module @param {Architecture} network
 * @param {ArrayLike<number>} points [N, features] @param {ArrayLike<number> | null} labels needed for losses
 * @returns {Kernel}
 */
export function wasmKernel(module, network, points, labels) {
  const memory = createMemory(module);
  const {layers} = network;
  const features = layers[0];
  const classes = layers[layers.length - 1];
  const parameters = parameterCount(network);
  const {order, runs} = sortByClass(points, features, labels);
  const blocks = arrangeBlocks(points, features, order, runs);
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
      memory.allocate(4 * (2 * widest * BLOCK + classes * (layers[layers.length - 2] + 1))),
      widest,
    ]),
  );
  const models = memory.allocate(0);

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
 * Arrange the inputs in blocks [block][feature][point]. Each run is filled up with its last point. The result also says
 * which point each column is.
 * @param {ArrayLike<number>} points @param {number} features @param {number[]} order
 * @param {{start: number, count: number}[]} runs
 */
function arrangeBlocks(points, features, order, runs) {
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

/**
 * Create an instance and its memory, which is handed out from __heap_base on and grows as needed.
 * @param {WebAssembly.Module} module
 */
function createMemory(module) {
  const exports = /** @type {any} */ (new WebAssembly.Instance(module).exports);
  /** @type {WebAssembly.Memory} */
  const memory = exports.memory;
  let end = exports.__heap_base.value;
  /** @param {number} bytes the memory must reach this far */
  const reserve = (bytes) => {
    const missing = bytes - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE));
  };
  /** @param {number} bytes @returns {number} the address of this many new bytes */
  const allocate = (bytes) => {
    const address = Math.ceil(end / LINE) * LINE;
    end = address + bytes;
    reserve(end);
    return address;
  };
  return {
    allocate,
    reserve,
    /** @param {Int32Array | Float32Array} values */
    put(values) {
      const address = allocate(values.byteLength);
      new Uint8Array(memory.buffer, address).set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      return address;
    },
    /** @param {number} address @param {number} count the view is valid until the memory grows */
    floats: (address, count) => new Float32Array(memory.buffer, address, count),
    /** @param {string} name @param {number[]} values */
    call(name, ...values) {
      exports[name](...values);
    },
  };
}
