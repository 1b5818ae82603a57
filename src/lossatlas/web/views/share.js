/** This view is the button “Share”. Its dialog is fetched with the first click. */
/** @import {ShownPage} from '../features/share/dialog.js' */
import {byId} from '../lib/dom.js';
import {createLazy, reasonOf} from '../lib/lazy.js';

/** @param {ShownPage & {onError: (message: string) => void}} options */
export function createShare({onError, ...page}) {
  const dialog = createLazy({
    load: () => import('../features/share/dialog.js'),
    create: ({createDialog}) => createDialog(page),
    styles: ['features/share/share.css'],
  });
  byId('share').addEventListener('click', () => {
    page.pause();
    dialog.request().then(
      ({open}) => open(),
      (error) => onError(reasonOf(error)),
    );
  });
}
