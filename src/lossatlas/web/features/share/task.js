/**
 * This module runs the tasks of the dialog, one at a time, for the shot with which it was opened, and shows a message
 * about the result.
 */
/** @import {Shot} from '../../model/types.js' */
import {make, setText} from '../../lib/dom.js';

/** @typedef {ReturnType<typeof createTask>} Task */

/** Ask a person who leaves the page while a film is being made. @param {Event} event */
const hold = (event) => event.preventDefault();

export function createTask() {
  const message = make('p', {class: 'message', role: 'status', 'aria-live': 'polite'});
  /** What was shown when the dialog was opened. @type {Shot | null} */
  let shot = null;
  /** Cancels the film that is being made. @type {AbortController | null} */
  let filming = null;

  /** Show a message. @param {string} text @param {boolean} [bad] does the message report a failure? */
  const showMessage = (text, bad = false) => {
    setText(message, text);
    message.classList.toggle('bad', bad);
  };

  /**
   * Run some work, unless a film is being made. A failure becomes a message.
   * @param {(shot: Shot) => Promise<void>} work
   */
  const runWork = async (work) => {
    if (!shot) return;
    if (filming) return showMessage('The animation is being made. Wait for it, or cancel it.');
    try {
      await work(shot);
    } catch (error) {
      const {name, message} = /** @type {Error} */ (error);
      if (name !== 'AbortError') showMessage(`This could not be done: ${message}`, true);
    }
  };

  return {
    message,
    showMessage,
    runWork,
    /** Start again with another shot. @param {Shot} shown */
    start(shown) {
      shot = shown;
      showMessage('');
    },
    /**
     * Run work that takes long and can be cancelled.
     * @param {(shot: Shot, signal: AbortSignal) => Promise<void>} work
     */
    film: (work) =>
      runWork(async (shown) => {
        filming = new AbortController();
        const {signal} = filming;
        addEventListener('beforeunload', hold);
        try {
          await work(shown, signal);
        } catch (error) {
          if (signal.aborted) showMessage('Animation cancelled');
          throw error;
        } finally {
          filming = null;
          removeEventListener('beforeunload', hold);
        }
      }),
    /** Cancel the film that is being made, if any. */
    cancel: () => filming?.abort(),
  };
}
