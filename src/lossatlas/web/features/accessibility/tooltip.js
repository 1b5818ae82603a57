/** The one tooltip of the page: what it is about, when it comes and when it goes. */
import {make, say} from '../../lib/dom.js';
import {placeTooltip} from './placement.js';
import {textOf, tipOf} from './sentences.js';

/** The time before the first tooltip, in ms; while one was just there the next comes at once. */
const DELAY = 500;
const LINGER = 150;

export class Tooltip {
  #tip = make('div', {id: 'hint', class: 'hint', role: 'tooltip', popover: 'manual', 'aria-hidden': 'true'}); // controls have it as their description
  /** @type {Element | null} */
  #about = null;
  #timer = 0;
  #left = 0;

  /** The element that the tooltip is about; null while there is no tooltip. */
  get about() {
    return this.#about;
  }

  /** Is this the tooltip itself? @param {Element} element */
  is(element) {
    return element === this.#tip;
  }

  /** Stay as it is. */
  stay() {
    clearTimeout(this.#timer);
  }

  /** Show the tooltip of an element after a while. @param {Element} element @param {number | null} x of the pointer, where there is one */
  showSoon(element, x) {
    clearTimeout(this.#timer);
    const delay = this.#about || performance.now() - this.#left < DELAY ? LINGER : DELAY;
    this.#timer = window.setTimeout(() => this.#show(element, x), delay);
  }

  hideSoon() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.hide(), LINGER);
  }

  hide() {
    clearTimeout(this.#timer);
    if (!this.#about) return;
    restoreTitle(this.#about);
    this.#about = null;
    this.#left = performance.now();
    this.#tip.hidePopover?.();
    this.#tip.remove();
  }

  /** The title of the element has changed while its tooltip is there. @param {Element} element */
  update(element) {
    setTitleAside(element);
    say(this.#tip, textOf(element));
  }

  /** @param {Element} element @param {number | null} x */
  #show(element, x) {
    const {about, text} = tipOf(element);
    if (!about || !text || !element.isConnected) return;
    if (this.#about !== about) this.hide();
    this.#about = about;
    setTitleAside(about);
    say(this.#tip, text);
    (about.closest('dialog') ?? document.body).append(this.#tip); // what is beside an open dialog is out of reach
    this.#tip.showPopover?.();
    placeTooltip(this.#tip, about, x);
  }
}

/** The browser's own tooltip must not come as well, so the title is set aside. @param {Element} element */
function setTitleAside(element) {
  const title = element.getAttribute('title');
  if (!title) return;
  element.setAttribute('data-hint', title);
  element.removeAttribute('title');
}

/** @param {Element} element */
function restoreTitle(element) {
  if (!(element instanceof HTMLElement) || !element.dataset.hint) return;
  if (!element.hasAttribute('title')) element.title = element.dataset.hint;
  delete element.dataset.hint;
}
