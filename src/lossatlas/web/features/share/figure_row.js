/** This module creates the row of the dialog for figures: one plot alone, sized and styled for a paper or a slide. */
/** @import {Shot} from '../../model/types.js' */
/** @import {Exports, Figure} from './exports.js' */
/** @import {Task} from './task.js' */
import {make, setText} from '../../lib/dom.js';
import {createNumberField} from '../../lib/number_field.js';
import {MILLIMETRES, PIXELS, listPlots} from './figures.js';
import {writeFileName} from './link.js';
import {createButton, createRow} from './row.js';
import {saveFile} from './save.js';

const FORMATS = /** @type {const} */ (['PNG', 'SVG', 'PDF']);
/** The widths that can be asked for, in millimetres, and the one to begin with: a column of a journal. */
const WIDTHS = {least: 50, most: 500, usual: 85};
const DENSITIES = {least: 50, most: 1200, usual: 300};
/** Browsers refuse larger canvases, or leave them empty. */
const MOST_PIXELS = 10_000;

/**
 * @param {Exports} exports @param {Task} task
 * @param {{show: (figure: Figure) => void}} preview shows what would be saved
 */
export function createFigureRow(exports, task, preview) {
  const plot = make('select', {'aria-label': 'Plot of the figure', title: 'The plot that is saved, alone.'});
  const format = make(
    'select',
    {'aria-label': 'Format of the figure', title: 'PNG: pixels. SVG and PDF: lines and text, sharp at any size.'},
    ...FORMATS.map((name) => make('option', {}, name)),
  );
  const look = createLook(format);
  const read = () => {
    const name = /** @type {Figure['plot']} */ (plot.value);
    const figure = look.read();
    return figure && {...figure, plot: name, format: /** @type {Figure['format']} */ (format.value)};
  };
  const title = 'Saves this plot as a file.';
  const save = createButton('', {class: 'save', title}, () =>
    task.runWork(async (shot) => {
      const figure = read();
      if (!figure) return look.report();
      task.showMessage('One moment…');
      const name = writeFileName(shot, `-${figure.plot}.${figure.format.toLowerCase()}`);
      saveFile(await exports.figure(shot, figure), name, task.showMessage);
    }),
  );
  const element = createRow('Figure', ['One plot alone, for a paper or a slide.'], plot, format, save, look.element);
  element.classList.add('figure');
  const update = () => {
    look.draw();
    setText(save, `Save ${format.value}`);
    save.setAttribute('aria-label', `Save figure (${format.value})`);
    const figure = read();
    if (figure) preview.show(figure);
  };
  element.addEventListener('change', update);
  element.addEventListener('focusin', ({relatedTarget}) => {
    if (!element.contains(/** @type {Node | null} */ (relatedTarget))) update();
  });
  let offered = '';

  return {
    element,
    /** Offer the plots of a shot, with the one that is seen first. @param {Shot} shot */
    show(shot) {
      const plots = listPlots(shot);
      const names = plots.map(({name}) => name).join(' ');
      if (names !== offered) plot.replaceChildren(...plots.map(({name, text}) => make('option', {value: name}, text)));
      offered = names;
      plot.value = shot.view;
      look.draw();
      setText(save, `Save ${format.value}`);
      save.setAttribute('aria-label', `Save figure (${format.value})`);
    },
  };
}

/** Create the choice of size and colours, below a line that says what is chosen. @param {HTMLSelectElement} format */
function createLook(format) {
  const width = createNumberField(
    make('input', {'aria-label': 'Width of the figure', title: 'The width of the figure on paper, or of its file.'}),
    {
      least: 1,
      most: MOST_PIXELS,
      step: 5,
    },
  );
  const unit = make(
    'select',
    {'aria-label': 'Unit of the width', title: 'Millimetres on paper, or pixels of the file.'},
    ...['mm', 'px'].map((name) => make('option', {}, name)),
  );
  const dpi = createNumberField(
    make('input', {
      'aria-label': 'Density of the figure (dpi)',
      title: 'Pixels per inch of a PNG: 300 for print, 600 for fine lines.',
    }),
    {
      ...DENSITIES,
      whole: true,
      step: 50,
    },
  );
  width.write(WIDTHS.usual);
  dpi.write(DENSITIES.usual);
  const colours = createChoice('Colours of the figure', 'Light or dark, whatever the page is.', ['Light', 'Dark']);
  const background = createChoice('Background of the figure', 'Transparent: what is behind the figure shows.', [
    'Filled',
    'Transparent',
  ]);
  const density = make('label', {}, 'at ', dpi.input, ' dpi');
  const summary = make('summary', {title: 'Shows or hides the choice of size, density and colours.'});
  /** An inch of a drawing has 96 pixels, as in CSS. */
  const densityOf = () => (format.value === 'PNG' ? (dpi.read() ?? NaN) : PIXELS);
  const millimetres = () =>
    unit.value === 'mm' ? (width.read() ?? NaN) : ((width.read() ?? NaN) / densityOf()) * MILLIMETRES;
  /** Say what is wrong with the size; empty if nothing is. */
  const fault = () => {
    const wide = millimetres();
    if (Number.isNaN(wide) || Number.isNaN(densityOf())) return 'Give the width and the density as numbers.';
    if (wide < WIDTHS.least || wide > WIDTHS.most)
      return `A figure is ${WIDTHS.least} to ${WIDTHS.most} mm wide, and this one would be ${Math.round(wide)} mm.`;
    const pixels = Math.round((wide / MILLIMETRES) * densityOf());
    return format.value === 'PNG' && pixels > MOST_PIXELS
      ? `${pixels} pixels are more than the ${MOST_PIXELS} that a browser can draw: take a lower density.`
      : '';
  };
  unit.addEventListener('change', () => {
    // The figure stays as large as it was.
    const pixels = ((width.read() ?? NaN) / MILLIMETRES) * densityOf();
    const other = unit.value === 'px' ? pixels : ((width.read() ?? NaN) / densityOf()) * MILLIMETRES;
    if (Number.isFinite(other)) width.write(Math.round(other));
  });

  return {
    element: make(
      'details',
      {},
      summary,
      make('div', {class: 'look'}, make('label', {}, 'Width ', width.input), unit, density),
      make('div', {class: 'look'}, make('label', {}, 'Colours ', colours), background),
    ),
    /** Read the choice; null if there is a fault. @returns {Omit<Figure, 'plot' | 'format'> | null} */
    read: () =>
      fault()
        ? null
        : {
            millimetres: millimetres(),
            dpi: densityOf(),
            dark: colours.selectedIndex === 1,
            isTransparent: background.selectedIndex === 1,
          },
    draw() {
      density.hidden = format.value !== 'PNG';
      width.input.setCustomValidity(fault());
      const paper = background.selectedIndex === 1 ? 'transparent' : colours.selectedIndex === 1 ? 'dark' : 'white';
      const dots = format.value === 'PNG' ? ` · ${dpi.input.value} dpi` : '';
      setText(summary, `${width.input.value} ${unit.value}${dots} · ${colours.value.toLowerCase()} · ${paper}`);
    },
    /** Say what is wrong. */
    report() {
      /** @type {HTMLDetailsElement} */ (summary.parentElement).open = true;
      width.input.reportValidity();
    },
  };
}

/** @param {string} label @param {string} title @param {string[]} options */
const createChoice = (label, title, options) =>
  make('select', {'aria-label': label, title}, ...options.map((text) => make('option', {}, text)));
