/**
 * This module writes the messages about the requested run: a title, and what the reader can do. It consists of pure
 * functions.
 */
/** @import {Status} from '../model/types.js' */
/** @import {Run} from '../model/run.js' */

/** Say how a training ended; one that ended well needs no message. @param {Run} run @returns {Status} */
export function describeOutcome({outcome}) {
  if (outcome.status !== 'diverged') return {kind: 'quiet'};
  const message = outcome.message ?? 'a number stopped being finite';
  return {
    kind: 'diverged',
    text: /^training diverged/i.test(message) ? message : `Training diverged at epoch ${outcome.epoch}: ${message}`,
    detail: 'The frames before it are shown. A smaller learning rate usually helps.',
  };
}

/**
 * Say that the gallery lacks the chosen combination.
 * @param {boolean} empty is the gallery empty? @param {boolean} [readOnly] does a server compute nothing on purpose?
 * @returns {Status}
 */
export function describeUnavailable(empty, readOnly = false) {
  if (readOnly)
    return {
      kind: 'unavailable',
      text: 'Not stored on this server',
      detail:
        'It only shows what is stored, and computes nothing. Choose a combination without a dashed frame, or train ' +
        'this one in your browser with “Train here”.',
    };
  if (empty)
    return {
      kind: 'unavailable',
      text: 'This gallery is empty',
      detail: 'Make runs with “lossatlas build” and export again, or compute any with “lossatlas serve”.',
    };
  return {
    kind: 'unavailable',
    text: 'Not available in this gallery',
    detail:
      'It was published without this combination. Choose one without a dashed frame, or compute any with ' +
      '“lossatlas serve”.',
  };
}

/**
 * Say that the gallery lacks the run that a link names.
 * @param {string} id @param {boolean} computes @returns {Status}
 */
export function describeLackingRun(id, computes) {
  return {
    kind: 'lacking',
    text: `This gallery has no run “${id}”`,
    detail:
      'It may be in the gallery from which the link comes. Instead, the marked model and dataset can be ' +
      `${computes ? 'trained with the default settings' : 'shown, if they are here'}.`,
  };
}

/** Say that another run is shown instead of the one that a link names. @param {string} id @returns {Status} */
export function describeStandIn(id) {
  return {
    kind: 'note',
    text: `This gallery has no run “${id}”`,
    detail: 'The default training of the marked model and dataset is shown instead.',
  };
}

/** Say what a link asks for that the run cannot show. @param {string[]} sentences @returns {Status} */
export function describeUnmet(sentences) {
  return {kind: 'note', text: 'Not everything that this link asks for can be shown', detail: sentences.join(' ')};
}

/** Say which parts of a link cannot be read. @param {string[]} parts @returns {Status} */
export function describeUnreadable(parts) {
  return {
    kind: 'note',
    text: 'Not all of this link could be read',
    detail: `These parts were ignored: “${parts.join('”, “')}”.`,
  };
}
