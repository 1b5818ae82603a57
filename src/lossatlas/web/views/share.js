/** The button “Share”. What it opens comes with the first click. */
/** @import {Theirs} from '../keep/dialog.js' */
import {byId, make} from '../dom.js';

/** @param {Theirs & {onError: (message: string) => void}} options */
export function createShare({onError, ...page}) {
  const button = byId('share');
  /** @type {Promise<{open: () => void}> | null} */
  let dialog = null;
  button.addEventListener('click', () => {
    page.pause();
    dialog ??= Promise.all([import('../keep/dialog.js'), styled('styles/keep.css')]).then(([{createDialog}]) => createDialog(page));
    dialog.then(({open}) => open(), (error) => {
      dialog = null;
      onError(String(error?.message ?? error));
    });
  });
}

/** @param {string} href */
function styled(href) {
  return new Promise((resolve, reject) => {
    const link = make('link', {rel: 'stylesheet', href});
    link.addEventListener('load', resolve);
    link.addEventListener('error', () => reject(new Error(`${href} could not be loaded`)));
    document.head.append(link);
  });
}
