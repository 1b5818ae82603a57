/**
 * The zoom, widest at the left, and the scale of the loss. Where surfaces can be computed in the page it is continuous;
 * the spans that the run has stored are caught on the way. Else it goes through these only.
 */
/** @import {Shot} from '../model/types.js' */
import {byId, say} from '../lib/dom.js';
import {spanText} from '../figures/ticks.js';
import {labLimit, SPANS} from '../model/slice.js';

/** Steps of the continuous slider. */
const STEPS = 600;
/** A stored span is caught from so many steps away. */
const CATCH = 6;
const WHAT = 'How far from the centre the plane is shown.';

/**
 * @param {{onZoom: (span: number) => void, onLog: (log: boolean) => void, onRange: (range: 'training' | 'frame') =>
 *   void}} options
 */
export function createZoom({onZoom, onLog, onRange}) {
  const slider = /** @type {HTMLInputElement} */ (byId('zoom'));
  const log = /** @type {HTMLInputElement} */ (byId('log'));
  const frame = /** @type {HTMLInputElement} */ (byId('frame-range'));
  const label = /** @type {HTMLElement} */ (slider.closest('label'));
  /** @type {number[]} the spans that are stored, widest first */
  let stops = [];
  let smooth = false;
  /** Is the thumb in somebody's hand? Then it is not moved. */
  let held = false;

  slider.addEventListener('input', () => {
    held = true;
    onZoom(smooth ? caught(Number(slider.value), stops) : stops[Number(slider.value)]);
  });
  slider.addEventListener('change', () => {
    held = false;
  });
  slider.addEventListener('keydown', (event) => {
    const step = {PageUp: -1, PageDown: 1, ArrowLeft: -10, ArrowUp: -10, ArrowRight: 10, ArrowDown: 10}[event.key];
    if (!smooth || step === undefined) return;
    event.preventDefault(); // a browser's own step would be hardly seen
    const now = Number(slider.value);
    const span = Math.abs(step) === 1 ? nextStop(now, step, stops) : spanAt(Math.min(STEPS, Math.max(0, now + step)));
    slider.value = String(stepOf(span)); // the next key counts from here, though the picture may take a moment
    onZoom(span);
  });
  log.addEventListener('change', () => onLog(log.checked));
  frame.addEventListener('change', () => onRange(frame.checked ? 'frame' : 'training'));

  return {
    /** @param {Shot} shot */
    draw({run, plane, span, scale, range}) {
      stops = plane.spans.toSorted((a, b) => b - a);
      const limit = labLimit(run, plane);
      smooth = limit === '';
      slider.max = String(smooth ? STEPS : stops.length - 1);
      if (!held) slider.value = String(smooth ? stepOf(span) : stops.indexOf(span));
      slider.disabled = !smooth && stops.length < 2;
      label.title = smooth ? WHAT : `${WHAT} Only what is stored: ${limit.charAt(0).toLowerCase()}${limit.slice(1)}`;
      slider.setAttribute('aria-valuetext', `a and b from −${spanText(span)} to ${spanText(span)}`);
      say(byId('zoom-text'), `±${spanText(span)}`);
      log.checked = scale === 'log';
      frame.checked = range === 'frame';
    },
  };
}

/** The span at a step of the slider: each makes it smaller by the same factor. @param {number} step */
export function spanAt(step) {
  return Number((SPANS.most * (SPANS.least / SPANS.most) ** (step / STEPS)).toPrecision(3));
}

/** @param {number} span */
export function stepOf(span) {
  return Math.round((STEPS * Math.log(span / SPANS.most)) / Math.log(SPANS.least / SPANS.most));
}

/** @param {number} step @param {number[]} stops */
function caught(step, stops) {
  return stops.find((stop) => Math.abs(stepOf(stop) - step) <= CATCH) ?? spanAt(step);
}

/**
 * The next stored span in a direction; where there is none, the end.
 * @param {number} step
 * @param {number} direction
 * @param {number[]} stops
 */
function nextStop(step, direction, stops) {
  const onward = stops.filter((stop) => (stepOf(stop) - step) * direction > 0);
  const next = direction > 0 ? onward[0] : onward.at(-1);
  return next ?? (direction > 0 ? SPANS.least : SPANS.most);
}
