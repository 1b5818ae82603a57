/** This view explains the marks of the boundary plot. */
/** @import {Run} from '../model/run.js' */
import {make, makeSvg} from '../lib/dom.js';
import {css, pointColour} from '../figures/colours.js';
import {glyph} from '../figures/glyphs.js';

/** If there are more classes than this, long names are shortened, so that all have room. */
const MANY = 4;

/** @param {HTMLElement} list @param {Run} run @param {boolean} dark */
export function drawLegend(list, run, dark) {
  const labels = run.get('labels');
  const there = new Set(labels?.data ?? run.classes.keys()); // A class without points needs no mark.
  const classes = run.classes.flatMap((name, k) =>
    there.has(k)
      ? [
          createEntry(
            name,
            mark(glyph(k, 4), {fill: css(pointColour(k, dark))}),
            `The points of class ${name} have this shape and colour; regions where the class is predicted have ` +
              'the same colour.',
          ),
        ]
      : [],
  );
  const grey = {stroke: 'currentColor', 'stroke-width': 1.5};
  const train = mark(glyph(0, 4), {...grey, fill: 'currentColor'});
  const test = mark(glyph(0, 3.6), {...grey, fill: 'none'});
  const wrong = mark(`${glyph(0, 6)}${glyph(0, 2.5)}`, {...grey, fill: 'none'});
  list.toggleAttribute('data-many', classes.length > MANY);
  list.replaceChildren(
    ...classes,
    createEntry('train', train, 'The points that the network is trained on are filled.'),
    createEntry('test', test, 'The points that the network has never seen are hollow.'),
    createEntry('misclassified', wrong, 'A ring marks each point whose class is predicted wrongly.'),
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
