/** The state of the page: plain data, the list of its properties, and their form in the address. */
/** @import {Catalog, Eye, State} from './types.js' */
import {readSample, readSettings, writeSample, writeSettings} from './settings.js';

/**
 * From in front and from above: the surface fills its panel, and no wall hides the network in any run of the gallery.
 * Its distance means that the box fits its panel.
 * @type {Eye}
 */
export const HOME = Object.freeze({x: 0.3, y: -1.19, z: 1.83});

/** What stands for own data that a link was of and has lost: the fragment does not survive every messenger. */
export const LOST = 'lost-on-the-way';
/** Says in the query that the fragment has own data, so that its loss is noticed. */
const HAS_OWN = 'points=own';

/**
 * @typedef {object} Property
 * @property {keyof State} name
 * @property {(text: string) => any} read from the query; undefined where it makes no sense
 * @property {(value: any) => string} write
 * @property {boolean} [own] is it somebody's own, which stays in the browser?
 * @property {boolean} [names] does it name a run, together with all others that do?
 * @property {boolean} [visits] is a change of it a step in the browser's history?
 * @property {boolean} [slices] may another value of it take other arrays of the run?
 */

/** @type {Property[]} in the order they have in the URL */
export const PROPERTIES = [
  {name: 'dataset', read: (text) => text || undefined, write: String, names: true, visits: true},
  {name: 'hidden', read: readHidden, write: writeHidden, names: true, visits: true},
  {name: 'activation', read: (text) => text || undefined, write: String, names: true, visits: true},
  {name: 'residual', read: readBoolean, write: String, names: true, visits: true},
  {name: 'run', read: (text) => text || undefined, write: String, names: true, visits: true},
  {name: 'train', read: readSettings, write: writeSettings, names: true},
  {name: 'sample', read: readSample, write: writeSample, names: true},
  {name: 'own', read: (text) => (/^[\w-]{8,}$/.test(text) ? text : LOST), write: String, own: true, names: true},
  {name: 'epoch', read: (text) => readNumber(text, 0), write: String},
  {name: 'zoom', read: (text) => readNumber(text, Number.MIN_VALUE), write: String, slices: true},
  {name: 'scale', read: (text) => oneOf(text, ['linear', 'log']), write: String},
  {name: 'range', read: (text) => oneOf(text, ['training', 'frame']), write: String},
  {name: 'camera', read: readEye, write: ({x, y, z}) => [x, y, z].map((n) => n.toFixed(2)).join(',')},
  {name: 'plane', read: (text) => text || undefined, write: String, slices: true},
  {name: 'seed', read: readSeed, write: String, slices: true},
  {name: 'view', read: (text) => oneOf(text, ['surface', 'contours', 'section']), write: String},
  {name: 'set', read: (text) => oneOf(text, ['train', 'test', 'gap']), write: String, slices: true},
  {name: 'follow', read: readBoolean, write: String, slices: true},
  {name: 'path', read: readBoolean, write: String},
  {name: 'pick', read: readPoint, write: (point) => point.join(','), slices: true},
  {name: 'ball', read: readBoolean, write: String},
  {name: 'timeline', read: (text) => oneOf(text, ['loss', 'curvature']), write: String},
  {name: 'tour', read: (text) => (/^[a-z-]+$/.test(text) ? text : undefined), write: String, visits: true},
];

/** @typedef {'own' | 'names' | 'visits' | 'slices'} Flag */

/** The names of the properties that have a flag. @param {Flag} flag */
const flagged = (flag) => PROPERTIES.filter((property) => property[flag]).map(({name}) => name);

const FLAGGED = {own: flagged('own'), names: flagged('names'), visits: flagged('visits'), slices: flagged('slices')};

/** The properties that together name a run. */
export const RUN_PROPERTIES = FLAGGED.names;

/**
 * Is any property with a flag another one than before?
 * @param {Flag} flag
 * @param {Readonly<State>} state
 * @param {Readonly<State>} before
 */
export function hasChanged(flag, state, before) {
  return FLAGGED[flag].some((name) => state[name] !== before[name]);
}

/** How the landscape is looked at when nothing else is said; Reset returns to it. */
export const FIRST_VIEW = Object.freeze({
  epoch: null,
  zoom: null,
  scale: 'log',
  range: 'training',
  plane: null,
  seed: null,
  view: 'surface',
  set: 'train',
  follow: true,
  path: true,
  timeline: 'loss',
  pick: null,
  ball: false,
});

/** What a bare URL means. @param {Catalog} catalog @returns {State} */
export function defaults(catalog) {
  const config = /** @type {any} */ (catalog.default);
  return {
    dataset: config.dataset.name,
    hidden: config.model.hidden,
    activation: config.model.activation,
    residual: config.model.residual === true,
    run: null,
    train: null,
    sample: null,
    own: null,
    tour: null,
    .../** @type {Pick<State, keyof typeof FIRST_VIEW>} */ (FIRST_VIEW),
    camera: {...HOME},
  };
}

/**
 * @param {string} query and the fragment after it
 * @param {State} base what a missing property means
 * @returns {State}
 */
export function fromQuery(query, base) {
  const given = parametersOf(query);
  /** @type {Record<string, unknown>} */
  const state = {...base, ...(given.get('points') === 'own' ? {own: LOST} : {})};
  for (const {name, read} of PROPERTIES) {
    const text = given.get(name);
    const value = text === null ? undefined : read(text);
    if (value !== undefined) state[name] = value;
  }
  return /** @type {any} */ (state);
}

/** What an address says; a fragment whose mark was encoded on its way is one all the same. @param {string} query */
function parametersOf(query) {
  const [open, inside = ''] = query.replace(/%23own(=|%3D)/i, '#own=').split('#');
  return new URLSearchParams([...new URLSearchParams(open), ...new URLSearchParams(inside)]);
}

/**
 * The parts of an address that make no sense, as they stand in it: without a word, something else would be shown.
 * @param {string} query
 */
export function unreadable(query) {
  const given = parametersOf(query);
  return PROPERTIES.flatMap(({name, read}) => {
    const text = given.get(name);
    return text !== null && read(text) === undefined ? [`${name}=${text}`] : [];
  });
}

/**
 * The query of a state, without what is as in `base`, and after it the fragment with what no server is to see: own
 * data.
 * @param {State} state @param {State} base
 */
export function toQuery(state, base) {
  /** @param {Property[]} properties @param {string} mark */
  const part = (properties, mark) => {
    const pairs = properties.flatMap(({name, write}) => {
      const value = state[name];
      if (value === null || (base[name] !== null && write(value) === write(base[name]))) return [];
      return [`${name}=${encodeURIComponent(write(value)).replaceAll('%2C', ',')}`];
    });
    return pairs.length ? mark + pairs.join('&') : '';
  };
  const open = part(
    PROPERTIES.filter(({own}) => !own),
    '?',
  );
  if (state.own === null) return open;
  const inside =
    state.own === LOST
      ? ''
      : part(
          PROPERTIES.filter(({own}) => own),
          '#',
        );
  return `${open}${open ? '&' : '?'}${HAS_OWN}${inside}`;
}

/**
 * @template {object} T
 * @param {T} initial
 */
export function createStore(initial) {
  let state = Object.freeze({...initial});
  /** @type {Set<(state: Readonly<T>, before: Readonly<T>) => void>} */
  const listeners = new Set();
  return {
    get: () => state,
    /** @param {Partial<T>} patch */
    set(patch) {
      const before = state;
      const keys = /** @type {(keyof T)[]} */ (Object.keys(patch));
      if (keys.every((key) => Object.is(patch[key], before[key]))) return;
      state = Object.freeze({...before, ...patch});
      for (const listener of listeners) listener(state, before);
    },
    /** @param {(state: Readonly<T>, before: Readonly<T>) => void} listener */
    subscribe(listener) {
      listeners.add(listener);
    },
  };
}

/** @param {string} text @param {number} least */
function readNumber(text, least) {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) && value >= least ? value : undefined;
}

/** @param {string} text */
function readSeed(text) {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** @param {string} text @param {string[]} values */
function oneOf(text, values) {
  return values.includes(text) ? text : undefined;
}

/** @param {string} text */
function readBoolean(text) {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** `16-16` → [16, 16]; `none` is logistic regression. @param {string} text */
export function readHidden(text) {
  if (text === 'none') return [];
  return /^\d+(-\d+)*$/.test(text) ? text.split('-').map(Number) : undefined;
}

/** @param {number[]} hidden */
export function writeHidden(hidden) {
  return hidden.join('-') || 'none';
}

/**
 * A model's size for people, as Python titles it: `linear`, `2 × 16` (depth × width), `7-5`.
 * @param {number[]} hidden
 */
export function sizeText(hidden) {
  if (hidden.length === 0) return 'linear';
  return new Set(hidden).size === 1 ? `${hidden.length} × ${hidden[0]}` : hidden.join('-');
}

/** @param {string} text @returns {Eye | undefined} */
function readEye(text) {
  const [x, y, z, ...rest] = text.split(',').map(Number);
  const size = Math.hypot(x, y, z);
  return rest.length === 0 && size > 0.1 && size < 20 ? {x, y, z} : undefined;
}

/** @param {string} text @returns {[number, number] | undefined} */
function readPoint(text) {
  const [a, b, ...rest] = text.split(',').map((part) => readNumber(part, -Infinity));
  return rest.length === 0 && a !== undefined && b !== undefined ? [a, b] : undefined;
}
