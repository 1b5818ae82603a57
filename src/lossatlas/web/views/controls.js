/**
 * This module provides radio buttons as one segmented control, and controls whose tooltips say why they cannot be used.
 */
import {byId} from '../lib/dom.js';

/** @param {HTMLElement} root @param {(value: string) => void} onChoice */
export function radioGroup(root, onChoice) {
  const inputs = /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll('input')]);
  root.addEventListener('change', (event) => onChoice(/** @type {HTMLInputElement} */ (event.target).value));
  return {
    /** @param {string} value */
    check(value) {
      for (const input of inputs) input.checked = input.value === value;
    },
    /** @param {string[]} values @param {string} why the reason why they cannot be used; empty: they can */
    limit(values, why) {
      for (const input of inputs) if (values.includes(input.value)) limit(input, why);
    },
  };
}

/**
 * Disable a control and give the reason in its tooltip; or enable it again.
 * @param {HTMLInputElement} input @param {string} why the reason; empty: it can be used
 */
export function limit(input, why) {
  const label = /** @type {HTMLElement} */ (input.closest('label'));
  label.dataset.title ??= label.title;
  label.title = why || label.dataset.title;
  input.disabled = why !== '';
}

/**
 * Show one of the two plots and the curves in a small window. In a large window the stylesheets show all of them.
 * @param {string} plot landscape, boundary or curves
 */
export function showPlot(plot) {
  /** @type {HTMLElement} */ (byId('plots').parentElement).dataset.plot = plot;
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('#plots input')))
    input.checked = input.value === plot;
}

/** Let small windows show one plot at a time, and fold the controls of the left plot. */
export function watchFolds() {
  radioGroup(byId('plots'), showPlot);
  // Browsers may keep the choice when the page is reloaded.
  showPlot(/** @type {HTMLInputElement} */ (document.querySelector('#plots input:checked')).value);
  const options = byId('options');
  options.addEventListener('click', () => {
    const open = options.getAttribute('aria-expanded') !== 'true';
    options.setAttribute('aria-expanded', String(open));
    byId('landscape').toggleAttribute('data-options', open);
  });
}
