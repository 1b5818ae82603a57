/**
 * This module keeps the browser's address equal to the state. A choice adds an entry to the browser's history;
 * scrubbing does not.
 */
/** @import {State} from './types.js' */
import {fromQuery, hasChanged, toQuery} from './state.js';

/** Chromium ignores replaceState beyond 200 calls in 30 seconds; four a second stays well below. */
const REPLACE_EVERY = 250;

/**
 * @typedef {{get: () => Readonly<State>, set: (patch: Partial<State>) => void, subscribe: (listener: (state:
 *   Readonly<State>, before: Readonly<State>) => void) => void}} StateStore
 */

/**
 * @param {StateStore} store
 * @param {State} base the state that an address without a query means
 * @param {object} options
 * @param {(state: State) => State} options.complete adds what an address omits
 * @param {(to: State) => void} options.onTravel called before the reader goes back or forward to a state
 */
export function keepAddress(store, base, {complete, onTravel}) {
  let timer = 0;
  let isTravelling = false;
  const url = () => location.pathname + toQuery(store.get(), base);
  const replace = () => {
    timer = 0;
    history.replaceState(null, '', url());
  };
  /**
   * Write a pending replacement: it belongs to the history entry that the reader is about to leave.
   * @param {Readonly<State>} state
   */
  const flush = (state) => {
    if (!timer) return;
    clearTimeout(timer);
    timer = 0;
    history.replaceState(null, '', location.pathname + toQuery(state, base));
  };
  store.subscribe((state, before) => {
    if (isTravelling) return;
    if (hasChanged('visits', state, before)) {
      flush(before);
      const arriving = isArriving(fromQuery(location.search + location.hash, base), state, base);
      history[arriving ? 'replaceState' : 'pushState'](null, '', url());
    } else if (!timer) {
      timer = window.setTimeout(replace, REPLACE_EVERY);
    }
  });
  window.addEventListener('popstate', () => {
    clearTimeout(timer);
    timer = 0;
    const to = complete(fromQuery(location.search + location.hash, base));
    onTravel(to);
    isTravelling = true;
    store.set(to);
    isTravelling = false;
  });
}

/**
 * Is an address a link to nothing but a stop of a story, and the state that of the stop, which is being set up?
 * @param {State} link @param {Readonly<State>} state @param {State} base
 */
function isArriving(link, state, base) {
  const {tour, story, stops} = link;
  if (tour === null && story === null) return false;
  const isSame = story === state.story && stops === state.stops && (tour === null || tour === state.tour);
  return isSame && toQuery({...link, tour: null, story: null, stops: null}, base) === '';
}
