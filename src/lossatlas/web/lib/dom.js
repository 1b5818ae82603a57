/** Elements of the document: finding them, making them, writing and measuring text. */

/**
 * An element that index.html is known to have.
 * @template {Element} [T=HTMLElement]
 * @param {string} id @returns {T}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no #${id}`);
  return /** @type {any} */ (element);
}

/**
 * Make an element: attributes by name, then children. `false` and `null` leave an attribute out.
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
 * Write text where it differs from what is there: a readout is updated many times a second.
 * @param {Element} element @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @type {CanvasRenderingContext2D | null} */
let ruler = null;

/** Measure how wide a text is. @param {string} text @param {string} font as CSS has it */
export function textWidth(text, font) {
  ruler ??= /** @type {CanvasRenderingContext2D} */ (make('canvas').getContext('2d'));
  ruler.font = font;
  return ruler.measureText(text).width;
}

/**
 * Cut a text to the room there is, with an ellipsis where something was cut.
 * @param {string} text @param {number} room @param {string} font
 */
export function fitText(text, room, font) {
  const letters = [...text];
  let count = letters.length;
  const shortened = () => (count === letters.length ? text : `${letters.slice(0, count).join('').trimEnd()}…`);
  while (count > 1 && textWidth(shortened(), font) > room) count--;
  return shortened();
}
