/**
 * This module keeps the record of a training in the page: theta and metrics of every epoch, or of every second, fourth,
 * … epoch if all would take too much memory; the first and the newest are always kept. Epochs and metrics have the same
 * form as in run.json.
 */
/** @import {Metrics} from '../../model/types.js' */
/** @import {Progress} from './job.js' */

/** The number of epochs in one piece of memory. */
const ROWS = 256;
/** The largest size of the thetas, in bytes: 47,000 epochs of the default network. */
const LIMIT = 64 * 2 ** 20;

/** @param {number} parameters P @param {number} [limit] bytes */
export function createRecord(parameters, limit = LIMIT) {
  const most = Math.max(2, Math.floor(limit / (4 * parameters)));
  /** @type {Float32Array[]} */
  const chunks = [];
  /** @type {number[]} */
  const epochs = [];
  /** @type {Metrics} */
  const metrics = {train_loss: [], test_loss: [], train_accuracy: [], test_accuracy: []};
  const columns = [epochs, ...Object.values(metrics)];
  let stride = 1;

  /** @param {number} row */
  const theta = (row) =>
    chunks[Math.floor(row / ROWS)].subarray((row % ROWS) * parameters, ((row % ROWS) + 1) * parameters);

  /** Is the row kept only because it is the newest? @param {number} row */
  const isTemporary = (row) => row > 0 && epochs[row] % stride !== 0;

  /** Keep every second row. */
  const thinOut = () => {
    stride *= 2;
    let kept = 0;
    for (let row = 0; row < epochs.length; row++) {
      if (isTemporary(row)) continue;
      theta(kept).set(theta(row));
      for (const column of columns) column[kept] = column[row];
      kept++;
    }
    for (const column of columns) column.length = kept;
    chunks.length = Math.ceil(kept / ROWS);
  };

  return {
    /** The epoch of each row, in increasing order. */
    epochs,
    metrics,
    /** Return theta [P] of a row in float32: a view, which is valid until the next `add`. */
    theta,
    /** Return the number of epochs from one row to the next; the newest row may be nearer. */
    get stride() {
      return stride;
    },
    /** @param {Pick<Progress, 'epochs' | 'theta' | 'metrics'>} progress */
    add(progress) {
      progress.epochs.forEach((epoch, i) => {
        const last = epochs.length - 1;
        if (last >= 0 && isTemporary(last)) for (const column of columns) column.pop();
        while (epochs.length >= most) thinOut();
        const row = epochs.length;
        if (row === chunks.length * ROWS) chunks.push(new Float32Array(ROWS * parameters));
        epochs.push(epoch);
        for (const name of /** @type {(keyof Metrics)[]} */ (Object.keys(metrics)))
          metrics[name].push(progress.metrics[name][i]);
        theta(row).set(progress.theta.subarray(i * parameters, (i + 1) * parameters));
      });
    },
  };
}
