/** What the page could do without (features/accessibility), which is fetched after the first picture. */
/** @import {Shot} from '../../model/types.js' */
import {createLazy} from '../../lib/lazy.js';

/** @typedef {Parameters<typeof import('../../features/accessibility/accessibility.js').createAccess>[0]} Options */

export function createLazyAccessibility() {
  /** @type {Options} */
  let options;
  const access = createLazy({
    load: () => import('../../features/accessibility/accessibility.js'),
    create: ({createAccess}) => createAccess(options),
    optionalStyles: ['features/accessibility/accessibility.css'], // what is plain still works
  });
  return {
    /** The first picture is there. @param {Options} given */
    begin(given) {
      options = given;
      access.request().catch(() => {}); // the page does without
    },
    /** @param {Shot} shot */
    drawn(shot) {
      access.known()?.drawn(shot);
    },
    /** The picture rests: its numbers may be announced. */
    rest() {
      access.known()?.rest();
    },
  };
}
