/**
 * This module is the canvas of the editor: it shows the points, and reports where the pointer or the keys draw or
 * erase.
 */
/** @import {Drawing, Place} from './drawing.js' */
import {writeCss, choosePointColour} from '../../figures/colours.js';
import {glyph} from '../../figures/glyphs.js';
import {readTheme} from '../../lib/theme.js';
import {placeOf, clampShare} from './drawing.js';

/** How far an arrow key moves the crosshair, as a share of the view; with Shift it moves less. */
const STEP = 0.05;
const FINE = 0.01;
/** The least distance between two dabs of a stroke. */
const SPACING = 0.035;
const GRID_LINES = 8;

/** @type {Record<string, [number, number]>} */
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]};

/**
 * @typedef {object} SketchOptions
 * @property {(place: Place, goesOn: boolean) => void} onApply the chosen tool is used; `goesOn`: in the stroke of the
 *   previous dab
 * @property {(place: Place) => void} onPut a key puts a single point
 * @property {(place: Place) => void} onErase
 * @property {(place: Place) => void} onMove the crosshair has moved
 * @property {() => number} radius returns the tool's radius, for its outline
 */

export class Sketch {
  #canvas;
  #options;
  /** @type {Drawing | null} */
  #drawing = null;
  /** The crosshair of the keyboard. @type {Place} */
  #cross = [0.5, 0.5];
  /** The place of the pointer. @type {Place | null} */
  #hover = null;
  /** The place of the last dab of a stroke. @type {Place | null} */
  #last = null;
  #isKeyed = false;
  #requested = 0;

  /** @param {HTMLCanvasElement} canvas @param {SketchOptions} options */
  constructor(canvas, options) {
    this.#canvas = canvas;
    this.#options = options;
    this.#watchPointer();
    this.#watchKeys();
    new ResizeObserver(() => this.request()).observe(canvas);
  }

  /** @param {Drawing} drawing */
  draw(drawing) {
    this.#drawing = drawing;
    this.request();
  }

  /** Paint with the next animation frame. */
  request() {
    this.#requested ||= requestAnimationFrame(() => this.#paint());
  }

  #watchPointer() {
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', (event) => {
      if (!event.isPrimary || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.#isKeyed = false;
      this.#last = this.#cross = this.#placeUnder(event);
      this.#options.onApply(this.#last, false);
    });
    canvas.addEventListener('pointermove', (event) => {
      this.#hover = event.pointerType === 'touch' ? null : this.#placeUnder(event);
      for (const each of event.getCoalescedEvents?.() ?? []) this.#strokeTo(this.#placeUnder(each));
      this.#strokeTo(this.#placeUnder(event));
      this.request();
    });
    for (const type of ['pointerup', 'pointercancel'])
      canvas.addEventListener(type, () => {
        this.#last = null;
      });
    canvas.addEventListener('pointerleave', () => {
      this.#hover = null;
      this.request();
    });
  }

  #watchKeys() {
    const canvas = this.#canvas;
    canvas.addEventListener('focus', () => {
      this.#isKeyed = canvas.matches(':focus-visible');
      this.request();
    });
    canvas.addEventListener('blur', () => this.request());
    canvas.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.#press(event)) return;
      event.preventDefault();
      this.#isKeyed = true;
      this.request();
    });
  }

  /** Do what a key means. @param {KeyboardEvent} event @returns {boolean} does the canvas use this key? */
  #press({key, shiftKey}) {
    const {onMove, onPut, onErase} = this.#options;
    const arrow = ARROWS[key];
    if (arrow) {
      const step = shiftKey ? FINE : STEP;
      this.#cross = [clampShare(this.#cross[0] + step * arrow[0]), clampShare(this.#cross[1] + step * arrow[1])];
      onMove(this.#cross);
    } else if (key === ' ' || key === 'Enter') onPut(this.#cross);
    else if (key === 'Delete' || key === 'Backspace') onErase(this.#cross);
    else return false;
    return true;
  }

  /** @param {PointerEvent} event @returns {Place} */
  #placeUnder({clientX, clientY}) {
    const box = this.#canvas.getBoundingClientRect();
    return [clampShare((clientX - box.left) / box.width), clampShare(1 - (clientY - box.top) / box.height)];
  }

  /** Add dabs at even distances, from the last one on. @param {Place} to */
  #strokeTo(to) {
    const {radius, onApply} = this.#options;
    if (!this.#last) return;
    const spacing = Math.max(SPACING, radius());
    for (let far = distance(this.#last, to); far >= spacing; far = distance(/** @type {Place} */ (this.#last), to)) {
      const [x, y] = /** @type {Place} */ (this.#last);
      this.#last = [x + ((to[0] - x) * spacing) / far, y + ((to[1] - y) * spacing) / far];
      onApply(this.#last, true);
    }
  }

  #paint() {
    this.#requested = 0;
    const canvas = this.#canvas;
    const context = canvas.getContext('2d');
    const side = Math.round(canvas.clientWidth * devicePixelRatio);
    if (!context || !this.#drawing || side === 0) return;
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const theme = readTheme();
    // The unit is a CSS pixel, and y points upwards.
    context.setTransform(devicePixelRatio, 0, 0, -devicePixelRatio, 0, side);
    context.clearRect(0, 0, side, side);
    const size = canvas.clientWidth;
    paintGrid(context, size, theme.line);
    paintPoints(context, size, this.#drawing, theme);
    if (this.#hover && !this.#isKeyed) paintOutline(context, size, this.#hover, this.#options.radius(), theme.muted);
    if (this.#isKeyed && document.activeElement === canvas) paintCross(context, size, this.#cross, theme.accent);
  }
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

/**
 * Paint the points as one path for each class.
 * @param {CanvasRenderingContext2D} context @param {number} size @param {Drawing} drawing @param {{dark: boolean,
 *   paper: string}} theme
 */
function paintPoints(context, size, {points, classes, view}, theme) {
  const mark = points.length > 800 ? 2.75 : 3.75;
  classes.forEach((_, k) => {
    const shape = new Path2D(glyph(k, mark));
    context.fillStyle = writeCss(choosePointColour(k, theme.dark));
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

/**
 * @param {CanvasRenderingContext2D} context @param {number} size @param {Place} place @param {number} radius
 * @param {string} colour
 */
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
