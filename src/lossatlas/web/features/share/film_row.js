/**
 * This module creates the row of the dialog for films: the choice of format, length and size, the size of the file, and
 * the progress.
 */
/** @import {Shot} from '../../model/types.js' */
/** @import {Format} from './animation.js' */
/** @import {Exports} from './exports.js' */
/** @import {Task} from './task.js' */
import {make, setText} from '../../lib/dom.js';
import {describeFilm, findFormatLimits, listLengths, SIZES} from './animation.js';
import {writeFileName} from './link.js';
import {createButton, createRow} from './row.js';
import {saveFile} from './save.js';
import {byteText, roundToDigits, secondsText} from '../../lib/numbers.js';

/** @param {Exports} exports @param {Task} task */
export function createFilmRow(exports, task) {
  const wishes = createWishes();
  const progress = createProgress(task.cancel);
  const title = 'Draws these epochs one after the other and saves them as a film.';
  const start = createButton('', {disabled: '', title}, () =>
    task.film(async (shot, signal) => {
      const wish = wishes.read();
      if (!wish.format) return;
      task.showMessage('Making the animation…');
      toggle(true);
      try {
        const blob = await exports.film(shot, {...wish, format: wish.format, signal, onProgress: progress.show});
        saveFile(blob, writeFileName(shot, wish.format.ending).replace(/-epoch\d+/, ''), task.showMessage);
      } finally {
        toggle(false);
      }
    }),
  );
  const controls = [wishes.length, wishes.size, wishes.format, start];

  /** Show the progress instead of the controls, or the controls again. The focus moves along. @param {boolean} on */
  const toggle = (on) => {
    const focused = document.activeElement === (on ? start : progress.cancel);
    progress.reset(on);
    for (const control of controls) control.hidden = on;
    if (focused) (on ? progress.cancel : start).focus();
  };
  wishes.onChange(({format}) => {
    start.disabled = !format;
    if (progress.element.hidden) for (const control of controls) control.hidden = !format;
    setText(start, `Make ${format?.name}`);
    start.setAttribute('aria-label', `Make animation (${format?.name})`);
  });
  return {
    element: createRow('Animation', [...wishes.text, progress.element], ...controls),
    /** Offer the films that can be made of the frames that have arrived. @param {Shot} shot */
    show: (shot) => wishes.offer(shot.run.countArrived(shot)),
  };
}

/** Create the choices, with a sentence about the resulting file. */
function createWishes() {
  const size = make(
    'select',
    {'aria-label': 'Size of the animation', title: 'The width and the height of the animation in pixels.'},
    ...SIZES.map(([width, height]) => make('option', {}, `${width} × ${height}`)),
  );
  size.selectedIndex = 1;
  const length = make('select', {
    'aria-label': 'Length of the animation',
    title:
      'The duration of the animation. If it is shorter than the training, epochs are left out evenly along the ' +
      'time axis.',
  });
  const format = make('select', {'aria-label': 'Format of the animation', title: 'The file format.'});
  const intro = make('span', {}, 'Ten epochs a second, for slides. ');
  const estimate = make('span', {});
  const limits = make('span', {});
  let frames = 0;
  /** The formats that this browser can make in this size. @type {Format[]} */
  let formats = [];
  /** @type {(wish: ReturnType<typeof read>) => void} */
  let changed = () => {};

  const read = () => {
    const [width, height] = SIZES[size.selectedIndex];
    const pictures = listLengths(frames)[length.selectedIndex]?.pictures ?? frames;
    return {width, height, pictures, format: /** @type {Format | undefined} */ (formats[format.selectedIndex])};
  };
  const show = () => {
    const wish = read();
    intro.hidden = !wish.format;
    setText(estimate, wish.format ? writeEstimate(frames, {...wish, format: wish.format}) : '');
    changed(wish);
  };
  const askForFormats = async () => {
    show();
    const {width, height, format: chosen} = read();
    const found = await findFormatLimits(width, height);
    if (read().width !== width) return; // Another size was chosen meanwhile.
    formats = found.filter(({limit}) => !limit).map((each) => each.format);
    setText(limits, writeLimits(found));
    format.replaceChildren(...formats.map((each) => make('option', {selected: each.name === chosen?.name}, each.name)));
    show();
  };
  for (const control of [length, format]) control.addEventListener('change', show);
  size.addEventListener('change', askForFormats);

  return {
    size,
    length,
    format,
    text: [intro, estimate, limits],
    read,
    /** @param {typeof changed} listener */
    onChange(listener) {
      changed = listener;
    },
    /** Offer the films that can be made of a number of frames. @param {number} count */
    offer(count) {
      if (count === frames) return;
      frames = count;
      length.replaceChildren(...listLengths(frames).map((each) => make('option', {selected: each.usual}, each.text)));
      askForFormats();
    },
  };
}

/**
 * @param {number} frames the number of frames of the run @param {{pictures: number, width: number, height: number,
 *   format: Format}} wish
 */
function writeEstimate(frames, {pictures, width, height, format}) {
  const {seconds, bytes} = describeFilm(pictures, width, height, format);
  const part = pictures === frames ? `All ${frames}` : `${pictures} of ${frames}`;
  const size = byteText(roundToDigits(bytes, 2));
  return `${part} recorded epochs make ${secondsText(seconds)}, about ${size}.`;
}

/** Say which formats cannot be made here, and why. @param {{format: Format, limit: string}[]} found */
function writeLimits(found) {
  const limited = found.filter(({limit}) => limit);
  if (limited.length === found.length) return `Not offered here: ${limited[0].limit}`;
  return [...new Set(limited.map(({limit}) => limit))]
    .map((reason) => {
      const names = limited.filter(({limit}) => limit === reason).map(({format}) => format.name);
      return ` ${names.join(' and ')} not offered here: ${reason}`;
    })
    .join('');
}

/** Create the progress of a film. @param {() => void} onCancel */
function createProgress(onCancel) {
  const bar = make('progress', {max: 1, value: 0, 'aria-label': 'Frames drawn'});
  const count = make('span', {});
  const attributes = {'aria-label': 'Cancel the animation', title: 'Stops making the animation.'};
  const cancel = createButton('Cancel', attributes, onCancel);
  const element = make('div', {class: 'working', hidden: true}, bar, count, cancel);
  return {
    cancel,
    element,
    /** @param {boolean} shown */
    reset(shown) {
      bar.value = 0;
      setText(count, '');
      element.hidden = !shown;
    },
    /** @param {number} done @param {number} total */
    show(done, total) {
      bar.value = done / total;
      setText(count, `Frame ${done} of ${total}`);
    },
  };
}
