/**
 * This module adds what the page can do without, after the first picture: tooltips, announcements, the labels of a
 * first visit, and use without a network.
 */
import {createAnnouncer} from './announce.js';
import {createLazy} from '../../lib/lazy.js';
import {createHints} from './hints.js';
import {keepOffline} from './offline.js';

const LABELS = 'lossatlas:labels';

/**
 * @param {Parameters<typeof createAnnouncer>[0] & {labels: Omit<Parameters<typeof
 *   import('../callouts/callouts.js').createCallouts>[0], 'onDismissed'> | null, isLasting: boolean}} options `labels`:
 *   null if the address contains a state, or if another page controls this one; `isLasting`: may the page be stored,
 *   for use without a network?
 */
export function createAccess({labels, isLasting, ...options}) {
  createHints();
  // Elsewhere (with lossatlas serve, or on a developer's machine) the cached files would hide newer ones.
  if (isLasting && location.protocol === 'https:' && isSecureContext) keepOffline().catch(() => {});
  const announcer = createAnnouncer(options);
  const callouts = labels && !readDismissed() ? createLazyCallouts({...labels, onDismissed: keepDismissed}) : null;
  callouts?.request().catch(() => {}); // The page does without it.
  return {
    ...announcer,
    /** @param {import('../../model/types.js').Shot} shot */
    noteDrawn(shot) {
      announcer.noteDrawn(shot);
      callouts?.known()?.noteDrawn();
    },
  };
}

/** @param {Parameters<typeof import('../callouts/callouts.js').createCallouts>[0]} options */
function createLazyCallouts(options) {
  return createLazy({
    load: () => import('../callouts/callouts.js'),
    create: ({createCallouts}) => createCallouts(options),
    styles: ['features/callouts/callouts.css'], // The labels are measured, so their style comes first.
  });
}

/**
 * Storage may be forbidden (in a private window or a sandboxed frame); then the labels are dismissed for this visit
 * only.
 */
function readDismissed() {
  try {
    return localStorage.getItem(LABELS) !== null;
  } catch {
    return false;
  }
}

function keepDismissed() {
  try {
    localStorage.setItem(LABELS, 'dismissed');
  } catch {
    /* See `readDismissed`. */
  }
}
