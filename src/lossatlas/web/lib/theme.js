/** Light or dark: what the system says, unless the reader says otherwise. The plots take their colours from here. */
/** @import {Rgb} from '../figures/colours.js' */
import {byId} from './dom.js';

/**
 * @typedef {object} Theme the plots' colours as CSS has them, unless said otherwise
 * @property {boolean} dark
 * @property {string} ink @property {string} muted @property {string} grid @property {string} paper
 * @property {string} line @property {string} accent
 * @property {string} font the font's family
 * @property {Rgb} neutral where no class is likely
 * @property {number} depth how strong the colour of a certain class is, from 0 to 1
 */

const KEY = 'lossatlas:theme';
const system = matchMedia('(prefers-color-scheme: dark)');

/** @returns {Theme} */
export function currentTheme() {
  const style = getComputedStyle(document.documentElement);
  /** @param {string} name */
  const token = (name) => style.getPropertyValue(name).trim();
  const dark = isDark();
  return {
    dark,
    ink: token('--ink'),
    muted: token('--muted'),
    grid: token('--grid'),
    paper: token('--paper'),
    line: token('--line'),
    accent: token('--accent'),
    font: token('--sans'),
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
  const saved = recall();
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
    // chosen in another window of ours, or around this frame
    if (key !== KEY || !newValue) return;
    document.documentElement.dataset.theme = newValue;
    apply();
  });
}

/** Storage may be forbidden (a private window, a sandboxed frame): then the choice lasts for the visit. */
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
    /* see recall */
  }
}
