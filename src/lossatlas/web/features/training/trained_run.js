/**
 * This module is a run that is trained in this page: it grows while it is shown, and its pictures are computed when
 * they are first shown.
 */
/** @import {Config, Manifest} from '../../model/types.js' */
/** @import {Dataset} from '../../compute/datasets/prepared.js' */
/** @import {TrainingRecord} from '../../compute/engine/trainer_client.js' */
/** @import {Architecture} from '../../model/architecture.js' */
import {parameterCount} from '../../model/architecture.js';
import {inputGrid} from '../../compute/datasets/prepared.js';
import {constants} from '../../model/constants.js';
import {KINDS, Run} from '../../model/run.js';

let count = 0;

export class TrainedRun extends Run {
  /** @type {TrainingRecord} */
  #record;

  /** @param {{title: string, config: Config, dataset: Dataset, network: Architecture, record: TrainingRecord}} made */
  constructor({title, config, dataset, network, record}) {
    super(manifestOf(title, config, dataset, network, record), {kind: KINDS.page});
    this.#record = record;
    const grid = inputGrid(dataset.points);
    const {points, given, labels, split} = dataset; // The points are in float64, so that they equal those of the file.
    for (const [name, data] of Object.entries({points, given, labels, split, grid_x: grid.x, grid_y: grid.y})) {
      this.put(name, {
        data,
        shape: name === 'points' || name === 'given' ? [labels.length, 2] : [data.length],
        filled: data.length,
      });
    }
  }

  /** @override @param {number} frame */
  has(frame) {
    return frame >= 0 && frame < this.frames.length;
  }

  /** @override */
  countArrived() {
    return this.frames.length;
  }

  /** Theta of each frame is kept; no other array is. @override @param {string} name */
  isComplete(name) {
    return name === 'weights' || super.isComplete(name);
  }

  /**
   * Return theta of a frame; no other array is kept for each frame.
   * @override
   * @param {string} name @param {number} frame
   */
  frameOf(name, frame) {
    if (name !== 'weights') throw new Error(`a run that is trained here keeps no ${name}`);
    return this.#record.theta(frame);
  }
}

/**
 * @param {string} title @param {Config} config @param {Dataset} dataset @param {Architecture} network
 * @param {TrainingRecord} record @returns {Manifest}
 */
function manifestOf(title, config, dataset, {layers, activation, residual}, record) {
  const {name, title: what, features, classes, labels, trainPoints, run} = dataset;
  const parameters = parameterCount({layers});
  const {format_version, fresh_plane: plane} = constants();
  const weights = {file: '', dtype: 'float32', shape: [0, parameters], axes: ['frame', 'parameter'], what: ''};
  return {
    format_version,
    id: `here-${++count}`,
    title,
    config,
    dataset: {
      name,
      title: what,
      features,
      classes,
      train_points: trainPoints,
      test_points: labels.length - trainPoints,
      run,
    },
    model: {title: '', layers, activation, residual, parameters},
    frames: record.epochs,
    metrics: record.metrics, // Both grow in place.
    outcome: {status: 'completed'},
    arrays: {weights},
    planes: [
      {
        ...plane,
        drawn: plane.seed,
        arrays: {},
        get centre_frame() {
          return record.epochs.length - 1;
        },
      },
    ],
    curvature: null,
  };
}
