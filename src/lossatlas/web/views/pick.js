/**
 * This view shows the picked point: its fields, whose network the right plot shows, and the button that returns to the
 * network itself.
 */
/** @import {Shot, State} from '../model/types.js' */
import {byId, setText} from '../lib/dom.js';
import {createLazy} from '../lib/lazy.js';
import {computeLimit} from '../model/slice.js';

/**
 * @param {{choose: (patch: Partial<State>) => void, wayOf: (shot: Shot) => import('../compute/descent.js').Way | null,
 *   onRedraw: () => void, onFailed: (error: unknown) => void}} options
 */
export function createPick({choose, wayOf, onRedraw, onFailed}) {
  const inputs = /** @type {HTMLInputElement[]} */ ([byId('pick-a'), byId('pick-b')]);
  const back = /** @type {HTMLButtonElement} */ (byId('pick-back'));
  const release = /** @type {HTMLButtonElement} */ (byId('release'));
  const box = /** @type {HTMLFieldSetElement} */ (byId('pick'));
  /** The numbers of a ball are fetched when they are first needed. */
  const ballView = createLazy({load: () => import('./ball.js'), create: ({createBallView}) => createBallView()});
  let step = 0;
  /**
   * The numbers that the fields got last, or that were read from them. What somebody types stays until another point is
   * picked. @type {(number | null)[]}
   */
  let last = [null, null];
  /** What reads typed numbers is fetched when somebody goes to a field. */
  const fields = createLazy({
    load: () => import('../lib/number_field.js'),
    create: ({createNumberField}) => inputs.map((input) => createNumberField(input, {empty: true})),
  });
  /** @param {number} i the field that has changed */
  const applyTyped = async (i) => {
    const found = await fields.request();
    const [a, b] = found.map((field) => field.read());
    if (!found[i].report() || a === null || b === null) return;
    last = [a, b];
    choose({pick: [a, b], ball: false});
  };
  inputs.forEach((input, i) => {
    input.addEventListener('focus', () =>
      fields.request().then(
        (found) => found[i].setStep(step),
        () => {},
      ),
    );
    input.addEventListener('change', () => applyTyped(i).catch(onFailed));
  });
  back.addEventListener('click', () => {
    const byKey = back.matches(':focus-visible');
    choose({pick: null, ball: false});
    // The button disappears, and the focus must not disappear with it.
    if (byKey) /** @type {HTMLElement | null} */ (document.querySelector('#view :checked'))?.focus();
  });

  release.addEventListener('click', () => choose({ball: release.getAttribute('aria-pressed') !== 'true'}));

  return {
    /** @param {Shot} shot */
    request(shot) {
      // The next picture requests it again.
      if (shot.ball && !ballView.isAsked()) ballView.request().then(onRedraw, () => {});
    },
    /** @param {Shot} shot */
    draw(shot) {
      const {run, plane, pick, ball, span, view} = shot;
      release.setAttribute('aria-pressed', String(ball));
      setText(release, ball ? 'Remove the ball' : 'Release a ball here');
      release.title = ball
        ? 'Show the network at the picked point again.'
        : 'Continue training from this point as the run was trained, and see where it goes.';
      const limit = computeLimit(run, plane);
      box.disabled = limit !== '';
      box.title =
        limit || 'Show the decision boundary of the network at this point of the plane; or click, or drag, on the map.';
      for (const button of [release, back]) button.hidden = !pick;
      ballView.known()?.draw(shot, wayOf(shot));
      box.hidden = !pick && view === 'surface'; // The box lies over the plot, so its appearance moves nothing.
      step = 10 ** Math.floor(Math.log10(span / 10));
      inputs.forEach((input, i) => {
        const field = fields.known()?.[i];
        field?.setStep(step);
        const value = pick ? pick[i] : null;
        if (value === last[i] || document.activeElement === input) return;
        last[i] = value;
        if (field) field.write(value);
        else input.value = String(value ?? '');
      });
    },
  };
}
