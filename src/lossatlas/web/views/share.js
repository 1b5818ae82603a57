/** The button “Share”. What it opens comes with the first click. */
/** @import {Theirs} from '../keep/dialog.js' */
import {byId} from '../dom.js';
import {loadStyle, reasonOf} from '../lazy.js';

/** @param {Theirs & {onError: (message: string) => void}} options */
export function createShare({onError, ...page}) {
  const button = byId('share');
  /** @type {Promise<{open: () => void}> | null} */
  let dialog = null;
  button.addEventListener('click', () => {
    page.pause();
    dialog ??= Promise.all([import('../keep/dialog.js'), loadStyle('keep')]).then(([{createDialog}]) => createDialog(page));
    dialog.then(({open}) => open(), (error) => {
      dialog = null;
      onError(reasonOf(error));
    });
  });
}
