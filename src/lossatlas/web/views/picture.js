/**
 * The picture of a shot: what the views of the landscape draw, on which range and along which path. Drawing reads what
 * has been computed and asks for nothing.
 */
/** @import {LossSet, Shot} from '../model/types.js' */
/** @import {Losses} from '../compute/engine/worker.js' */
/** @import {Numbers} from '../loading/npy.js' */
/** @import {LossRange} from '../figures/range.js' */
/** @import {Trajectory} from '../figures/path.js' */
/** @import {Ground} from '../compute/surfaces.js' */
/** @import {Way} from '../compute/descent.js' */
/** @import {Tint} from '../compute/point_loss.js' */
import {SET_TITLES} from '../figures/landscape.js';
import {placeOf, trajectoryOf} from '../figures/path.js';
import {frameRange, gapRange, lossRange, steadyRange} from '../figures/range.js';
import {gridOf} from '../model/slice.js';

/**
 * @typedef {object} Picture
 * @property {Shot} shot
 * @property {Numbers} values [b, a] flattened
 * @property {number} grid the number of values along a, and along b
 * @property {number[]} axis the sampled a, and b
 * @property {LossRange} range
 * @property {Trajectory | null} path where the plane stays, if there is one
 * @property {[number, number] | null} place of the network, (a, b)
 * @property {[number, number] | null} mark the picked point, where it can be seen
 * @property {Way | null} way of a ball that was released
 * @property {Tint | null} tint what the surface is coloured by instead of its loss
 * @property {number} loss the network's own
 * @property {string} title of the value
 * @property {string} key of everything but the frame
 *
 * @typedef {object} Computed what the page has computed of a shot
 * @property {Ground | null} ground the surface of a computed slice
 * @property {Way | null} way
 * @property {Tint | null} tint
 */

/** @typedef {ReturnType<typeof createPictures>} Pictures */

/**
 * @param {{known: (shot: Shot) => Computed, shareRange?: (own: LossRange) => LossRange}} options
 *   `known`: what the page has computed; `shareRange`: the range to draw on, where another run is to be compared with
 * this one
 */
export function createPictures({known, shareRange}) {
  const ranges = createRanges();
  let style = 0;
  /**
   * A path takes long, and is the same for all frames.
   * @type {{key: string, path: Trajectory | null, axis: number[]}}
   */
  let lines = {key: '', path: null, axis: []};

  return {
    /** Sizes or colours have changed: no picture has the key of an earlier one. */
    restyle() {
      style++;
    },
    /**
     * @param {Shot} shot
     * @param {Computed} [computed]
     * @returns {Picture | null} null: its surface is not computed yet, or is forgotten
     */
    of(shot, computed = known(shot)) {
      const {run, frame, plane, span, set, follow, path, pick} = shot;
      const ground = shot.computed ? computed.ground : null;
      if (shot.computed && !ground) return null;
      const grid = gridOf(run, shot);
      const values = ground ? valuesOf(set, ground.losses) : run.values(shot, frame);
      const own = ground ? ranges.ofGround(shot, ground) : ranges.of(shot);
      const range = shareRange?.(own) ?? own;
      const {kind, low, high, scale} = range; // the other properties of a range appear in words only
      const centre = follow || plane.centre_frame;
      const key = [run.id, plane.name, span, set, centre, path, kind, low, high, scale, style].join();
      const stage = `${key} ${ground?.final}`; // a path may be read off the surface
      if (stage !== lines.key)
        lines = {key: stage, path: trajectoryOf(run, shot, values, grid), axis: axisOf(grid, span)};
      return {
        shot,
        range,
        key,
        path: lines.path,
        place: placeOf(shot, lines.path),
        mark: pick && Math.max(...pick.map(Math.abs)) <= span ? pick : null,
        axis: lines.axis,
        values,
        grid,
        way: computed.way,
        tint: computed.tint,
        loss: run.losses(set)[frame],
        title: SET_TITLES[set],
      };
    },
  };
}

/**
 * Ranges are over all frames, where the plane moves; while frames arrive they are taken anew each time their number has
 * grown by half, so that a range in play does not crawl.
 */
function createRanges() {
  /** @type {WeakMap<object, Map<string, {frames: number, range: LossRange}>>} */
  const known = new WeakMap();
  /** @param {Shot} shot */
  const entryOf = ({run, plane, span, scale, set, follow}) => {
    const ofRun = known.get(run) ?? new Map();
    known.set(run, ofRun);
    const key = [plane.name, span, scale, set, follow].join();
    return {ofRun, key, entry: ofRun.get(key)};
  };
  return {
    /** @param {Shot} shot */
    of(shot) {
      const {run, follow} = shot;
      if (shot.range === 'frame') return rangeOfFrame(shot, run.values(shot, shot.frame));
      const {ofRun, key, entry} = entryOf(shot);
      if (entry && entry.frames >= run.frames.length) return entry.range;
      const frames = follow ? run.arrived(shot) : run.frames.length;
      if (entry && frames < run.frames.length && frames < entry.frames * 1.5) return entry.range;
      const range = rangeOf(shot, follow ? [...Array(frames).keys()] : [shot.frame]);
      ofRun.set(key, {frames, range});
      return range;
    },
    /** Of surfaces computed in the page. @param {Shot} shot @param {Ground} ground */
    ofGround(shot, ground) {
      if (shot.range === 'frame') return rangeOfFrame(shot, valuesOf(shot.set, ground.losses));
      const {ofRun, key, entry} = entryOf(shot);
      // of a run that grows the samples are of a while ago, and what is drawn may lie below them by now
      const range = shot.run.isGrowing
        ? steadyRange(rangeOfGround(shot, [...ground.samples, ground.losses]), entry?.range)
        : rangeOfGround(shot, ground.samples);
      ofRun.set(key, {frames: 0, range});
      return range;
    },
  };
}

/** @param {Shot} shot @param {Numbers} values */
function rangeOfFrame({set, scale}, values) {
  return set === 'gap' ? gapRange([values]) : frameRange(values, scale);
}

/**
 * Computed surfaces have a range from a few frames: nothing crawls in play.
 * @param {Shot} shot
 * @param {Losses[]} samples
 */
function rangeOfGround({set, scale}, samples) {
  const drawn = samples.map((losses) => valuesOf(set, losses));
  return set === 'gap'
    ? gapRange(drawn)
    : lossRange(
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
  if (set === 'gap') return gapRange(frames.map((frame) => run.values(shot, frame)));
  const train = frames.map((frame) => run.surface(shot, frame));
  return lossRange(train, scale, set === 'train' ? train : frames.map((frame) => run.values(shot, frame)));
}
