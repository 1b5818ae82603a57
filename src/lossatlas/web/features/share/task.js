/** What the dialog does now: one thing at a time, on the shot it was opened for, with a message about how it went. */
/** @import {Shot} from '../../model/types.js' */
import {make, say} from '../../lib/dom.js';

/** @typedef {ReturnType<typeof createTask>} Task */

export function createTask() {
  const message = make('p', {class: 'message', role: 'status', 'aria-live': 'polite'});
  /** @type {Shot | null} what was shown when the dialog was opened */
  let shot = null;
  /** @type {AbortController | null} of the film that is being made */
  let filming = null;

  /** Show a message. @param {string} text @param {boolean} [bad] does it say that something failed? */
  const tell = (text, bad = false) => {
    say(message, text);
    message.classList.toggle('bad', bad);
  };

  /**
   * Run some work, unless a film is being made. A failure becomes a message.
   * @param {(shot: Shot) => Promise<void>} work
   */
  const attempt = async (work) => {
    if (!shot) return;
    if (filming) return tell('The animation is being made. Wait for it, or cancel it.');
    try {
      await work(shot);
    } catch (error) {
      const {name, message} = /** @type {Error} */ (error);
      if (name !== 'AbortError') tell(`This could not be done: ${message}`, true);
    }
  };

  return {
    message,
    say: tell,
    attempt,
    /** Begin anew with another shot. @param {Shot} shown */
    start(shown) {
      shot = shown;
      tell('');
    },
    /**
     * Run work that takes long and can be cancelled.
     * @param {(shot: Shot, signal: AbortSignal) => Promise<void>} work
     */
    film: (work) =>
      attempt(async (shown) => {
        filming = new AbortController();
        const {signal} = filming;
        try {
          await work(shown, signal);
        } catch (error) {
          if (signal.aborted) tell('Animation cancelled');
          throw error;
        } finally {
          filming = null;
        }
      }),
    /** Cancel the film that is being made, if any. */
    cancel: () => filming?.abort(),
  };
}
