/** What comes after the first picture, and which the page could do without: tooltips, announcements, and use without a network. */
import {createAnnouncer} from './announce.js';
import {createHints} from './hints.js';
import {keepOffline} from './offline.js';
import {loadStyle} from './style.js';

/** @param {Parameters<typeof createAnnouncer>[0]} options */
export function createAccess(options) {
  loadStyle();
  createHints();
  // Elsewhere (lossatlas serve, a developer's machine) what is kept would only stand before what is new.
  if (location.protocol === 'https:' && isSecureContext) keepOffline().catch(() => {});
  return createAnnouncer(options);
}
