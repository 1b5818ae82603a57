/** This module is the dialog “Your own data”: a person draws points, or reads them from a table. */
/** @import {Drawing, Place} from './drawing.js' */
/** @import {Own} from '../../compute/datasets/own.js' */
/** @import {Table} from './tables/read.js' */
import {make, setText} from '../../lib/dom.js';
import {blank, createHistory, createDrawing, erase, findNearest, toOwn, pointAt, spray} from './drawing.js';
import {draw as drawn} from '../../compute/datasets/generate.js';
import {MAX_LINKED, describeMissing, roundPoints} from '../../compute/datasets/own.js';
import {constants} from '../../model/constants.js';
import {createParts, drawBrushes} from './editor_parts.js';
import {Sketch} from './sketch.js';
import {createTablePanel} from './tables/panel.js';
import {writeTable} from './tables/write.js';
import {coordinateText, countText} from '../../lib/numbers.js';

/** A synthetic dataset to start from has this number of points: a link can hold them. */
const START_POINTS = 200;
/** The crosshair and the eraser reach points within this distance at least, as a share of the view. */
const REACH = 0.025;
/** The tool that erases; the other tools are classes. */
const ERASER = -1;

/**
 * The drawing that was unfinished when the dialog was last dismissed. It is kept, so that Escape does not destroy it.
 * @type {Drawing | null}
 */
let draft = null;

/**
 * @typedef {{start?: Own | null, onUse: (own: Own) => void}} EditorOptions `start`: the data that the page shows, to
 *   start from
 */

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
  /** The chosen tool: a class, or the eraser. */
  #tool = 0;
  /** Has this stroke already changed something? */
  #hasStroked = false;
  /** Is the last step a table? */
  #isTable = false;
  /** The reason why the requested table could not be read; empty if it could. */
  #fault = '';
  #scheme = matchMedia('(prefers-color-scheme: dark)');
  #show = () => this.#draw();

  /** @param {EditorOptions} options */
  constructor({start = null, onUse}) {
    this.#start = start;
    this.#onUse = onUse;
    this.#panel = createTablePanel((table, name, goesOn) => this.#take(table, name, goesOn));
    this.#parts = createParts(start !== null, [this.#panel.rows, this.#panel.result]);
    this.#history = createHistory(draft ?? (start ? createDrawing({...start, name: ''}) : blank()), () => {
      this.#fault = '';
      this.#isTable = false;
      this.#draw();
    });
    this.#sketch = new Sketch(this.#parts.canvas, {
      onApply: (place, goesOn) => this.#applyTool(place, goesOn),
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
    dialog.close(how); // It returns the focus; its event comes later.
    this.#scheme.removeEventListener('change', this.#show);
    draft = how === 'use' || this.#history.now.points.length === 0 ? null : this.#history.now;
    dialog.remove();
  }

  /**
   * Take a table that was read, or say why it cannot be used.
   * @param {Table} table @param {string} name @param {boolean} goesOn
   */
  #take({data, doubt}, name, goesOn) {
    if (data) this.#history.set(createDrawing({...data, name}), {same: goesOn && this.#isTable});
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

  /** @param {Place} place @param {boolean} goesOn does it belong to the same stroke as the previous dab? */
  #applyTool(place, goesOn) {
    const {now} = this.#history;
    const density = Number(this.#parts.density.value);
    const next =
      this.#tool === ERASER
        ? erase(now, place, this.#reach())
        : spray(now, place, this.#tool, {radius: this.#radius(), density});
    const same = goesOn && this.#hasStroked;
    this.#hasStroked = this.#history.set(next, {same}) || same;
  }

  /** Add a single point, or erase if the tool is the eraser. @param {Place} place */
  #put(place) {
    if (this.#tool === ERASER) return this.#erase(place);
    this.#history.set(spray(this.#history.now, place, this.#tool, {radius: 0, density: 1}));
    this.#describePlace(place);
  }

  /** @param {Place} place */
  #erase(place) {
    this.#history.set(erase(this.#history.now, place, REACH));
    this.#describePlace(place);
  }

  /** Say where the crosshair is. @param {Place} place */
  #describePlace(place) {
    const {view, features, classes} = this.#history.now;
    const {x, y} = pointAt(view, place);
    const near = findNearest(this.#history.now, place, REACH);
    const point = near ? `: a point of ${classes[near.k]}` : '';
    setText(
      this.#parts.place,
      `${features[0]} ${coordinateText(x, view.x)}, ${features[1]} ${coordinateText(y, view.y)}${point}`,
    );
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
    const lacks = describeMissing({labels: Uint8Array.from(points, ({k}) => k), classes});
    use.disabled = this.#fault !== '' || lacks !== '';
    setText(state, this.#fault || lacks || writeSummary(points.length));
    this.#sketch.draw(this.#history.now);
    // A disabled button loses the focus to the page, whose keys do other things.
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
      this.#history.set(createStart(from.value, this.#start));
      this.#panel.close();
    });
  }

  #wireButtons() {
    const {undo, redo, clear, save, cancel, use} = this.#parts;
    const history = this.#history;
    undo.addEventListener('click', history.undo);
    redo.addEventListener('click', history.redo);
    clear.addEventListener('click', () => history.set({...history.now, points: []}));
    save.addEventListener('click', () => saveCsv(toOwn(history.now)));
    cancel.addEventListener('click', () => this.#end(''));
    use.addEventListener('click', () => {
      this.#end('use');
      this.#onUse(toOwn(history.now));
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
    watchDrop(dialog, (data) =>
      data.files.length > 0
        ? void this.#panel.openFile(data.files[0])
        : this.#panel.openText(data.getData('text/plain')),
    );
    dialog.addEventListener('close', () => this.#end('')); // The key Escape closes the dialog.
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    event.stopPropagation(); // The page's own keys change the epoch.
    const key = event.key.toLowerCase();
    if (event.target === this.#panel.text) return;
    if ((event.ctrlKey || event.metaKey) && (key === 'z' || key === 'y')) {
      event.preventDefault();
      if (key === 'y' || event.shiftKey) this.#history.redo();
      else this.#history.undo();
    } else if (event.target === this.#parts.canvas && /^[1-9]$/.test(key)) this.#choose(Number(key) - 1);
  }
}

/** Say why a table cannot be used. @param {Table['doubt']} doubt */
function faultOf(doubt) {
  return doubt
    ? 'Answer the question about the numbers first.'
    : 'The table could not be read: the points shown are not from it. To use them, draw, or choose something to ' +
        'start from.';
}

/** @param {string} value @param {Own | null} start @returns {Drawing} */
function createStart(value, start) {
  if (value === 'blank') return blank();
  if (value === 'shown' && start) return createDrawing({...start, name: ''});
  const made = drawn({name: value, points: START_POINTS});
  return createDrawing({...made, points: roundPoints(made.points, 5), name: ''});
}

/** @param {number} count */
function writeSummary(count) {
  if (count >= constants().own_data.points) return `${countText(count)} points: no more can be trained on.`;
  return `${count} points${count > MAX_LINKED ? `; a link can carry ${MAX_LINKED}.` : '.'}`;
}

/** @param {HTMLElement} root @param {(data: DataTransfer) => void} onData */
function watchDrop(root, onData) {
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
