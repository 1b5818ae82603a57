/** This module fetches, after the first picture, what the page can do without (features/accessibility). */
/** @import {Shot} from '../../model/types.js' */
import {createLazy} from '../../lib/lazy.js';

/** @typedef {Parameters<typeof import('../../features/accessibility/accessibility.js').createAccess>[0]} Options */

export function createLazyAccessibility() {
  /** @type {Options} */
  let options;
  const access = createLazy({
    load: () => import('../../features/accessibility/accessibility.js'),
    create: ({createAccess}) => createAccess(options),
    optionalStyles: ['features/accessibility/accessibility.css'], // Unstyled tooltips still work.
  });
  return {
    /** Load it, since the first picture is drawn. @param {Options} given */
    begin(given) {
      options = given;
      access.request().catch(() => {}); // The page does without it.
    },
    /** @param {Shot} shot */
    noteDrawn(shot) {
      access.known()?.noteDrawn(shot);
    },
    /** The picture has stopped changing: its numbers may be announced. */
    rest() {
      access.known()?.rest();
    },
  };
}
