/** This module notices when a person takes over from the tour: with a control, a drag, or a key on the plots. */

/** The elements that do something when they are touched. */
const ACTIVE = 'button, input, select, label, summary, .canvas, .stage';
/** The keys that change the epoch wherever the focus is, unless a field uses them itself (views/transport.js). */
const TRANSPORT = ['ArrowLeft', 'ArrowRight', 'Home', 'End'];
/** These elements do not change what the plots show. */
const ASIDE = '#tour, #tour-open, #theme, #plots, .skip';

/** @param {(target: Element) => void} onManual called before the page itself receives the event */
export function watchManual(onManual) {
  for (const type of ['pointerdown', 'click', 'input', 'change']) {
    document.addEventListener(
      type,
      (event) => {
        const target = /** @type {Element} */ (event.target);
        if (target.closest(ACTIVE) && !target.closest(ASIDE)) onManual(target);
      },
      true,
    );
  }
  document.addEventListener(
    'keydown',
    (event) => {
      const target = /** @type {Element} */ (event.target);
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      if (TRANSPORT.includes(event.key) || (event.key === ' ' && !target.closest('button'))) onManual(target);
    },
    true,
  );
}

/** Does the page itself pause or resume playback in response to this element? */
export const isPlayback = (/** @type {Element} */ target) => target.closest('#play') !== null;
