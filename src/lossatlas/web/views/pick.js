/**
 * The fields and buttons of the picked point: whose network the right plot shows, and how to get back to the network
 * itself.
 */
/** @import {Shot, State} from '../model/types.js' */
import {byId, say} from '../lib/dom.js';
import {createLazy} from '../lib/lazy.js';
import {labLimit} from '../model/slice.js';

/**
 * @param {{choose: (patch: Partial<State>) => void, wayOf: (shot: Shot) => import('../compute/descent.js').Way | null,
 *   onRedraw: () => void}} options
 */
export function createPick({choose, wayOf, onRedraw}) {
  const inputs = /** @type {HTMLInputElement[]} */ ([byId('pick-a'), byId('pick-b')]);
  const back = /** @type {HTMLButtonElement} */ (byId('pick-back'));
  const release = /** @type {HTMLButtonElement} */ (byId('release'));
  const box = /** @type {HTMLFieldSetElement} */ (byId('pick'));
  /** The numbers of a ball. */
  const ballView = createLazy({load: () => import('./ball.js'), create: ({createBallView}) => createBallView()});
  const typed = () => {
    const [a, b] = inputs.map((input) => Number(input.value));
    const isTyped = inputs.every(({value, validity}) => value !== '' && !validity.badInput); // the step is for the arrows only
    if (isTyped && Number.isFinite(a) && Number.isFinite(b)) choose({pick: [a, b], ball: false});
  };
  for (const input of inputs) input.addEventListener('change', typed);
  back.addEventListener('click', () => {
    const byKey = back.matches(':focus-visible');
    choose({pick: null, ball: false});
    if (byKey) /** @type {HTMLElement | null} */ (document.querySelector('#view :checked'))?.focus(); // the button goes, and the focus must not
  });

  release.addEventListener('click', () => choose({ball: release.getAttribute('aria-pressed') !== 'true'}));

  return {
    /** @param {Shot} shot */
    request(shot) {
      if (shot.ball && !ballView.isAsked()) ballView.request().then(onRedraw, () => {}); // the next picture asks again
    },
    /** @param {Shot} shot */
    draw(shot) {
      const {run, plane, pick, ball, span, view} = shot;
      release.setAttribute('aria-pressed', String(ball));
      say(release, ball ? 'Take the ball away' : 'Release a ball here');
      release.title = ball
        ? 'Show the network at the picked point itself again.'
        : 'Train on from this point as the run was trained, and see where it goes.';
      const limit = labLimit(run, plane);
      box.disabled = limit !== '';
      box.title =
        limit || 'Show the decision boundary of the network at this point of the plane; or click, or drag, on the map.';
      for (const button of [release, back]) button.hidden = !pick;
      ballView.known()?.draw(shot, wayOf(shot));
      box.hidden = !pick && view === 'surface'; // it lies over the plot: what appears there moves nothing
      inputs.forEach((input, i) => {
        input.step = String(10 ** Math.floor(Math.log10(span / 10)));
        if (document.activeElement !== input) input.value = pick ? String(pick[i]) : '';
      });
    },
  };
}
