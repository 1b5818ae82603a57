/** This module creates the buttons and the menu of ready-made pairs. */
/** @import {Catalog, GalleryEntry, State} from '../../model/types.js' */
/** @import {Side} from './link.js' */
import {make} from '../../lib/dom.js';
import {joinKey} from '../../model/keys.js';
import {sideQuery} from './link.js';
import {pairFor, PRESETS} from './presets.js';

/** The number of pairs that are buttons. The others are in the menu. */
const BUTTONS = 3;

/**
 * @param {HTMLElement} root
 * @param {{catalog: Catalog, gallery: GalleryEntry[], base: State, onChoice: (pair: {a: Side, b: Side}) => void}}
 *   options
 */
export function createPresetButtons(root, {catalog, gallery, base, onChoice}) {
  let dataset = base.dataset;
  const pairOf = (/** @type {typeof PRESETS[number]} */ preset) => pairFor(preset, catalog, gallery, base, dataset);
  const buttons = PRESETS.slice(0, BUTTONS).map((preset) => {
    const button = make('button', {type: 'button', 'aria-pressed': 'false'}, preset.name);
    button.addEventListener('click', () => onChoice(pairOf(preset)));
    return button;
  });
  const groups = [...new Set(PRESETS.map(({group}) => group))];
  const options = PRESETS.map(({name}) => make('option', {value: name}, name));
  const menu = make(
    'select',
    {'aria-label': 'More pairs'},
    make('option', {value: ''}, 'More pairs…'),
    ...groups.map((group) =>
      make('optgroup', {label: group}, ...options.filter((_, i) => i >= BUTTONS && PRESETS[i].group === group)),
    ),
  );
  menu.addEventListener('change', () => {
    const preset = PRESETS.find(({name}) => name === menu.value);
    if (preset) onChoice(pairOf(preset));
  });
  root.append(...buttons, menu);
  return {
    /** @param {{a: Side, b: Side}} sides the two runs that are shown */
    draw({a, b}) {
      dataset = a.dataset;
      const shown = joinKey(sideQuery(a, base), sideQuery(b, base));
      menu.value = '';
      menu.title = 'Other pairs that differ in one thing, of the dataset of A.';
      PRESETS.forEach((preset, i) => {
        const pair = pairOf(preset);
        const from = pair.here ? 'Both are trained in this page.' : 'From this gallery.';
        const isShown = joinKey(sideQuery(pair.a, base), sideQuery(pair.b, base)) === shown;
        (buttons[i] ?? options[i]).title = `${preset.what} ${from}`;
        buttons[i]?.setAttribute('aria-pressed', String(isShown));
        if (isShown && i >= BUTTONS) {
          menu.value = preset.name;
          menu.title = `${preset.what} ${from}`;
        }
      });
    },
  };
}
