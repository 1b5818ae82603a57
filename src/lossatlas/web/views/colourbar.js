/**
 * This view draws the colour bar of the loss once for each range, with a mark at the present loss that moves with every
 * frame.
 */
/** @import {LossRange} from '../figures/range.js' */
import {make, setText} from '../lib/dom.js';
import {gradient} from '../figures/colours.js';
import {namedTicks, shareOf} from '../figures/range.js';
import {tickLabel} from '../lib/numbers.js';

/** @param {HTMLElement} root */
export function createColourbar(root) {
  const ramp = make('div', {class: 'ramp'});
  const now = make('div', {class: 'now'});
  const ticks = make('div', {class: 'ticks'});
  const name = make('div', {class: 'title'});
  root.append(name, make('div', {class: 'scale'}, ramp, ticks, now));
  let drawn = '';

  return {
    /** @param {LossRange} range @param {string} title @param {string} key */
    draw(range, title, key) {
      if (key === drawn) return;
      drawn = key;
      setText(name, title);
      ramp.style.background = gradient(range.kind, 'to right');
      ticks.replaceChildren(
        ...namedTicks(range).map((tick) => {
          const label = make('span', {}, tickLabel(tick));
          label.style.left = `${100 * shareOf(range, tick)}%`;
          return label;
        }),
      );
    },
    /** @param {LossRange} range @param {number} loss */
    mark(range, loss) {
      now.style.left = `${100 * Math.min(1, Math.max(0, shareOf(range, loss)))}%`;
    },
  };
}
