/** This module holds a run in memory: its manifest, the arrays that have arrived, and what the run can do. */
/** @import {ArrayEntry, LossSet, Manifest, Metrics, PlaneEntry, Seen, Slice} from './types.js' */
/** @import {NpyArray, Numbers} from '../loading/npy.js' */
import {constants} from './constants.js';
import {isOfPlane, nameInPlane, planeArray} from './keys.js';
import {neededArrays} from './slice.js';

/**
 * The arrays that the page always reads. It fetches `weights` and `directions` only when it computes something from
 * them.
 */
export const STATIC_ARRAYS = ['points', 'labels', 'split', 'grid_x', 'grid_y'];
export const FRAME_ARRAYS = ['point_predicted_class', 'confidence', 'predicted_class'];
/** Arrays that only recorded runs have: the pictures of three samples, or the losses of all. */
const RECORDED_ARRAYS = ['anchor_images', 'sample_loss', 'sample_split'];
const SURFACES = ['loss_surface', 'test_loss_surface'];

/**
 * @typedef {object} Kind where a run comes from, which decides what it can do
 * @property {string} name
 * @property {boolean} isWhole does it contain what is computed after a training: test losses, paths, weights?
 * @property {boolean} hasFiles can its arrays be fetched as files?
 * @property {boolean} hasPredictions do its arrays contain the predictions of each frame's network? If not, the page
 *   computes them when the frame is shown
 * @property {boolean} hasEveryEpoch is every epoch a frame (some are deleted if there are too many)? If not, the frames
 *   are spread over the training
 * @property {boolean} isLasting does its id name the same run everywhere? If not, the run ends with this page
 * @property {boolean} isOpenEnded can its training be continued without limit? If not, it ends where its configuration
 *   says
 * @property {boolean} announcesItsEnd does its own panel say how the training ended?
 */

/** @type {Readonly<Kind>} */
const STORED = Object.freeze({
  name: 'stored',
  isWhole: true,
  hasFiles: true,
  hasPredictions: true,
  hasEveryEpoch: false,
  isLasting: true,
  isOpenEnded: false,
  announcesItsEnd: false,
});

/**
 * The kinds of runs: stored in the gallery; computed by a server; trained in this page
 * (features/training/trained_run.js).
 */
export const KINDS = Object.freeze({
  stored: STORED,
  computing: Object.freeze({...STORED, name: 'computing', isWhole: false, hasFiles: false}),
  page: Object.freeze({
    name: 'page',
    isWhole: true,
    hasFiles: false,
    hasPredictions: false,
    hasEveryEpoch: true,
    isLasting: false,
    isOpenEnded: true,
    announcesItsEnd: true,
  }),
});

/**
 * Return the metrics with NaN for unknown numbers, which JSON cannot express. The lists of a growing run stay the same
 * objects.
 * @param {Metrics} metrics @returns {Metrics}
 */
function knownNumbers(metrics) {
  const lists = Object.entries(metrics);
  if (!lists.some(([, list]) => list.some((value) => value === null))) return metrics;
  return /** @type {any} */ (
    Object.fromEntries(lists.map(([name, list]) => [name, list.map((value) => value ?? NaN)]))
  );
}

export class Run {
  /** @type {Readonly<Kind>} */
  kind;
  /** Is this page training it at the moment? */
  isTraining = false;
  /** @type {Map<string, NpyArray>} */
  #arrays = new Map();
  /**
   * The frames received from a server that computes the run. It is null for the other kinds, whose arrays show which
   * frames have arrived.
   * @type {Set<number> | null}
   */
  #received = null;
  /** Did a server leave out frames because this page reads slowly? The stored run has them. */
  lacksFrames = false;

  /** @param {Manifest} manifest @param {{kind?: Readonly<Kind>}} [options] */
  constructor(manifest, {kind = KINDS.stored} = {}) {
    const {format_version: newest} = constants();
    if (manifest.format_version > newest) {
      throw new Error(
        `this run has format version ${manifest.format_version}; this page reads up to ${newest}. Reload the ` +
          'page, or update Loss Atlas.',
      );
    }
    this.manifest = manifest;
    this.id = manifest.id;
    this.frames = manifest.frames;
    this.metrics = knownNumbers(manifest.metrics);
    this.outcome = manifest.outcome;
    this.planes = manifest.planes;
    this.planned = manifest.frames.length;
    this.kind = kind;
    if (!kind.isWhole) this.#received = new Set();
  }

  /** Is it a person's own recorded training? Then its settings are unknown, and only that person can train it again. */
  get isRecorded() {
    return this.manifest.source === 'recorded';
  }

  /** Does it have a plane of inputs with predictions? */
  get hasBoundary() {
    return this.manifest.boundary !== null;
  }

  /** Has it, in place of a boundary, the loss of each sample at every frame? */
  get hasSampleLosses() {
    return !this.hasBoundary && 'sample_loss' in this.manifest.arrays;
  }

  /** The arrays of the right plot that do not change with the frame, or are needed as a whole. */
  get staticArrays() {
    const further = RECORDED_ARRAYS.filter((name) => name in this.manifest.arrays);
    return this.hasBoundary ? [...STATIC_ARRAYS, ...further] : further;
  }

  /** The arrays of predictions, which have one part per frame. */
  get frameArrays() {
    return !this.hasBoundary ? [] : 'margin' in this.manifest.arrays ? [...FRAME_ARRAYS, 'margin'] : FRAME_ARRAYS;
  }

  /** Will more frames be added? */
  get isGrowing() {
    return !this.kind.isWhole || this.isTraining;
  }

  // What a run can do depends on its kind:

  get isWhole() {
    return this.kind.isWhole;
  }

  get hasFiles() {
    return this.kind.hasFiles;
  }

  get hasPredictions() {
    return this.kind.hasPredictions;
  }

  get hasEveryEpoch() {
    return this.kind.hasEveryEpoch;
  }

  get isLasting() {
    return this.kind.isLasting;
  }

  get isOpenEnded() {
    return this.kind.isOpenEnded;
  }

  get announcesItsEnd() {
    return this.kind.announcesItsEnd;
  }

  /**
   * Return a plane by its name; the first plane for null, or for a name that this run does not have.
   * @param {string | null} name
   * @returns {PlaneEntry}
   */
  plane(name) {
    return this.planes.find((plane) => plane.name === name) ?? this.planes[0];
  }

  /** Return the manifest's entry for an array. @param {string} name @returns {ArrayEntry} */
  entry(name) {
    const plane = this.planes.find((each) => isOfPlane(name, each));
    return plane ? plane.arrays[nameInPlane(name)] : this.manifest.arrays[name];
  }

  /** @param {string} name @param {NpyArray} array */
  put(name, array) {
    this.#arrays.set(name, array);
  }

  /** @param {string} name */
  drop(name) {
    this.#arrays.delete(name);
  }

  /** @param {string} name */
  get(name) {
    return this.#arrays.get(name);
  }

  /** Return the numbers of an array that is known to have arrived. @param {string} name @returns {Numbers} */
  numbers(name) {
    const array = this.#arrays.get(name);
    if (!array) throw new Error(`array ${name} has not arrived`);
    return array.data;
  }

  /** Return the numbers of a plane's array. @param {PlaneEntry} plane @param {string} name */
  numbersOf(plane, name) {
    return this.numbers(planeArray(plane, name));
  }

  get classes() {
    return this.manifest.dataset.classes;
  }

  /** Return the number of grid points along one side of the plane. @param {PlaneEntry} plane */
  gridSize(plane) {
    return this.get(planeArray(plane, 'coordinates'))?.data.length ?? 0;
  }

  /** Has all of an array arrived? @param {string} name */
  isComplete(name) {
    const array = this.get(name);
    return array !== undefined && array.filled === array.data.length;
  }

  /** Take over the arrays that a computation of this same run has already sent. @param {Run} other */
  adopt(other) {
    for (const [name, array] of other.#arrays) {
      if (String(this.entry(name)?.shape) === String(array.shape))
        this.put(name, {...array, filled: array.data.length});
    }
  }

  /** Can this frame be drawn? @param {number} frame @param {Slice} slice */
  has(frame, slice) {
    if (frame < 0 || frame >= this.frames.length || !this.staticArrays.every((name) => this.isComplete(name)))
      return false;
    if (this.#received) return this.isComplete(planeArray(slice.plane, 'coordinates')) && this.#received.has(frame);
    return (
      this.#hasSlice(frame, slice) &&
      this.frameArrays.every((name) => {
        const array = this.get(name);
        return array !== undefined && array.filled >= (frame + 1) * (array.data.length / this.planned);
      })
    );
  }

  /** @param {number} frame @param {Slice} slice */
  #hasSlice(frame, slice) {
    return neededArrays(slice).every((key) => {
      const name = nameInPlane(key);
      if (!SURFACES.includes(name)) return this.isComplete(key);
      const array = this.get(key);
      return (
        array !== undefined && array.filled >= this.#start(array, name, frame, slice) + array.shape[2] * array.shape[3]
      );
    });
  }

  /**
   * Return the index at which a slice's surface begins in the array.
   * @param {NpyArray} array
   * @param {string} name
   * @param {number} frame
   * @param {Slice} slice
   */
  #start({shape: [, places, rows, columns]}, name, frame, {plane, spanIndex, follow}) {
    const moves = plane.arrays[name].axes[1] === 'frame';
    const place = !moves ? 0 : follow ? frame : (plane.centre_frame ?? this.frames.length - 1);
    return (spanIndex * places + place) * rows * columns;
  }

  /** Count the frames that can be drawn, from the first one up to the first that cannot. @param {Slice} slice */
  countArrived(slice) {
    let low = 0;
    let high = this.frames.length;
    while (low < high) {
      // Frames arrive in order, so a bisection finds the first that is missing.
      const middle = (low + high) >> 1;
      if (this.has(middle, slice)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Find the index for a frame that a server sends. The frames between the last one that arrived and this one will not
   * come; so they are left out, and those that are there remain without gaps.
   * @param {number} epoch @returns {number} -1: it comes too late, as it has been left out
   */
  makeRoom(epoch) {
    const next = this.#received?.size ?? 0;
    const frame = this.frames.indexOf(epoch);
    if (frame <= next) return frame;
    this.lacksFrames = true;
    this.frames = [...this.frames.slice(0, next), ...this.frames.slice(frame)];
    return next;
  }

  /** @param {number} frame */
  receive(frame) {
    this.#received?.add(frame);
  }

  /** Forget the planned frames after those that have arrived. */
  endFrames() {
    this.frames = this.frames.slice(0, this.#received?.size);
  }

  /**
   * Return a surface of a slice at a frame, [b, a] flattened.
   * @param {Slice} slice
   * @param {number} frame
   * @param {string} [name]
   * @returns {Numbers}
   */
  surface(slice, frame, name = 'loss_surface') {
    const array = this.get(planeArray(slice.plane, name));
    if (!array) throw new Error(`the surfaces of plane ${slice.plane.name} have not arrived`);
    const start = this.#start(array, name, frame, slice);
    return array.data.subarray(start, start + array.shape[2] * array.shape[3]);
  }

  /**
   * Return the values that a slice shows at a frame, [b, a] flattened: training loss, test loss, or test − train.
   * @param {Slice} slice
   * @param {number} frame
   * @returns {Numbers}
   */
  values(slice, frame) {
    if (slice.set === 'train') return this.surface(slice, frame);
    const test = this.surface(slice, frame, 'test_loss_surface');
    if (slice.set === 'test') return test;
    const train = this.surface(slice, frame);
    return Float32Array.from(test, (value, i) => value - train[i]);
  }

  /** Return the network's own loss at each frame. @param {LossSet} set @returns {number[]} */
  losses(set) {
    const {train_loss, test_loss} = this.metrics;
    return set === 'train' ? train_loss : set === 'test' ? test_loss : test_loss.map((loss, i) => loss - train_loss[i]);
  }

  /** Return one frame of an array whose first axis is the frame. @param {string} name @param {number} frame */
  frameOf(name, frame) {
    const data = this.numbers(name);
    const size = data.length / this.planned;
    return data.subarray(frame * size, (frame + 1) * size);
  }

  /** Return the predictions of a frame's model. @param {number} frame @returns {Seen} */
  predictionsOf(frame) {
    return {
      predicted_class: this.frameOf('predicted_class', frame),
      confidence: this.frameOf('confidence', frame),
      point_predicted_class: this.frameOf('point_predicted_class', frame),
      ...(this.get('margin') ? {margin: this.frameOf('margin', frame)} : {}),
    };
  }

  /**
   * Find the recorded frame nearest to an epoch, or the earlier of two that are equally near; the epochs increase.
   * @param {number} epoch
   */
  frameAt(epoch) {
    let [low, high] = [0, this.frames.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.frames[middle] < epoch) low = middle + 1;
      else high = middle;
    }
    return low > 0 && epoch - this.frames[low - 1] <= Math.abs(this.frames[low] - epoch) ? low - 1 : low;
  }
}
