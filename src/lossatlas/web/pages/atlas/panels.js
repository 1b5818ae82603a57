/** This module creates the panels on both sides: the model, and the data, which may be a person's own. */
/** @import {Catalog, GalleryEntry, Status} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Run} from '../../model/run.js' */
import {createLazyModule} from '../../lib/lazy.js';
import {createDataset} from '../../views/dataset.js';
import {createModel} from '../../views/model.js';
import {createRecorded} from '../../views/recorded.js';

/**
 * @param {object} options
 * @param {Catalog} options.catalog
 * @param {StateStore} options.store
 * @param {() => Run | null} options.run
 * @param {() => GalleryEntry[]} options.gallery
 * @param {(own: string) => void} options.train starts a training on a person's own data, given as the state carries
 *   them
 * @param {(status: Status) => void} options.onStatus
 * @param {(text: string, error: unknown) => void} options.onFailed
 */
export function createPanels({catalog, store, run, gallery, train, onStatus, onFailed}) {
  const model = createModel({catalog, choose: store.set});
  const recorded = createRecorded({choose: store.set});
  const dataset = createDataset({
    catalog,
    choose: store.set,
    start: () => startOf(run(), store.get().own),
    onFailed,
    onOwn: async (own) => {
      const {keepOwn} = await kept.request(); // The module was loaded with the editor.
      const {text, lasting} = await keepOwn(own);
      train(text);
      if (!lasting) onStatus(SHORT_LIVED);
    },
  });
  return {
    draw() {
      const [entries, state] = [gallery(), store.get()];
      model.draw(entries, state);
      dataset.draw(entries, state, recorded.isMeant(entries, state));
      recorded.draw(entries, state, run());
    },
  };
}

const kept = createLazyModule(() => import('../../compute/datasets/kept.js'));
const ownPoints = createLazyModule(() => import('../../compute/datasets/own.js'));

/** @type {Status} */
const SHORT_LIVED = {
  kind: 'note',
  text: 'These points last as long as this page is open',
  detail: 'There are too many for a link, and this browser does not let pages store data (as in private windows).',
};

/** Turn the dataset that is shown into a start for drawing. @param {Run | null} run @param {string | null} own */
async function startOf(run, own) {
  if (own) return (await kept.request()).findOwn(own).catch(() => null);
  if (!run?.get('points') || run.isRecorded) return null; // Recorded points are not known by name.
  const {createOwnFrom, ownOfConfig} = await ownPoints.request();
  const {title, features, classes} = run.manifest.dataset;
  const given = /** @type {any} */ (run.manifest.config).dataset?.own;
  if (given?.x) return ownOfConfig(given);
  return createOwnFrom({title, features, classes, points: run.numbers('points'), labels: run.numbers('labels')});
}
