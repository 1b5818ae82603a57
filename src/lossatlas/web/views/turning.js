/**
 * This module handles the gestures on the 3-D view. A drag of the mouse turns it; one finger turns it sideways and
 * scrolls the page up and down; two fingers zoom and turn. A click, or a tap, is a press that has not moved. Plotly
 * receives none of these events.
 */
/** @import {Eye} from '../model/types.js' */
import {orbit} from '../figures/camera.js';

/** A press that moves by less than this many pixels is a click; a finger is less steady than a mouse. */
const STILL = {mouse: 5, pen: 8, touch: 12};

/**
 * Has a press moved so far that it is no click?
 * @param {PointerEvent} event @param {{x: number, y: number}} from @param {{x: number, y: number}} to
 */
export function hasMoved({pointerType}, from, to) {
  const still = STILL[/** @type {keyof typeof STILL} */ (pointerType)] ?? STILL.mouse;
  return Math.hypot(to.x - from.x, to.y - from.y) >= still;
}
/** The angle in radians for one pixel. */
const RATE = 0.0075;

/**
 * @param {HTMLElement} root
 * @param {object} options
 * @param {() => Eye} options.eye
 * @param {(eye: Eye) => void} options.onTurn called while it turns
 * @param {(eye: Eye) => void} options.onTurned called when it has stopped
 * @param {(x: number, y: number) => void} options.onClick the place in pixels of the root
 * @param {(at: {x: number, y: number} | null) => void} options.onHover
 */
export function watchTurning(root, {eye, onTurn, onTurned, onClick, onHover}) {
  /** The fingers, or buttons, that are pressed. @type {Map<number, {x: number, y: number}>} */
  const down = new Map();
  /** The start of a press that may be a click. @type {{x: number, y: number} | null} */
  let pressed = null;
  /** The camera while it turns. @type {Eye | null} */
  let turned = null;
  /** The camera at the start of the gesture: a finger that scrolls the page must not turn anything. */
  let first = eye();

  /** @param {PointerEvent} event */
  const placeOf = ({clientX, clientY}) => {
    const {left, top} = root.getBoundingClientRect();
    return {x: clientX - left, y: clientY - top};
  };
  /** @param {Eye} to */
  const turn = (to) => {
    turned = to;
    onTurn(to);
  };

  root.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return;
    down.set(event.pointerId, placeOf(event));
    pressed = down.size === 1 ? placeOf(event) : null;
    if (!turned) first = eye();
    holdPointer(root, event.pointerId);
    onHover(null);
  });
  root.addEventListener('pointermove', (event) => {
    const before = down.get(event.pointerId);
    const now = placeOf(event);
    if (!before) {
      if (event.pointerType === 'mouse') onHover(now);
      return;
    }
    if (pressed && !hasMoved(event, pressed, now)) return;
    pressed = null;
    const from = turned ?? eye();
    const others = [...down].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    const zoom = others.length
      ? Math.hypot(now.x - others[0].x, now.y - others[0].y) /
        (Math.hypot(before.x - others[0].x, before.y - others[0].y) || 1)
      : 1;
    const rate = RATE / (others.length + 1); // Each of two fingers does half of it.
    down.set(event.pointerId, now);
    // That movement scrolls the page.
    const tilt = event.pointerType === 'touch' && !others.length ? 0 : (now.y - before.y) * rate;
    turn(orbit(from, (before.x - now.x) * rate, tilt, zoom));
  });
  /** @param {PointerEvent} event */
  const endPress = (event) => {
    if (!down.delete(event.pointerId)) return;
    if (pressed && event.type === 'pointerup') onClick(pressed.x, pressed.y);
    pressed = null;
    if (!turned || down.size) return;
    if (event.type === 'pointercancel') onTurn(first);
    else onTurned(turned);
    turned = null;
  };
  root.addEventListener('pointerup', endPress);
  root.addEventListener('pointercancel', endPress);
  root.addEventListener('pointerleave', () => onHover(null));
  // This page handles two fingers; with one finger the browser may scroll (`touch-action: pan-y`).
  root.addEventListener(
    'touchmove',
    (event) => {
      if (event.touches.length > 1 && event.cancelable) event.preventDefault();
    },
    {passive: false},
  );
}

/**
 * Capture the pointer until the gesture ends, wherever it moves, unless it has ended already.
 * @param {HTMLElement} root
 * @param {number} id
 */
function holdPointer(root, id) {
  try {
    root.setPointerCapture(id);
  } catch {
    // The pointer no longer exists.
  }
}
