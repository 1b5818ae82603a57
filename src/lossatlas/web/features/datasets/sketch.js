/** The canvas of the editor: it shows the points, and tells where a pointer or the keys mean to draw or to erase. */
/** @import {Drawing, Place} from './drawing.js' */
import {css, pointColour} from '../../figures/colours.js';
import {glyph} from '../../figures/glyphs.js';
import {currentTheme} from '../../lib/theme.js';
import {placeOf, within} from './drawing.js';

/** How far an arrow key moves the crosshair, as a share of the view; with Shift, finely. */
const STEP = 0.05;
const FINE = 0.01;
/** At least so far between two dabs of a stroke. */
const SPACING = 0.035;
const GRID_LINES = 8;

/** @type {Record<string, [number, number]>} */
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} options
 * @param {(place: Place, goesOn: boolean) => void} options.onDab the chosen tool is used; `goesOn`: by the stroke of the dab before
 * @param {(place: Place) => void} options.onPut a single point is put, by key
 * @param {(place: Place) => void} options.onErase
 * @param {(place: Place) => void} options.onMove the crosshair has moved
 * @param {() => number} options.radius of the tool, for its outline
 */
export function createSketch(canvas, {onDab, onPut, onErase, onMove, radius}) {
  /** @type {Drawing | null} */
  let drawing = null;
  /** @type {Place} */
  let cross = [0.5, 0.5];
  /** @type {Place | null} */
  let hover = null;
  /** @type {Place | null} where the stroke's last dab is */
  let last = null;
  let keyed = false;
  let asked = 0;

  const paint = () => {
    asked = 0;
    const context = canvas.getContext('2d');
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (!context || !drawing || side === 0) return;
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const theme = currentTheme();
    context.setTransform(devicePixelRatio, 0, 0, -devicePixelRatio, 0, side); // CSS pixels, and up is up
    context.clearRect(0, 0, side, side);
    const size = canvas.clientWidth;
    paintGrid(context, size, theme.line);
    paintPoints(context, size, drawing, theme);
    if (hover && !keyed) paintOutline(context, size, hover, radius(), theme.muted);
    if (keyed && document.activeElement === canvas) paintCross(context, size, cross, theme.accent);
  };
  const request = () => {
    asked ||= requestAnimationFrame(paint);
  };

  /** @param {PointerEvent} event @returns {Place} */
  const placeUnder = (event) => {
    const box = canvas.getBoundingClientRect();
    return [within((event.clientX - box.left) / box.width), within(1 - (event.clientY - box.top) / box.height)];
  };
  /** @param {Place} to */
  const strokeTo = (to) => {
    if (!last) return;
    const spacing = Math.max(SPACING, radius());
    for (let far = distance(last, to); far >= spacing; far = distance(last, to)) {
      last = [last[0] + ((to[0] - last[0]) * spacing) / far, last[1] + ((to[1] - last[1]) * spacing) / far];
      onDab(last, true);
    }
  };
  const lift = () => {
    last = null;
  };

  canvas.addEventListener('pointerdown', (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    keyed = false;
    last = cross = placeUnder(event);
    onDab(last, false);
  });
  canvas.addEventListener('pointermove', (event) => {
    hover = event.pointerType === 'touch' ? null : placeUnder(event);
    for (const each of event.getCoalescedEvents?.() ?? []) strokeTo(placeUnder(each));
    strokeTo(placeUnder(event));
    request();
  });
  canvas.addEventListener('pointerup', lift);
  canvas.addEventListener('pointercancel', lift);
  canvas.addEventListener('pointerleave', () => {
    hover = null;
    request();
  });
  canvas.addEventListener('focus', () => {
    keyed = canvas.matches(':focus-visible');
    request();
  });
  canvas.addEventListener('blur', request);
  canvas.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const step = event.shiftKey ? FINE : STEP;
      cross = [within(cross[0] + step * arrow[0]), within(cross[1] + step * arrow[1])];
      onMove(cross);
    } else if (event.key === ' ' || event.key === 'Enter') onPut(cross);
    else if (event.key === 'Delete' || event.key === 'Backspace') onErase(cross);
    else return;
    event.preventDefault();
    keyed = true;
    request();
  });
  new ResizeObserver(request).observe(canvas);

  return {
    /** @param {Drawing} next */
    draw(next) {
      drawing = next;
      request();
    },
    request,
  };
}

/** @param {Place} from @param {Place} to */
const distance = (from, to) => Math.hypot(to[0] - from[0], to[1] - from[1]);

/** @param {CanvasRenderingContext2D} context @param {number} size @param {string} colour */
function paintGrid(context, size, colour) {
  context.beginPath();
  for (let i = 1; i < GRID_LINES; i++) {
    const at = Math.round((i / GRID_LINES) * size) + 0.5;
    context.moveTo(at, 0);
    context.lineTo(at, size);
    context.moveTo(0, at);
    context.lineTo(size, at);
  }
  context.lineWidth = 1;
  context.strokeStyle = colour;
  context.stroke();
}

/** One path a class. @param {CanvasRenderingContext2D} context @param {number} size @param {Drawing} drawing @param {{dark: boolean, paper: string}} theme */
function paintPoints(context, size, {points, classes, view}, theme) {
  const mark = points.length > 800 ? 2.75 : 3.75;
  classes.forEach((_, k) => {
    const shape = new Path2D(glyph(k, mark));
    context.fillStyle = css(pointColour(k, theme.dark));
    context.strokeStyle = theme.paper;
    context.lineWidth = 0.8;
    for (const point of points) {
      if (point.k !== k) continue;
      const [u, v] = placeOf(view, point);
      context.save();
      context.translate(u * size, v * size);
      context.scale(1, -1);
      context.fill(shape);
      context.stroke(shape);
      context.restore();
    }
  });
}

/** @param {CanvasRenderingContext2D} context @param {number} size @param {Place} place @param {number} radius @param {string} colour */
function paintOutline(context, size, [u, v], radius, colour) {
  context.beginPath();
  context.arc(u * size, v * size, Math.max(3, radius * size), 0, 2 * Math.PI);
  context.lineWidth = 1;
  context.strokeStyle = colour;
  context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {number} size @param {Place} place @param {string} colour */
function paintCross(context, size, [u, v], colour) {
  const [x, y] = [u * size, v * size];
  context.beginPath();
  context.moveTo(x, 0);
  context.lineTo(x, size);
  context.moveTo(0, y);
  context.lineTo(size, y);
  context.lineWidth = 1.5;
  context.strokeStyle = colour;
  context.stroke();
}
