/**
 * This module is the presentation: large type, both plots, and no panels, for a lecture hall. The type is larger
 * because the font size of the root is (present.css). The figures follow it as well (lib/sizes.js).
 */
/** @import {StateStore} from '../../model/address.js' */
import {byId, make} from '../../lib/dom.js';

const HINT = 'Space plays · ← → step · N next stop · F full screen · Escape leaves';
/** The keys that go to another stop: PageDown and PageUp are what a presenter's clicker sends. */
const [NEXT, PREVIOUS] = [
  ['n', 'PageDown'],
  ['p', 'PageUp'],
];

/**
 * @param {object} page
 * @param {StateStore} page.store
 * @param {{nextStop: () => void, previousStop: () => void}} page.tour
 */
export function createPresentation({store, tour: {nextStop, previousStop}}) {
  const root = document.documentElement;
  const main = /** @type {HTMLElement} */ (document.querySelector('main'));
  const small = /** @type {HTMLLinkElement} */ (byId('small'));
  const tour = byId('tour');
  const hint = make('p', {class: 'presenting', 'aria-live': 'polite'});
  document.body.append(hint);
  const leave = () => store.set({present: null});

  document.addEventListener('keydown', (event) => {
    if (!isShown() || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.defaultPrevented)
      return;
    if (event.key === 'Escape') return leave();
    const go = NEXT.includes(event.key) ? nextStop : PREVIOUS.includes(event.key) ? previousStop : null;
    if (!go) return;
    event.preventDefault();
    go();
  });
  // In the full screen the browser itself uses Escape.
  document.addEventListener('fullscreenchange', () => {
    if (!document.fullscreenElement && isShown()) leave();
  });
  const isShown = () => root.dataset.present !== undefined;

  return {
    /** @param {boolean} presented */
    show(presented) {
      if (presented === isShown()) return;
      root.toggleAttribute('data-present', presented);
      small.disabled = presented; // A projector may have few pixels; the layout is the same.
      // The text of a stop stands beside the plots, at any size of the window.
      if (presented) main.before(tour);
      else main.prepend(tour);
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      hint.textContent = presented ? HINT : '';
      if (!presented && document.fullscreenElement) document.exitFullscreen().catch(() => {});
    },
  };
}
