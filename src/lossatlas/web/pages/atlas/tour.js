/** This module is the button that opens the tour, which is fetched when it is first used. */
/** @import {GalleryEntry, Shot, State} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Run} from '../../model/run.js' */
import {byId} from '../../lib/dom.js';
import {createLazy, reasonOf} from '../../lib/lazy.js';
import {toQuery} from '../../model/state.js';

/**
 * @typedef {object} Page what the tour needs of the page
 * @property {State} base the state that an address without a query means
 * @property {StateStore} store
 * @property {() => GalleryEntry[]} gallery
 * @property {() => Run | null} run
 * @property {Pick<ReturnType<typeof import('./training.js').createLazyTraining>, 'startAtOnce' | 'open' | 'rest' |
 *   'hasFailed'>} training
 * @property {Pick<import('./playback.js').Playback, 'play' | 'pause' | 'prepare' | 'playing'>} player
 * @property {() => Shot | null} shown
 * @property {() => boolean} isCurrent does the screen show the stored run that the state names, as the state wants it?
 * @property {boolean} still does the reader prefer less motion?
 * @property {(text: string, detail: string) => void} onFailed
 */

/** @param {Page} page */
export function createLazyTour(page) {
  const {store, base} = page;
  /** A link that contains only a story and a stop means the stop as it begins, perhaps in a presentation; any other
   * link has its own state. */
  const bare = toQuery({...store.get(), tour: null, story: null, stops: null, present: null}, base) === '';
  const lazy = createLazy({
    load: () => import('../../features/tour/tour.js'),
    create: ({createTour}) => createTour(page),
    styles: ['features/tour/tour.css'], // Without its style the panel would move the plots.
  });
  const load = () =>
    lazy.request().catch((error) => {
      page.onFailed('The tour could not be loaded', reasonOf(error));
      return null;
    });
  byId('tour-open').addEventListener('click', async () => (await load())?.toggle());
  // The reader may go back to a stop that was open before the page was loaded again.
  store.subscribe(async ({tour, story}, before) => {
    const isNew = tour !== before.tour || story !== before.story;
    if (isNew && (tour ?? story) !== null && !lazy.isAsked()) (await load())?.resume();
  });

  return {
    /** Open the stop that a link may name. The first picture has been drawn, or there will be none. */
    async begin() {
      const {tour: stop, story} = store.get();
      if ((!stop && !story) || lazy.isAsked()) return;
      const tour = await load();
      if (bare) tour?.enter();
      else tour?.resume();
    },
    /** Go to the next stop of the open story, or begin the tour; after the last stop the story ends. */
    nextStop: async () => (await load())?.step(1),
    previousStop: async () => (await load())?.step(-1),
    /** Edit one's own story. @param {{records?: boolean}} [how] `records`: with what is shown as a further stop */
    edit: async (how) => (await load())?.edit(how),
  };
}
