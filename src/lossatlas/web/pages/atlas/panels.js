/** This module creates the panels on both sides: the model, and the data, which may be a person's own. */
/** @import {Catalog, GalleryEntry, State, Status} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Run} from '../../model/run.js' */
import {byId} from '../../lib/dom.js';
import {createLazy, createLazyModule} from '../../lib/lazy.js';
import {findRecorded, recordedRuns} from '../../model/choice.js';
import {createDataset} from '../../views/dataset.js';
import {createModel} from '../../views/model.js';

/**
 * @param {object} options
 * @param {Catalog} options.catalog
 * @param {StateStore} options.store
 * @param {(patch: Partial<State>) => void} options.choose
 * @param {() => Run | null} options.run
 * @param {() => GalleryEntry[]} options.gallery
 * @param {(own: string) => void} options.train starts a training on a person's own data, given as the state carries
 *   them
 * @param {(status: Status) => void} options.onStatus
 * @param {(text: string, error: unknown) => void} options.onFailed
 */
export function createPanels({catalog, store, choose, run, gallery, train, onStatus, onFailed}) {
  const model = createModel({catalog, choose});
  const recorded = createLazy({
    load: () => import('../../views/recorded.js'),
    create: ({createRecorded}) => createRecorded({choose}),
  });
  const drawRecorded = () => recorded.known()?.draw(gallery(), store.get(), run());
  const dataset = createDataset({
    catalog,
    choose,
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
      const isRecorded = findRecorded(entries, state) !== undefined;
      byId('model').hidden = isRecorded;
      dataset.draw(entries, state, isRecorded);
      drawRecorded();
      if (recordedRuns(entries).length === 0 || recorded.isAsked()) return;
      recorded.request().then(drawRecorded, (error) => onFailed('The recorded runs could not be listed', error));
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
