/** This module is the part of the dialog that makes a link play: from one epoch to another, at a speed. */
/** @import {Shot} from '../../model/types.js' */
import {make} from '../../lib/dom.js';
import {createNumberField} from '../../lib/number_field.js';
import {SPEEDS} from '../../model/state.js';

/** @param {() => void} onChange called when the link changes */
export function createPlayPart(onChange) {
  const chosen = make('input', {type: 'checkbox'});
  const from = createNumberField(
    make('input', {'aria-label': 'Plays from epoch', title: 'The epoch that playback begins with.'}),
    {least: 0, whole: true, step: 1},
  );
  const to = createNumberField(
    make('input', {'aria-label': 'Plays to epoch', title: 'The epoch that playback ends with.'}),
    {least: 0, whole: true, step: 1},
  );
  const speed = make(
    'select',
    {'aria-label': 'Speed of the link', title: 'How fast the link plays.'},
    ...SPEEDS.map((value) => make('option', {value, selected: value === 1}, `${value}×`)),
  );
  const element = make(
    'div',
    {class: 'plays', role: 'group', 'aria-label': 'Play'},
    make('label', {class: 'check', title: 'Whoever opens the link sees these epochs play.'}, chosen, ' Play'),
    make('span', {}, 'from ', from.input, ' to ', to.input, ' at ', speed),
  );
  for (const input of [from.input, to.input, speed]) {
    input.addEventListener('input', () => {
      chosen.checked = true;
    });
  }
  element.addEventListener('input', onChange);
  element.addEventListener('change', onChange);

  return {
    element,
    /** Offer to play from a shot on, or all of the run if it is the last frame. @param {Shot} shot */
    show({run, frame}) {
      const last = run.frames.length - 1;
      chosen.checked = false;
      speed.value = '1';
      from.write(run.frames[frame < last ? frame : 0]);
      to.write(run.frames[last]);
      element.hidden = last === 0;
    },
    /** Return a link that plays, if that is chosen and the epochs are in order. @param {string} link */
    complete(link) {
      const [first, last] = [from.read(), to.read()];
      const isSound = first !== null && last !== null && first < last;
      to.input.setCustomValidity(isSound ? '' : 'Give a later epoch than the first one.');
      if (!chosen.checked || !isSound) return link;
      const [open, inside] = link.split('#');
      const rate = speed.value === '1' ? '' : `&speed=${speed.value}`;
      return `${open}&play=${first}-${last}${rate}${inside === undefined ? '' : `#${inside}`}`;
    },
  };
}
