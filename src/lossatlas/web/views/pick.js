/** Which point of the plane the right plot shows: typed, or picked in the landscape; and the way back to the network. */
/** @import {Shot, State} from '../types.js' */
import {byId} from '../dom.js';
import {pickLimit} from '../slice.js';

/** @param {{choose: (patch: Partial<State>) => void}} options */
export function createPick({choose}) {
  const inputs = /** @type {HTMLInputElement[]} */ ([byId('pick-a'), byId('pick-b')]);
  const back = /** @type {HTMLButtonElement} */ (byId('pick-back'));
  const box = /** @type {HTMLFieldSetElement} */ (byId('pick'));
  const typed = () => {
    const [a, b] = inputs.map((input) => Number(input.value)); // any number: the step is for the arrow keys
    if (inputs.every(({validity}) => !validity.badInput) && Number.isFinite(a) && Number.isFinite(b)) choose({pick: [a, b]});
  };
  for (const input of inputs) input.addEventListener('change', typed);
  back.addEventListener('click', () => {
    const byKey = back.matches(':focus-visible');
    choose({pick: null});
    if (byKey) /** @type {HTMLElement | null} */ (document.querySelector('#view :checked'))?.focus(); // the button goes, and the focus must not
  });

  return {
    /** @param {Shot} shot */
    draw({run, plane, pick, span, view}) {
      box.hidden = !pick && view === 'surface'; // where a click says it all, until there is something to read
      const limit = pickLimit(run, plane);
      box.disabled = limit !== '';
      box.title = limit || 'Show the decision boundary of the network at this point of the plane; or click, or drag, on the map.';
      back.hidden = !pick;
      inputs.forEach((input, i) => {
        input.step = String(10 ** Math.floor(Math.log10(span / 10)));
        if (document.activeElement !== input) input.value = pick ? String(pick[i]) : '';
      });
    },
  };
}
