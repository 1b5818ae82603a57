/**
 * This module is the one tooltip of the page: it knows which element it is about, and when it appears and disappears.
 */
import {make, setText} from '../../lib/dom.js';
import {placeTooltip} from './placement.js';
import {textOf, tipOf} from './sentences.js';

/** The time before the first tooltip, in milliseconds; if another was just visible, the next one appears at once. */
const DELAY = 500;
const LINGER = 150;

export class Tooltip {
  // Controls have the same text as their description, so screen readers ignore the tooltip.
  #tip = make('div', {id: 'hint', class: 'hint', role: 'tooltip', popover: 'manual', 'aria-hidden': 'true'});
  /** @type {Element | null} */
  #about = null;
  #timer = 0;
  #left = 0;
  /** The tooltip does not outlive its control: it disappears when that is removed, hidden or scrolled away. */
  #presence = new IntersectionObserver((entries) => {
    if (!entries.at(-1)?.isIntersecting) this.hide();
  });

  /** Return the element that the tooltip is about; null if no tooltip is visible. */
  get about() {
    return this.#about;
  }

  /** Is this element the tooltip itself? @param {Element} element */
  is(element) {
    return element === this.#tip;
  }

  /** Keep the tooltip as it is. */
  keepOpen() {
    clearTimeout(this.#timer);
  }

  /**
   * Show the tooltip of an element after a delay.
   * @param {Element} element @param {number | null} x the pointer's place, if there is a pointer
   */
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
    this.#presence.disconnect();
    this.#left = performance.now();
    this.#tip.hidePopover?.();
    this.#tip.remove();
  }

  /** Update the tooltip, since the title of its element has changed. @param {Element} element */
  update(element) {
    setTitleAside(element);
    setText(this.#tip, textOf(element));
  }

  /** @param {Element} element @param {number | null} x */
  #show(element, x) {
    const {about, text} = tipOf(element);
    if (!about || !text || !element.isConnected) return;
    if (this.#about !== about) this.hide();
    this.#about = about;
    setTitleAside(about);
    setText(this.#tip, text);
    (about.closest('dialog') ?? document.body).append(this.#tip); // An open dialog covers everything outside it.
    this.#tip.showPopover?.();
    placeTooltip(this.#tip, about, x);
    this.#presence.observe(about);
  }
}

/** Set the title aside, so that the browser's own tooltip does not appear as well. @param {Element} element */
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
