/**
 * This module writes the link to the current view. The link contains everything, since a shorter link may have another
 * meaning in another gallery.
 */
/** @import {Shot, State} from './types.js' */
import {PROPERTIES, toQuery} from './state.js';

const NOTHING = /** @type {State} */ (
  /** @type {unknown} */ (Object.fromEntries(PROPERTIES.map(({name}) => [name, null])))
);

/** The settings of a recorded run do not identify it. */
const UNKNOWN = /** @type {any} */ ({dataset: null, hidden: null, activation: null, residual: null});

/** @param {Shot} shot @param {State} state @param {string} page the page's own address, without a query */
export function linkTo({run, frame, plane, span, pick}, state, page) {
  const shown = {epoch: run.frames[frame], zoom: span, pick};
  // A plane drawn in the page is given by its seed, and a run trained in the page by its settings.
  const recorded = {run: run.isLasting ? run.id : null, plane: plane.drawn === undefined ? plane.name : state.plane};
  return page + toQuery({...state, ...shown, ...recorded, ...(run.isRecorded ? UNKNOWN : {})}, NOTHING);
}
