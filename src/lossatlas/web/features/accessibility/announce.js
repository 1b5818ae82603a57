/**
 * This module announces the numbers that are shown to screen readers, when the picture stops: at a pause, at the end,
 * after a scrub; never during playback.
 */
/** @import {Shot} from '../../model/types.js' */
/** @import {Picked} from '../../compute/network.js' */
import {make} from '../../lib/dom.js';
import {lossText, shortPercentText, shortText} from '../../lib/numbers.js';
import {epochKey, joinKey} from '../../model/keys.js';

/** A scrub has ended if nothing has moved for this time, in milliseconds. */
const REST = 600;

/**
 * Write the announcement of a picture.
 * @param {Shot} shot @param {Picked['metrics']} metrics the metrics of the network that is shown @param {boolean}
 *   renamed is this another run than in the last announcement?
 */
export function writeAnnouncement({run, frame, pick}, metrics, renamed) {
  return [
    renamed ? `${run.manifest.title}.` : '',
    `Epoch ${run.frames[frame]} of ` +
      `${run.frames.at(-1)}${pick ? `, the network at a = ${shortText(pick[0])}, b = ${shortText(pick[1])}` : ''}.`,
    `Training loss ${lossText(metrics.train_loss)}, test loss ${lossText(metrics.test_loss)},`,
    `accuracy ${shortPercentText(metrics.train_accuracy)} and ${shortPercentText(metrics.test_accuracy)}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

/**
 * @param {object} options
 * @param {Shot} options.shot the first picture, which the page's title has already described
 * @param {() => boolean} options.isPlaying
 * @param {() => boolean} options.isCurrent is the wanted picture drawn?
 * @param {(shot: Shot) => {picked: Picked, current: boolean} | null} options.pickedOf
 */
export function createAnnouncer({shot, isPlaying, isCurrent, pickedOf}) {
  const region = make('p', {id: 'announcement', class: 'hidden', role: 'status'});
  document.body.append(region);
  let latest = shot;
  let timer = 0;
  /**
   * Name a picture. The name contains the epoch and not the index of the frame, which changes when a long training
   * deletes frames.
   * @param {Shot} shown
   */
  const keyOf = (shown) => joinKey(epochKey(shown), shown.pick);
  /** The id of a run trained in this page whose end the training panel has announced. */
  let ended = '';
  /** The picture and the run that were announced last. */
  let announced = {key: keyOf(shot), run: shot.run.id};

  const announce = () => {
    const {run, frame, pick} = latest;
    if (isPlaying() || run.isGrowing || keyOf(latest) === announced.key) return;
    const found = pick ? pickedOf(latest) : null;
    if (pick && !found?.current) return; // Its answer will draw the picture again.
    const isUnsaid = run.announcesItsEnd && run.outcome.status === 'diverged' && ended !== run.id;
    if (isUnsaid && !isCurrent()) return rest(); // The picture of the end is on its way, and is the one to announce.
    if (isUnsaid && frame === run.frames.length - 1) {
      ended = run.id;
      announced = {key: keyOf(latest), run: run.id};
      return;
    }
    const {train_loss, test_loss, train_accuracy, test_accuracy} = run.metrics;
    const own = {
      train_loss: train_loss[frame],
      test_loss: test_loss[frame],
      train_accuracy: train_accuracy[frame],
      test_accuracy: test_accuracy[frame],
    };
    // Write the sentence even if it is the same as before.
    region.textContent = writeAnnouncement(latest, found?.picked.metrics ?? own, run.id !== announced.run);
    announced = {key: keyOf(latest), run: run.id};
  };
  const rest = () => {
    clearTimeout(timer);
    timer = window.setTimeout(announce, REST);
  };
  return {
    /** Playback or a training has started or ended. */
    rest,
    /** @param {Shot} next */
    noteDrawn(next) {
      const moved = keyOf(next) !== keyOf(latest);
      if (moved) announced.key = ''; // A person who returns to a picture hears its numbers again.
      if (moved || next.pick) rest();
      latest = next;
    },
  };
}
