/**
 * This module creates the picture of a shot: what the views of the landscape draw, on which range and along which path.
 * It reads what has been computed and requests nothing.
 */
/** @import {LossSet, Shot} from '../model/types.js' */
/** @import {Losses} from '../compute/engine/worker.js' */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {LossRange} from '../figures/range.js' */
/** @import {Trajectory} from '../figures/path.js' */
/** @import {ComputedSurface} from '../compute/surfaces.js' */
/** @import {Way} from '../compute/descent.js' */
/** @import {PointLoss} from '../compute/point_loss.js' */
import {SET_TITLES} from '../figures/landscape.js';
import {findPlace, createTrajectory} from '../figures/path.js';
import {findFrameRange, findGapRange, findLossRange, keepRange} from '../figures/range.js';
import {joinKey} from '../model/keys.js';
import {gridSizeOf} from '../model/slice.js';

/**
 * @typedef {object} Picture
 * @property {Shot} shot
 * @property {Numbers} values [b, a] flattened
 * @property {number} grid the number of values along a, and along b
 * @property {number[]} axis the sampled values of a and b
 * @property {LossRange} range
 * @property {Trajectory | null} path the path, if the plane is fixed and has one
 * @property {[number, number] | null} place the network's (a, b)
 * @property {[number, number] | null} mark the picked point, if it is visible
 * @property {Way | null} way the path of a released ball
 * @property {PointLoss | null} pointLoss the surface is coloured by this instead of its loss
 * @property {number} loss the network's own loss
 * @property {string} title the name of the value
 * @property {string} key names everything except the frame
 *
 * @typedef {object} Computed what the page has computed for a shot
 * @property {ComputedSurface | null} ground the surface of a computed slice
 * @property {Way | null} way
 * @property {PointLoss | null} pointLoss
 */

/** @typedef {ReturnType<typeof createPictures>} Pictures */

/**
 * @param {{known: (shot: Shot) => Computed, shareRange?: (own: LossRange) => LossRange}} options `known` returns what
 *   the page has computed; `shareRange` returns the range to draw on if another run is compared with this one
 */
export function createPictures({known, shareRange}) {
  const ranges = createRanges();
  let style = 0;
  /**
   * A path takes long to compute and is the same for all frames.
   * @type {{key: string, path: Trajectory | null, axis: number[]}}
   */
  let lines = {key: '', path: null, axis: []};

  return {
    /** Sizes or colours have changed: no later picture has the key of an earlier one. */
    forgetKeys() {
      style++;
    },
    /**
     * Create the picture of a shot.
     * @param {Shot} shot
     * @param {Computed} [computed]
     * @returns {Picture | null} null: its surface is not computed yet, or is no longer kept
     */
    of(shot, computed = known(shot)) {
      const {run, frame, plane, span, set, follow, path, pick} = shot;
      const ground = shot.computed ? computed.ground : null;
      if (shot.computed && !ground) return null;
      const grid = gridSizeOf(run, shot);
      const values = ground ? valuesOf(set, ground.losses) : run.values(shot, frame);
      const own = ground ? ranges.rangeOfComputed(shot, ground) : ranges.of(shot);
      const range = shareRange?.(own) ?? own;
      const {kind, low, high, scale} = range; // The other properties of a range appear in words only.
      const centre = follow || plane.centre_frame;
      const key = joinKey(run.id, plane.name, span, set, centre, path, kind, low, high, scale, style);
      const stage = joinKey(key, ground?.final); // A path may be interpolated on the surface.
      if (stage !== lines.key)
        lines = {key: stage, path: createTrajectory(run, shot, values, grid), axis: axisOf(grid, span)};
      return {
        shot,
        range,
        key,
        path: lines.path,
        place: findPlace(shot, lines.path),
        mark: pick && Math.max(...pick.map(Math.abs)) <= span ? pick : null,
        axis: lines.axis,
        values,
        grid,
        way: computed.way,
        pointLoss: computed.pointLoss,
        loss: run.losses(set)[frame],
        title: SET_TITLES[set],
      };
    },
  };
}

/**
 * Create the ranges. If the plane moves, a range covers all frames. While frames arrive it is computed again each time
 * their number has grown by half, so that it does not change with every frame.
 */
function createRanges() {
  /** @type {WeakMap<object, Map<string, {frames: number, range: LossRange}>>} */
  const known = new WeakMap();
  /** @param {Shot} shot */
  const entryOf = ({run, plane, span, scale, set, follow}) => {
    const ofRun = known.get(run) ?? new Map();
    known.set(run, ofRun);
    const key = joinKey(plane.name, span, scale, set, follow);
    return {ofRun, key, entry: ofRun.get(key)};
  };
  return {
    /** @param {Shot} shot */
    of(shot) {
      const {run, follow} = shot;
      if (shot.range === 'frame') return rangeOfFrame(shot, run.values(shot, shot.frame));
      const {ofRun, key, entry} = entryOf(shot);
      if (entry && entry.frames >= run.frames.length) return entry.range;
      const frames = follow ? run.countArrived(shot) : run.frames.length;
      if (entry && frames < run.frames.length && frames < entry.frames * 1.5) return entry.range;
      const range = rangeOf(shot, follow ? [...Array(frames).keys()] : [shot.frame]);
      ofRun.set(key, {frames, range});
      return range;
    },
    /** Return the range of surfaces that the page has computed. @param {Shot} shot @param {ComputedSurface} ground */
    rangeOfComputed(shot, ground) {
      if (shot.range === 'frame') return rangeOfFrame(shot, valuesOf(shot.set, ground.losses));
      const {ofRun, key, entry} = entryOf(shot);
      // The samples of a growing run are older than the surface, whose values may lie below them by now.
      const range = shot.run.isGrowing
        ? keepRange(sampledRange(shot, [...ground.samples, ground.losses]), entry?.range)
        : sampledRange(shot, ground.samples);
      ofRun.set(key, {frames: 0, range});
      return range;
    },
  };
}

/** @param {Shot} shot @param {Numbers} values */
function rangeOfFrame({set, scale}, values) {
  return set === 'gap' ? findGapRange([values]) : findFrameRange(values, scale);
}

/**
 * Choose the range of computed surfaces from a few frames, so that it is steady during playback.
 * @param {Shot} shot
 * @param {Losses[]} samples
 */
function sampledRange({set, scale}, samples) {
  const drawn = samples.map((losses) => valuesOf(set, losses));
  return set === 'gap'
    ? findGapRange(drawn)
    : findLossRange(
        samples.map((losses) => valuesOf('train', losses)),
        scale,
        drawn,
      );
}

/** @param {LossSet} set @param {Losses} losses @returns {Numbers} */
function valuesOf(set, {train, test}) {
  if (set === 'gap' && train && test) return test.map((value, i) => value - train[i]);
  return /** @type {Float32Array} */ (set === 'train' ? train : test);
}

/** @param {number} grid @param {number} span */
function axisOf(grid, span) {
  const half = (grid - 1) / 2;
  return Array.from({length: grid}, (_, i) => span * Math.fround((i - half) / half));
}

/** @param {Shot} shot @param {number[]} frames */
function rangeOf(shot, frames) {
  const {run, set, scale} = shot;
  if (set === 'gap') return findGapRange(frames.map((frame) => run.values(shot, frame)));
  const train = frames.map((frame) => run.surface(shot, frame));
  return findLossRange(train, scale, set === 'train' ? train : frames.map((frame) => run.values(shot, frame)));
}
