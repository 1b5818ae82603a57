/** What the marks of the boundary plot mean. */
/** @import {Run} from '../model/run.js' */
import {make, makeSvg} from '../lib/dom.js';
import {css, pointColour} from '../figures/colours.js';
import {glyph} from '../figures/glyphs.js';

/** More classes than this share the room: long names are cut. */
const MANY = 4;

/** @param {HTMLElement} list @param {Run} run @param {boolean} dark */
export function drawLegend(list, run, dark) {
  const labels = run.get('labels');
  const there = new Set(labels?.data ?? run.classes.keys()); // a class that no point has needs no mark
  const classes = run.classes.flatMap((name, k) =>
    there.has(k)
      ? [
          entry(
            name,
            mark(glyph(k, 4), {fill: css(pointColour(k, dark))}),
            `The points of class ${name} have this shape and colour, and where it is predicted the ground has the colour.`,
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
    entry('train', train, 'The points that the network is trained on are filled.'),
    entry('test', test, 'The points that the network has never seen are hollow.'),
    entry('misclassified', wrong, 'A ring is around each point whose class is predicted wrong.'),
  );
}

/** @param {string} text @param {SVGElement} picture @param {string} title */
function entry(text, picture, title) {
  return make('li', {title}, picture, make('span', {}, text));
}

/** @param {string} path @param {Record<string, string | number>} attributes */
function mark(path, attributes) {
  return makeSvg('svg', {viewBox: '-8 -8 16 16', 'aria-hidden': 'true'}, makeSvg('path', {d: path, ...attributes}));
}
