/** Radio buttons as one segmented control, and controls that say why they cannot be used. */

/** @param {HTMLElement} root @param {(value: string) => void} onChoice */
export function radioGroup(root, onChoice) {
  const inputs = /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll('input')]);
  root.addEventListener('change', (event) => onChoice(/** @type {HTMLInputElement} */ (event.target).value));
  return {
    /** @param {string} value */
    check(value) { for (const input of inputs) input.checked = input.value === value; },
    /** @param {string[]} values @param {string} why empty: they can be used */
    limit(values, why) { for (const input of inputs) if (values.includes(input.value)) limit(input, why); },
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
