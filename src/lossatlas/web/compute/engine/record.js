/**
 * What the page keeps of a training: theta and metrics of every epoch, or of every second, fourth, … one where all would take
 * too much memory; always the first and the newest. Epochs and metrics have the form that run.json has them in.
 */
/** @import {Metrics} from '../../model/types.js' */
/** @import {Progress} from './job.js' */

/** Epochs in one piece of memory. */
const ROWS = 256;
/** What the thetas may take, in bytes: 47,000 epochs of the default network. */
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

  /** @param {number} row whether it is there only as the newest */
  const isPassing = (row) => row > 0 && epochs[row] % stride !== 0;

  /** Keep every second of the rows. */
  const thin = () => {
    stride *= 2;
    let kept = 0;
    for (let row = 0; row < epochs.length; row++) {
      if (isPassing(row)) continue;
      theta(kept).set(theta(row));
      for (const column of columns) column[kept] = column[row];
      kept++;
    }
    for (const column of columns) column.length = kept;
    chunks.length = Math.ceil(kept / ROWS);
  };

  return {
    /** The epoch of each row, rising. */
    epochs,
    metrics,
    /** Theta [P] float32 of a row: a view, good until the next `add`. */
    theta,
    /** How many epochs from one row to the next; the newest may be nearer. */
    get stride() {
      return stride;
    },
    /** @param {Pick<Progress, 'epochs' | 'theta' | 'metrics'>} progress */
    add(progress) {
      progress.epochs.forEach((epoch, i) => {
        const last = epochs.length - 1;
        if (last >= 0 && isPassing(last)) for (const column of columns) column.pop();
        while (epochs.length >= most) thin();
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
