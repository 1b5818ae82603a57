/** What comes after the first picture, and which the page could do without: tooltips, announcements, the labels of a first visit, and use without a network. */
import {createAnnouncer} from './announce.js';
import {createLazy} from '../../lib/lazy.js';
import {createHints} from './hints.js';
import {keepOffline} from './offline.js';

const LABELS = 'lossatlas:labels';

/** @param {Parameters<typeof createAnnouncer>[0] & {labels: Omit<Parameters<typeof import('../callouts/callouts.js').createCallouts>[0], 'onDismissed'> | null}} options `labels`: null where the address has a state, or the page somebody else's controls */
export function createAccess({labels, ...options}) {
  createHints();
  // Elsewhere (lossatlas serve, a developer's machine) what is kept would only stand before what is new.
  if (location.protocol === 'https:' && isSecureContext) keepOffline().catch(() => {});
  const announcer = createAnnouncer(options);
  const callouts = labels && !wereDismissed() ? createLazyCallouts({...labels, onDismissed: keepDismissed}) : null;
  callouts?.request().catch(() => {}); // the page does without
  return {
    ...announcer,
    /** @param {import('../../model/types.js').Shot} shot */
    drawn(shot) {
      announcer.drawn(shot);
      callouts?.known()?.drawn();
    },
  };
}

/** @param {Parameters<typeof import('../callouts/callouts.js').createCallouts>[0]} options */
function createLazyCallouts(options) {
  return createLazy({
    load: () => import('../callouts/callouts.js'),
    create: ({createCallouts}) => createCallouts(options),
    styles: ['features/callouts/callouts.css'], // labels are measured
  });
}

/** Storage may be forbidden (a private window, a sandboxed frame): then they are dismissed for the visit. */
function wereDismissed() {
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
    /* see wereDismissed */
  }
}
