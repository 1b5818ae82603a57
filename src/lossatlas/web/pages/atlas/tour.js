/** The button that opens the tour, which is fetched with its first use. */
/** @import {GalleryEntry, State} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Run} from '../../model/run.js' */
import {byId} from '../../lib/dom.js';
import {createLazy, reasonOf} from '../../lib/lazy.js';
import {toQuery} from '../../model/state.js';

/**
 * @typedef {object} Page what the tour needs of it
 * @property {State} base the state of a bare URL
 * @property {StateStore} store
 * @property {() => GalleryEntry[]} gallery
 * @property {() => Run | null} run
 * @property {Pick<ReturnType<typeof import('./training.js').createLazyTraining>, 'aim' | 'open' | 'rest'>} training
 * @property {{play: () => void, pause: () => void, playing: boolean}} player
 * @property {boolean} still less motion is wished
 * @property {(text: string, detail: string) => void} onFailed
 */

/** @param {Page} page */
export function createLazyTour(page) {
  const {store, base} = page;
  /** A link that names a stop and nothing else means the stop as it begins; any other has a state of its own. */
  const bare = toQuery({...store.get(), tour: null}, base) === '';
  const lazy = createLazy({
    load: () => import('../../features/tour/tour.js'),
    create: ({createTour}) => createTour(page),
    styles: ['features/tour/tour.css'], // without it the panel would push the plots about
  });
  const load = () =>
    lazy.request().catch((error) => {
      page.onFailed('The tour could not be loaded', reasonOf(error));
      return null;
    });
  byId('tour-open').addEventListener('click', async () => (await load())?.toggle());

  return {
    /** The first picture is there, or there will be none: a link may have named a stop. */
    async begin() {
      if (!store.get().tour || lazy.isAsked()) return;
      const tour = await load();
      if (bare) tour?.enter();
      else tour?.resume();
    },
  };
}
