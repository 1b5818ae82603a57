/** The way to what the page could do without (features/accessibility): it comes after the first picture. */
/** @import {Shot} from '../../model/types.js' */

/** @typedef {Parameters<typeof import('../../features/accessibility/accessibility.js').createAccess>[0]} Options */

export function createLazyAccessibility() {
  /** @type {ReturnType<typeof import('../../features/accessibility/accessibility.js').createAccess> | null} */
  let access = null;
  return {
    /** The first picture is there. @param {Options} options */
    begin(options) {
      import('../../features/accessibility/accessibility.js').then(
        ({createAccess}) => {
          access = createAccess(options);
        },
        () => {},
      );
    },
    /** @param {Shot} shot */
    drawn(shot) {
      access?.drawn(shot);
    },
    /** The picture rests: its numbers may be told. */
    rest() {
      access?.rest();
    },
  };
}
