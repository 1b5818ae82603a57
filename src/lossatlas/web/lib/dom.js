/** This module finds and creates elements of the document, and writes and measures text. */

/**
 * Return an element that index.html is known to contain.
 * @template {Element} [T=HTMLElement]
 * @param {string} id @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return /** @type {any} */ (element);
}

/**
 * Create an element: first its attributes by name, then its children. `false` and `null` leave an attribute out.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, string | number | boolean | null>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/**
 * Create an SVG element, as `make` does.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag @param {Record<string, string | number | boolean | null>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  setAttributes(element, attributes);
  element.append(...children);
  return element;
}

/** @param {Element} element @param {Record<string, string | number | boolean | null>} attributes */
function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
}

/**
 * Set the text of an element, if it differs from what is there: a readout is updated many times a second.
 * @param {Element} element @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @type {CanvasRenderingContext2D | null} */
let ruler = null;

/** Measure the width of a text. @param {string} text @param {string} font a CSS font */
export function textWidth(text, font) {
  ruler ??= /** @type {CanvasRenderingContext2D} */ (make('canvas').getContext('2d'));
  ruler.font = font;
  return ruler.measureText(text).width;
}

/**
 * Shorten a text to the available width. An ellipsis marks what was cut off.
 * @param {string} text @param {number} room @param {string} font
 */
export function fitText(text, room, font) {
  const letters = [...text];
  let count = letters.length;
  const shorten = () => (count === letters.length ? text : `${letters.slice(0, count).join('').trimEnd()}…`);
  while (count > 1 && textWidth(shorten(), font) > room) count--;
  return shorten();
}
