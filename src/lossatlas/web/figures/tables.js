/**
 * This module turns the plots into tables (headings and cells) for people who read numbers rather than pictures. It
 * consists of pure functions.
 */
/** @import {Seen, Shot} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */
/** @import {Numbers} from '../loading/npy.js' */
import {listClasses, chooseUnits} from './boundary.js';
import {roundEigenvalue} from './curvature.js';
import {writePlaneTitle} from './slice.js';
import {curvatureText, lossText, percentText, probabilityPercentText, shortText, valueText} from '../lib/numbers.js';

/**
 * @typedef {{text: string, value?: number}} Cell `value`: the exact number, which the text rounds
 * @typedef {{caption: string, corner: string, columns: string[], rows: {name: string, now?: boolean, cells: Cell[]}[]}}
 *   Table `now`: the row of the frame that is shown
 */

/** The number of rows and columns of a grid that is given in numbers: enough for its shape, few enough to read. */
const COARSE = 9;
const NAMES = {train: 'Training loss', test: 'Test loss', gap: 'Test loss − training loss'};

/**
 * Choose at most `COARSE` places of a grid, evenly spaced, with both ends and (if the number is odd) the middle.
 * @param {number} size
 */
export function chooseCoarsePlaces(size) {
  const last = Math.min(COARSE, size) - 1;
  const placeAt = (/** @type {number} */ k) => Math.round((k * (size - 1)) / Math.max(1, last));
  // Both sides are the same.
  return Array.from({length: last + 1}, (_, k) => (2 * k > last ? size - 1 - placeAt(last - k) : placeAt(k)));
}

/**
 * Return the surface as tables; the top row is first, as seen from above.
 * @param {Shot} shot @param {number[]} axis the sampled values of a and b @param {Numbers} values [b, a] flattened
 * @param {number} loss the network's own loss @returns {Table[]}
 */
export function createLandscapeTables({run, frame, plane, set}, axis, values, loss) {
  const places = chooseCoarsePlaces(axis.length);
  const at = places.map((i) => shortText(axis[i]));
  const rows = places.toReversed().map((j) => ({
    name: `b ${shortText(axis[j])}`,
    cells: places.map((i) => createNumberCell(values[j * axis.length + i], lossText)),
  }));
  return [
    {
      caption:
        `${NAMES[set]} over the plane “${writePlaneTitle(plane)}” at epoch ${run.frames[frame]}. The ` +
        `network’s own loss: ${lossText(loss)}.`,
      corner: '',
      columns: at.map((a) => `a ${a}`),
      rows,
    },
  ];
}

/** @param {Run} run @param {Seen} seen @param {string} whose @returns {Table[]} */
export function createBoundaryTables(run, seen, whose) {
  return [createClassTable(run, seen, whose), createRegionTable(run, seen)];
}

/**
 * Count the correct predictions of each class.
 * @param {Run} run @param {Seen} seen @param {string} whose @returns {Table}
 */
function createClassTable(run, seen, whose) {
  const [labels, split] = [run.numbers('labels'), run.numbers('split')];
  const predicted = seen.point_predicted_class;
  /** @param {(i: number) => boolean} holds */
  const count = (holds) => Array.from(labels.keys()).filter(holds).length;
  /** @param {number} k @param {number} part 0: train, 1: test @returns {Cell[]} */
  const ofPart = (k, part) => {
    const points = count((i) => labels[i] === k && split[i] === part);
    const right = count((i) => labels[i] === k && split[i] === part && predicted[i] === k);
    return [
      createWholeCell(points),
      createWholeCell(count((i) => predicted[i] === k && split[i] === part)),
      points ? {text: percentText(right / points), value: right / points} : {text: '–'},
    ];
  };
  return {
    caption: `${whose}: the classes`,
    corner: 'Class',
    columns: ['train', 'test'].flatMap((part) => [`${part}: points`, `${part}: predicted`, `${part}: right`]),
    rows: listClasses(run).occurring.map((k) => ({name: run.classes[k], cells: [...ofPart(k, 0), ...ofPart(k, 1)]})),
  };
}

/**
 * Return the predicted class and its confidence, top row first.
 * @param {Run} run @param {Seen} seen @returns {Table}
 */
function createRegionTable(run, {predicted_class: predicted, confidence}) {
  const axes = ['grid_x', 'grid_y'].map((name) => run.numbers(name));
  const [columns, rows] = axes.map((grid, axis) => {
    const feature = run.manifest.dataset.features[axis];
    const {mean, scale} = chooseUnits(run.manifest.dataset.features)[axis];
    // Coordinates are rounded to a two-hundredth of the axis, as there are only nine of them.
    const step = ((grid[grid.length - 1] - grid[0]) * scale) / 200;
    return chooseCoarsePlaces(grid.length).map((i) => ({
      i,
      text: `${feature.name} ${valueText(grid[i] * scale + mean, step)}`,
    }));
  });
  return {
    caption: 'Predicted class and confidence over the plane',
    corner: '',
    columns: columns.map(({text}) => text),
    rows: rows.toReversed().map(({i: j, text}) => ({
      name: text,
      cells: columns.map(({i}) => {
        const at = j * axes[0].length + i;
        return {
          text: `${run.classes[predicted[at]]}, ${probabilityPercentText(confidence[at] / 255)}`,
          value: confidence[at] / 255,
        };
      }),
    })),
  };
}

/** @param {Run} run @param {number} frame @returns {Table[]} */
export function createTimelineTables(run, frame) {
  const {train_loss, test_loss, train_accuracy, test_accuracy} = run.metrics;
  const curvature = run.manifest.curvature ?? null;
  const rows = run.frames.map((epoch, t) => {
    const at = curvature?.frames.indexOf(t) ?? -1;
    return {
      name: String(epoch),
      now: t === frame,
      cells: [
        createNumberCell(train_loss[t], lossText),
        createNumberCell(test_loss[t], lossText),
        createNumberCell(train_accuracy[t], percentText),
        createNumberCell(test_accuracy[t], percentText),
        ...(curvature
          ? [curvature.largest, curvature.smallest].map((of) =>
              at < 0 ? {text: '–'} : createNumberCell(roundEigenvalue(of[at], curvature.largest[at]), curvatureText),
            )
          : []),
      ],
    };
  });
  return [
    {
      caption: `${run.manifest.title}: every recorded epoch`,
      corner: 'Epoch',
      columns: ['train loss', 'test loss', 'train accuracy', 'test accuracy', ...(curvature ? ['λ max', 'λ min'] : [])],
      rows,
    },
  ];
}

/** @param {number} value @param {(value: number) => string} write @returns {Cell} */
function createNumberCell(value, write) {
  return Number.isNaN(value) ? {text: 'unknown'} : {text: write(value), value};
}

/** @param {number} value @returns {Cell} */
function createWholeCell(value) {
  return {text: String(value), value};
}
