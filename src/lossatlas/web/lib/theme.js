/**
 * This module chooses light or dark: the system's setting, unless the reader chooses otherwise. It also gives the plots
 * their colours.
 */
/** @import {Rgb} from '../figures/colours.js' */
import {byId, make} from './dom.js';
import {textScale} from './sizes.js';

/**
 * @typedef {object} Theme the plots' colours; all are CSS colours unless noted
 * @property {boolean} dark
 * @property {string} ink @property {string} muted @property {string} grid @property {string} paper
 * @property {string} line @property {string} accent
 * @property {string} font the font family
 * @property {number} text the size of texts, relative to the usual one
 * @property {Rgb} neutral the colour of regions where no class is likely
 * @property {number} depth how strong the colour of a certain class is, from 0 to 1
 */

const KEY = 'lossatlas:theme';
const system = matchMedia('(prefers-color-scheme: dark)');

/** Read the colours, and the size of texts, that the page has now. @returns {Theme} */
export const readTheme = () => themeOf(getComputedStyle(document.documentElement), isDark(), textScale());

/**
 * Read the colours that the page has, or would have, if it is dark or light, for texts of the usual size.
 * @param {boolean} dark @returns {Theme}
 */
export function readThemeIf(dark) {
  const probe = make('div', {'data-theme': dark ? 'dark' : 'light', hidden: true});
  document.body.append(probe);
  const theme = themeOf(getComputedStyle(probe), dark, 1);
  probe.remove();
  return theme;
}

/** @param {CSSStyleDeclaration} style @param {boolean} dark @param {number} text @returns {Theme} */
function themeOf(style, dark, text) {
  /** @param {string} name */
  const readToken = (name) => style.getPropertyValue(name).trim();
  return {
    dark,
    ink: readToken('--ink'),
    muted: readToken('--muted'),
    grid: readToken('--grid'),
    paper: readToken('--paper'),
    line: readToken('--line'),
    accent: readToken('--accent'),
    font: readToken('--sans'),
    text,
    neutral: dark ? [38, 42, 50] : [247, 246, 243],
    depth: dark ? 0.62 : 0.52,
  };
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : system.matches;
}

/** @param {() => void} onChange */
export function watchTheme(onChange) {
  const button = byId('theme');
  const apply = () => {
    button.setAttribute('aria-pressed', String(isDark()));
    onChange();
  };
  const saved = document.documentElement.dataset.theme ?? recall(); // The address of a frame may name one.
  if (saved) document.documentElement.dataset.theme = saved;
  button.setAttribute('aria-pressed', String(isDark()));
  button.addEventListener('click', () => {
    const next = isDark() ? 'light' : 'dark';
    document.documentElement.dataset.theme = next;
    remember(next);
    apply();
  });
  system.addEventListener('change', apply);
  window.addEventListener('storage', ({key, newValue}) => {
    // The theme was chosen in another window of this page, or in the page around this frame.
    if (key !== KEY || !newValue) return;
    document.documentElement.dataset.theme = newValue;
    apply();
  });
}

/** Storage may be forbidden (in a private window or a sandboxed frame); then the choice lasts for this visit only. */
function recall() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {string} value */
function remember(value) {
  try {
    localStorage.setItem(KEY, value);
  } catch {
    /* See `recall`. */
  }
}
