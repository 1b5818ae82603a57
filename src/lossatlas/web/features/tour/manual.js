/** Notices that a person takes over: a control, a drag, a key on the plots. */

/** What acts on the page when it is touched. */
const ACTIVE = 'button, input, select, label, summary, .canvas, .stage';
/** Keys that move through the epochs wherever the focus is, unless a field has a use for them (views/transport.js). */
const TRANSPORT = ['ArrowLeft', 'ArrowRight', 'Home', 'End'];
/** Not a matter of what is shown. */
const ASIDE = '#tour, #tour-open, #theme, #plots, .skip';

/** @param {(target: Element) => void} onManual before the page itself hears of it */
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

/** Does the page's own answer to this pause and resume playback? */
export const isPlayback = (/** @type {Element} */ target) => target.closest('#play') !== null;
