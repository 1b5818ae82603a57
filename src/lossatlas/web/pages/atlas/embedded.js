/**
 * This module is the page in a frame beside another one (compare.html): it shows both plots and no controls. The
 * surrounding page sets the state, is notified when a person turns or picks something here, and passes on the range of
 * the other run's losses.
 */
/** @import {Eye, Shot, State} from '../../model/types.js' */
/** @import {LossRange} from '../../figures/range.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Run} from '../../model/run.js' */
import {byId} from '../../lib/dom.js';
import {joinRanges} from '../../figures/range.js';

/** @typedef {ReturnType<typeof createEmbedded>['api']} Bare */

/**
 * @typedef {object} Conductor
 * @property {(state: Readonly<State>) => void} onState
 * @property {(camera: Eye) => void} onTurning the camera during a drag
 * @property {() => void} onDrawn
 * @property {(range: LossRange) => void} onRange the range of this run's own losses
 * @property {(key: string) => void} onKey
 */

const KEYS = [' ', 'ArrowLeft', 'ArrowRight', 'Home', 'End'];

/**
 * @param {object} options
 * @param {StateStore} options.store
 * @param {() => Run | null} options.run
 * @param {() => Shot | null} options.shown
 * @param {() => number} options.frame returns the frame that the state means
 * @param {() => void} options.hold stop following the newest frame
 * @param {() => void} options.onRedraw
 */
export function createEmbedded({store, run, shown, frame, hold, onRedraw}) {
  document.body.dataset.bare = '';
  byId('small').remove(); // A frame is narrow, but it is not a small window.
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
      // These elements use the key themselves.
      if (/** @type {Element} */ (event.target).closest('button, summary')) return;
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
    /** Is what was requested on the screen? */
    isSettled() {
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
    /** @param {LossRange | null} range the range of the other run's losses */
    setOther(range) {
      if (JSON.stringify(range) === JSON.stringify(other)) return;
      other = range;
      onRedraw();
    },
  });
  // This waits until the page has read its address. There is no such element if the surrounding page is not
  // compare.html.
  setTimeout(() => window.frameElement?.dispatchEvent(new CustomEvent('lossatlas:bare', {detail: api})));

  return {
    api,
    reportDrawn() {
      conductor?.onDrawn();
    },
    /** @param {Eye} eye */
    reportTurning(eye) {
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
