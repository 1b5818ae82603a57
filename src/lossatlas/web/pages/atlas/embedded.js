/**
 * The page in a frame beside another (compare.html): both plots and no controls. A conductor in the page around it sets
 * the state, hears of what is turned or picked here, and says how the other's losses range.
 */
/** @import {Eye, Shot, State} from '../../model/types.js' */
/** @import {LossRange} from '../../figures/range.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Run} from '../../model/run.js' */
import {byId} from '../../lib/dom.js';
import {joinRanges} from '../../figures/range.js';

/** @typedef {ReturnType<typeof createBare>['api']} Bare */

/**
 * @typedef {object} Conductor
 * @property {(state: Readonly<State>) => void} onState
 * @property {(camera: Eye) => void} onTurning the camera on its way, in a drag
 * @property {() => void} onDrawn
 * @property {(range: LossRange) => void} onRange how this run's own losses range
 * @property {(key: string) => void} onKey
 */

const KEYS = [' ', 'ArrowLeft', 'ArrowRight', 'Home', 'End'];

/**
 * @param {object} options
 * @param {StateStore} options.store
 * @param {() => Run | null} options.run
 * @param {() => Shot | null} options.shown
 * @param {() => number} options.frame the one that the state means
 * @param {() => void} options.hold do not go along with the newest frame
 * @param {() => void} options.onRedraw
 */
export function createBare({store, run, shown, frame, hold, onRedraw}) {
  document.body.dataset.bare = '';
  byId('small').remove(); // a frame is narrow, but no small window
  /** @type {Conductor | null} */
  let conductor = null;
  /** @type {LossRange | null} */
  let own = null;
  /** @type {LossRange | null} */
  let other = null;

  store.subscribe((state) => conductor?.onState(state));
  document.addEventListener(
    'keydown',
    (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !KEYS.includes(event.key)) return;
      event.stopImmediatePropagation();
      if (/** @type {Element} */ (event.target).closest('button, summary')) return; // these have a use for it themselves
      event.preventDefault();
      conductor?.onKey(event.key);
    },
    {capture: true},
  );

  const api = Object.freeze({
    /** @param {Conductor} to */
    listen(to) {
      conductor = to;
      if (own) to.onRange(own);
      if (shown()) to.onDrawn();
    },
    state: store.get,
    run,
    shown,
    /** Is what is asked for on the screen? */
    rests() {
      const shot = shown();
      return shot !== null && shot.run === run() && shot.frame === frame();
    },
    /** @param {Partial<State>} patch */
    set: store.set,
    /** @param {number} epoch */
    goTo(epoch) {
      hold();
      store.set({epoch});
    },
    /** @param {LossRange | null} range of the other run's losses */
    setOther(range) {
      if (JSON.stringify(range) === JSON.stringify(other)) return;
      other = range;
      onRedraw();
    },
  });
  // Once the page has read its address to the end. There is no such element where the page around it is not ours.
  setTimeout(() => window.frameElement?.dispatchEvent(new CustomEvent('lossatlas:bare', {detail: api})));

  return {
    api,
    tell() {
      conductor?.onDrawn();
    },
    /** @param {Eye} eye */
    turning(eye) {
      conductor?.onTurning({...eye});
    },
    /** @param {LossRange} range @returns {LossRange} */
    shareRange(range) {
      const news = JSON.stringify(range) !== JSON.stringify(own);
      own = range;
      if (news) conductor?.onRange(range);
      return other ? joinRanges(range, other) : range;
    },
  };
}
