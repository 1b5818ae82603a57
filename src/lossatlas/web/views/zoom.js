/** The zoom over the spans that a run was computed for (widest at the left), and the scale of the loss. */
/** @import {Shot} from '../types.js' */
import {byId, say} from '../dom.js';
import {spanText} from '../figures/ticks.js';

/**
 * @param {{onZoom: (span: number) => void, onLog: (log: boolean) => void}} options
 */
export function createZoom({onZoom, onLog}) {
  const slider = /** @type {HTMLInputElement} */ (byId('zoom'));
  const log = /** @type {HTMLInputElement} */ (byId('log'));
  /** @type {number[]} */
  let stops = [];
  slider.addEventListener('input', () => onZoom(stops[Number(slider.value)]));
  log.addEventListener('change', () => onLog(log.checked));

  return {
    /** @param {Shot} shot */
    draw({plane, span, scale}) {
      stops = plane.spans.toSorted((a, b) => b - a);
      slider.max = String(stops.length - 1);
      slider.value = String(stops.indexOf(span));
      slider.disabled = stops.length < 2;
      slider.setAttribute('aria-valuetext', `a and b from −${spanText(span)} to ${spanText(span)}`);
      say(byId('zoom-text'), `±${spanText(span)}`);
      log.checked = scale === 'log';
    },
  };
}
