/** This view says in a sentence what the page is doing, and offers the one action that is possible. */
/** @import {Status} from '../model/types.js' */
import {byId, setText} from '../lib/dom.js';

/** Work that takes less than this many milliseconds is not announced. */
const PATIENCE = 200;
const ACTIONS = {
  queued: 'Cancel',
  computing: 'Cancel',
  failed: 'Try again',
  away: 'Try now',
  cancelled: 'Compute',
  lacking: 'Show it instead',
};

/** @typedef {ReturnType<typeof createStatus>} StatusView */

export function createStatus() {
  const button = byId('status-action');
  const progress = /** @type {HTMLProgressElement} */ (byId('status-progress'));
  let timer = 0;
  let kind = '';

  /** @param {Status} status */
  const show = (status) => {
    // Each frame of a computation reports its progress: it is visible, but screen readers do not announce it.
    byId('status-line').setAttribute('aria-live', kind === 'computing' && status.kind === kind ? 'off' : 'polite');
    kind = status.kind;
    byId('status').dataset.kind = kind;
    setText(byId('status-text'), status.text ?? '');
    setText(byId('status-detail'), status.detail ?? '');
    const action = ACTIONS[/** @type {keyof typeof ACTIONS} */ (kind)];
    button.hidden = !action;
    setText(button, action ?? '');
    const busy = ['loading', 'queued', 'computing'].includes(kind);
    progress.hidden = !busy;
    if (status.progress === undefined) progress.removeAttribute('value');
    else progress.value = status.progress;
  };

  const view = {
    onCancel() {},
    onRetry() {},
    /** Show what the panels choose instead of a run that is missing. */
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
