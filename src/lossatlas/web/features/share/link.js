/** The link to what is seen. It says everything, since a bare link may mean something else in another gallery. */
/** @import {Shot, State} from '../../model/types.js' */
import {PROPERTIES, toQuery} from '../../model/state.js';

const NOTHING = /** @type {State} */ (
  /** @type {unknown} */ (Object.fromEntries(PROPERTIES.map(({name}) => [name, null])))
);

/** @param {Shot} shot @param {State} state @param {string} page the page's own address, without a query */
export function linkTo({run, frame, plane, span, pick}, state, page) {
  const shown = {epoch: run.frames[frame], zoom: span, pick};
  // What is drawn or trained in the page is said by its seed and settings.
  const recorded = {run: run.isLasting ? run.id : null, plane: plane.drawn === undefined ? plane.name : state.plane};
  return page + toQuery({...state, ...shown, ...recorded}, NOTHING);
}

/** What a file is called. @param {Shot} shot @param {string} ending */
export function fileName({run, frame}, ending) {
  return `lossatlas-${run.id}-epoch${run.frames[frame]}${ending}`;
}
