/**
 * Gestures on the 3-D view. A drag of the mouse turns; one finger turns sideways and scrolls the page up and down; two
 * fingers zoom and turn. A click, or a tap, is a press that has not moved. Plotly hears of none of this.
 */
/** @import {Eye} from '../model/types.js' */
import {orbit} from '../figures/camera.js';

/** Pixels that a press may move and still be a click. */
const STILL = 5;
/** Radians to a pixel. */
const RATE = 0.0075;

/**
 * @param {HTMLElement} root
 * @param {object} options
 * @param {() => Eye} options.eye
 * @param {(eye: Eye) => void} options.onTurn while it turns
 * @param {(eye: Eye) => void} options.onTurned when it has come to rest
 * @param {(x: number, y: number) => void} options.onClick in pixels of the root
 * @param {(at: {x: number, y: number} | null) => void} options.onHover
 */
export function watchTurning(root, {eye, onTurn, onTurned, onClick, onHover}) {
  /** @type {Map<number, {x: number, y: number}>} the fingers, or buttons, that are down */
  const down = new Map();
  /** @type {{x: number, y: number} | null} where a press that may be a click began */
  let pressed = null;
  /** @type {Eye | null} while it turns */
  let turned = null;
  /** Where the eye was when that began: a finger that turns out to scroll the page has turned nothing. */
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
    if (pressed && Math.hypot(now.x - pressed.x, now.y - pressed.y) < STILL) return;
    pressed = null;
    const from = turned ?? eye();
    const others = [...down].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    const zoom = others.length
      ? Math.hypot(now.x - others[0].x, now.y - others[0].y) /
        (Math.hypot(before.x - others[0].x, before.y - others[0].y) || 1)
      : 1;
    const rate = RATE / (others.length + 1); // each of two fingers does half of it
    down.set(event.pointerId, now);
    const tilt = event.pointerType === 'touch' && !others.length ? 0 : (now.y - before.y) * rate; // that scrolls the page
    turn(orbit(from, (before.x - now.x) * rate, tilt, zoom));
  });
  /** @param {PointerEvent} event */
  const lift = (event) => {
    if (!down.delete(event.pointerId)) return;
    if (pressed && event.type === 'pointerup') onClick(pressed.x, pressed.y);
    pressed = null;
    if (!turned || down.size) return;
    if (event.type === 'pointercancel') onTurn(first);
    else onTurned(turned);
    turned = null;
  };
  root.addEventListener('pointerup', lift);
  root.addEventListener('pointercancel', lift);
  root.addEventListener('pointerleave', () => onHover(null));
  // Two fingers are ours; with one the browser may scroll (`touch-action: pan-y`).
  root.addEventListener(
    'touchmove',
    (event) => {
      if (event.touches.length > 1 && event.cancelable) event.preventDefault();
    },
    {passive: false},
  );
}

/**
 * What it does is ours to its end, wherever that is; unless it has ended already.
 * @param {HTMLElement} root
 * @param {number} id
 */
function holdPointer(root, id) {
  try {
    root.setPointerCapture(id);
  } catch {
    // no such pointer any more
  }
}
