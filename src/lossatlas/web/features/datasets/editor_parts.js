/**
 * This module creates the parts of the editor's dialog: the canvas, the tools and the buttons. It does not know what
 * they do.
 */
/** @import {Drawing} from './drawing.js' */
import {make, makeSvg, setText} from '../../lib/dom.js';
import {writeCss, choosePointColour} from '../../figures/colours.js';
import {glyph} from '../../figures/glyphs.js';
import {readTheme} from '../../lib/theme.js';
import {joinKey} from '../../model/keys.js';
import {syntheticDatasets} from '../../compute/datasets/generate.js';
import {countClasses} from '../../compute/datasets/own.js';

const HELP =
  'Drag to draw. By keyboard: the arrow keys move the crosshair, with Shift in small steps; Space puts a point, ' +
  'Delete erases, a number chooses the class.';

/**
 * @param {boolean} shown does the page show a dataset to start from?
 * @param {HTMLElement[]} table the parts that read a table
 */
export function createParts(shown, table) {
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
  const {size, density} = createSliders();
  const from = createStarts(shown);
  const {undo, redo, clear, save, cancel, use} = createButtons();
  const sheet = make('div', {class: 'sheet'}, canvas, place, make('p', {class: 'help', id: 'editor-help'}, HELP));
  const tools = make(
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
    ...table,
  );
  const dialog = make(
    'dialog',
    {class: 'editor', tabindex: -1, 'aria-labelledby': 'editor-heading'},
    make(
      'header',
      {},
      make('h2', {id: 'editor-heading'}, 'Your own data'),
      make('p', {}, 'Draw it, or drop a spreadsheet here. It never leaves this browser.'),
    ),
    make('div', {class: 'body'}, sheet, tools),
    make('footer', {}, state, cancel, use),
  );
  return {dialog, canvas, place, state, brushes, size, density, from, undo, redo, clear, save, cancel, use};
}

function createSliders() {
  const size = make('input', {
    type: 'range',
    'aria-label': 'Brush size',
    title: 'The width of the brush; at zero it puts one point at a time.',
    min: 0,
    max: 20,
    step: 1,
    value: 6,
  });
  const density = make('input', {
    type: 'range',
    'aria-label': 'Density',
    title: 'The number of points that the brush leaves.',
    min: 1,
    max: 8,
    step: 1,
    value: 3,
  });
  return {size, density};
}

/** Create the choice of points to start from. @param {boolean} shown does the page show a dataset? */
function createStarts(shown) {
  return make(
    'select',
    {'aria-label': 'Start from', title: 'Replaces the drawing by other points, from which you can continue.'},
    make('option', {value: '', disabled: true, selected: true, hidden: true}, 'Choose…'),
    make('option', {value: 'blank'}, 'An empty plane'),
    ...(shown ? [make('option', {value: 'shown'}, 'The data shown')] : []),
    ...syntheticDatasets().map(({name, title}) => make('option', {value: name}, title)),
  );
}

function createButtons() {
  const button = (/** @type {string} */ text, /** @type {Record<string, string>} */ attributes) =>
    make('button', {type: 'button', ...attributes}, text);
  return {
    undo: button('Undo', {title: 'Undoes the last step (Ctrl+Z).'}),
    redo: button('Redo', {title: 'Redoes the step that was undone (Ctrl+Shift+Z).'}),
    clear: button('Clear', {title: 'Removes all points.'}),
    save: button('Save', {class: 'quiet', title: 'Saves the points as a CSV file.'}),
    cancel: button('Cancel', {title: 'Closes this dialog; the drawing is kept for the next time.'}),
    use: button('Use this data', {
      class: 'primary',
      title: 'Trains a network here on these points.',
      'aria-describedby': 'editor-state',
    }),
  };
}

/**
 * Draw a radio button for each class, with its mark and its number of points, and one for the eraser.
 * @param {HTMLElement} root @param {Drawing} drawing @param {number} tool
 */
export function drawBrushes(root, {points, classes}, tool) {
  const key = joinKey(classes, readTheme().dark);
  if (root.dataset.key !== key) {
    root.dataset.key = key;
    root.querySelectorAll('label').forEach((label) => label.remove());
    root.append(...classes.map((name, k) => brush(k, name)), brush(-1, 'Eraser'));
  }
  const counts = countClasses(
    points.map(({k}) => k),
    classes.length,
  );
  for (const input of root.querySelectorAll('input')) {
    const k = Number(input.value);
    input.checked = k === tool;
    if (k < 0) continue;
    input.setAttribute('aria-label', `${classes[k]}: ${counts[k]} ${counts[k] === 1 ? 'point' : 'points'}`);
    setText(/** @type {Element} */ (input.parentElement?.querySelector('output')), String(counts[k]));
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
      : makeSvg('path', {d: glyph(k, 5), fill: writeCss(choosePointColour(k, readTheme().dark))});
  return make(
    'label',
    {class: 'brush', title: k < 0 ? 'Removes the points that it passes.' : `Draws points of ${name}.`},
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
