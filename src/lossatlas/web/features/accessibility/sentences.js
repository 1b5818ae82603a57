/** What a tooltip says about a control: its own sentence, and the whole of a text that is cut off. */
import {textWidth} from '../../lib/dom.js';

/** The width of a select's arrow, in px. */
const ARROW = 16;

/** What is said of an element: its own sentence, or that of the label or the group around it. @param {Element} element */
export function hintOf(element) {
  const about = element.closest('[title]:not([title=""]), [data-hint]');
  return {about, text: about ? textOf(about) : ''};
}

/** The sentence of an element itself. @param {Element} element */
export function textOf(element) {
  return element.getAttribute('title') || element.getAttribute('data-hint') || '';
}

/** The whole of a text that is cut off at or around an element; else empty. @param {Element} element */
function wholeOf(element) {
  if (element instanceof HTMLSelectElement) return isCut(element) ? element.selectedOptions[0].text : '';
  const box = element.closest('li, p, th, td, label, button')?.querySelector('span, b') ?? null;
  const cut = [element, box].find(
    (each) => each && getComputedStyle(each).textOverflow === 'ellipsis' && each.scrollWidth > each.clientWidth + 1,
  );
  return cut?.textContent?.trim() ?? '';
}

/** Browsers do not say how wide the text of a select is. @param {HTMLSelectElement} select */
function isCut(select) {
  const {fontWeight, fontSize, fontFamily, paddingLeft, paddingRight, appearance} = getComputedStyle(select);
  const text = select.selectedOptions[0]?.text ?? '';
  const room =
    select.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - (appearance === 'none' ? 0 : ARROW);
  return textWidth(text, `${fontWeight} ${fontSize} ${fontFamily}`) > room;
}

/** What a tooltip says, and of what: first what is cut off of the text. @param {Element} element */
export function tipOf(element) {
  const {about, text} = hintOf(element);
  const whole = wholeOf(element);
  return {
    about: about ?? (whole ? element : null),
    text: !whole || text.includes(whole) ? text : `${whole}${text ? `. ${text}` : ''}`,
  };
}
