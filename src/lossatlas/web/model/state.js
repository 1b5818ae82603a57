/** This module defines the state of the page: plain data, the list of its properties, and their form in the address. */
/** @import {Catalog, Eye, State} from './types.js' */
import {fixedText} from '../lib/numbers.js';
import {readSample, readSettings, writeSample, writeSettings} from './settings.js';

/**
 * The first position of the camera: in front and above. The surface fills its panel, and no wall hides the network in
 * any run of the gallery. At this distance the box fits the panel.
 * @type {Eye}
 */
export const HOME = Object.freeze({x: 0.3, y: -1.19, z: 1.83});

/** This stands for own data that was lost from a link: some messengers remove the fragment. */
export const LOST = 'lost-on-the-way';
/** The speeds of playback that the page offers. */
export const SPEEDS = [0.25, 0.5, 1, 2, 4];
/** This part of the query says that the fragment holds own data, so that its loss is noticed. */
const HAS_OWN = 'points=own';

/**
 * @typedef {object} Property
 * @property {keyof State} name
 * @property {(text: string) => any} read reads it from the query; undefined if the text makes no sense
 * @property {(value: any) => string} write
 * @property {boolean} [own] does it follow the “#”, so that it stays in the browser?
 * @property {boolean} [names] does it help to name a run, together with all others that have this flag?
 * @property {boolean} [visits] does a change add an entry to the browser's history?
 * @property {boolean} [slices] may another value need other arrays of the run?
 */

/** The properties, in their order in the address. @type {Property[]} */
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
  {name: 'scale', read: (text) => readOneOf(text, ['linear', 'log']), write: String},
  {name: 'range', read: (text) => readOneOf(text, ['training', 'frame']), write: String},
  {name: 'camera', read: readEye, write: ({x, y, z}) => [x, y, z].map((value) => fixedText(value, 2)).join(',')},
  {name: 'plane', read: (text) => text || undefined, write: String, slices: true},
  {name: 'seed', read: readSeed, write: String, slices: true},
  {name: 'view', read: (text) => readOneOf(text, ['surface', 'contours', 'section']), write: String},
  {name: 'set', read: (text) => readOneOf(text, ['train', 'test', 'gap']), write: String, slices: true},
  {name: 'follow', read: readBoolean, write: String, slices: true},
  {name: 'path', read: readBoolean, write: String},
  {name: 'pick', read: readPoint, write: (point) => point.join(','), slices: true},
  {name: 'ball', read: readBoolean, write: String},
  {name: 'timeline', read: (text) => readOneOf(text, ['loss', 'curvature']), write: String},
  {name: 'present', read: (text) => (text === '1' ? true : undefined), write: () => '1'},
  {name: 'play', read: readEpochs, write: ([from, to]) => `${from}-${to}`},
  {name: 'speed', read: (text) => SPEEDS.find((speed) => String(speed) === text), write: String},
  {name: 'story', read: (text) => (/^[a-z0-9-]{1,40}$/.test(text) ? text : undefined), write: String, visits: true},
  {name: 'tour', read: (text) => (/^[a-z0-9-]{1,40}$/.test(text) ? text : undefined), write: String, visits: true},
  {name: 'stops', read: (text) => (/^[\w-]{4,20000}$/.test(text) ? text : undefined), write: String, own: true},
];

/** @typedef {'own' | 'names' | 'visits' | 'slices'} Flag */

/** @param {Flag} flag */
const findFlagged = (flag) => PROPERTIES.filter((property) => property[flag]);

const FLAGGED = {
  own: findFlagged('own'),
  names: findFlagged('names'),
  visits: findFlagged('visits'),
  slices: findFlagged('slices'),
};

/** The names of the properties that together name a run. */
export const RUN_PROPERTIES = FLAGGED.names.map(({name}) => name);

/**
 * Has any property with a flag changed? Values are equal if an address writes them alike: a step in the browser's
 * history reads every value again.
 * @param {Flag} flag
 * @param {Readonly<State>} state
 * @param {Readonly<State>} before
 */
export function hasChanged(flag, state, before) {
  return FLAGGED[flag].some(({name, write}) => {
    const [now, then] = [state[name], before[name]];
    return now !== then && (now === null || then === null || write(now) !== write(then));
  });
}

/** The first view of the landscape, to which Reset returns. */
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

/** Return the state that an address without a query means. @param {Catalog} catalog @returns {State} */
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
    present: null,
    play: null,
    speed: null,
    story: null,
    tour: null,
    stops: null,
    .../** @type {Pick<State, keyof typeof FIRST_VIEW>} */ (FIRST_VIEW),
    camera: {...HOME},
  };
}

/**
 * Read the state from an address.
 * @param {string} query the query, followed by the fragment
 * @param {State} base gives the values of missing properties
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

/**
 * Return the parameters of an address. A messenger may have encoded the `#`; the fragment is read all the same.
 * @param {string} query
 */
function parametersOf(query) {
  const [open, inside = ''] = query.replace(/%23(own|stops)(=|%3D)/i, '#$1=').split('#');
  return new URLSearchParams([...new URLSearchParams(open), ...new URLSearchParams(inside)]);
}

/**
 * Find the parts of an address that cannot be read, as they appear in it. The page reports them, since it shows
 * something else.
 * @param {string} query
 */
export function findUnreadable(query) {
  const given = parametersOf(query);
  return PROPERTIES.flatMap(({name, read}) => {
    const text = given.get(name);
    return text !== null && read(text) === undefined ? [`${name}=${text}`] : [];
  });
}

/**
 * Write the state as a query, without the values that equal those of `base`. Own data and stories follow in the
 * fragment, which no server sees.
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
  const inside = part(
    PROPERTIES.filter(({name, own}) => own && state[name] !== LOST),
    '#',
  );
  if (state.own === null) return open + inside;
  return `${open}${open ? '&' : '?'}${HAS_OWN}${inside}`;
}

/**
 * Create a store: it holds the state and calls its subscribers after each change.
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

/** Read the epochs between which a link plays: `0-60`. @param {string} text @returns {[number, number] | undefined} */
function readEpochs(text) {
  const [, from, to] = /^(\d{1,9})-(\d{1,9})$/.exec(text) ?? [];
  return from !== undefined && Number(from) < Number(to) ? [Number(from), Number(to)] : undefined;
}

/** @param {string} text */
function readSeed(text) {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** @param {string} text @param {string[]} values */
function readOneOf(text, values) {
  return values.includes(text) ? text : undefined;
}

/** @param {string} text */
function readBoolean(text) {
  return text === 'true' ? true : text === 'false' ? false : undefined;
}

/** Read the hidden layers: `16-16` becomes [16, 16]; `none` is logistic regression. @param {string} text */
export function readHidden(text) {
  if (text === 'none') return [];
  return /^\d+(-\d+)*$/.test(text) ? text.split('-').map(Number) : undefined;
}

/** @param {number[]} hidden */
export function writeHidden(hidden) {
  return hidden.join('-') || 'none';
}

/**
 * Write the size of a model as in Python's titles: `linear`, `2 × 16` (depth × width), `7-5`.
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
