/** This module opens the plots and the curves as tables; what draws a table is loaded with the first click. */
/** @import {Computed} from './computed.js' */
/** @import {Screen} from './screen.js' */
import {createLazy} from '../../lib/lazy.js';

/**
 * Connect the buttons that show the plots and the curves as tables.
 * @param {{screen: Screen, computed: Computed, onFailed: (text: string, error: unknown) => void}} atlas
 */
export function wireTables({screen, computed, onFailed}) {
  const tables = createLazy({
    load: () => import('../../features/accessibility/table.js'),
    create: ({openTable}) => openTable,
    styles: ['features/accessibility/accessibility.css'],
  });
  /** @param {HTMLElement} button */
  const open = async (button) => {
    const openTable = await tables.request();
    const {shown: shot} = screen;
    const picture = shot && screen.pictureOf(shot);
    if (picture) openTable(button, {shot, picture, computed: computed.networkOf(shot)?.picked ?? null});
  };
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-table]'))) {
    button.addEventListener('click', () =>
      open(button).catch((error) => onFailed('The table could not be loaded', error)),
    );
  }
}
