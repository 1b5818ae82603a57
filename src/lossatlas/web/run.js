/** One run in memory: the manifest, and its arrays as far as they have arrived. */
/** @import {Manifest, PlaneEntry} from './types.js' */
/** @import {NpyArray, Numbers} from './npy.js' */

/** The arrays that the page reads. `weights` and `directions` are for the reader who computes; the page does not fetch them. */
export const STATIC_ARRAYS = ['points', 'labels', 'split', 'grid_x', 'grid_y'];
export const FRAME_ARRAYS = ['point_predicted_class', 'confidence', 'predicted_class'];
const NEWEST_VERSION = 1;

export class Run {
  /** @type {Map<string, NpyArray>} */
  #arrays = new Map();
  /** @type {Set<number> | null} frames received from a live computation; null for a stored run, whose arrays say it themselves */
  #received = null;

  /** @param {Manifest} manifest @param {{live?: boolean}} [options] */
  constructor(manifest, {live = false} = {}) {
    if (manifest.format_version > NEWEST_VERSION) {
      throw new Error(`this run has format version ${manifest.format_version}; this page reads up to ${NEWEST_VERSION}. Reload the page, or update Loss Atlas.`);
    }
    this.manifest = manifest;
    this.id = manifest.id;
    this.frames = manifest.frames;
    this.metrics = manifest.metrics;
    this.outcome = manifest.outcome;
    /** @type {PlaneEntry} the page shows the first plane */
    this.plane = manifest.planes[0];
    this.spans = this.plane.spans;
    this.planned = manifest.frames.length;
    this.live = live;
    if (live) this.#received = new Set();
  }

  /** @param {string} name @param {NpyArray} array */
  put(name, array) { this.#arrays.set(name, array); }

  /** @param {string} name */
  get(name) { return this.#arrays.get(name); }

  /** The numbers of an array that is known to be there. @param {string} name @returns {Numbers} */
  numbers(name) {
    const array = this.#arrays.get(name);
    if (!array) throw new Error(`array ${name} has not arrived`);
    return array.data;
  }

  get surfaceName() { return planeArray(this.plane, 'loss_surface'); }
  get coordinatesName() { return planeArray(this.plane, 'coordinates'); }
  get classes() { return this.manifest.dataset.classes; }
  get grid() { return this.get(this.coordinatesName)?.data.length ?? 0; }

  /** Are all the arrays there that do not depend on the frame? */
  get prepared() {
    return [...STATIC_ARRAYS, this.coordinatesName].every((name) => {
      const array = this.get(name);
      return array !== undefined && array.filled === array.data.length;
    });
  }

  /** Can this frame be drawn at this span? @param {number} frame @param {number} spanIndex */
  has(frame, spanIndex) {
    if (!this.prepared || frame < 0 || frame >= this.frames.length) return false;
    if (this.#received) return this.#received.has(frame);
    const surface = this.get(this.surfaceName);
    const cells = this.grid ** 2;
    if (!surface || surface.filled < (spanIndex * this.planned + frame + 1) * cells) return false;
    return FRAME_ARRAYS.every((name) => {
      const array = this.get(name);
      return array !== undefined && array.filled >= (frame + 1) * (array.data.length / this.planned);
    });
  }

  /** How many frames can be drawn at this span, from the first on. @param {number} spanIndex */
  arrived(spanIndex) {
    let low = 0;
    let high = this.frames.length;
    while (low < high) { // frames arrive in order, so a bisection finds the first that is missing
      const middle = (low + high) >> 1;
      if (this.has(middle, spanIndex)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {number} frame */
  receive(frame) { this.#received?.add(frame); }

  /** The loss surface of a frame, [b, a] flattened. @param {number} frame @param {number} spanIndex */
  surface(frame, spanIndex) {
    const cells = this.grid ** 2;
    const start = (spanIndex * this.planned + frame) * cells;
    return this.numbers(this.surfaceName).subarray(start, start + cells);
  }

  /** One frame of an array whose first axis is the frame. @param {string} name @param {number} frame */
  frameOf(name, frame) {
    const data = this.numbers(name);
    const size = data.length / this.planned;
    return data.subarray(frame * size, (frame + 1) * size);
  }

  /** The frame recorded nearest to an epoch. @param {number} epoch */
  frameAt(epoch) {
    let best = 0;
    for (let i = 1; i < this.frames.length; i++) {
      if (Math.abs(this.frames[i] - epoch) < Math.abs(this.frames[best] - epoch)) best = i;
    }
    return best;
  }

  /** The index of a span, or of the one nearest to it by ratio; the first for null. @param {number | null} span */
  spanIndex(span) {
    if (span === null) return 0;
    const distances = this.spans.map((s) => Math.abs(Math.log(s / span)));
    return distances.indexOf(Math.min(...distances));
  }
}

/** @param {PlaneEntry} plane @param {string} name */
export function planeArray(plane, name) { return `planes/${plane.name}/${name}`; }
