/** This view moves through the epochs: the buttons Play, Step, Speed and Reset, the slider, and the keys. */
/** @import {Shot, State} from '../model/types.js' */
import {byId, setText} from '../lib/dom.js';
import {findFrameAt, computeProgress} from '../figures/curves.js';
import {joinKey} from '../model/keys.js';
import {radioGroup} from './controls.js';
import {createCurves} from './curves.js';

/**
 * @param {object} options
 * @param {(frame: number) => void} options.onFrame
 * @param {(by: number) => void} options.onStep
 * @param {() => void} options.onToggle
 * @param {(speed: number) => void} options.onSpeed
 * @param {() => void} options.onReset
 * @param {(timeline: State['timeline']) => void} options.onTimeline
 * @param {boolean} options.hasKeys do keys act wherever the focus is?
 */
export function createTransport({onFrame, onStep, onToggle, onSpeed, onReset, onTimeline, hasKeys}) {
  const slider = /** @type {HTMLInputElement} */ (byId('epoch'));
  const speed = /** @type {HTMLSelectElement} */ (byId('speed'));
  const curves = createCurves();
  const choice = radioGroup(byId('timeline'), (value) => onTimeline(/** @type {State['timeline']} */ (value)));
  let drawn = '';
  /** @type {import('../model/run.js').Run | null} */
  let shown = null;

  slider.addEventListener('input', () => {
    if (shown) onFrame(findFrameAt(shown, Number(slider.value) / (Number(slider.max) || 1)));
  });
  slider.addEventListener('keydown', (event) => {
    // One step is one frame, even where frames lie close together on the axis.
    const by = {ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1}[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    onStep(by);
  });
  byId('previous').addEventListener('click', () => onStep(-1));
  byId('next').addEventListener('click', () => onStep(1));
  byId('play').addEventListener('click', onToggle);
  byId('reset').addEventListener('click', onReset);
  speed.addEventListener('change', () => onSpeed(Number(speed.value)));
  if (hasKeys) watchKeys({onStep, onToggle, onFrame, last: () => Number(slider.max)});

  return {
    /** @param {boolean} playing */
    showPlaying(playing) {
      byId('play').dataset.playing = String(playing);
      setText(byId('play-text'), playing ? 'Pause' : 'Play');
    },
    /** Play at a speed from now on. @param {number} value one of SPEEDS */
    setSpeed(value) {
      speed.value = String(value);
      onSpeed(value);
    },
    /** @param {Shot} shot @param {State} state @param {number} style changes with size and theme */
    draw({run, frame, scale}, {timeline: wished}, style) {
      const timeline = run.manifest.curvature ? wished : 'loss';
      const key = joinKey(
        run.id,
        Boolean(run.manifest.curvature),
        run.frames.length,
        run.metrics.train_loss.length,
        scale,
        timeline,
        style,
      );
      if (key !== drawn) {
        choice.check(timeline);
        choice.limit(['curvature'], run.manifest.curvature ? '' : 'This run was computed without curvature.');
        byId('transport').dataset.timeline = timeline;
        curves.draw(run, scale, timeline, style);
      }
      drawn = key;
      curves.mark(frame);
      shown = run;
      slider.step = run.hasEveryEpoch ? 'any' : '1';
      slider.max = String(run.frames.length - 1);
      slider.value = String(run.hasEveryEpoch ? computeProgress(run, frame) * (run.frames.length - 1) : frame);
      slider.setAttribute('aria-valuetext', `Epoch ${run.frames[frame]}, frame ${frame + 1} of ${run.frames.length}`);
    },
  };
}

/**
 * Connect the keys Space, the arrows, Home and End. They act wherever the focus is, unless the focused element uses
 * them itself.
 * @param {{onStep: (by: number) => void, onToggle: () => void, onFrame: (frame: number) => void, last: () => number}}
 *   options
 */
function watchKeys({onStep, onToggle, onFrame, last}) {
  /** @type {Record<string, () => void>} */
  const actions = {
    ' ': onToggle,
    ArrowLeft: () => onStep(-1),
    ArrowRight: () => onStep(1),
    Home: () => onFrame(0),
    End: () => onFrame(last()),
  };
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const target = /** @type {Element} */ (event.target);
    const own =
      event.key === ' '
        ? 'button, summary, select, input:not(#epoch), a, textarea'
        : 'select, input:not([type=checkbox]), textarea';
    if (!actions[event.key] || target.closest(own)) return;
    event.preventDefault();
    actions[event.key]();
  });
}
