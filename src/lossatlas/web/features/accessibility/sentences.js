/**
 * This module decides what a tooltip says about a control: the control's own sentence, and the full text if it is cut
 * off.
 */
import {textWidth} from '../../lib/dom.js';

/** The width of a select's arrow in pixels. */
const ARROW = 16;

/**
 * Return the sentence about an element: its own, or that of the label or the group around it.
 * @param {Element} element
 */
export function hintOf(element) {
  const about = element.closest('[title]:not([title=""]), [data-hint]');
  return {about, text: about ? textOf(about) : ''};
}

/** Return the sentence of the element itself. @param {Element} element */
export function textOf(element) {
  return element.getAttribute('title') || element.getAttribute('data-hint') || '';
}

/** Return the full text if the text is cut off at or around an element; else empty. @param {Element} element */
function fullTextOf(element) {
  if (element instanceof HTMLSelectElement) return isCut(element) ? element.selectedOptions[0].text : '';
  const box = element.closest('li, p, th, td, label, button')?.querySelector('span, b') ?? null;
  const cut = [element, box].find(
    (each) => each && getComputedStyle(each).textOverflow === 'ellipsis' && each.scrollWidth > each.clientWidth + 1,
  );
  return cut?.textContent?.trim() ?? '';
}

/** Is the text of a select cut off? Browsers do not report its width. @param {HTMLSelectElement} select */
function isCut(select) {
  const {fontWeight, fontSize, fontFamily, paddingLeft, paddingRight, appearance} = getComputedStyle(select);
  const text = select.selectedOptions[0]?.text ?? '';
  const room =
    select.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - (appearance === 'none' ? 0 : ARROW);
  return textWidth(text, `${fontWeight} ${fontSize} ${fontFamily}`) > room;
}

/**
 * Return the text of a tooltip and the element it is about; a text that is cut off comes first.
 * @param {Element} element
 */
export function tipOf(element) {
  const {about, text} = hintOf(element);
  const whole = fullTextOf(element);
  return {
    about: about ?? (whole ? element : null),
    text: !whole || text.includes(whole) ? text : `${whole}${text ? `. ${text}` : ''}`,
  };
}
