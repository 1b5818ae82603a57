/**
 * Surfaces of slices that no array has (another span, new directions), computed in the page: first a preview, then in
 * full. What has been computed is kept for a while, so that playing or going back costs nothing.
 */
/** @import {Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {createEngine} from './engine/client.js' */
/** @import {Losses} from './engine/worker.js' */
import {refined} from './engine/plane.js';
import {project} from './projection.js';
import {centreName, gridOf} from '../model/slice.js';
import {centreOf, directionsOf} from './planes.js';

/**
 * @typedef {object} Ground
 * @property {Losses} losses of the shot's slice at its frame, at the full grid
 * @property {boolean} final false: a preview, seen at the full grid
 * @property {Losses[]} samples coarse surfaces at some of the frames, from which the range is taken
 */

/** How many surfaces are kept of a run, for as long as the run itself is kept: two megabytes. */
const KEPT = 300;
/** Frames at which the range is sampled, as shares of the training. */
const SAMPLED = [0, 0.1, 0.4, 1];

/** @param {{engineFor: (run: Run) => ReturnType<typeof createEngine>, onAnswer: () => void}} options */
export function createSurfaces({engineFor, onAnswer}) {
  /**
   * @type {WeakMap<Run, Map<string, {losses: Losses, final: boolean}>>} of each run; the surface that was used last is
   *   the last
   */
  const kept = new WeakMap();
  /** @type {{key: string, slice: string, samples: Losses[] | null}} of the slice asked for last */
  let sampled = {key: '', slice: '', samples: null};
  let asked = '';

  /** @param {Run} run @param {string} key @param {{losses: Losses, final: boolean}} found */
  const keep = (run, key, found) => {
    const surfaces = kept.get(run) ?? new Map();
    kept.set(run, surfaces);
    surfaces.delete(key);
    surfaces.set(key, found);
    if (surfaces.size > KEPT) surfaces.delete(/** @type {string} */ (surfaces.keys().next().value));
  };

  /** @param {Shot} shot */
  const requestSamples = (shot) => {
    const {run, plane, follow, span} = shot;
    const slice = sliceKey(shot);
    const key = `${slice},${ageOf(run)}`;
    if (sampled.key === key) return;
    const engine = engineFor(run); // first: another run's questions are forgotten
    sampled = {key, slice, samples: sampled.slice === slice ? sampled.samples : null}; // until then, those of the run while it was shorter will do
    const last = run.frames.length - 1;
    const frames = follow ? [...new Set(SAMPLED.map((share) => Math.round(share * last)))] : [last];
    const thetas = frames.map((frame) => centreOf(run, plane, follow ? frame : null));
    engine.samples({thetas, directions: directionsOf(run, plane), span, sets: setsOf(shot)}, (samples) => {
      sampled = {key, slice, samples};
      onAnswer();
    });
  };

  /** @param {Shot} shot */
  const requestSurface = (shot) => {
    const {run, frame, plane, follow, span} = shot;
    const key = groundKey(shot);
    if (asked === key || kept.get(run)?.get(key)?.final) return;
    const engine = engineFor(run);
    asked = key;
    const grid = gridOf(run, shot);
    const theta = centreOf(run, plane, follow ? frame : null);
    engine.surface({theta, directions: directionsOf(run, plane), span, grid, sets: setsOf(shot)}, (losses, final) => {
      keep(run, key, {losses: final ? losses : finer(losses, grid), final});
      if (final && asked === key) asked = '';
      onAnswer();
    });
  };

  return {
    /** The surface of a shot, as far as it is computed. @param {Shot} shot @returns {Ground | null} */
    known(shot) {
      const found = kept.get(shot.run)?.get(groundKey(shot));
      return found && sampled.samples && sampled.slice === sliceKey(shot) ? {...found, samples: sampled.samples} : null;
    },
    /** The workers answer nothing more of what they were asked. */
    forget() {
      asked = '';
      sampled = {...sampled, key: ''};
    },
    /** Ask for what is not known yet, in place of what was asked for before. @param {Shot} shot */
    request(shot) {
      if (!shot.follow && shot.plane.drawn !== undefined) project(shot.run, shot.plane);
      requestSamples(shot); // first: the picture waits for it
      requestSurface(shot);
    },
  };
}

/** @param {Shot} shot @returns {('train' | 'test')[]} both for the test loss as well: they are drawn on one scale */
const setsOf = ({set}) => (set === 'train' ? ['train'] : ['train', 'test']);

/** @param {Shot} shot */
const sliceKey = (shot) =>
  [shot.run.id, shot.plane.name, shot.span, shot.follow || centreName(shot), setsOf(shot).length].join();

/** @param {Shot} shot */
const groundKey = (shot) => `${sliceKey(shot)},${centreName(shot)}`;

/** A run that grows is sampled anew each time it is half as long again, and once where it rests. @param {Run} run */
const ageOf = ({hasEveryEpoch, isGrowing, frames}) =>
  !hasEveryEpoch
    ? ''
    : isGrowing
      ? `over ${Math.floor(Math.log(frames.length) / Math.log(1.5))}`
      : `at ${frames.length}`;

/** @param {Losses} losses @param {number} grid @returns {Losses} */
function finer(losses, grid) {
  return Object.fromEntries(Object.entries(losses).map(([set, surface]) => [set, refined(surface, grid)]));
}
