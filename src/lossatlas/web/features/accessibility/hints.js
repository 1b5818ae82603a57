/**
 * Tooltips for everybody: the sentence in a control's `title` appears on hover and on keyboard focus, and screen readers
 * read it as the control's description. A `title` alone is for the mouse. Escape hides a tooltip, the pointer may move
 * onto it, and it stays as long as its control is hovered or focused (WCAG 1.4.13).
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
  /** @type {Element | null} what was pressed: whoever presses it knows, until the pointer has left it */
  let pressed = null;
  document.addEventListener('pointerover', (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.pointerType === 'touch' || event.buttons !== 0) return;
    const found = tipOf(target).about;
    if (found && found === pressed) return; // its text has changed under the pointer
    pressed = null;
    if (tooltip.is(target) || (found && found === tooltip.about)) tooltip.stay();
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
  // A field that a finger has touched has the focus visibly; but what lies beside it is what the finger is about to touch.
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
    if (tooltip.about && !tooltip.about.contains(target)) tooltip.hide(); // it may lie on what has the focus now
    if (!touched && target.matches(':focus-visible') && hintOf(target).about) tooltip.showSoon(target, null);
  });
  document.addEventListener('focusout', () => tooltip.hideSoon());
}

/** Whoever presses or types knows; and what lies beneath must not be in the way for long. @param {Tooltip} tooltip */
function hideAtUse(tooltip) {
  for (const type of ['pointerdown', 'input']) document.addEventListener(type, () => tooltip.hide());
  document.addEventListener('keydown', ({key}) => key === 'Escape' && tooltip.hide(), {capture: true});
  window.addEventListener('scroll', () => tooltip.hide(), {passive: true});
}

/** Descriptions and the tooltip follow the titles. @param {Tooltip} tooltip */
function watchTitles(tooltip) {
  new MutationObserver((records) => {
    for (const {target} of records) {
      const element = /** @type {Element} */ (target);
      if (!element.hasAttribute('title')) continue; // it was only set aside
      if (element === tooltip.about) tooltip.update(element);
      describeIn(element);
    }
  }).observe(document.body, {subtree: true, attributes: true, attributeFilter: ['title']});
}

/** What comes later: sizes with the gallery, strips when they are asked for, dialogs. Not the plots, which change all the time. */
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

/** Describe the controls in (or of) an element by what their tooltips say. @param {Document | Element} root */
function describeIn(root) {
  const own = root instanceof Element && root.matches(CONTROLS) ? [root] : [];
  for (const control of [...own, ...root.querySelectorAll(CONTROLS)]) {
    const {text} = hintOf(control);
    if (text && control.getAttribute('aria-description') !== text) control.setAttribute('aria-description', text);
  }
}
