/**
 * This module is the dialog behind “Share”: it shows what can be shared and saved of the view, with the buttons for it.
 */
/** @import {Shot, State} from '../../model/types.js' */
/** @import {Computed, Picture} from '../../views/picture.js' */
/** @import {Preview} from './preview.js' */
import {make, setText} from '../../lib/dom.js';
import {copyText} from './clipboard.js';
import {createEmbedRow} from './embed_row.js';
import {createExports} from './exports.js';
import {createFigureRow} from './figure_row.js';
import {createFilmRow} from './film_row.js';
import {createFileRows} from './file_rows.js';
import {createPlayPart} from './play_part.js';
import {createPreview} from './preview.js';
import {createButton} from './row.js';
import {createStoryRow} from './story_row.js';
import {createTask} from './task.js';

/**
 * @typedef {object} ShownPage what the dialog needs of the page
 * @property {import('../../lib/plotly.js').Plotly} Plotly
 * @property {() => Shot | null} shown
 * @property {(shot: Shot, computed: Computed) => Picture | null} pictureOf
 * @property {() => State} state
 * @property {() => void} pause
 * @property {(how: {records?: boolean}) => void} editStory
 */

/** @param {ShownPage} page */
export function createDialog(page) {
  const exports = createExports(page);
  const task = createTask();
  const preview = createPreview(exports, task);
  const view = createView(preview, task);
  const rows = createFileRows(exports, task);
  const figure = createFigureRow(exports, task, {show: preview.showFigure});
  const film = createFilmRow(exports, task);
  const embed = createEmbedRow(task);
  const story = createStoryRow(page.editStory, () => dialog.close());
  const python = createPython(task);
  const subject = make('p', {class: 'subject'});
  const close = createButton('×', {class: 'quiet', 'aria-label': 'Close', title: 'Closes this dialog (Escape).'}, () =>
    dialog.close(),
  );
  const dialog = make(
    'dialog',
    {class: 'keep', 'aria-labelledby': 'keep-heading'},
    make('header', {}, make('h2', {id: 'keep-heading'}, 'Share and save'), subject, close),
    make(
      'div',
      {class: 'keep-body'},
      view.element,
      make('div', {class: 'exports'}, rows.picture, figure.element, film.element, rows.numbers, story),
      embed.element,
      python.element,
    ),
    task.message,
  );
  document.body.append(dialog);
  // The page behind the dialog has its own keys.
  dialog.addEventListener('keydown', (event) => event.stopPropagation());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  for (const sheet of [rows.picture, film.element]) sheet.addEventListener('focusin', () => preview.showSheet());
  dialog.addEventListener('close', () => {
    task.cancel();
    exports.close();
  });

  return {
    /** Open the dialog for what the page shows now. */
    open() {
      const shot = page.shown();
      if (!shot || dialog.open) return;
      task.start(shot);
      setText(subject, `Epoch ${shot.run.frames[shot.frame]} · ${shot.run.manifest.title}`);
      rows.show(shot);
      figure.show(shot);
      film.show(shot);
      view.show(exports.link(shot), shot);
      embed.show(exports.link(shot), shot.run.manifest.title);
      python.show('', shot.run);
      dialog.showModal();
      view.focus();
      // The dialog appears first. What takes time follows.
      setTimeout(() =>
        task.runWork(async () => {
          python.show(await exports.python(shot), shot.run);
          await preview.showSheet();
        }),
      );
    },
  };
}

/** Create the link below the preview. @param {Preview} preview @param {import('./task.js').Task} task */
function createView(preview, task) {
  const address = make('input', {
    type: 'text',
    readonly: true,
    'aria-label': 'Link to this view',
    title: 'The address that opens exactly this view.',
  });
  const copy = createButton('Copy link', {class: 'primary', title: 'Copies the link to the clipboard.'}, () =>
    copyText(address.value, 'Link copied', address, task.showMessage),
  );
  let bare = '';
  const plays = createPlayPart(() => {
    address.value = plays.complete(bare);
  });
  return {
    element: make(
      'div',
      {class: 'view'},
      make('figure', {}, preview.element),
      make('div', {class: 'link'}, address, copy),
      plays.element,
      make('p', {class: 'note'}, 'The link opens exactly this view: run, epoch, slice, zoom, scale and camera.'),
    ),
    /** Show a link, and no picture yet. @param {string} link @param {Shot} shot */
    show(link, shot) {
      bare = address.value = link;
      plays.show(shot);
      preview.clear();
    },
    focus() {
      copy.focus();
      address.scrollLeft = 0;
    },
  };
}

/** Create the lines of Python that compute the run again. @param {import('./task.js').Task} task */
function createPython(task) {
  const code = make('code');
  const title = 'Copies these lines of Python to the clipboard.';
  const copy = createButton('Copy', {'aria-label': 'Copy Python', title}, () =>
    copyText(code.textContent ?? '', 'Python copied', code, task.showMessage),
  );
  const note = make('p', {class: 'note'});
  return {
    element: make(
      'div',
      {class: 'python'},
      make('div', {class: 'python-head'}, make('h3', {}, 'Python'), note, copy),
      make('pre', {tabindex: 0, 'aria-label': 'Python'}, code),
    ),
    /** @param {string} lines @param {{isRecorded: boolean}} run */
    show(lines, {isRecorded}) {
      code.textContent = lines;
      const does = isRecorded ? 'Reads the arrays of this run' : 'Computes this run again';
      setText(note, `${does} with the package lossatlas.`);
    },
  };
}
