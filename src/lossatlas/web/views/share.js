/** The button “Share”. What it opens comes with the first click. */
/** @import {ShownPage} from '../features/share/dialog.js' */
import {byId} from '../lib/dom.js';
import {loadStyle, reasonOf} from '../lib/lazy.js';

/** @param {ShownPage & {onError: (message: string) => void}} options */
export function createShare({onError, ...page}) {
  const button = byId('share');
  /** @type {Promise<{open: () => void}> | null} */
  let dialog = null;
  button.addEventListener('click', () => {
    page.pause();
    dialog ??= Promise.all([import('../features/share/dialog.js'), loadStyle('features/share/share.css')]).then(
      ([{createDialog}]) => createDialog(page),
    );
    dialog.then(
      ({open}) => open(),
      (error) => {
        dialog = null;
        onError(reasonOf(error));
      },
    );
  });
}
