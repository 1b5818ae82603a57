/** The dialog behind “Share”: what can be taken along of the view, and how. */
/** @import {Shot, State} from '../../model/types.js' */
/** @import {Picture} from '../../views/landscape.js' */
import {make, say} from '../../lib/dom.js';
import {filmLimit, filmOf, lengthsOf, SIZES} from './animation.js';
import {fileName} from './link.js';
import {createWorks, PICTURE} from './exports.js';

/**
 * @typedef {object} Theirs what the page gives
 * @property {import('../../lib/plotly.js').Plotly} Plotly
 * @property {() => Shot | null} shown
 * @property {(shot: Shot, ground: import('../../compute/surfaces.js').Ground | null) => Picture | null} pictureOf
 * @property {() => State} state
 * @property {() => void} pause
 */

/** @param {Theirs} page */
export function createDialog(page) {
  const works = createWorks(page);
  const status = make('p', {class: 'told', role: 'status', 'aria-live': 'polite'});
  const subject = make('p', {class: 'subject'});
  const preview = make('canvas', {width: 880, height: 495, role: 'img', 'aria-label': 'The sheet that is saved'});
  const address = make('input', {
    type: 'text',
    readonly: true,
    'aria-label': 'Link to this view',
    title: 'The address that opens exactly this view.',
  });
  const code = make('code');
  const film = filmControls();
  const surfaceNote = make('span', {}, ' The surface is in it as a picture.');
  /** @type {Shot | null} what was on show when the dialog was opened */
  let shot = null;
  /** @type {AbortController | null} of the film that is being made */
  let filming = null;

  /** @param {string} text @param {boolean} [bad] */
  const tell = (text, bad = false) => {
    say(status, text);
    status.classList.toggle('bad', bad);
  };

  /** One thing at a time, and what goes wrong is told. @param {(shot: Shot) => Promise<void>} work */
  const attempt = async (work) => {
    if (!shot) return;
    if (filming) return tell('The animation is being made. Wait for it, or cancel it.');
    try {
      await work(shot);
    } catch (error) {
      const {name, message} = /** @type {Error} */ (error);
      if (name !== 'AbortError') tell(`This could not be done: ${message}`, true);
    }
  };
  /** A button that makes a file. @param {string} text @param {string} label @param {string} ending @param {(shot: Shot) => Promise<Blob>} of @param {string} title */
  const saver = (text, label, ending, of, title) =>
    button(text, {'aria-label': label, title}, () =>
      attempt(async (shown) => {
        tell('One moment…');
        save(await of(shown), fileName(shown, ending), tell);
      }),
    );

  const copyLink = button('Copy link', {class: 'primary', title: 'Puts the link into the clipboard.'}, () =>
    copy(address.value, 'Link copied', address, tell),
  );
  const copyCode = button(
    'Copy',
    {'aria-label': 'Copy Python', title: 'Puts these lines of Python into the clipboard.'},
    () => copy(code.textContent ?? '', 'Python copied', code, tell),
  );

  film.make.addEventListener('click', () =>
    attempt(async (shown) => {
      filming = new AbortController();
      const {signal} = filming;
      const [width, height] = SIZES[film.size.selectedIndex];
      const onProgress = (/** @type {number} */ done, /** @type {number} */ total) => {
        film.progress.value = done / total;
        say(film.count, `Frame ${done} of ${total}`);
      };
      film.show(true);
      tell('Making the animation…');
      try {
        const blob = await works.webm(shown, {width, height, pictures: film.pictures(), signal, onProgress});
        save(blob, fileName(shown, '.webm').replace(/-epoch\d+/, ''), tell);
      } catch (error) {
        if (signal.aborted) tell('Animation cancelled');
        throw error;
      } finally {
        filming = null;
        film.show(false);
      }
    }),
  );
  film.cancel.addEventListener('click', () => filming?.abort());

  const limit = filmLimit();
  const dialog = make(
    'dialog',
    {class: 'keep', 'aria-labelledby': 'keep-heading'},
    make(
      'header',
      {},
      make('h2', {id: 'keep-heading'}, 'Share and keep'),
      subject,
      button('×', {class: 'quiet', 'aria-label': 'Close', title: 'Closes this dialog (Escape).'}, () => dialog.close()),
    ),
    make(
      'div',
      {class: 'keep-body'},
      make(
        'div',
        {class: 'view'},
        make('figure', {}, preview),
        make('div', {class: 'link'}, address, copyLink),
        make('p', {class: 'note'}, 'The link opens exactly this: run, epoch, slice, zoom, scale and camera.'),
      ),
      make(
        'div',
        {class: 'works'},
        row(
          'Picture',
          [`Both plots on one sheet, ${PICTURE.width}\u00a0×\u00a0${PICTURE.height} pixels.`],
          saver('Save PNG', 'Save picture (PNG)', '.png', works.png, 'Saves both plots as one picture.'),
        ),
        row(
          'Drawing',
          ['The same with lines and text that stay sharp at any size.', surfaceNote],
          saver(
            'Save SVG',
            'Save drawing (SVG)',
            '.svg',
            works.svg,
            'Saves both plots as one drawing of lines and text.',
          ),
        ),
        row(
          'Animation',
          [
            limit ? `Not offered here: ${limit}` : 'Ten epochs a second, for slides. ',
            ...(limit ? [] : [film.estimate]),
            film.working,
          ],
          ...(limit ? [] : [film.length, film.size, film.make]),
        ),
        row(
          'Numbers',
          ['Surface, directions, weights, points, boundary and metrics as NumPy arrays; or tables for a spreadsheet.'],
          saver(
            'Save .npz',
            'Save numbers (.npz)',
            '.npz',
            works.npz,
            'Saves all arrays of this view in one file for NumPy.',
          ),
          saver(
            'Loss CSV',
            'Save the surface (CSV)',
            '-loss.csv',
            works.surfaceCsv,
            'Saves the surface as a table: one line a point, with a, b and the loss.',
          ),
          saver(
            'Metrics CSV',
            'Save the metrics (CSV)',
            '-metrics.csv',
            works.metricsCsv,
            'Saves the training as a table: one line an epoch, with loss and accuracy.',
          ),
        ),
      ),
      make(
        'div',
        {class: 'python'},
        make(
          'div',
          {class: 'python-head'},
          make('h3', {}, 'Python'),
          make('p', {class: 'note'}, 'Computes this run again with the package lossatlas.'),
          copyCode,
        ),
        make('pre', {tabindex: 0, 'aria-label': 'Python'}, code),
      ),
    ),
    status,
  );
  document.body.append(dialog);
  dialog.addEventListener('keydown', (event) => event.stopPropagation()); // the page behind has keys of its own
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => {
    filming?.abort();
    works.close();
  });

  return {
    open() {
      shot = page.shown();
      if (!shot || dialog.open) return;
      const {run, frame, view} = shot;
      tell('');
      say(subject, `Epoch ${run.frames[frame]} · ${run.manifest.title}`);
      surfaceNote.hidden = view !== 'surface';
      film.offer(run.arrived(shot));
      address.value = works.link(shot);
      code.textContent = ''; // the lines of what was shared before are not those of this
      preview.getContext('2d')?.clearRect(0, 0, preview.width, preview.height);
      dialog.showModal();
      copyLink.focus();
      address.scrollLeft = 0;
      setTimeout(() =>
        attempt(async (shown) => {
          // after the dialog is seen
          code.textContent = await works.python(shown);
          await works.paint(shown, preview);
        }),
      );
    },
  };
}

/** @param {string} text @param {Record<string, string | null>} attributes @param {() => void} onClick */
function button(text, attributes, onClick) {
  const made = make('button', {type: 'button', ...attributes}, text);
  made.addEventListener('click', onClick);
  return made;
}

/** @param {string} title @param {(Node | string)[]} what @param {HTMLElement[]} controls */
function row(title, what, ...controls) {
  return make(
    'section',
    {},
    make('h3', {}, title),
    make('div', {class: 'what'}, ...what),
    make('div', {class: 'do'}, ...controls),
  );
}

function filmControls() {
  const size = make(
    'select',
    {'aria-label': 'Size of the animation', title: 'How many pixels the animation has.'},
    ...SIZES.map(([width, height]) => make('option', {}, `${width} × ${height}`)),
  );
  size.selectedIndex = 1;
  const length = make('select', {
    'aria-label': 'Length of the animation',
    title:
      'How long the animation is. Where it is shorter than the training, epochs are left out evenly along the time axis.',
  });
  const estimate = make('span', {class: 'estimate'});
  let frames = 0;
  const pictures = () => lengthsOf(frames)[length.selectedIndex]?.pictures ?? frames;
  const tellEstimate = () => {
    const [width, height] = SIZES[size.selectedIndex];
    const {seconds, bytes} = filmOf(pictures(), width, height);
    const whole = pictures() === frames ? `All ${frames}` : `${pictures()} of ${frames}`;
    say(
      estimate,
      `${whole} recorded epochs make ${seconds.toFixed(1)}\u00a0s, about ${sizeText(Number(bytes.toPrecision(2)))}.`,
    );
  };
  for (const select of [length, size]) select.addEventListener('change', tellEstimate);
  const progress = make('progress', {max: 1, value: 0, 'aria-label': 'Frames drawn'});
  const count = make('span', {});
  const cancel = make(
    'button',
    {type: 'button', 'aria-label': 'Cancel the animation', title: 'Stops making the animation.'},
    'Cancel',
  );
  const start = make(
    'button',
    {
      type: 'button',
      'aria-label': 'Make animation (WebM)',
      title: 'Draws these epochs one after the other and saves them as a film.',
    },
    'Make WebM',
  );
  const working = make('div', {class: 'working', hidden: true}, progress, count, cancel);
  return {
    size,
    length,
    estimate,
    make: start,
    cancel,
    progress,
    count,
    working,
    pictures,
    /** What can be made of so many frames. @param {number} count */
    offer(count) {
      if (count === frames) return;
      frames = count;
      length.replaceChildren(...lengthsOf(frames).map(({text, usual}) => make('option', {selected: usual}, text)));
      tellEstimate();
    },
    /** @param {boolean} on */
    show(on) {
      const held = document.activeElement === (on ? start : cancel);
      progress.value = 0;
      say(count, '');
      working.hidden = !on;
      size.hidden = length.hidden = start.hidden = on;
      if (held) (on ? cancel : start).focus();
    },
  };
}

/** @param {Blob} blob @param {string} name @param {(text: string) => void} tell */
function save(blob, name, tell) {
  const url = URL.createObjectURL(blob);
  make('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // some browsers begin to read it late
  tell(`Saved ${name} (${sizeText(blob.size)})`);
}

/** @param {number} bytes */
function sizeText(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** To the clipboard; where that is refused, it is selected for copying by hand. @param {string} text @param {string} done @param {HTMLElement} shown @param {(text: string, bad?: boolean) => void} tell */
async function copy(text, done, shown, tell) {
  try {
    await navigator.clipboard.writeText(text);
    tell(done);
  } catch {
    if (shown instanceof HTMLInputElement) {
      shown.focus();
      shown.select();
    } else {
      getSelection()?.selectAllChildren(shown);
    }
    tell('The browser does not let the page copy. It is selected: copy it with Ctrl+C or ⌘C.');
  }
}
