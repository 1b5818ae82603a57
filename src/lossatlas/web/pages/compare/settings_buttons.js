/** This module is the button “Settings” of each side. Its form is fetched with the first click. */
/** @import {Catalog, GalleryEntry} from '../../model/types.js' */
/** @import {Side} from './link.js' */
import {byId} from '../../lib/dom.js';
import {createLazy, reasonOf} from '../../lib/lazy.js';
import {settingsOf} from './settings.js';

const NAMES = /** @type {const} */ (['a', 'b']);
const RECORDED = 'A recorded run has no settings here: it was trained elsewhere.';

/**
 * @param {object} options
 * @param {Catalog} options.catalog
 * @param {(side: Side) => GalleryEntry | undefined} options.entryOf returns the stored run of a side
 * @param {(name: 'a' | 'b', side: Side) => void} options.onTrain
 */
export function createSettingsButtons({catalog, entryOf, onTrain}) {
  /** @type {Record<'a' | 'b', Side> | null} */
  let sides = null;
  const parts = NAMES.map((name) => {
    const button = /** @type {HTMLButtonElement} */ (byId(`settings-${name}`));
    const form = /** @type {HTMLFormElement} */ (byId(`form-${name}`));
    const title = button.title;
    const chosenOf = (/** @type {Side} */ side) => settingsOf(side, entryOf(side), catalog);
    const part = createLazy({
      load: () => import('./settings_form.js'),
      create: ({createSettingsForm}) =>
        createSettingsForm(form, name, catalog, {
          onTrain: (chosen) => sides && onTrain(name, {...sides[name], run: null, ...chosen}),
          onCopy() {
            if (!sides) return;
            const other = sides[name === 'a' ? 'b' : 'a'];
            if (!isRecorded(other)) part.known()?.fillIn({...other}, chosenOf(other));
          },
        }),
      styles: ['pages/compare/settings.css'],
    });
    const isRecorded = (/** @type {Side} */ side) => entryOf(side)?.source === 'recorded';
    const draw = () => {
      if (!sides) return;
      const side = sides[name];
      const closed = isRecorded(side);
      button.disabled = closed;
      button.title = closed ? RECORDED : title;
      if (closed) show(false);
      else part.known()?.fillIn(side, chosenOf(side));
    };
    const show = (/** @type {boolean} */ shown) => {
      form.hidden = !shown;
      button.setAttribute('aria-expanded', String(shown));
    };
    button.addEventListener('click', async () => {
      if (!form.hidden) return show(false);
      try {
        await part.request();
        draw();
        show(true);
      } catch (error) {
        button.title = reasonOf(error);
      }
    });
    return draw;
  });
  return {
    /** Fill in the settings of two sides. @param {Record<'a' | 'b', Side>} shown */
    draw(shown) {
      sides = shown;
      for (const draw of parts) draw();
    },
  };
}
