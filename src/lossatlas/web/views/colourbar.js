/**
 * This view draws the colour bar of the loss once for each range, with a mark at the present loss that moves with every
 * frame.
 */
/** @import {LossRange} from '../figures/range.js' */
import {make, setText} from '../lib/dom.js';
import {writeGradient} from '../figures/colours.js';
import {chooseNamedTicks, computeShare} from '../figures/range.js';
import {tickLabel} from '../lib/numbers.js';
import {textScale} from '../lib/sizes.js';

/** The width of a letter, and the least distance between two labels, in pixels for text of the usual size. */
const LETTER = 6.5;
const APART = 6;

/** @param {HTMLElement} root */
export function createColourbar(root) {
  const ramp = make('div', {class: 'ramp'});
  const now = make('div', {class: 'now'});
  const ticks = make('div', {class: 'ticks'});
  const scale = make('div', {class: 'scale'}, ramp, ticks, now);
  const name = make('div', {class: 'title'});
  root.append(name, scale);
  let drawn = '';

  return {
    /** @param {LossRange} range @param {string} title @param {string} key */
    draw(range, title, key) {
      if (key === drawn) return;
      drawn = key;
      setText(name, title);
      ramp.style.background = writeGradient(range.kind, 'to right');
      ticks.replaceChildren(
        ...withoutOverlap(range, scale.clientWidth).map(({text, share}) => {
          const label = make('span', {}, text);
          label.style.left = `${100 * share}%`;
          return label;
        }),
      );
    },
    /** @param {LossRange} range @param {number} loss */
    mark(range, loss) {
      now.style.left = `${100 * Math.min(1, Math.max(0, computeShare(range, loss)))}%`;
    },
  };
}

/**
 * Select the ticks whose labels do not touch another.
 * @param {LossRange} range @param {number} room the length of the bar in pixels; 0: it is not visible
 */
function withoutOverlap(range, room) {
  const unit = textScale();
  let end = -Infinity;
  return chooseNamedTicks(range)
    .map((tick) => ({text: tickLabel(tick), share: computeShare(range, tick)}))
    .filter(({text, share}) => {
      const half = (text.length * LETTER * unit) / 2;
      if (room && share * room - half < end + APART * unit) return false;
      end = share * room + half;
      return true;
    });
}
