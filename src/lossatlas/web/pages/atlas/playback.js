/** This module plays the frames of a run, and goes to one of them. */
/** @import {Frames} from './frames.js' */
/** @import {Screen} from './screen.js' */
import {findFrameAt, computeProgress} from '../../figures/curves.js';
import {createPlayer} from '../../lib/player.js';

/** Playback of a run that was trained in the page takes about this many pictures. */
const LONG = 150;

/** @typedef {ReturnType<typeof createPlayback>} Playback */

/**
 * @param {object} options
 * @param {Frames} options.frames
 * @param {Pick<Screen, 'shown' | 'blend'>} options.screen
 * @param {() => void} options.onHand called when a person plays, pauses or goes to a frame
 * @param {boolean} options.still does the reader prefer less motion? Then nothing is drawn between two frames
 * @param {(playing: boolean) => void} options.onChange
 */
export function createPlayback({frames, screen, still, onHand, onChange}) {
  let showSpeed = (/** @type {number} */ _) => {};
  /** The epoch at which playback ends; null: at the last frame. @type {number | null} */
  let until = null;
  const player = createPlayer({
    ready: () => frames.run !== null && screen.shown?.run === frames.run && screen.shown.frame === frames.current(),
    advance() {
      const {run} = frames;
      const now = frames.current();
      if (!run || now >= run.frames.length - 1 || (until !== null && run.frames[now] >= until)) return false;
      frames.goTo(
        run.hasEveryEpoch ? Math.max(now + 1, findFrameAt(run, computeProgress(run, now) + 1 / LONG)) : now + 1,
      );
      return true;
    },
    between(share) {
      const {run} = frames;
      const shot = screen.shown;
      if (still || !shot || !run || !run.hasPredictions || shot.frame + 1 >= run.frames.length) return;
      if (run.has(shot.frame + 1, shot)) screen.blend(shot, {...shot, frame: shot.frame + 1}, share);
    },
    onChange(playing) {
      if (!playing) until = null;
      onChange(playing);
    },
  });
  const play = () => {
    frames.hold();
    player.play();
  };

  return {
    get playing() {
      return player.playing;
    },
    play,
    pause: player.pause,
    /** Play or pause; from the end, playback starts at the beginning. */
    toggle() {
      onHand();
      if (player.playing) return player.pause();
      const {run} = frames;
      if (run && until === null && frames.current() >= run.frames.length - 1) frames.goTo(0);
      play();
    },
    /**
     * Go to an epoch, from which `play` or a person plays up to another one.
     * @param {{from: number, to: number, speed?: number | null}} range
     */
    prepare({from, to, speed}) {
      player.pause();
      if (speed) showSpeed(speed);
      if (frames.run) frames.goTo(frames.run.frameAt(from));
      until = to;
    },
    /** Go to a frame, and stay there. @param {number} frame */
    scrub(frame) {
      onHand();
      player.pause();
      until = null;
      frames.goTo(frame);
    },
    setSpeed: player.setSpeed,
    /** Set the control that shows the speed and sets it. @param {(speed: number) => void} show */
    listenToSpeed(show) {
      showSpeed = show;
    },
  };
}
