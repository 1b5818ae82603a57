/** This module turns a shot into arrays and tables of its numbers. */
/** @import {Numbers} from '../../loading/npy.js' */
/** @import {Run} from '../../model/run.js' */
/** @import {Seen, Shot} from '../../model/types.js' */
/** @import {Picture} from '../../views/picture.js' */
/** @import {Values} from './npz.js' */
import {SET_TITLES} from '../../figures/landscape.js';
import {planeArray} from '../../model/keys.js';
import {hasPath} from '../../model/slice.js';
import {centreTheta, directionsOf} from '../../compute/planes.js';

/** @typedef {Values & {what: string, axes: string[], scale_factor?: number}} DescribedArray */

const METRICS = /** @type {const} */ (['train_loss', 'test_loss', 'train_accuracy', 'test_accuracy']);
const BOUNDARY = /** @type {const} */ (['predicted_class', 'confidence', 'point_predicted_class']);
const POINTS = ['points', 'labels', 'split', 'grid_x', 'grid_y'];
const SAMPLES = ['sample_loss', 'sample_split'];
const PATH = ['path', 'residual', 'path_loss'];
/** The same for a plane that the page has drawn. @type {Record<string, {what: string, axes: string[]}>} */
const DRAWN = {
  path: {what: '(a, b) of the point of the plane nearest to each frame', axes: ['frame', 'direction']},
  residual: {what: 'how far each frame is from that point, in parameter space', axes: ['frame']},
};

/** List the arrays that are worth saving although the page itself does not need them. @param {Shot} shot */
export function listFurtherArrays({run, plane}) {
  const names = [planeArray(plane, 'directions'), planeArray(plane, 'centre'), 'weights'];
  return !run.hasFiles ? [] : names.filter((name) => run.entry(name) && !run.isComplete(name));
}

/**
 * @param {Picture} picture
 * @param {{seen: Seen | null, picked: Float32Array | null}} network the predictions that the right plot shows, and
 *   theta at the picked point
 * @returns {Map<string, DescribedArray>}
 */
export function collectArrays({shot, axis, grid, values}, {seen, picked}) {
  const {run, frame, plane, follow} = shot;
  /** @type {Map<string, DescribedArray>} */
  const arrays = new Map();
  /**
   * @param {string} name @param {Numbers} data @param {string} what @param {string[]} axes @param {number[]} [shape]
   */
  const put = (name, data, what, axes, shape = [data.length]) => arrays.set(name, {data, shape, what, axes});
  /**
   * Copy an array of the run as it is, or the part of it that belongs to this frame.
   * @param {string} name @param {string} key @param {Numbers} [part]
   */
  const copy = (name, key, part) => {
    const {what, axes, shape, scale_factor} = run.entry(key);
    const skip = part ? 1 : 0;
    arrays.set(name, {
      data: part ?? run.numbers(key),
      shape: shape.slice(skip),
      what,
      axes: axes.slice(skip),
      ...(scale_factor ? {scale_factor} : {}),
    });
  };

  put('a', Float64Array.from(axis), 'the sampled values of a', ['a']);
  put('b', Float64Array.from(axis), 'the sampled values of b', ['b']);
  const {name: lossName, unit} = run.manifest.loss ?? {name: 'cross-entropy', unit: 'nats'};
  const what = `${SET_TITLES[shot.set]}, mean ${lossName}${unit && ` in ${unit}`}`;
  put('loss', values, what, ['b', 'a'], [grid, grid]);
  if (plane.drawn !== undefined || run.isComplete(planeArray(plane, 'directions'))) {
    const pair = directionsOf(run, plane);
    put(
      'directions',
      Float32Array.from([...pair[0], ...pair[1]]),
      'the two directions, along which a and b are steps',
      ['direction', 'parameter'],
      [2, pair[0].length],
    );
  }
  if (run.isComplete('weights')) {
    put('centre', centreTheta(run, plane, follow ? frame : null), 'theta at a = b = 0', ['parameter']);
    put('weights', run.frameOf('weights', frame), 'theta of the network', ['parameter']);
  }
  if (picked) put('picked', picked, 'theta at the picked point, whose boundary is shown', ['parameter']);
  for (const name of hasPath(plane) ? PATH : []) {
    const key = planeArray(plane, name);
    if (!run.isComplete(key)) continue;
    if (plane.drawn === undefined) copy(name, key);
    else put(name, run.numbers(key), DRAWN[name].what, DRAWN[name].axes, run.get(key)?.shape);
  }
  if (seen && run.hasPredictions) {
    for (const name of POINTS) copy(name, name);
    for (const name of BOUNDARY) copy(name, name, seen[name]);
  } else if (seen) putOwn(run, seen, put);
  for (const name of run.hasSampleLosses ? SAMPLES : []) copy(name, name);
  put('epochs', Float64Array.from(run.frames), 'epoch of each frame', ['frame']);
  for (const name of METRICS)
    put(name, Float64Array.from(run.metrics[name]), `${name.replace('_', ' ')} of the network at each frame`, [
      'frame',
    ]);
  return arrays;
}

/**
 * Describe the arrays, for about.json.
 * @param {Shot} shot @param {Map<string, DescribedArray>} arrays @param {string} link
 */
export function describeArrays(shot, arrays, link) {
  const {run, frame, plane, span, set, follow, pick} = shot;
  const {title, config, dataset, model, versions, parameters} = /** @type {any} */ (run.manifest);
  return {
    format: 'lossatlas-view',
    run: run.id,
    title,
    link,
    frame,
    epoch: run.frames[frame],
    plane: {
      name: plane.name,
      kind: plane.kind,
      what: plane.what,
      hides: plane.hides,
      span,
      around: follow ? 'the parameters of this frame' : 'the fixed centre',
    },
    loss: SET_TITLES[set],
    pick,
    arrays: Object.fromEntries(
      [...arrays].map(([name, {what, axes, shape, scale_factor}]) => [name, {what, axes, shape, scale_factor}]),
    ),
    dataset,
    model,
    parameters,
    versions,
    config,
  };
}

/**
 * Add the arrays of a run that is trained in the page, since no file describes them.
 * @param {Run} run @param {Seen} seen
 * @param {(name: string, data: Numbers, what: string, axes: string[], shape?: number[]) => void} put
 */
function putOwn(run, seen, put) {
  const [columns, rows] = [run.numbers('grid_x'), run.numbers('grid_y')];
  put(
    'points',
    run.numbers('points'),
    'the data points, standardised',
    ['point', 'feature'],
    [run.numbers('labels').length, 2],
  );
  put(
    'given',
    run.numbers('given'),
    'the same points in their own units, as they were given',
    ['point', 'feature'],
    [run.numbers('labels').length, 2],
  );
  put('labels', run.numbers('labels'), 'their classes', ['point']);
  put('split', run.numbers('split'), '0 for training, 1 for test', ['point']);
  put('grid_x', columns, 'columns of the meshgrid', ['x']);
  put('grid_y', rows, 'rows of the meshgrid', ['y']);
  put('predicted_class', seen.predicted_class, 'the most probable class', ['y', 'x'], [rows.length, columns.length]);
  put('confidence', seen.confidence, 'its probability, in steps of 1/255', ['y', 'x'], [rows.length, columns.length]);
  put('point_predicted_class', seen.point_predicted_class, 'the most probable class at each data point', ['point']);
}

/** Write the surface that is shown: one line for each point, sorted by b. @param {Picture} picture */
export function writeSurfaceTable({shot, axis, values}) {
  const rows = Array.from(values, (value, i) => [axis[i % axis.length], axis[Math.floor(i / axis.length)], value]);
  return writeCsv(['a', 'b', SET_TITLES[shot.set].replace(' − ', '_minus_').replace(' ', '_')], rows);
}

/** @param {Run} run */
export function writeMetricsTable({frames, metrics}) {
  return writeCsv(
    ['epoch', ...METRICS],
    frames.slice(0, metrics.train_loss.length).map((epoch, i) => [epoch, ...METRICS.map((name) => metrics[name][i])]),
  );
}

/**
 * Write a table by RFC 4180, with numbers as programs in every language read them.
 * @param {string[]} head @param {number[][]} rows
 */
function writeCsv(head, rows) {
  return [head, ...rows.map((row) => row.map(writeNumber))].map((row) => `${row.join(',')}\r\n`).join('');
}

/** @param {number} value */
function writeNumber(value) {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}
