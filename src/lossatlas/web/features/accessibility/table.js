/**
 * This module shows a plot as a table in a dialog. The button above the plot opens it; it is fetched when it is first
 * opened.
 */
/** @import {Seen, Shot} from '../../model/types.js' */
/** @import {Table} from '../../figures/tables.js' */
/** @import {Picture} from '../../views/picture.js' */
import {shortText} from '../../lib/numbers.js';
import {make} from '../../lib/dom.js';
import {createBoundaryTables, createLandscapeTables, createTimelineTables} from '../../figures/tables.js';
import {createSampleTables} from '../../figures/sample_losses.js';

/** @typedef {'landscape' | 'boundary' | 'timeline'} Subject */

/** @type {Record<Subject, string>} */
const TITLES = {landscape: 'Loss landscape', boundary: 'Decision boundary', timeline: 'Training, epoch by epoch'};

/** @param {Subject} subject @param {Theirs} theirs @returns {Table[]} */
function tablesOf(subject, {shot, picture, computed}) {
  const {run, frame, pick} = shot;
  if (subject === 'timeline') return createTimelineTables(run, frame);
  if (subject === 'landscape')
    return picture ? createLandscapeTables(shot, picture.axis, picture.values, picture.loss) : [];
  if (run.hasSampleLosses) return createSampleTables(run, frame);
  const seen = computed ?? (run.hasPredictions ? run.predictionsOf(frame) : null);
  return seen
    ? createBoundaryTables(
        run,
        seen,
        pick && computed
          ? `The network at a = ${shortText(pick[0])}, b = ${shortText(pick[1])}`
          : `Epoch ${run.frames[frame]}`,
      )
    : [];
}

/**
 * @typedef {object} Theirs what the page shows
 * @property {Shot} shot
 * @property {Picture | null} picture
 * @property {Seen | null} computed the predictions of the network if no array contains them: of a picked network, or of
 *   one trained in the page
 */

/** @param {HTMLElement} button @param {Theirs} theirs */
export function openTable(button, theirs) {
  const subject = /** @type {Subject} */ (button.dataset.table);
  const isOfSamples = subject === 'boundary' && theirs.shot.run.hasSampleLosses;
  const heading = make('h2', {id: 'table-heading'}, isOfSamples ? 'Loss of each sample' : TITLES[subject]);
  const close = make(
    'button',
    {type: 'button', class: 'quiet', 'aria-label': 'Close', title: 'Closes the table (Escape).'},
    '×',
  );
  // The table is wider than a phone, so it scrolls separately, also by keyboard.
  const body = make(
    'div',
    {class: 'tables', tabindex: 0, role: 'region', 'aria-labelledby': 'table-heading'},
    ...tablesOf(subject, theirs).map(draw),
  );
  const dialog = make(
    'dialog',
    {class: 'numbers', 'aria-labelledby': 'table-heading'},
    make('div', {class: 'numbers-head'}, heading, close),
    body,
  );
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  }); // The table opens beside the button's plot.
  // The arrow keys scroll here; they must not change the frame.
  dialog.addEventListener('keydown', (event) => event.stopPropagation());
  dialog.addEventListener('close', () => {
    button.setAttribute('aria-expanded', 'false');
    dialog.remove();
  });
  document.body.append(dialog);
  button.setAttribute('aria-expanded', 'true');
  dialog.showModal();
  body.querySelector('[aria-current]')?.scrollIntoView({block: 'center'});
  body.scrollLeft = 0; // The table starts at its beginning.
}

/** @param {Table} table */
function draw({caption, corner, columns, rows}) {
  return make(
    'table',
    {},
    make('caption', {}, caption),
    make(
      'thead',
      {},
      make(
        'tr',
        {},
        corner ? make('th', {scope: 'col'}, corner) : make('td'),
        ...columns.map((name) => make('th', {scope: 'col'}, name)),
      ),
    ),
    make(
      'tbody',
      {},
      ...rows.map(({name, now, cells}) =>
        make(
          'tr',
          {'aria-current': now ? 'true' : null},
          make('th', {scope: 'row'}, name),
          ...cells.map(({text, value}) => make('td', {'data-value': value ?? null}, text)),
        ),
      ),
    ),
  );
}
