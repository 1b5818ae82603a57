/** What is going on, in a sentence, with the one thing that can be done about it. */
/** @import {Status} from '../model/types.js' */
import {byId, say} from '../lib/dom.js';

/** Work shorter than this is not worth a word. */
const PATIENCE = 200;
const ACTIONS = {
  queued: 'Cancel',
  computing: 'Cancel',
  failed: 'Try again',
  away: 'Try now',
  cancelled: 'Compute',
  lacking: 'Show that instead',
};

/** @typedef {ReturnType<typeof createStatus>} StatusView */

export function createStatus() {
  const button = byId('status-action');
  const progress = /** @type {HTMLProgressElement} */ (byId('status-progress'));
  let timer = 0;
  let kind = '';

  /** @param {Status} status */
  const show = (status) => {
    // Each frame of a computation says how far it is: to be read, but not to be read out.
    byId('status-line').setAttribute('aria-live', kind === 'computing' && status.kind === kind ? 'off' : 'polite');
    kind = status.kind;
    byId('status').dataset.kind = kind;
    say(byId('status-text'), status.text ?? '');
    say(byId('status-detail'), status.detail ?? '');
    const action = ACTIONS[/** @type {keyof typeof ACTIONS} */ (kind)];
    button.hidden = !action;
    say(button, action ?? '');
    const busy = ['loading', 'queued', 'computing'].includes(kind);
    progress.hidden = !busy;
    if (status.progress === undefined) progress.removeAttribute('value');
    else progress.value = status.progress;
  };

  const view = {
    onCancel() {},
    onRetry() {},
    /** What the panels say is to be shown, in place of a run that is not there. */
    onInstead() {},
    /** @param {Status} status */
    show(status) {
      clearTimeout(timer);
      if (status.kind === 'loading') timer = window.setTimeout(show, PATIENCE, status);
      else show(status);
    },
  };
  button.addEventListener('click', () => {
    if (kind === 'queued' || kind === 'computing') view.onCancel();
    else if (kind === 'lacking') view.onInstead();
    else view.onRetry();
  });
  return view;
}
