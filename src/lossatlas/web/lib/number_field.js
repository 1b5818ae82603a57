/**
 * This module makes a text field a field for a number. The browser's own (`type=number`) drops a decimal comma in some
 * languages, so that `0,3` becomes 3. This field reads numbers as number_text.js does, says at the field what is wrong,
 * and rewrites what it has read, so that everybody sees how it was understood.
 */
/** @import {Limits} from './number_text.js' */
import {readTyped} from './number_text.js';
import {roundToDigits} from './numbers.js';

/** The default step means one unit of the first digit: 0.01 becomes 0.02, and 0.1 becomes 0.09. */
const FIRST_DIGIT = 0;
/** The step from zero, which has no first digit. */
const FROM_ZERO = 1e-4;

/** @typedef {ReturnType<typeof createNumberField>} NumberField */

/**
 * @param {HTMLInputElement} input
 * @param {Limits & {step?: number, empty?: boolean}} [options] `step`: the step of the arrow keys; `empty`: may the
 *   field be empty?
 */
export function createNumberField(input, {step = FIRST_DIGIT, empty = false, ...limits} = {}) {
  const {least = -Infinity, most = Infinity, whole = false} = limits;
  const attributes = {
    type: 'text',
    role: 'spinbutton',
    autocomplete: 'off',
    // A phone's keyboard for decimal numbers has no minus sign.
    ...(least >= 0 ? {inputmode: whole ? 'numeric' : 'decimal'} : {}),
    ...(Number.isFinite(least) ? {'aria-valuemin': String(least)} : {}),
    ...(Number.isFinite(most) ? {'aria-valuemax': String(most)} : {}),
  };
  for (const [name, value] of Object.entries(attributes)) input.setAttribute(name, value);

  const read = () => (empty && input.value.trim() === '' ? {value: null, fault: ''} : readTyped(input.value, limits));
  const update = () => {
    const {value, fault} = read();
    input.setCustomValidity(fault);
    if (value === null) input.removeAttribute('aria-valuenow');
    else input.setAttribute('aria-valuenow', String(value));
  };
  /** @param {number | null} value */
  const write = (value) => {
    input.value = value === null ? '' : String(value);
    update();
  };
  /** @param {number} by the number of steps */
  const move = (by) => {
    const {value} = read();
    const from = value ?? Math.max(least, Math.min(most, 0));
    write(Math.max(least, Math.min(most, stepFrom(from, by, step))));
    for (const type of ['input', 'change']) input.dispatchEvent(new Event(type, {bubbles: true}));
  };

  input.addEventListener('input', update);
  input.addEventListener('change', () => {
    const {value} = read();
    if (value !== null) write(value);
  });
  input.addEventListener('keydown', (event) => {
    const by = {ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10}[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    move(by);
  });
  update();

  return {
    input,
    write,
    /** Return the number; null if the field is empty or its text is not an allowed number. */
    read: () => read().value,
    isSound: () => read().fault === '',
    /** Show at the field what is wrong. @returns {boolean} is nothing wrong? */
    report() {
      update();
      return input.reportValidity();
    },
    /** @param {number} size the step of the arrow keys */
    setStep(size) {
      step = size;
    },
  };
}

/** @param {number} value @param {number} by @param {number} step */
function stepFrom(value, by, step) {
  let at = value;
  for (let k = 0; k < Math.abs(by); k++) {
    const size = step || unitOf(at, Math.sign(by));
    at = roundToDigits((Math.round(at / size) + Math.sign(by)) * size, 12);
  }
  return at;
}

/**
 * Find the unit of a number's first digit. For a power of ten that becomes smaller, it is the next smaller unit.
 * @param {number} value @param {number} way the sign of the step
 */
function unitOf(value, way) {
  const size = Math.abs(value);
  if (size === 0) return FROM_ZERO;
  const outwards = Math.sign(value) === way;
  return 10 ** Math.floor(Math.log10(size) + (outwards ? 1e-9 : -1e-9));
}
