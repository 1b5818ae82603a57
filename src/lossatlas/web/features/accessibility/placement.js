/**
 * This module places a tooltip: near its control and within the window, where it covers as little as possible of what a
 * person may want to use.
 */

const GAP = 8;
/** How far a tooltip stays away from other controls, in pixels. */
const CLEAR = 4;
/** The elements that a person may want to use next. */
const USED = 'button, input, select, summary, a, textarea';
/** The area of a control in square pixels that may be covered to bring the tooltip one pixel nearer. */
const NEAR = 1;
/** The number of places along a control, or along its part of the page, that are tried. */
const TRIED = 97;
/** From this cost on, a narrower tooltip is tried, with this largest width. */
const FAR = 64;
const NARROW = '11.5rem';
/** The parts of the page that hold controls: a tooltip beside one of them covers no control. */
const PARTS = '.bar, .panel, .toolbar, .plot-head, .workshop, .timeline-head, .transport, .side, dialog';

/** @typedef {{left: number, top: number, width: number, height: number}} Box */

/**
 * Move a tooltip below, above or beside its control, or beside the control's part of the page. It goes where it covers
 * least of the control itself and of what a person may want to use, such as the next card or the row below. If there is
 * no room for it as it is, it may become narrower.
 * @param {HTMLElement} tip @param {Element} about @param {number | null} x
 */
export function placeTooltip(tip, about, x) {
  const used = [...(about.closest('dialog') ?? document).querySelectorAll(USED)].filter(
    (each) => !tip.contains(each) && each.checkVisibility(),
  );
  const boxes = [
    about.getBoundingClientRect(),
    ...used.map((each) =>
      widen((each.matches('input') ? (each.closest('label') ?? each) : each).getBoundingClientRect()),
    ),
  ];
  /** @param {string} most the largest width */
  const findPlace = (most) => {
    Object.assign(tip.style, {maxWidth: most, left: '0', top: '0'}); // Near the right edge it would be narrower.
    const {width, height} = tip.getBoundingClientRect();
    const costs = listPlaces(about, {width, height}, x).map((at) => ({
      ...at,
      most,
      cost: boxes.reduce(
        (sum, other) => sum + overlap({...at, width, height}, other),
        NEAR * distance({...at, width, height}, boxes[0]),
      ),
    }));
    return costs.reduce((best, each) => (each.cost < best.cost ? each : best));
  };
  const wide = findPlace('');
  const narrow = wide.cost > FAR ? findPlace(NARROW) : wide;
  const best = narrow.cost < wide.cost ? narrow : wide;
  Object.assign(tip.style, {maxWidth: best.most, left: `${best.left}px`, top: `${best.top}px`});
}

/**
 * List places around a control, and around its part of the page, within the window.
 * @param {Element} about @param {{width: number, height: number}} size of the tooltip @param {number | null} x
 */
function listPlaces(about, {width, height}, x) {
  const box = about.getBoundingClientRect();
  const [right, bottom] = [document.documentElement.clientWidth - width - GAP, innerHeight - height - GAP];
  const centre = Math.min(Math.max(x ?? box.left + Math.min(box.width, 320) / 2, box.left), box.right);
  /** @param {DOMRect} around */
  const placesAlong = (around) =>
    Array.from({length: TRIED}, (_, i) => around.left + ((around.width - width) * i) / (TRIED - 1));
  /** @param {DOMRect} around @returns {[number, number][]} */
  const placesBeside = (around) => [
    ...[around.bottom + GAP, around.top - height - GAP].flatMap((y) =>
      [centre - width / 2, ...placesAlong(around)].map((x) => /** @type {[number, number]} */ ([x, y])),
    ),
    [around.right + GAP, box.top],
    [around.left - width - GAP, box.top],
  ];
  const part = about.closest(PARTS)?.getBoundingClientRect();
  return [...placesBeside(box), ...(part ? placesBeside(part) : [])].map(([left, top]) => ({
    left: Math.max(GAP, Math.min(left, right)),
    top: Math.max(GAP, Math.min(top, bottom)),
  }));
}

/** @param {DOMRect} box @returns {Box} */
function widen({left, top, width, height}) {
  return {left: left - CLEAR, top: top - CLEAR, width: width + 2 * CLEAR, height: height + 2 * CLEAR};
}

/** Compute the distance between two boxes in pixels. @param {Box} a @param {Box} b */
function distance(a, b) {
  const across = Math.max(a.left - b.left - b.width, b.left - a.left - a.width, 0);
  const down = Math.max(a.top - b.top - b.height, b.top - a.top - a.height, 0);
  return Math.hypot(across, down);
}

/** Compute the area that two boxes share. @param {Box} a @param {Box} b */
function overlap(a, b) {
  const across = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const down = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  return across > 0 && down > 0 ? across * down : 0;
}
