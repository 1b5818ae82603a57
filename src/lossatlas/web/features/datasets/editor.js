/** “Your own data”: a dialog to draw points, or to read them from a spreadsheet. */
/** @import {Drawing, Place} from './drawing.js' */
/** @import {Own} from '../../compute/datasets/own.js' */
/** @import {Table} from './tables/read.js' */
import {make, say} from '../../lib/dom.js';
import {blank, createHistory, drawingOf, erased, nearest, ownOf, pointAt, sprayed} from './drawing.js';
import {draw as drawn} from '../../compute/datasets/generate.js';
import {MAX_LINKED, missing, roundedTo} from '../../compute/datasets/own.js';
import {constants} from '../../model/constants.js';
import {createParts, drawBrushes} from './editor_parts.js';
import {Sketch} from './sketch.js';
import {createTablePanel} from './tables/panel.js';
import {writeTable} from './tables/write.js';

/** Points to start from, of an invented dataset: few enough for a link. */
const START_POINTS = 200;
/** A thumb's or a crosshair's reach, as a share of the view. */
const REACH = 0.025;
/** The tool that erases; the others are classes. */
const ERASER = -1;

/** @type {Drawing | null} what was being drawn when the dialog was last dismissed: Escape must not cost an hour's work */
let draft = null;

/** @typedef {{start?: Own | null, onUse: (own: Own) => void}} EditorOptions `start`: the data on show, to start from */

/** Open the dialog. @param {EditorOptions} options */
export function openEditor(options) {
  if (document.querySelector('dialog.editor')) return;
  new Editor(options).open();
}

class Editor {
  #start;
  #onUse;
  #panel;
  #parts;
  #history;
  #sketch;
  /** A class, or the eraser. */
  #tool = 0;
  /** Has this stroke changed anything yet? */
  #hasStroked = false;
  /** Is the last step a table? */
  #isTable = false;
  /** Why what is shown is not what was asked for: a table that could not be read; else empty. */
  #fault = '';
  #scheme = matchMedia('(prefers-color-scheme: dark)');
  #show = () => this.#draw();

  /** @param {EditorOptions} options */
  constructor({start = null, onUse}) {
    this.#start = start;
    this.#onUse = onUse;
    this.#panel = createTablePanel((table, name, goesOn) => this.#take(table, name, goesOn));
    this.#parts = createParts(start !== null, [this.#panel.rows, this.#panel.result]);
    this.#history = createHistory(draft ?? (start ? drawingOf({...start, name: ''}) : blank()), () => {
      this.#fault = '';
      this.#isTable = false;
      this.#draw();
    });
    this.#sketch = new Sketch(this.#parts.canvas, {
      onDab: (place, goesOn) => this.#dab(place, goesOn),
      onPut: (place) => this.#put(place),
      onErase: (place) => this.#erase(place),
      onMove: (place) => this.#describePlace(place),
      radius: () => (this.#tool === ERASER ? this.#reach() : this.#radius()),
    });
    this.#wireTools();
    this.#wireButtons();
    this.#wireDialog();
  }

  open() {
    const {dialog, canvas} = this.#parts;
    this.#scheme.addEventListener('change', this.#show);
    document.body.append(dialog);
    dialog.showModal();
    canvas.focus({preventScroll: true});
    this.#draw();
  }

  /** @param {string} how the dialog ends */
  #end(how) {
    const {dialog} = this.#parts;
    if (!dialog.isConnected) return;
    dialog.close(how); // gives the focus back; its event comes later
    this.#scheme.removeEventListener('change', this.#show);
    draft = how === 'use' || this.#history.now.points.length === 0 ? null : this.#history.now;
    dialog.remove();
  }

  /** Take a table that was read, or say why not. @param {Table} table @param {string} name @param {boolean} goesOn */
  #take({data, doubt}, name, goesOn) {
    if (data) this.#history.set(drawingOf({...data, name}), {same: goesOn && this.#isTable});
    this.#isTable = data !== null;
    this.#fault = data ? '' : faultOf(doubt);
    if (data) this.#parts.from.value = '';
    this.#draw();
  }

  #radius() {
    return Number(this.#parts.size.value) / 100;
  }

  #reach() {
    return Math.max(REACH, this.#radius());
  }

  /** @param {Place} place @param {boolean} goesOn by the stroke of the dab before */
  #dab(place, goesOn) {
    const {now} = this.#history;
    const density = Number(this.#parts.density.value);
    const next =
      this.#tool === ERASER
        ? erased(now, place, this.#reach())
        : sprayed(now, place, this.#tool, {radius: this.#radius(), density});
    const same = goesOn && this.#hasStroked;
    this.#hasStroked = this.#history.set(next, {same}) || same;
  }

  /** A single point. @param {Place} place */
  #put(place) {
    if (this.#tool === ERASER) return this.#erase(place);
    this.#history.set(sprayed(this.#history.now, place, this.#tool, {radius: 0, density: 1}));
    this.#describePlace(place);
  }

  /** @param {Place} place */
  #erase(place) {
    this.#history.set(erased(this.#history.now, place, REACH));
    this.#describePlace(place);
  }

  /** Say where the crosshair is. @param {Place} place */
  #describePlace(place) {
    const {view, features, classes} = this.#history.now;
    const {x, y} = pointAt(view, place);
    const near = nearest(this.#history.now, place, REACH);
    const point = near ? `: a point of ${classes[near.k]}` : '';
    say(this.#parts.place, `${features[0]} ${short(x, view.x)}, ${features[1]} ${short(y, view.y)}${point}`);
  }

  /** @param {number} tool */
  #choose(tool) {
    if (tool >= this.#history.now.classes.length) return;
    this.#tool = tool;
    this.#draw();
  }

  #draw() {
    const {brushes, undo, redo, clear, save, use, state, canvas} = this.#parts;
    const {points, classes} = this.#history.now;
    if (this.#tool >= classes.length) this.#tool = 0;
    drawBrushes(brushes, this.#history.now, this.#tool);
    undo.disabled = !this.#history.canUndo;
    redo.disabled = !this.#history.canRedo;
    clear.disabled = save.disabled = points.length === 0;
    const lacks = missing({labels: Uint8Array.from(points, ({k}) => k), classes});
    use.disabled = this.#fault !== '' || lacks !== '';
    say(state, this.#fault || lacks || summary(points.length));
    this.#sketch.draw(this.#history.now);
    // A button that is disabled loses the focus to the page, whose keys mean other things.
    if (document.activeElement instanceof HTMLButtonElement && document.activeElement.disabled)
      canvas.focus({preventScroll: true});
  }

  #wireTools() {
    const {brushes, size, density, from} = this.#parts;
    brushes.addEventListener('change', (event) =>
      this.#choose(Number(/** @type {HTMLInputElement} */ (event.target).value)),
    );
    size.addEventListener('input', () => {
      density.disabled = this.#radius() === 0;
      this.#sketch.request();
    });
    from.addEventListener('change', () => {
      this.#history.set(begun(from.value, this.#start));
      this.#panel.close();
    });
  }

  #wireButtons() {
    const {undo, redo, clear, save, cancel, use} = this.#parts;
    const history = this.#history;
    undo.addEventListener('click', history.undo);
    redo.addEventListener('click', history.redo);
    clear.addEventListener('click', () => history.set({...history.now, points: []}));
    save.addEventListener('click', () => saveCsv(ownOf(history.now)));
    cancel.addEventListener('click', () => this.#end(''));
    use.addEventListener('click', () => {
      this.#end('use');
      this.#onUse(ownOf(history.now));
    });
  }

  #wireDialog() {
    const {dialog} = this.#parts;
    dialog.addEventListener('keydown', (event) => this.#press(event));
    dialog.addEventListener('paste', (event) => {
      const text = event.clipboardData?.getData('text/plain');
      if (event.target === this.#panel.text || !text) return;
      event.preventDefault();
      this.#panel.openText(text);
    });
    onDrop(dialog, (data) =>
      data.files.length > 0
        ? void this.#panel.openFile(data.files[0])
        : this.#panel.openText(data.getData('text/plain')),
    );
    dialog.addEventListener('close', () => this.#end('')); // by Escape
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    event.stopPropagation(); // the page's own keys move through the epochs
    const key = event.key.toLowerCase();
    if (event.target === this.#panel.text) return;
    if ((event.ctrlKey || event.metaKey) && (key === 'z' || key === 'y')) {
      event.preventDefault();
      if (key === 'y' || event.shiftKey) this.#history.redo();
      else this.#history.undo();
    } else if (event.target === this.#parts.canvas && /^[1-9]$/.test(key)) this.#choose(Number(key) - 1);
  }
}

/** Why a table was not taken. @param {Table['doubt']} doubt */
function faultOf(doubt) {
  return doubt
    ? 'Answer the question about the numbers first.'
    : 'The table could not be read, and the points shown are not those of it. Draw, or start from something, to go on with them.';
}

/** @param {string} value @param {Own | null} start @returns {Drawing} */
function begun(value, start) {
  if (value === 'blank') return blank();
  if (value === 'shown' && start) return drawingOf({...start, name: ''});
  const made = drawn({name: value, points: START_POINTS});
  return drawingOf({...made, points: roundedTo(made.points, 5), name: ''});
}

/** @param {number} count */
function summary(count) {
  if (count >= constants().own_data.points)
    return `${count.toLocaleString('en')} points: as many as can be trained on.`;
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
