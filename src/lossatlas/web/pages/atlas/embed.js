/** This module fetches what the page needs in a frame of another page, if its address says that it is in one. */
/** @import {State} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Frames} from './frames.js' */
/** @import {Screen} from './screen.js' */
import {createLazy} from '../../lib/lazy.js';

const query = new URLSearchParams(location.search);

/**
 * Prepare the page for a frame of any other page: it shows only some of its parts.
 * @param {{store: StateStore, base: State}} page
 */
export async function loadEmbed(page) {
  if (query.get('embed') !== '1') return null;
  return createLazy({
    load: () => import('../../features/embed/embed.js'),
    create: ({createEmbed}) => createEmbed(page),
    styles: ['features/embed/embed.css'], // The plots are drawn at the size that the style gives them.
  }).request();
}

/**
 * Prepare the page for a frame of compare.html, which has the controls.
 * @param {StateStore} store
 * @param {Frames} frames
 * @param {Screen} screen
 */
export async function loadForComparison(store, frames, screen) {
  if (!query.has('bare')) return null;
  return createLazy({
    load: () => import('./embedded.js'),
    create: ({createEmbedded}) =>
      createEmbedded({
        store,
        run: () => frames.run,
        shown: () => screen.shown,
        frame: frames.current,
        hold: frames.hold,
        onRedraw: screen.repaint,
      }),
    styles: ['pages/atlas/embedded.css'], // The plots are drawn at the size that the style gives them.
  }).request();
}
