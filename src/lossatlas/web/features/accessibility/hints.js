/**
 * Tooltips for everybody: the sentence in a control's `title`, on hover and on keyboard focus, and told to screen
 * readers as the control's description. A `title` alone is for the mouse. Escape hides a tooltip, the pointer may move
 * onto it, and it stays as long as what it is about is hovered or focused (WCAG 1.4.13).
 */
import {make, say, textWidth} from '../../lib/dom.js';
import {applyWords} from './words.js';

/** Before the first tooltip, in ms; while one was just there the next comes at once. */
const DELAY = 500;
const LINGER = 150;
const GAP = 8;
const CONTROLS = 'button, input, select, summary';
/** What a person may want to use next. */
const USED = `${CONTROLS}, a, textarea`;
/** How many px² of a control may be covered rather than that the tooltip is a pixel farther away. */
const NEAR = 1;
/** How many places along a control, or along its part of the page, are tried. */
const TRIED = 33;
/** A select's arrow, in px. */
const ARROW = 16;
/** The parts of the page that hold controls: beside them a tooltip is out of the way. */
const PARTS = '.bar, .panel, .toolbar, .plot-head, .workshop, .timeline-head, .transport, .side, dialog';

/** What is said of an element: its own sentence, or that of the label or the group around it. @param {Element} element */
export function hintOf(element) {
  const about = element.closest('[title]:not([title=""]), [data-hint]');
  return {about, text: about ? textOf(about) : ''};
}

/** @param {Element} element */
function textOf(element) {
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

export function createHints() {
  const tip = make('div', {id: 'hint', class: 'hint', role: 'tooltip', popover: 'manual', 'aria-hidden': 'true'}); // controls have it as their description
  /** @type {Element | null} what the tooltip is about */
  let about = null;
  /** @type {Element | null} what was pressed: whoever presses it knows, until the pointer has left it */
  let pressed = null;
  let timer = 0;
  let left = 0;

  /** The browser's own tooltip must not come as well, so the title is put aside. @param {Element} element */
  const takeTitle = (element) => {
    const title = element.getAttribute('title');
    if (!title) return;
    element.setAttribute('data-hint', title);
    element.removeAttribute('title');
  };
  /** @param {Element} element */
  const giveTitle = (element) => {
    if (!(element instanceof HTMLElement) || !element.dataset.hint) return;
    if (!element.hasAttribute('title')) element.title = element.dataset.hint;
    delete element.dataset.hint;
  };

  const hide = () => {
    clearTimeout(timer);
    if (!about) return;
    giveTitle(about);
    about = null;
    left = performance.now();
    tip.hidePopover?.();
    tip.remove();
  };
  /** @param {Element} element @param {number | null} x of the pointer, where there is one */
  const show = (element, x) => {
    const found = tipOf(element);
    if (!found.about || !found.text || !element.isConnected) return;
    if (about !== found.about) hide();
    about = found.about;
    takeTitle(about);
    say(tip, found.text);
    (about.closest('dialog') ?? document.body).append(tip); // what is beside an open dialog is out of reach
    tip.showPopover?.();
    place(tip, about, x);
  };
  /** @param {Element} element @param {number | null} x */
  const soon = (element, x) => {
    clearTimeout(timer);
    timer = window.setTimeout(show, about || performance.now() - left < DELAY ? LINGER : DELAY, element, x);
  };
  const leave = () => {
    clearTimeout(timer);
    timer = window.setTimeout(hide, LINGER);
  };

  document.addEventListener('pointerover', (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.pointerType === 'touch' || event.buttons !== 0) return;
    const found = tipOf(target).about;
    if (found && found === pressed) return; // its text has changed under the pointer
    pressed = null;
    if (target === tip || (found && found === about)) clearTimeout(timer);
    else if (found) soon(target, event.clientX);
    else leave();
  });
  document.documentElement.addEventListener('pointerleave', leave);
  // A field that a finger has touched has the focus visibly; but what lies beside it is what the finger is about to touch.
  let touched = false;
  document.addEventListener(
    'pointerdown',
    ({pointerType, target}) => {
      touched = pointerType === 'touch';
      pressed = target instanceof Element ? tipOf(target).about : null;
    },
    {capture: true},
  );
  document.addEventListener(
    'keydown',
    () => {
      touched = false;
    },
    {capture: true},
  );
  document.addEventListener('focusin', (event) => {
    const target = /** @type {Element} */ (event.target);
    if (about && !about.contains(target)) hide(); // it may lie on what has the focus now
    if (!touched && target.matches(':focus-visible') && hintOf(target).about) soon(target, null);
  });
  document.addEventListener('focusout', leave);
  // Whoever presses or types knows; and what lies beneath must not be in the way for long.
  for (const type of ['pointerdown', 'input']) document.addEventListener(type, hide);
  document.addEventListener(
    'keydown',
    (event) => {
      if (event.key === 'Escape') hide();
    },
    true,
  );
  window.addEventListener('scroll', hide, {passive: true});

  applyWords(document);
  describeIn(document);
  new MutationObserver((records) => {
    for (const {target} of records) {
      const element = /** @type {Element} */ (target);
      if (!element.hasAttribute('title')) continue; // it was only put aside
      if (element === about) {
        takeTitle(element);
        say(tip, textOf(element));
      }
      describeIn(element);
    }
  }).observe(document.body, {subtree: true, attributes: true, attributeFilter: ['title']});
  // What comes later: sizes with the gallery, strips when they are asked for, dialogs. Not the plots, which change all the time.
  const later = new MutationObserver((records) => {
    for (const {target, addedNodes} of records) {
      if (target === document.body) {
        for (const node of addedNodes)
          if (node instanceof HTMLDialogElement) {
            describeIn(node);
            later.observe(node, {subtree: true, childList: true});
          }
      } else {
        describeIn(/** @type {Element} */ (target));
      }
    }
  });
  for (const root of document.querySelectorAll('form, #workshop, #tour, dialog'))
    later.observe(root, {subtree: true, childList: true});
  later.observe(document.body, {childList: true});
}

/** Tell of the controls in (or of) an element what their tooltips say. @param {Document | Element} root */
function describeIn(root) {
  const own = root instanceof Element && root.matches(CONTROLS) ? [root] : [];
  for (const control of [...own, ...root.querySelectorAll(CONTROLS)]) {
    const {text} = hintOf(control);
    if (text && control.getAttribute('aria-description') !== text) control.setAttribute('aria-description', text);
  }
}

/**
 * Near what it is about and within the window, where it lies on as little as can be of what it is about, and of what one
 * may want to use: the next card, the row below. Below, above or beside it, or else beside the part of the page.
 * @param {HTMLElement} tip @param {Element} about @param {number | null} x
 */
function place(tip, about, x) {
  const {width, height} = tip.getBoundingClientRect();
  const box = about.getBoundingClientRect();
  const [right, bottom] = [document.documentElement.clientWidth - width - GAP, innerHeight - height - GAP];
  const centre = Math.min(Math.max(x ?? box.left + Math.min(box.width, 320) / 2, box.left), box.right);
  /** @param {DOMRect} around */
  const along = (around) =>
    Array.from({length: TRIED}, (_, i) => around.left + ((around.width - width) * i) / (TRIED - 1));
  /** @param {DOMRect} around @returns {[number, number][]} */
  const beside = (around) => [
    ...[around.bottom + GAP, around.top - height - GAP].flatMap((y) =>
      [centre - width / 2, ...along(around)].map((x) => /** @type {[number, number]} */ ([x, y])),
    ),
    [around.right + GAP, box.top],
    [around.left - width - GAP, box.top],
  ];
  const part = about.closest(PARTS)?.getBoundingClientRect();
  const places = [...beside(box), ...(part ? beside(part) : [])].map(([left, top]) => ({
    left: Math.max(GAP, Math.min(left, right)),
    top: Math.max(GAP, Math.min(top, bottom)),
  }));
  const used = [...(about.closest('dialog') ?? document).querySelectorAll(USED)].filter(
    (each) => !tip.contains(each) && each.checkVisibility(),
  );
  const boxes = [
    box,
    ...used.map((each) => (each.matches('input') ? (each.closest('label') ?? each) : each).getBoundingClientRect()),
  ];
  const covered = places.map((at) =>
    boxes.reduce(
      (sum, other) => sum + overlap({...at, width, height}, other),
      NEAR * distance({...at, width, height}, box),
    ),
  );
  const best = places[covered.indexOf(Math.min(...covered))];
  tip.style.left = `${best.left}px`;
  tip.style.top = `${best.top}px`;
}

/** Between two boxes. @param {Box} a @param {Box} b */
function distance(a, b) {
  const across = Math.max(a.left - b.left - b.width, b.left - a.left - a.width, 0);
  const down = Math.max(a.top - b.top - b.height, b.top - a.top - a.height, 0);
  return Math.hypot(across, down);
}

/** The area that two boxes share. @typedef {{left: number, top: number, width: number, height: number}} Box @param {Box} a @param {Box} b */
function overlap(a, b) {
  const across = Math.min(a.left + a.width, b.left + b.width) - Math.max(a.left, b.left);
  const down = Math.min(a.top + a.height, b.top + b.height) - Math.max(a.top, b.top);
  return across > 0 && down > 0 ? across * down : 0;
}
