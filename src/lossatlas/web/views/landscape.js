/** The left plot: chooses the range, draws the surface (or its map), and says in words what is shown. */
/** @import {Eye, Shot} from '../types.js' */
/** @import {LossRange} from '../figures/landscape.js' */
import {byId, say} from '../dom.js';
import {landscapeSummary, lossRange, orbit, rangeNote} from '../figures/landscape.js';
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
  /** @type {{draw: (shot: Shot, range: LossRange, key: string) => void, look: (to: Eye) => void}} */
  let surface = createSurface3d(Plotly, root, options);
  let tried = false;
  const colourbar = createColourbar(byId('colourbar'));
  const drag = watchDrag(root, options.onReleased);
  const ranges = createRanges();
  letPageScroll(root);
  let style = 0;
  let summaryTimer = 0;

  for (const button of document.querySelectorAll('.camera button')) {
    const {turn = '0', tilt = '0'} = /** @type {HTMLElement} */ (button).dataset;
    button.addEventListener('click', () => options.onCamera(orbit(options.eye(), Number(turn) * STEP, Number(tilt) * STEP)));
  }

  /** Once, after the first drawing. @param {Shot} shot @param {LossRange} range @param {string} key */
  const giveUp3d = (shot, range, key) => {
    tried = true;
    if (!root.querySelector('.no-webgl')) return; // the sentence that Plotly writes where it finds none
    surface = createFlat(root);
    surface.draw(shot, range, key);
    root.closest('.plot-body')?.classList.add('no-webgl');
  };

  return {
    /** @param {Eye} to */
    look: (to) => surface.look(to),
    /** Size or theme has changed: the next drawing takes them up. */
    restyle() { style++; },
    /** @param {Shot} shot */
    draw(shot) {
      if (drag.on) return; // an update during a drag can lose the camera (plotly.js#6359)
      const range = ranges.of(shot);
      const key = [shot.run.id, shot.span, JSON.stringify(range), style].join();
      surface.draw(shot, range, key);
      if (!tried) giveUp3d(shot, range, key);
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

/** Plotly's camera swallows the wheel even with scrollZoom off; it must not hear of it. @param {HTMLElement} root */
function letPageScroll(root) {
  root.addEventListener('wheel', (event) => event.stopPropagation(), {capture: true, passive: true});
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
