/** This module creates the buttons of ready-made pairs. */
/** @import {Catalog, GalleryEntry, State} from '../../model/types.js' */
/** @import {Side} from './link.js' */
import {make} from '../../lib/dom.js';
import {joinKey} from '../../model/keys.js';
import {sideQuery} from './link.js';
import {pairFor, PRESETS} from './presets.js';

/**
 * @param {HTMLElement} root
 * @param {{catalog: Catalog, gallery: GalleryEntry[], base: State, onChoice: (pair: {a: Side, b: Side}) => void}}
 *   options
 */
export function createPresetButtons(root, {catalog, gallery, base, onChoice}) {
  let dataset = base.dataset;
  const pairOf = (/** @type {typeof PRESETS[number]} */ preset) => pairFor(preset, catalog, gallery, base, dataset);
  const buttons = PRESETS.map((preset) => {
    const button = make('button', {type: 'button', 'aria-pressed': 'false'}, preset.name);
    button.addEventListener('click', () => onChoice(pairOf(preset)));
    return button;
  });
  root.append(...buttons);
  return {
    /** @param {{a: Side, b: Side}} sides the two runs that are shown */
    draw({a, b}) {
      dataset = a.dataset;
      const shown = joinKey(sideQuery(a, base), sideQuery(b, base));
      PRESETS.forEach((preset, i) => {
        const pair = pairOf(preset);
        const where = pair.here
          ? 'This gallery has no such pair; both are trained in this page.'
          : 'From this gallery.';
        buttons[i].title = `${preset.what} ${where}`;
        const isShown = joinKey(sideQuery(pair.a, base), sideQuery(pair.b, base)) === shown;
        buttons[i].setAttribute('aria-pressed', String(isShown));
      });
    },
  };
}
