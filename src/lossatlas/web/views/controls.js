/** Radio buttons as one segmented control, and controls that say why they cannot be used. */
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
    /** @param {string[]} values @param {string} why empty: they can be used */
    limit(values, why) {
      for (const input of inputs) if (values.includes(input.value)) limit(input, why);
    },
  };
}

/**
 * Disable a control and have its label say why; or give both back.
 * @param {HTMLInputElement} input @param {string} why empty: it can be used
 */
export function limit(input, why) {
  const label = /** @type {HTMLElement} */ (input.closest('label'));
  label.dataset.title ??= label.title;
  label.title = why || label.dataset.title;
  input.disabled = why !== '';
}

/**
 * Of the two plots and the curves small windows show one. Where there is room the stylesheets show all, whatever is
 * chosen.
 * @param {string} plot landscape, boundary or curves
 */
export function showPlot(plot) {
  /** @type {HTMLElement} */ (byId('plots').parentElement).dataset.plot = plot;
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll('#plots input')))
    input.checked = input.value === plot;
}

/** What small windows fold away: all but one of the plots, and the controls of the left one. */
export function watchFolds() {
  radioGroup(byId('plots'), showPlot);
  showPlot(/** @type {HTMLInputElement} */ (document.querySelector('#plots input:checked')).value); // browsers may keep it over a reload
  const options = byId('options');
  options.addEventListener('click', () => {
    const open = options.getAttribute('aria-expanded') !== 'true';
    options.setAttribute('aria-expanded', String(open));
    byId('landscape').toggleAttribute('data-options', open);
  });
}
