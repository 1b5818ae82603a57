/**
 * This module computes surfaces of slices that no array contains (another span, new directions): first a preview, then
 * the full grid. It keeps the results for a while, so that playing or going back costs nothing.
 */
/** @import {Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {createEngine} from './engine/client.js' */
/** @import {Losses} from './engine/worker.js' */
import {refineGrid} from './engine/plane.js';
import {addPath} from './projection.js';
import {joinKey, surfaceKey, surfacesKey} from '../model/keys.js';
import {gridSizeOf} from '../model/slice.js';
import {centreTheta, directionsOf} from './planes.js';

/**
 * @typedef {object} ComputedSurface
 * @property {Losses} losses the losses of the shot's slice at its frame, on the full grid
 * @property {boolean} final false: a preview, interpolated to the full grid
 * @property {Losses[]} samples coarse surfaces at some of the frames, from which the range is taken
 */

/** The number of surfaces that are kept for a run, as long as the run itself is kept: two megabytes. */
const KEPT = 300;
/** The frames at which the range is sampled, as shares of the training. */
const SAMPLED = [0, 0.1, 0.4, 1];

/** @param {{engineFor: (run: Run) => ReturnType<typeof createEngine>, onAnswer: () => void}} options */
export function createSurfaces({engineFor, onAnswer}) {
  /**
   * The surfaces of each run; the surface that was used last is at the end.
   * @type {WeakMap<Run, Map<string, {losses: Losses, final: boolean}>>}
   */
  const kept = new WeakMap();
  /**
   * The samples of the slice that was requested last.
   * @type {{key: string, slice: string, samples: Losses[] | null}}
   */
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
    const slice = surfacesKey(shot, setsOf(shot));
    const key = joinKey(slice, sampleAge(run));
    if (sampled.key === key) return;
    const engine = engineFor(run); // This comes first: it drops the requests about another run.
    // Until they arrive, the samples of the run when it was shorter are used.
    sampled = {key, slice, samples: sampled.slice === slice ? sampled.samples : null};
    const last = run.frames.length - 1;
    const frames = follow ? [...new Set(SAMPLED.map((share) => Math.round(share * last)))] : [last];
    const thetas = frames.map((frame) => centreTheta(run, plane, follow ? frame : null));
    engine.samples({thetas, directions: directionsOf(run, plane), span, sets: setsOf(shot)}, (samples) => {
      sampled = {key, slice, samples};
      onAnswer();
    });
  };

  /** @param {Shot} shot */
  const requestSurface = (shot) => {
    const {run, frame, plane, follow, span} = shot;
    const key = surfaceKey(shot, setsOf(shot));
    if (asked === key || kept.get(run)?.get(key)?.final) return;
    const engine = engineFor(run);
    asked = key;
    const grid = gridSizeOf(run, shot);
    const theta = centreTheta(run, plane, follow ? frame : null);
    engine.surface({theta, directions: directionsOf(run, plane), span, grid, sets: setsOf(shot)}, (losses, final) => {
      keep(run, key, {losses: final ? losses : interpolateTo(losses, grid), final});
      if (final && asked === key) asked = '';
      onAnswer();
    });
  };

  return {
    /** Return the surface of a shot, as far as it is computed. @param {Shot} shot @returns {ComputedSurface | null} */
    known(shot) {
      const sets = setsOf(shot);
      const found = kept.get(shot.run)?.get(surfaceKey(shot, sets));
      const {samples, slice} = sampled;
      return found && samples && slice === surfacesKey(shot, sets) ? {...found, samples} : null;
    },
    /** The workers no longer answer earlier requests. */
    forget() {
      asked = '';
      sampled = {...sampled, key: ''};
    },
    /** Request what is not yet known, instead of what was requested before. @param {Shot} shot */
    request(shot) {
      if (!shot.follow && shot.plane.drawn !== undefined) addPath(shot.run, shot.plane);
      requestSamples(shot); // The samples come first, since the picture waits for them.
      requestSurface(shot);
    },
  };
}

/** @param {Shot} shot @returns {('train' | 'test')[]} both sets for the test loss, since they are drawn on one scale */
const setsOf = ({set}) => (set === 'train' ? ['train'] : ['train', 'test']);

/** Sample a growing run again each time it has become half as long again, and once when it stops. @param {Run} run */
const sampleAge = ({hasEveryEpoch, isGrowing, frames}) =>
  !hasEveryEpoch
    ? ''
    : isGrowing
      ? `over ${Math.floor(Math.log(frames.length) / Math.log(1.5))}`
      : `at ${frames.length}`;

/** Interpolate a preview to the full grid. @param {Losses} losses @param {number} grid @returns {Losses} */
function interpolateTo(losses, grid) {
  return Object.fromEntries(Object.entries(losses).map(([set, surface]) => [set, refineGrid(surface, grid)]));
}
