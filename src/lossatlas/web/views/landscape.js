/** The left plot: chooses the range, draws the surface (or its map), and says in words what is shown. */
/** @import {Eye, Shot} from '../types.js' */
/** @import {LossRange} from '../figures/landscape.js' */
import {byId, say} from '../dom.js';
import {landscapeSummary, lossRange, orbit, rangeNote} from '../figures/landscape.js';
import {hasWebGl} from '../plotly.js';
import {createColourbar} from './colourbar.js';
import {createFlat} from './flat.js';
import {createSurface3d} from './surface3d.js';

const STEP = Math.PI / 12;
/** A summary is read, not watched: it is written when the picture rests. */
const REST = 250;

/**
 * @param {import('../plotly.js').Plotly} Plotly
 * @param {{eye: () => Eye, onCamera: (eye: Eye) => void, onReleased: () => void}} options
 */
export function createLandscape(Plotly, options) {
  const root = byId('landscape-plot');
  const surface = hasWebGl() ? createSurface3d(Plotly, root, options) : createFlat(root);
  const colourbar = createColourbar(byId('colourbar'));
  const drag = watchDrag(root, options.onReleased);
  const ranges = createRanges();
  let style = 0;
  let summaryTimer = 0;

  for (const button of document.querySelectorAll('.camera button')) {
    const {turn = '0', tilt = '0'} = /** @type {HTMLElement} */ (button).dataset;
    button.addEventListener('click', () => options.onCamera(orbit(options.eye(), Number(turn) * STEP, Number(tilt) * STEP)));
  }

  return {
    look: surface.look,
    /** Size or theme has changed: the next drawing takes them up. */
    restyle() { style++; },
    /** @param {Shot} shot */
    draw(shot) {
      if (drag.on) return; // an update during a drag can lose the camera (plotly.js#6359)
      const range = ranges.of(shot);
      const key = [shot.run.id, shot.span, JSON.stringify(range), style].join();
      surface.draw(shot, range, key);
      colourbar.draw(range, key);
      const loss = shot.run.metrics.train_loss[shot.frame];
      colourbar.mark(range, loss);
      const note = byId('landscape-note');
      say(note, rangeNote(range));
      note.hidden = note.textContent === '';
      clearTimeout(summaryTimer);
      summaryTimer = window.setTimeout(() => say(byId('landscape-summary'), landscapeSummary(shot, loss)), REST);
    },
  };
}

/** @param {HTMLElement} root @param {() => void} onReleased */
function watchDrag(root, onReleased) {
  const drag = {on: false};
  root.addEventListener('pointerdown', () => { drag.on = true; }, true);
  for (const type of ['pointerup', 'pointercancel', 'blur']) {
    window.addEventListener(type, () => {
      if (!drag.on) return;
      drag.on = false;
      onReleased();
    }, true);
  }
  return drag;
}

/**
 * Ranges are over all frames; while frames arrive they are taken anew each time their number has grown by half, so
 * that a range in play does not crawl.
 */
function createRanges() {
  /** @type {WeakMap<object, Map<string, {frames: number, range: LossRange}>>} */
  const known = new WeakMap();
  return {
    /** @param {Shot} shot */
    of({run, spanIndex, scale}) {
      const ofRun = known.get(run) ?? new Map();
      known.set(run, ofRun);
      const key = `${spanIndex} ${scale}`;
      const entry = ofRun.get(key);
      if (entry && entry.frames >= run.frames.length) return entry.range;
      const frames = run.arrived(spanIndex);
      if (entry && frames < run.frames.length && frames < entry.frames * 1.5) return entry.range;
      const range = lossRange(run, spanIndex, frames, scale);
      ofRun.set(key, {frames, range});
      return range;
    },
  };
}
