/**
 * This module plays, steps and scrubs both runs with one cursor, by epoch. If a run has not recorded an epoch, the
 * nearest of its frames is shown.
 */
/** @import {LossSet} from '../../model/types.js' */
/** @import {Run} from '../../model/run.js' */
import {byId, setText} from '../../lib/dom.js';
import {joinKey} from '../../model/keys.js';
import {createCurves} from './curves.js';

/**
 * @param {object} options
 * @param {(epoch: number) => void} options.onEpoch
 * @param {(by: number) => void} options.onStep moves through the epochs that either run has recorded
 * @param {() => void} options.onToggle
 * @param {(speed: number) => void} options.onSpeed
 * @param {() => void} options.onReset
 */
export function createTimeline({onEpoch, onStep, onToggle, onSpeed, onReset}) {
  const slider = /** @type {HTMLInputElement} */ (byId('epoch'));
  const speed = /** @type {HTMLSelectElement} */ (byId('speed'));
  const curves = createCurves();
  let drawn = '';
  /** @type {(Run | null)[]} */
  let of = [];
  let style = 0;
  new ResizeObserver(() => {
    style++;
    redraw();
  }).observe(byId('curves'));
  let redraw = () => {};
  slider.addEventListener('input', () => onEpoch(Number(slider.value)));
  byId('previous').addEventListener('click', () => onStep(-1));
  byId('next').addEventListener('click', () => onStep(1));
  byId('play').addEventListener('click', onToggle);
  byId('reset').addEventListener('click', () => {
    speed.value = '1';
    onSpeed(1);
    onReset();
  });
  speed.addEventListener('change', () => onSpeed(Number(speed.value)));

  const actions = watchKeys(slider, {onEpoch, onStep, onToggle});

  return {
    /** Handle a key that was pressed in a frame. @param {string} key */
    press: (key) => actions[key]?.(),
    /** @param {boolean} playing */
    showPlaying(playing) {
      byId('play').dataset.playing = String(playing);
      setText(byId('play-text'), playing ? 'Pause' : 'Play');
    },
    /**
     * @param {(Run | null)[]} runs @param {number[]} epochs @param {number} cursor @param {'linear' | 'log'} scale
     * @param {LossSet} set
     */
    draw(runs, epochs, cursor, scale, set) {
      redraw = () => {
        const key = joinKey(
          runs.map((run) => run?.metrics.train_loss.length),
          epochs.length,
          scale,
          set,
          style,
        );
        if (key !== drawn || runs.some((run, i) => run !== of[i])) curves.draw(runs, epochs, scale, set);
        drawn = key;
        of = runs;
        curves.mark(runs, cursor, set);
      };
      redraw();
      slider.max = String(epochs.at(-1) ?? 0);
      slider.value = String(cursor);
      slider.setAttribute('aria-valuetext', `Epoch ${cursor}`);
      setText(byId('now'), String(cursor));
    },
  };
}

/** The keys that work wherever the focus is. */
const EVERYWHERE = [' ', 'ArrowLeft', 'ArrowRight', 'Home', 'End'];

/**
 * Connect the keys, unless the focused element uses them itself.
 * @param {HTMLInputElement} slider
 * @param {{onEpoch: (epoch: number) => void, onStep: (by: number) => void, onToggle: () => void}} options
 */
function watchKeys(slider, {onEpoch, onStep, onToggle}) {
  /** @type {Record<string, () => void>} */
  const actions = {
    ' ': onToggle,
    ArrowLeft: () => onStep(-1),
    ArrowRight: () => onStep(1),
    Home: () => onEpoch(0),
    End: () => onEpoch(Number(slider.max)),
    ArrowDown: () => onStep(-1),
    ArrowUp: () => onStep(1),
    PageDown: () => onStep(-10),
    PageUp: () => onStep(10),
  };
  document.addEventListener('keydown', (event) => {
    const {key, altKey, ctrlKey, metaKey, shiftKey, defaultPrevented} = event;
    if (defaultPrevented || altKey || ctrlKey || metaKey || shiftKey || !actions[key]) return;
    const target = /** @type {Element} */ (event.target);
    const own = key === ' ' ? 'button, select, input:not(#epoch), a' : 'select, input:not([type=checkbox], #epoch)';
    if (target.closest(own) || (target !== slider && !EVERYWHERE.includes(key))) return;
    event.preventDefault();
    actions[key]();
  });
  return actions;
}
