/**
 * This module writes and reads the comparison as an address: `a` and `b` are queries of the page itself, and the other
 * parameters are what both share. It consists of pure functions.
 */
/** @import {State} from '../../model/types.js' */
import {fromQuery, RUN_PROPERTIES, toQuery} from '../../model/state.js';

/**
 * @typedef {State} Side a state that names a run; its `epoch` is the last epoch of a training in the page. The view is
 *   not part of it, since both sides share the view
 */
/**
 * @typedef {Pick<State, typeof SHARED[number]>} View the properties that both sides share. If its `epoch` is null, the
 *   time follows a training in the page, or starts at the beginning
 */
/** @typedef {{a: Side | null, b: Side | null, view: View}} Comparison a side is null if the address does not name it */

export const SHARED = /** @type {const} */ ([
  'epoch',
  'zoom',
  'scale',
  'camera',
  'plane',
  'seed',
  'view',
  'set',
  'follow',
  'path',
  'pick',
]);

/** @param {string} query @param {State} base @returns {Comparison} */
export function readLink(query, base) {
  const given = new URLSearchParams(query);
  const [a, b] = ['a', 'b'].map((name) => given.get(name));
  // What the page itself showed comes along with its run, unless the address says otherwise.
  const from = a === null ? base : fromQuery(a, base);
  const first = from.train ? {...from, epoch: null} : from;
  return {
    a: a === null ? null : sideOf(from, base),
    b: b === null ? null : sideOf(fromQuery(b, base), base),
    view: viewOf(fromQuery(query, first)),
  };
}

/** @param {{a: Side, b: Side, view: View}} comparison @param {State} base */
export function writeLink({a, b, view}, base) {
  const sides = Object.entries({a, b}).map(
    ([name, side]) => `${name}=${encodeURIComponent(sideQuery(side, base).slice(1))}`,
  );
  const shared = toQuery({...base, ...view}, base).slice(1);
  return `?${[...sides, ...(shared ? [shared] : [])].join('&')}`;
}

/** Write the query of one side. @param {Side} side @param {State} base */
export function sideQuery(side, base) {
  return toQuery(sideOf(side, base), base);
}

/** Write the query of a frame: a side and what both share. @param {Side} side @param {View} view @param {State} base */
export function frameQuery(side, view, base) {
  const state = {...side, ...view, epoch: side.train ? side.epoch : view.epoch};
  const query = toQuery(state, base);
  return `${query || '?'}${query ? '&' : ''}bare=1`;
}

/** @param {State} state @returns {View} */
export function viewOf(state) {
  return /** @type {any} */ (Object.fromEntries(SHARED.map((name) => [name, state[name]])));
}

/** @param {State} state @param {State} base @returns {Side} */
function sideOf(state, base) {
  const identity = Object.fromEntries(RUN_PROPERTIES.map((name) => [name, state[name]]));
  return {...base, ...identity, epoch: state.train ? state.epoch : null};
}
