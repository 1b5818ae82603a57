/**
 * This module gives everybody tooltips: the sentence in a control's `title` appears on hover and on keyboard focus, and
 * screen readers read it as the control's description. A `title` alone works for the mouse only. Escape hides a
 * tooltip, the pointer may move onto it, and it stays as long as its control is hovered or focused (WCAG 1.4.13).
 */
import {hintOf, tipOf} from './sentences.js';
import {Tooltip} from './tooltip.js';
import {applyWords} from './words.js';

const CONTROLS = 'button, input, select, summary';

/** Give every control a tooltip and a description. */
export function createHints() {
  const tooltip = new Tooltip();
  watchPointer(tooltip);
  watchFocus(tooltip);
  hideAtUse(tooltip);
  applyWords(document);
  describeIn(document);
  watchTitles(tooltip);
  describeLater();
}

/** @param {Tooltip} tooltip */
function watchPointer(tooltip) {
  /**
   * The control that was pressed. It shows no tooltip until the pointer has left it.
   * @type {Element | null}
   */
  let pressed = null;
  document.addEventListener('pointerover', (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.pointerType === 'touch' || event.buttons !== 0) return;
    const found = tipOf(target).about;
    if (found && found === pressed) return; // Its text has changed under the pointer.
    pressed = null;
    if (tooltip.is(target) || (found && found === tooltip.about)) tooltip.keepOpen();
    else if (found) tooltip.showSoon(target, event.clientX);
    else tooltip.hideSoon();
  });
  document.addEventListener(
    'pointerdown',
    ({target}) => {
      pressed = target instanceof Element ? tipOf(target).about : null;
    },
    {capture: true},
  );
  document.documentElement.addEventListener('pointerleave', () => tooltip.hideSoon());
}

/** @param {Tooltip} tooltip */
function watchFocus(tooltip) {
  // A field that a finger has touched has visible focus, but its tooltip could cover what the finger will touch next.
  let touched = false;
  for (const type of /** @type {const} */ (['pointerdown', 'keydown']))
    document.addEventListener(
      type,
      (event) => {
        touched = event instanceof PointerEvent && event.pointerType === 'touch';
      },
      {capture: true},
    );
  document.addEventListener('focusin', (event) => {
    const target = /** @type {Element} */ (event.target);
    // The tooltip may cover the element that has the focus now.
    if (tooltip.about && !tooltip.about.contains(target)) tooltip.hide();
    if (!touched && target.matches(':focus-visible') && hintOf(target).about) tooltip.showSoon(target, null);
  });
  document.addEventListener('focusout', () => tooltip.hideSoon());
}

/**
 * Hide the tooltip when a person presses or types: they know the control, and the tooltip must not cover what is below
 * it.
 * @param {Tooltip} tooltip
 */
function hideAtUse(tooltip) {
  for (const type of ['pointerdown', 'input']) document.addEventListener(type, () => tooltip.hide());
  document.addEventListener('keydown', ({key}) => key === 'Escape' && tooltip.hide(), {capture: true});
  window.addEventListener('scroll', () => tooltip.hide(), {passive: true});
}

/** Keep descriptions and the tooltip equal to the titles. @param {Tooltip} tooltip */
function watchTitles(tooltip) {
  new MutationObserver((records) => {
    for (const {target} of records) {
      const element = /** @type {Element} */ (target);
      if (!element.hasAttribute('title')) continue; // The title was only set aside.
      if (element === tooltip.about) tooltip.update(element);
      describeIn(element);
    }
  }).observe(document.body, {subtree: true, attributes: true, attributeFilter: ['title']});
}

/**
 * Describe controls that are added later: sizes with the gallery, strips on request, dialogs. The plots are left out,
 * since they change all the time.
 */
function describeLater() {
  const later = new MutationObserver((records) => {
    for (const {target, addedNodes} of records) {
      if (target !== document.body) describeIn(/** @type {Element} */ (target));
      else for (const node of addedNodes) if (node instanceof HTMLDialogElement) watchDialog(node);
    }
  });
  /** @param {HTMLDialogElement} dialog */
  const watchDialog = (dialog) => {
    describeIn(dialog);
    later.observe(dialog, {subtree: true, childList: true});
  };
  for (const root of document.querySelectorAll('form, #workshop, #tour, dialog'))
    later.observe(root, {subtree: true, childList: true});
  later.observe(document.body, {childList: true});
}

/**
 * Describe the controls in an element (or the element itself) by the words of their tooltips.
 * @param {Document | Element} root
 */
function describeIn(root) {
  const own = root instanceof Element && root.matches(CONTROLS) ? [root] : [];
  for (const control of [...own, ...root.querySelectorAll(CONTROLS)]) {
    const {text} = hintOf(control);
    if (text && control.getAttribute('aria-description') !== text) control.setAttribute('aria-description', text);
  }
}
