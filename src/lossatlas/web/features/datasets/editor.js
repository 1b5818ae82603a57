/** “Your own data”: a dialog to draw points, or to read them from a spreadsheet. It comes with its own style sheet. */
/** @import {Drawing, Place} from './drawing.js' */
/** @import {Own} from '../../compute/datasets/own.js' */
/** @import {Table} from './tables/read.js' */
import {make, makeSvg, say} from '../../lib/dom.js';
import {css, pointColour} from '../../figures/colours.js';
import {glyph} from '../../figures/glyphs.js';
import {loadStyle} from '../../lib/lazy.js';
import {currentTheme} from '../../lib/theme.js';
import {BLANK, createHistory, drawingOf, erased, nearest, ownOf, pointAt, sprayed} from './drawing.js';
import {draw as drawn, SOURCES} from '../../compute/datasets/generate.js';
import {countsOf, MAX_LINKED, MAX_POINTS, missing, roundedTo} from '../../compute/datasets/own.js';
import {createSketch} from './sketch.js';
import {createTablePanel} from './tables/panel.js';
import {writeTable} from './tables/write.js';

/** Points to start from, of an invented dataset: few enough for a link. */
const START_POINTS = 200;
/** A thumb's or a crosshair's reach, as a share of the view. */
const REACH = 0.025;
const HELP =
  'Drag to draw. By keyboard: arrow keys move the crosshair, with Shift finely; Space puts a point, Delete erases, a number chooses the class.';

/** @type {Drawing | null} what was being drawn when the dialog was last dismissed: Escape must not cost an hour's work */
let draft = null;

/**
 * Open the dialog; settled once it is open.
 * @param {{start?: Own | null, onUse: (own: Own) => void}} options `start`: the data on show, to start from
 */
export async function openEditor({start = null, onUse}) {
  if (document.querySelector('dialog.editor')) return;
  await loadStyle('features/datasets/editor.css');
  /** Why what is shown is not what was asked for: a table that could not be read; else empty. */
  let failed = '';
  /** @param {Table} table @param {string} name @param {boolean} goesOn */
  const onTable = ({data, doubt}, name, goesOn) => {
    if (data) history.set(drawingOf({...data, name}), {same: goesOn && tabled});
    tabled = data !== null;
    failed = data
      ? ''
      : doubt
        ? 'Answer the question about the numbers first.'
        : 'The table could not be read, and the points shown are not those of it. Draw, or start from something, to go on with them.';
    if (data) parts.from.value = '';
    show();
  };
  let tabled = false; // is the last step a table?
  const panel = createTablePanel(onTable);
  const parts = build(start !== null, panel);
  const {dialog, canvas, brushes, size, density} = parts;
  const history = createHistory(draft ?? (start ? drawingOf({...start, name: ''}) : BLANK), () => {
    failed = '';
    tabled = false;
    show();
  });
  let tool = 0; // a class, or −1 for the eraser

  const radius = () => Number(size.value) / 100;
  const reach = () => Math.max(REACH, radius());
  /** @param {Place} place @param {boolean} goesOn */
  const dab = (place, goesOn) => {
    const next =
      tool < 0
        ? erased(history.now, place, reach())
        : sprayed(history.now, place, tool, {radius: radius(), density: Number(density.value)});
    stroked = history.set(next, {same: goesOn && stroked}) || (goesOn && stroked);
  };
  let stroked = false; // has this stroke changed anything yet?
  /** @param {Place} place */
  const tellPlace = (place) => {
    const {view, features, classes} = history.now;
    const {x, y} = pointAt(view, place);
    const near = nearest(history.now, place, REACH);
    say(
      parts.place,
      `${features[0]} ${short(x, view.x)}, ${features[1]} ${short(y, view.y)}${near ? `: a point of ${classes[near.k]}` : ''}`,
    );
  };
  const sketch = createSketch(canvas, {
    onDab: dab,
    onPut(place) {
      if (tool < 0) history.set(erased(history.now, place, REACH));
      else history.set(sprayed(history.now, place, tool, {radius: 0, density: 1}));
      tellPlace(place);
    },
    onErase(place) {
      history.set(erased(history.now, place, REACH));
      tellPlace(place);
    },
    onMove: tellPlace,
    radius: () => (tool < 0 ? reach() : radius()),
  });

  /** @param {number} next */
  const choose = (next) => {
    if (next >= history.now.classes.length) return;
    tool = next;
    show();
  };
  const show = () => {
    const {points, classes} = history.now;
    if (tool >= classes.length) tool = 0;
    drawBrushes(brushes, history.now, tool);
    parts.undo.disabled = !history.canUndo;
    parts.redo.disabled = !history.canRedo;
    parts.clear.disabled = parts.save.disabled = points.length === 0;
    const lacks = missing({labels: Uint8Array.from(points, ({k}) => k), classes});
    parts.use.disabled = failed !== '' || lacks !== '';
    say(parts.state, failed || lacks || summary(points.length));
    sketch.draw(history.now);
    // A button that is disabled loses the focus to the page, whose keys mean other things.
    if (document.activeElement instanceof HTMLButtonElement && document.activeElement.disabled)
      canvas.focus({preventScroll: true});
  };

  brushes.addEventListener('change', (event) => choose(Number(/** @type {HTMLInputElement} */ (event.target).value)));
  size.addEventListener('input', () => {
    density.disabled = radius() === 0;
    sketch.request();
  });
  parts.undo.addEventListener('click', history.undo);
  parts.redo.addEventListener('click', history.redo);
  parts.clear.addEventListener('click', () => history.set({...history.now, points: []}));
  parts.from.addEventListener('change', () => {
    history.set(begun(parts.from.value, start));
    panel.close();
  });
  parts.save.addEventListener('click', () => saveCsv(ownOf(history.now)));
  parts.cancel.addEventListener('click', () => end(''));
  parts.use.addEventListener('click', () => {
    end('use');
    onUse(ownOf(history.now));
  });
  dialog.addEventListener('keydown', (event) => {
    event.stopPropagation(); // the page's own keys move through the epochs
    const key = event.key.toLowerCase();
    if (event.target === panel.text) return;
    if ((event.ctrlKey || event.metaKey) && (key === 'z' || key === 'y')) {
      event.preventDefault();
      if (key === 'y' || event.shiftKey) history.redo();
      else history.undo();
    } else if (event.target === canvas && /^[1-9]$/.test(key)) choose(Number(key) - 1);
  });
  dialog.addEventListener('paste', (event) => {
    const text = event.clipboardData?.getData('text/plain');
    if (event.target === panel.text || !text) return;
    event.preventDefault();
    panel.openText(text);
  });
  onDrop(dialog, (data) =>
    data.files.length > 0 ? void panel.openFile(data.files[0]) : panel.openText(data.getData('text/plain')),
  );
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  scheme.addEventListener('change', show);
  /** @param {string} how */
  const end = (how) => {
    if (!dialog.isConnected) return;
    dialog.close(how); // gives the focus back; its event comes later
    scheme.removeEventListener('change', show);
    draft = how === 'use' || history.now.points.length === 0 ? null : history.now;
    dialog.remove();
  };
  dialog.addEventListener('close', () => end('')); // by Escape

  document.body.append(dialog);
  dialog.showModal();
  canvas.focus({preventScroll: true});
  show();
}

/** @param {boolean} shown is there a dataset on show to start from? @param {ReturnType<typeof createTablePanel>} panel */
function build(shown, panel) {
  const button = (/** @type {string} */ text, /** @type {Record<string, string>} */ attributes = {}) =>
    make('button', {type: 'button', ...attributes}, text);
  const canvas = make('canvas', {
    tabindex: 0,
    role: 'application',
    'aria-label': 'Points',
    'aria-describedby': 'editor-help',
    width: 1,
    height: 1,
  });
  const place = make('p', {class: 'place', role: 'status'});
  const state = make('p', {class: 'state', id: 'editor-state', role: 'status'});
  const brushes = make('fieldset', {class: 'brushes'}, make('legend', {}, 'Draw with'));
  const size = make('input', {
    type: 'range',
    'aria-label': 'Brush size',
    title: 'How wide the brush sprays; at zero, one point at a time.',
    min: 0,
    max: 20,
    step: 1,
    value: 6,
  });
  const density = make('input', {
    type: 'range',
    'aria-label': 'Density',
    title: 'How many points the brush leaves on its way.',
    min: 1,
    max: 8,
    step: 1,
    value: 3,
  });
  const from = make(
    'select',
    {'aria-label': 'Start from', title: 'Puts other points in the place of the drawing, to go on from.'},
    make('option', {value: '', disabled: true, selected: true, hidden: true}, 'Choose…'),
    make('option', {value: 'blank'}, 'An empty plane'),
    ...(shown ? [make('option', {value: 'shown'}, 'The data on show')] : []),
    ...SOURCES.map(({name, title}) => make('option', {value: name}, title)),
  );
  const [undo, redo, clear] = [
    button('Undo', {title: 'Takes the last step back (Ctrl+Z).'}),
    button('Redo', {title: 'Does again what was taken back (Ctrl+Shift+Z).'}),
    button('Clear', {title: 'Takes all points away.'}),
  ];
  const save = button('Save', {class: 'quiet', title: 'Saves the points as a CSV file.'});
  const [cancel, use] = [
    button('Cancel', {title: 'Closes this dialog; the drawing is kept for the next time.'}),
    button('Use this data', {
      class: 'primary',
      title: 'Trains a network here on these points.',
      'aria-describedby': 'editor-state',
    }),
  ];
  const dialog = make(
    'dialog',
    {class: 'editor', tabindex: -1, 'aria-labelledby': 'editor-heading'},
    make(
      'header',
      {},
      make('h2', {id: 'editor-heading'}, 'Your own data'),
      make('p', {}, 'Draw it, or drop a spreadsheet here. It never leaves this browser.'),
    ),
    make(
      'div',
      {class: 'body'},
      make('div', {class: 'sheet'}, canvas, place, make('p', {class: 'help', id: 'editor-help'}, HELP)),
      make(
        'div',
        {class: 'side'},
        brushes,
        make('div', {class: 'steps'}, undo, redo, clear, save),
        make(
          'div',
          {class: 'sliders'},
          make('label', {class: 'field'}, 'Brush size', size),
          make('label', {class: 'field'}, 'Density', density),
        ),
        make('label', {class: 'field'}, 'Start from', from),
        panel.rows,
        panel.result,
      ),
    ),
    make('footer', {}, state, cancel, use),
  );
  return {dialog, canvas, place, state, brushes, size, density, from, undo, redo, clear, save, cancel, use};
}

/** @param {string} value @param {Own | null} start @returns {Drawing} */
function begun(value, start) {
  if (value === 'blank') return BLANK;
  if (value === 'shown' && start) return drawingOf({...start, name: ''});
  const made = drawn({name: value, points: START_POINTS});
  return drawingOf({...made, points: roundedTo(made.points, 5), name: ''});
}

/** A radio button a class with its mark and how many points it has, and one for the eraser. @param {HTMLElement} root @param {Drawing} drawing @param {number} tool */
function drawBrushes(root, {points, classes}, tool) {
  const key = JSON.stringify([classes, currentTheme().dark]);
  if (root.dataset.key !== key) {
    root.dataset.key = key;
    root.querySelectorAll('label').forEach((label) => label.remove());
    root.append(...classes.map((name, k) => brush(k, name)), brush(-1, 'Eraser'));
  }
  const counts = countsOf(
    points.map(({k}) => k),
    classes.length,
  );
  for (const input of root.querySelectorAll('input')) {
    const k = Number(input.value);
    input.checked = k === tool;
    if (k < 0) continue;
    input.setAttribute('aria-label', `${classes[k]}: ${counts[k]} ${counts[k] === 1 ? 'point' : 'points'}`);
    say(/** @type {Element} */ (input.parentElement?.querySelector('output')), String(counts[k]));
  }
}

/** @param {number} k @param {string} name */
function brush(k, name) {
  const mark =
    k < 0
      ? makeSvg('path', {
          d: 'M-5 3 1-3 5 1 0 6H-2ZM-2 0 2 4',
          fill: 'none',
          stroke: 'currentColor',
          'stroke-width': 1.4,
          'stroke-linejoin': 'round',
        })
      : makeSvg('path', {d: glyph(k, 5), fill: css(pointColour(k, currentTheme().dark))});
  return make(
    'label',
    {class: 'brush', title: k < 0 ? 'Takes away the points that it passes.' : `Draws points of ${name}.`},
    make('input', {type: 'radio', name: 'editor-tool', value: k, 'aria-label': name}),
    make(
      'span',
      {},
      makeSvg('svg', {viewBox: '-8 -8 16 16', 'aria-hidden': 'true'}, mark),
      make('b', {}, name),
      ...(k < 0 ? [] : [make('output', {'aria-hidden': 'true'})]),
    ),
  );
}

/** @param {number} count */
function summary(count) {
  if (count >= MAX_POINTS) return `${count.toLocaleString('en')} points: as many as can be trained on.`;
  return `${count} points${count > MAX_LINKED ? `; a link can carry ${MAX_LINKED}.` : '.'}`;
}

/** @param {HTMLElement} root @param {(data: DataTransfer) => void} onData */
function onDrop(root, onData) {
  root.addEventListener('dragover', (event) => {
    event.preventDefault();
    root.dataset.over = 'true';
  });
  for (const name of ['dragleave', 'drop']) root.addEventListener(name, () => delete root.dataset.over);
  root.addEventListener('drop', (event) => {
    event.preventDefault();
    if (event.dataTransfer) onData(event.dataTransfer);
  });
}

/** @param {Own} own */
function saveCsv(own) {
  const link = make('a', {
    href: URL.createObjectURL(new Blob([writeTable(own)], {type: 'text/csv'})),
    download: `${own.name}.csv`,
  });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** As many digits as the view can show apart. @param {number} value @param {[number, number]} extent */
function short(value, [low, high]) {
  const digits = Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(high - low))));
  return value
    .toFixed(digits)
    .replace(/^-(0\.?0*)$/, '$1')
    .replace('-', '−');
}
