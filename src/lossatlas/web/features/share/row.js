/** This module creates the rows of the dialog: a title, a sentence, and the controls below it. */
import {make} from '../../lib/dom.js';

/** Make a button. @param {string} text @param {Record<string, string | null>} attributes @param {() => void} onClick */
export function createButton(text, attributes, onClick) {
  const made = make('button', {type: 'button', ...attributes}, text);
  made.addEventListener('click', onClick);
  return made;
}

/** Make a row. @param {string} title @param {(Node | string)[]} text @param {HTMLElement[]} controls */
export function createRow(title, text, ...controls) {
  return make(
    'section',
    {},
    make('h3', {}, title),
    make('div', {class: 'what'}, ...text),
    make('div', {class: 'do'}, ...controls),
  );
}
