/** The row of the dialog for films: which length and size, how large the file will be, and how far it is. */
/** @import {Shot} from '../../model/types.js' */
/** @import {Exports} from './exports.js' */
/** @import {Task} from './task.js' */
import {make, say} from '../../lib/dom.js';
import {filmLimit, filmOf, lengthsOf, SIZES} from './animation.js';
import {fileName} from './link.js';
import {button, row} from './row.js';
import {saveFile, sizeText} from './save.js';

const LENGTH_TITLE =
  'How long the animation is. Where it is shorter than the training, epochs are left out evenly along the time axis.';

/** @param {Exports} exports @param {Task} task */
export function createFilmRow(exports, task) {
  const size = make(
    'select',
    {'aria-label': 'Size of the animation', title: 'How many pixels the animation has.'},
    ...SIZES.map(([width, height]) => make('option', {}, `${width} × ${height}`)),
  );
  size.selectedIndex = 1;
  const length = make('select', {'aria-label': 'Length of the animation', title: LENGTH_TITLE});
  const estimate = make('span', {class: 'estimate'});
  let frames = 0;

  /** What is asked for. */
  const wish = () => {
    const [width, height] = SIZES[size.selectedIndex];
    return {width, height, pictures: lengthsOf(frames)[length.selectedIndex]?.pictures ?? frames};
  };
  const showEstimate = () => {
    const {width, height, pictures} = wish();
    say(estimate, estimateText(frames, pictures, filmOf(pictures, width, height)));
  };
  for (const select of [length, size]) select.addEventListener('change', showEstimate);

  const title = 'Draws these epochs one after the other and saves them as a film.';
  const start = button('Make WebM', {'aria-label': 'Make animation (WebM)', title}, () =>
    task.film(async (shot, signal) => {
      task.say('Making the animation…');
      working.begin();
      try {
        const blob = await exports.film(shot, {...wish(), signal, onProgress: working.show});
        saveFile(blob, fileName(shot, '.webm').replace(/-epoch\d+/, ''), task.say);
      } finally {
        working.end();
      }
    }),
  );
  const working = createProgress([size, length], start, task.cancel);
  const limit = filmLimit();
  return {
    element: limit
      ? row('Animation', [`Not offered here: ${limit}`])
      : row('Animation', ['Ten epochs a second, for slides. ', estimate, working.element], length, size, start),
    /** Offer what can be made of the frames that have arrived. @param {Shot} shot */
    show(shot) {
      const count = shot.run.arrived(shot);
      if (count === frames) return;
      frames = count;
      length.replaceChildren(...lengthsOf(frames).map(({text, usual}) => make('option', {selected: usual}, text)));
      showEstimate();
    },
  };
}

/** @param {number} frames of the run @param {number} pictures of the film @param {{seconds: number, bytes: number}} film */
function estimateText(frames, pictures, {seconds, bytes}) {
  const part = pictures === frames ? `All ${frames}` : `${pictures} of ${frames}`;
  const size = sizeText(Number(bytes.toPrecision(2)));
  return `${part} recorded epochs make ${seconds.toFixed(1)}\u00a0s, about ${size}.`;
}

/**
 * How far the film is, in the place of the controls that asked for it. The keyboard's focus goes along.
 * @param {HTMLElement[]} choices @param {HTMLElement} start @param {() => void} onCancel
 */
function createProgress(choices, start, onCancel) {
  const progress = make('progress', {max: 1, value: 0, 'aria-label': 'Frames drawn'});
  const count = make('span', {});
  const cancel = button(
    'Cancel',
    {'aria-label': 'Cancel the animation', title: 'Stops making the animation.'},
    onCancel,
  );
  const element = make('div', {class: 'working', hidden: true}, progress, count, cancel);
  /** @param {boolean} on */
  const toggle = (on) => {
    const focused = document.activeElement === (on ? start : cancel);
    progress.value = 0;
    say(count, '');
    element.hidden = !on;
    for (const control of [...choices, start]) control.hidden = on;
    if (focused) (on ? cancel : start).focus();
  };
  return {
    element,
    begin: () => toggle(true),
    end: () => toggle(false),
    /** @param {number} done @param {number} total */
    show(done, total) {
      progress.value = done / total;
      say(count, `Frame ${done} of ${total}`);
    },
  };
}
