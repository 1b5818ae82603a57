/**
 * This module creates the rows of the dialog that save a file with one click: the picture and the numbers.
 */
/** @import {Shot} from '../../model/types.js' */
/** @import {Exports} from './exports.js' */
/** @import {Task} from './task.js' */
import {make, setText} from '../../lib/dom.js';
import {PICTURE} from './exports.js';
import {writeFileName} from './link.js';
import {createButton, createRow} from './row.js';
import {saveFile} from './save.js';

/**
 * The files, as data. To offer another one, add it here and to a row below.
 * @type {Record<string, {text: string, label: string, title: string, ending: string,
 *   of: 'png' | 'svg' | 'npz' | 'surfaceCsv' | 'metricsCsv'}>}
 */
const FILES = {
  png: {
    text: 'Save PNG',
    label: 'Save picture (PNG)',
    title: 'Saves both plots as one picture.',
    ending: '.png',
    of: 'png',
  },
  svg: {
    text: 'Save SVG',
    label: 'Save drawing (SVG)',
    title: 'Saves both plots as one drawing of lines and text.',
    ending: '.svg',
    of: 'svg',
  },
  npz: {
    text: 'Save .npz',
    label: 'Save numbers (.npz)',
    title: 'Saves all arrays of this view in one file for NumPy.',
    ending: '.npz',
    of: 'npz',
  },
  surface: {
    text: 'Loss CSV',
    label: 'Save the surface (CSV)',
    title: 'Saves the surface as a table: one line for each point, with a, b and the loss.',
    ending: '-loss.csv',
    of: 'surfaceCsv',
  },
  metrics: {
    text: 'Metrics CSV',
    label: 'Save the metrics (CSV)',
    title: 'Saves the training as a table: one line for each epoch, with loss and accuracy.',
    ending: '-metrics.csv',
    of: 'metricsCsv',
  },
};

/** @param {Exports} exports @param {Task} task */
export function createFileRows(exports, task) {
  /** @param {typeof FILES[string]} file */
  const createSaver = ({text, label, title, ending, of}) =>
    createButton(text, {'aria-label': label, title}, () =>
      task.runWork(async (shot) => {
        task.showMessage('One moment…');
        saveFile(await exports[of](shot), writeFileName(shot, ending), task.showMessage);
      }),
    );
  const sheetNote = make('span');
  return {
    picture: createRow(
      'Picture',
      [sheetNote, ` on one sheet: ${PICTURE.width}\u00a0×\u00a0${PICTURE.height} pixels, or lines and text.`],
      createSaver(FILES.png),
      createSaver(FILES.svg),
    ),
    numbers: createRow(
      'Numbers',
      ['Surface, directions, weights, points, boundary and metrics as NumPy arrays; or tables for a spreadsheet.'],
      createSaver(FILES.npz),
      createSaver(FILES.surface),
      createSaver(FILES.metrics),
    ),
    /** Write what applies to this shot only. @param {Shot} shot */
    show({run}) {
      setText(sheetNote, run.hasBoundary || run.hasSampleLosses ? 'Both plots' : 'The landscape');
    },
  };
}
