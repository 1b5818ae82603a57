/** A plot as a table, in a dialog: opened by the button in the plot's head, fetched when it is first opened. */
/** @import {Seen, Shot} from '../../model/types.js' */
/** @import {Table} from '../../figures/tables.js' */
/** @import {Picture} from '../../views/picture.js' */
import {make} from '../../lib/dom.js';
import {boundaryTables, landscapeTables, timelineTables} from '../../figures/tables.js';

/** @typedef {'landscape' | 'boundary' | 'timeline'} Subject */

/** @type {Record<Subject, string>} */
const TITLES = {landscape: 'Loss landscape', boundary: 'Decision boundary', timeline: 'Training, epoch by epoch'};

/** @param {Subject} subject @param {Theirs} theirs @returns {Table[]} */
function tablesOf(subject, {shot, picture, computed}) {
  const {run, frame, pick} = shot;
  if (subject === 'timeline') return timelineTables(run, frame);
  if (subject === 'landscape') return picture ? landscapeTables(shot, picture.axis, picture.values, picture.loss) : [];
  const seen = computed ?? (run.hasPredictions ? run.seen(frame) : null);
  return seen
    ? boundaryTables(
        run,
        seen,
        pick && computed ? `The network at a = ${pick[0]}, b = ${pick[1]}` : `Epoch ${run.frames[frame]}`,
      )
    : [];
}

/**
 * @typedef {object} Theirs what is on show
 * @property {Shot} shot
 * @property {Picture | null} picture
 * @property {Seen | null} computed what the network predicts, where no array says it: a picked one's, or one trained here
 */

/** @param {HTMLElement} button @param {Theirs} theirs */
export function openTable(button, theirs) {
  const subject = /** @type {Subject} */ (button.dataset.table);
  const heading = make('h2', {id: 'table-heading'}, TITLES[subject]);
  const close = make(
    'button',
    {type: 'button', class: 'quiet', 'aria-label': 'Close', title: 'Closes the table (Escape).'},
    '×',
  );
  // Wider than a phone, so it scrolls by itself; and then it must be possible to scroll it by key.
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
  }); // beside it
  dialog.addEventListener('keydown', (event) => event.stopPropagation()); // arrows scroll here, and step no frames
  dialog.addEventListener('close', () => {
    button.setAttribute('aria-expanded', 'false');
    dialog.remove();
  });
  document.body.append(dialog);
  button.setAttribute('aria-expanded', 'true');
  dialog.showModal();
  body.querySelector('[aria-current]')?.scrollIntoView({block: 'center'});
  body.scrollLeft = 0; // where it begins
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
