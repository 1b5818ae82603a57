/** This module opens and closes the presentation, which is fetched when the key F or a link first asks for it. */
/** @import {StateStore} from '../../model/address.js' */
import {byId} from '../../lib/dom.js';
import {createLazy, reasonOf} from '../../lib/lazy.js';

/** These elements use letters themselves. */
const TYPED = 'input:is([type=text], [type=number], [type=search], :not([type])), select, textarea, dialog';

/**
 * @param {object} page
 * @param {StateStore} page.store
 * @param {Pick<ReturnType<typeof import('./tour.js').createLazyTour>, 'nextStop' | 'previousStop'>} page.tour
 * @param {(text: string, error: unknown) => void} page.onFailed
 */
export function createLazyPresentation({store, tour, onFailed}) {
  const lazy = createLazy({
    load: () => import('../../features/present/present.js'),
    create: ({createPresentation}) => createPresentation({store, tour}),
    styles: ['features/present/present.css'],
  });
  const follow = () => {
    if (!store.get().present && !lazy.isAsked()) return;
    lazy.request().then(
      ({show}) => show(store.get().present === true),
      (error) => onFailed('The presentation could not be loaded', reasonOf(error)),
    );
  };
  const toggle = () => {
    const isPresented = store.get().present === true;
    // Only an action of the reader may ask for the full screen. If the browser refuses it, the window is enough.
    const root = document.documentElement;
    if (!document.fullscreenElement) root.requestFullscreen?.({navigationUI: 'hide'}).catch(() => {});
    else if (isPresented) document.exitFullscreen().catch(() => {});
    if (!isPresented) store.set({present: true});
    else if (document.fullscreenElement) store.set({present: null});
  };
  byId('present').addEventListener('click', toggle);
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'f' || event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    if (/** @type {Element} */ (event.target).closest(TYPED)) return;
    event.preventDefault();
    toggle();
  });
  store.subscribe((state, before) => {
    if (state.present !== before.present) follow();
  });
  follow();
}
