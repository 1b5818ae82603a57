/**
 * This view moves a place in the right plot with the arrow keys, and says what is there, as a pointer does when it
 * moves over the plot.
 */
/** @import {Box} from './regions.js' */
import {make, setText} from '../lib/dom.js';

/** @type {Record<string, [number, number]>} */
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};
/** The length of a step as a share of the plot, and that with Shift. */
const [STEP, SMALL_STEP] = [1 / 20, 1 / 100];

/** @typedef {{x: number, y: number}} Place shares of the plot, from its lower left corner */

/**
 * @param {HTMLElement} root the plot
 * @param {object} options
 * @param {() => Box} options.boxOf
 * @param {(place: Place | null, at?: {x: number, y: number}) => string} options.onPlace shows a place, which is `at`
 *   these pixels of the plot, and returns what is said about it; null: nowhere
 */
export function createPlaceKeys(root, {boxOf, onPlace}) {
  const mark = make('span', {class: 'place-mark', 'aria-hidden': 'true'});
  const news = make('p', {class: 'hidden', 'aria-live': 'polite', id: 'place-told'});
  const field = make(
    'div',
    {
      class: 'place-keys',
      id: 'place-keys',
      tabindex: '0',
      role: 'application',
      'aria-label': 'A place in the plane, which the arrow keys move',
      hidden: true,
    },
    mark,
  );
  root.after(field, news);
  let place = {x: 0.5, y: 0.5};

  const show = () => {
    const {margin, width, height} = boxOf();
    const at = {x: margin.l + place.x * width, y: margin.t + (1 - place.y) * height};
    Object.assign(mark.style, {left: `${at.x}px`, top: `${at.y}px`});
    setText(news, onPlace(place, at));
  };
  field.addEventListener('focus', show);
  field.addEventListener('blur', () => onPlace(null));
  field.addEventListener('keydown', (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault(); // The transport would take the arrows too.
    const step = event.shiftKey ? SMALL_STEP : STEP;
    const [x, y] = [place.x + step * arrow[0], place.y + step * arrow[1]].map((at) => Math.min(1, Math.max(0, at)));
    place = {x, y};
    show();
  });

  return {
    /** Can a place be moved in the plot that is shown? @param {boolean} can */
    allow(can) {
      field.hidden = !can;
    },
    /** The picture has changed: say what is at the place now. */
    redraw() {
      if (document.activeElement === field) show();
    },
  };
}
