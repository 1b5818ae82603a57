/**
 * This view is the zoom (widest at the left) and the scale of the loss. If the page can compute surfaces the zoom is
 * continuous, and the thumb snaps to the spans that the run has stored. If not, it moves between these only.
 */
/** @import {Shot} from '../model/types.js' */
import {byId, setText} from '../lib/dom.js';
import {roundToDigits, shortText} from '../lib/numbers.js';
import {computeLimit, SPANS} from '../model/slice.js';

/** The number of steps of the continuous slider. */
const STEPS = 600;
/** The thumb snaps to a stored span from this many steps away. */
const CATCH = 6;
const WHAT = 'The distance from the centre up to which the plane is shown.';

/**
 * @param {{onZoom: (span: number) => void, onLog: (log: boolean) => void, onRange: (range: 'training' | 'frame') =>
 *   void}} options
 */
export function createZoom({onZoom, onLog, onRange}) {
  const slider = /** @type {HTMLInputElement} */ (byId('zoom'));
  const log = /** @type {HTMLInputElement} */ (byId('log'));
  const frame = /** @type {HTMLInputElement} */ (byId('frame-range'));
  const label = /** @type {HTMLElement} */ (slider.closest('label'));
  /** The stored spans, widest first. @type {number[]} */
  let stops = [];
  let smooth = false;
  /** While a person holds the thumb, the page does not move it. */
  let held = false;

  slider.addEventListener('input', () => {
    held = true;
    onZoom(smooth ? snapToStop(Number(slider.value), stops) : stops[Number(slider.value)]);
  });
  slider.addEventListener('change', () => {
    held = false;
  });
  slider.addEventListener('keydown', (event) => {
    const step = {PageUp: -1, PageDown: 1, ArrowLeft: -10, ArrowUp: -10, ArrowRight: 10, ArrowDown: 10}[event.key];
    if (!smooth || step === undefined) return;
    event.preventDefault(); // The browser's own step would be hardly visible.
    const now = Number(slider.value);
    const span = Math.abs(step) === 1 ? nextStop(now, step, stops) : spanAt(Math.min(STEPS, Math.max(0, now + step)));
    slider.value = String(stepOf(span)); // The next key counts from here, although the picture may take a moment.
    onZoom(span);
  });
  log.addEventListener('change', () => onLog(log.checked));
  frame.addEventListener('change', () => onRange(frame.checked ? 'frame' : 'training'));

  return {
    /** @param {Shot} shot */
    draw({run, plane, span, scale, range}) {
      stops = plane.spans.toSorted((a, b) => b - a);
      const limit = computeLimit(run, plane);
      smooth = limit === '';
      slider.max = String(smooth ? STEPS : stops.length - 1);
      if (!held) slider.value = String(smooth ? stepOf(span) : stops.indexOf(span));
      slider.disabled = !smooth && stops.length < 2;
      label.title = smooth ? WHAT : `${WHAT} Only stored values: ${limit.charAt(0).toLowerCase()}${limit.slice(1)}`;
      slider.setAttribute('aria-valuetext', `a and b from −${shortText(span)} to ${shortText(span)}`);
      setText(byId('zoom-text'), `±${shortText(span)}`);
      log.checked = scale === 'log';
      frame.checked = range === 'frame';
    },
  };
}

/** Return the span at a step of the slider: each step makes it smaller by the same factor. @param {number} step */
export function spanAt(step) {
  return roundToDigits(SPANS.most * (SPANS.least / SPANS.most) ** (step / STEPS), 3);
}

/** @param {number} span */
export function stepOf(span) {
  return Math.round((STEPS * Math.log(span / SPANS.most)) / Math.log(SPANS.least / SPANS.most));
}

/** @param {number} step @param {number[]} stops */
function snapToStop(step, stops) {
  return stops.find((stop) => Math.abs(stepOf(stop) - step) <= CATCH) ?? spanAt(step);
}

/**
 * Find the next stored span in a direction, or the end if there is none.
 * @param {number} step
 * @param {number} direction
 * @param {number[]} stops
 */
function nextStop(step, direction, stops) {
  const onward = stops.filter((stop) => (stepOf(stop) - step) * direction > 0);
  const next = direction > 0 ? onward[0] : onward.at(-1);
  return next ?? (direction > 0 ? SPANS.least : SPANS.most);
}
