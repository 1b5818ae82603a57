/** The numbers on show, spoken where a picture comes to rest: at a pause, at the end, after a scrub; never while it plays. */
/** @import {Shot} from '../../model/types.js' */
/** @import {Picked} from '../../compute/network.js' */
import {make} from '../../lib/dom.js';
import {lossText} from '../../figures/ticks.js';

/** A scrub that has not gone on for so long has come to rest, in ms. */
const REST = 600;

/** @param {Shot} shot @param {Picked['metrics']} metrics of the network on show @param {boolean} renamed is it another run than the one told of last? */
export function announcement({run, frame, pick}, metrics, renamed) {
  const number = (/** @type {string | number} */ text) => String(text).replaceAll('-', '−');
  const percent = (/** @type {number} */ share) => `${Number((share * 100).toFixed(1))} %`;
  return [
    renamed ? `${run.manifest.title}.` : '',
    `Epoch ${run.frames[frame]} of ${run.frames.at(-1)}${pick ? `, the network at a = ${number(pick[0])}, b = ${number(pick[1])}` : ''}.`,
    `Training loss ${number(lossText(metrics.train_loss))}, test loss ${number(lossText(metrics.test_loss))},`,
    `accuracy ${percent(metrics.train_accuracy)} and ${percent(metrics.test_accuracy)}.`,
  ]
    .filter(Boolean)
    .join(' ');
}

/**
 * @param {object} options
 * @param {Shot} options.shot the first picture, which the page's own title has told
 * @param {() => boolean} options.isPlaying
 * @param {(shot: Shot) => {picked: Picked, current: boolean} | null} options.pickedOf
 */
export function createAnnouncer({shot, isPlaying, pickedOf}) {
  const region = make('p', {id: 'announcement', class: 'hidden', role: 'status'});
  document.body.append(region);
  let latest = shot;
  let timer = 0;
  /** @param {Shot} of */
  const keyOf = ({run, frame, pick}) => [run.id, run.frames[frame], pick].join(); // not the frame: a long training is thinned out
  /** A run trained here whose end another sentence has told. */
  let ended = '';
  let told = {key: keyOf(shot), run: shot.run.id};

  const tell = () => {
    const {run, frame, pick} = latest;
    if (isPlaying() || run.isGrowing || keyOf(latest) === told.key) return;
    const found = pick ? pickedOf(latest) : null;
    if (pick && !found?.current) return; // its answer draws anew
    if (run.tellsItsEnd && run.outcome.status === 'diverged' && frame === run.frames.length - 1 && ended !== run.id) {
      ended = run.id;
      told = {key: keyOf(latest), run: run.id};
      return;
    }
    const {train_loss, test_loss, train_accuracy, test_accuracy} = run.metrics;
    const own = {
      train_loss: train_loss[frame],
      test_loss: test_loss[frame],
      train_accuracy: train_accuracy[frame],
      test_accuracy: test_accuracy[frame],
    };
    region.textContent = announcement(latest, found?.picked.metrics ?? own, run.id !== told.run); // also where it is as before
    told = {key: keyOf(latest), run: run.id};
  };
  const rest = () => {
    clearTimeout(timer);
    timer = window.setTimeout(tell, REST);
  };
  return {
    /** Playing, or a training, has begun or ended. */
    rest,
    /** @param {Shot} next */
    drawn(next) {
      const moved = keyOf(next) !== keyOf(latest);
      if (moved) told.key = ''; // who comes back to a picture hears of it again
      if (moved || next.pick) rest();
      latest = next;
    },
  };
}
