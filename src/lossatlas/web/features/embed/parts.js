/**
 * This module knows the parts of the page that a frame of another page can show, and reads from the frame's address
 * which of them it shows. It consists of plain data and a pure function.
 */
/** @import {Status} from '../../model/types.js' */

/**
 * The parts by name, as selectors. docs/embedding.md lists them.
 * @type {Record<string, string>}
 */
export const PARTS = {
  surface: '.landscape',
  boundary: '.boundary',
  play: ':is(#play, #epoch)',
  curves: ':is(#curves, .epoch-ticks)',
  // These accompany a part above.
  titles: '.plot-head h2',
  legend: '.legend',
  colourbar: '.landscape .colourbar',
  camera: '.camera',
  epoch: '.now-brief',
  link: '.in-full',
  // These are shown only if the address asks for them.
  caption: ':is(.slice, .meaning)',
  pick: '#pick',
  numbers: '.readouts:not(.curvature)',
  curvature: '.readouts.curvature',
  timeline: '#timeline',
  step: ':is(#previous, #next)',
  speed: '.speed',
  reset: '#reset',
  plane: '.plane',
  directions: '#new-directions',
  view: '#view',
  set: '#set',
  zoom: '.toolbar .zoom',
  log: '.check:has(#log)',
  fit: '.check:has(#frame-range)',
  follow: '.check:has(#follow)',
  path: '.check:has(#path)',
  tables: '.as-table',
  title: '.run-title',
  compare: '#compare',
  train: ':is(#train-here, .workshop)',
  share: '#share',
  theme: '#theme',
  tour: ':is(#tour-open, .tour)',
  model: '.panel.model',
  dataset: '.panel.dataset',
};

/** What a frame shows if its address does not say. */
const USUAL = ['surface', 'boundary', 'play'];
/** What is shown together with these, unless it is hidden. */
const WITH = {
  surface: ['titles', 'colourbar', 'camera', 'link'],
  boundary: ['titles', 'legend', 'link'],
  play: ['epoch', 'link'],
  curves: ['link'],
};
const CHOICES = {autoplay: ['0', '1'], theme: ['light', 'dark']};

/**
 * @typedef {object} Wanted what the address of a frame asks for
 * @property {string[]} shown the names of the parts that are shown
 * @property {boolean} autoplay
 * @property {'light' | 'dark' | null} theme null: as the reader's system
 * @property {Status | null} remark says what could not be understood
 */

/** Read what a frame is to show. @param {URLSearchParams} query @returns {Wanted} */
export function readWanted(query) {
  const listOf = (/** @type {string} */ name) => (query.get(name) ?? '').split(',').filter(Boolean);
  const asked = listOf('show');
  const hidden = listOf('hide');
  const chosen = query.has('show') ? asked : USUAL;
  const whole = chosen.flatMap((name) => [name, ...(WITH[/** @type {keyof typeof WITH} */ (name)] ?? [])]);
  const unknown = [...new Set([...asked, ...hidden])].filter((name) => !Object.hasOwn(PARTS, name));
  const unread = Object.entries(CHOICES).flatMap(([name, values]) => {
    const value = query.get(name);
    return value === null || values.includes(value) ? [] : [`${name}=${value} is neither ${values.join(' nor ')}.`];
  });
  return {
    shown: Object.keys(PARTS).filter((name) => whole.includes(name) && !hidden.includes(name)),
    autoplay: query.get('autoplay') === '1',
    theme: /** @type {Wanted['theme']} */ (CHOICES.theme.find((name) => name === query.get('theme')) ?? null),
    remark: describeFaults(unknown, unread),
  };
}

/** @param {string[]} unknown @param {string[]} unread @returns {Status | null} */
function describeFaults(unknown, unread) {
  const names = unknown.length
    ? [`There is no part “${unknown.join('”, “')}”; the parts are ${Object.keys(PARTS).join(', ')}.`]
    : [];
  const faults = [...names, ...unread];
  return faults.length
    ? {kind: 'note', text: 'Not all of this frame’s address could be read', detail: faults.join(' ')}
    : null;
}
