/** The colour bar of the loss: drawn once for a range, with a mark at the present loss that moves with every frame. */
/** @import {LossRange} from '../figures/landscape.js' */
import {make} from '../dom.js';
import {css, lossColour} from '../figures/colours.js';
import {namedTicks, shareOf} from '../figures/landscape.js';
import {tickLabel} from '../figures/ticks.js';

/** @param {HTMLElement} root */
export function createColourbar(root) {
  const stops = Array.from({length: 17}, (_, i) => css(lossColour(i / 16)));
  const ramp = make('div', {class: 'ramp'});
  ramp.style.background = `linear-gradient(to right, ${stops.join(', ')})`;
  const now = make('div', {class: 'now'});
  const ticks = make('div', {class: 'ticks'});
  root.append(make('div', {class: 'title'}, 'loss'), make('div', {class: 'scale'}, ramp, ticks, now));
  let drawn = '';

  return {
    /** @param {LossRange} range @param {string} key */
    draw(range, key) {
      if (key === drawn) return;
      drawn = key;
      ticks.replaceChildren(...namedTicks(range).map((tick) => {
        const label = make('span', {}, tickLabel(tick));
        label.style.left = `${100 * shareOf(range, tick)}%`;
        return label;
      }));
    },
    /** @param {LossRange} range @param {number} loss */
    mark(range, loss) {
      now.style.left = `${100 * Math.min(1, Math.max(0, shareOf(range, loss)))}%`;
    },
  };
}
