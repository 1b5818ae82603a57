/** Where a tooltip lies: near its control and within the window, on as little as can be of what a person may want to use. */

const GAP = 8;
/** What a person may want to use next. */
const USED = 'button, input, select, summary, a, textarea';
/** How many px² of a control may be covered rather than that the tooltip is a pixel farther away. */
const NEAR = 1;
/** How many places along a control, or along its part of the page, are tried. */
const TRIED = 33;
/** The parts of the page that hold controls: beside them a tooltip is out of the way. */
const PARTS = '.bar, .panel, .toolbar, .plot-head, .workshop, .timeline-head, .transport, .side, dialog';

/** @typedef {{left: number, top: number, width: number, height: number}} Box */

/**
 * Move a tooltip below, above or beside its control, or else beside the control's part of the page: to the place where it
 * covers least of the control itself and of what a person may want to use, such as the next card or the row below.
 * @param {HTMLElement} tip @param {Element} about @param {number | null} x
 */
export function placeTooltip(tip, about, x) {
  const {width, height} = tip.getBoundingClientRect();
  const box = about.getBoundingClientRect();
  const [right, bottom] = [document.documentElement.clientWidth - width - GAP, innerHeight - height - GAP];
  const centre = Math.min(Math.max(x ?? box.left + Math.min(box.width, 320) / 2, box.left), box.right);
  /** @param {DOMRect} around */
  const along = (around) =>
    Array.from({length: TRIED}, (_, i) => around.left + ((around.width - width) * i) / (TRIED - 1));
  /** @param {DOMRect} around @returns {[number, number][]} */
  const beside = (around) => [
    ...[around.bottom + GAP, around.top - height - GAP].flatMap((y) =>
      [centre - width / 2, ...along(around)].map((x) => /** @type {[number, number]} */ ([x, y])),
    ),
    [around.right + GAP, box.top],
    [around.left - width - GAP, box.top],
  ];
  const part = about.closest(PARTS)?.getBoundingClientRect();
  const places = [...beside(box), ...(part ? beside(part) : [])].map(([left, top]) => ({
    left: Math.max(GAP, Math.min(left, right)),
    top: Math.max(GAP, Math.min(top, bottom)),
  }));
  const used = [...(about.closest('dialog') ?? document).querySelectorAll(USED)].filter(
    (each) => !tip.contains(each) && each.checkVisibility(),
  );
  const boxes = [
    box,
    ...used.map((each) => (each.matches('input') ? (each.closest('label') ?? each) : each).getBoundingClientRect()),
  ];
  const covered = places.map((at) =>
    boxes.reduce(
      (sum, other) => sum + overlap({...at, width, height}, other),
      NEAR * distance({...at, width, height}, box),
    ),
  );
  const best = places[covered.indexOf(Math.min(...covered))];
  tip.style.left = `${best.left}px`;
  tip.style.top = `${best.top}px`;
}

/** The distance between two boxes, in px. @param {Box} a @param {Box} b */
function distance(a, b) {
  const across = Math.max(a.left - b.left - b.width, b.left - a.left - a.width, 0);
  const down = Math.max(a.top - b.top - b.height, b.top - a.top - a.height, 0);
  return Math.hypot(across, down);
}

/** The area that two boxes share. @param {Box} a @param {Box} b */
function overlap(a, b) {
  const across = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const down = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  return across > 0 && down > 0 ? across * down : 0;
}
