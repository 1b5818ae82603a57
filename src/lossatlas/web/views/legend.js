/** This view explains the marks of the boundary plot. */
/** @import {Run} from '../model/run.js' */
import {make, makeSvg} from '../lib/dom.js';
import {chooseClassColour, writeCss, choosePointColour} from '../figures/colours.js';
import {listClasses} from '../figures/boundary.js';
import {glyph, SWATCH} from '../figures/glyphs.js';

/** If there are more classes than this with names of more letters, names are shortened, so that all have room. */
const MANY = 4;
const LETTERS = 24;

/** @param {HTMLElement} list @param {Run} run @param {boolean} dark */
export function drawLegend(list, run, dark) {
  const {occurring, pointed} = listClasses(run);
  const classes = occurring.map((k) => createClassEntry(run.classes[k], k, pointed.has(k), dark));
  const grey = {stroke: 'currentColor', 'stroke-width': 1.5};
  const train = mark(glyph(0, 4), {...grey, fill: 'currentColor'});
  const test = mark(glyph(0, 3.6), {...grey, fill: 'none'});
  const wrong = mark(`${glyph(0, 6)}${glyph(0, 2.5)}`, {...grey, fill: 'none'});
  const many = classes.length > MANY && run.classes.join('').length > LETTERS;
  const hasTest = run.get('split')?.data.includes(1) ?? true;
  list.toggleAttribute('data-many', many);
  list.replaceChildren(
    ...classes,
    createEntry('train', train, 'The points that the network is trained on are filled.'),
    ...(hasTest ? [createEntry('test', test, 'The points that the network has never seen are hollow.')] : []),
    createEntry('misclassified', wrong, 'A ring marks each point whose class is predicted wrongly.'),
  );
}

/**
 * @param {string} name @param {number} k @param {boolean} hasPoints does the plot have points of this class, or only
 *   regions? @param {boolean} dark
 */
function createClassEntry(name, k, hasPoints, dark) {
  return hasPoints
    ? createEntry(
        name,
        mark(glyph(k, 4), {fill: writeCss(choosePointColour(k, dark))}),
        `The points of class ${name} have this shape and colour; regions where the class is predicted have the same ` +
          'colour.',
      )
    : createEntry(
        name,
        mark(SWATCH, {fill: writeCss(chooseClassColour(k)), 'fill-opacity': 0.6, stroke: 'currentColor'}),
        `Regions where class ${name} is predicted have this colour; the plot has no point of this class.`,
      );
}

/** @param {string} text @param {SVGElement} picture @param {string} title */
function createEntry(text, picture, title) {
  return make('li', {title}, picture, make('span', {}, text));
}

/** @param {string} path @param {Record<string, string | number>} attributes */
function mark(path, attributes) {
  return makeSvg('svg', {viewBox: '-8 -8 16 16', 'aria-hidden': 'true'}, makeSvg('path', {d: path, ...attributes}));
}
