/** The way to training in the page: what it takes arrives with the first use. */
/** @import {Catalog} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Settings} from '../../model/settings.js' */
/** @import {TrainedRun} from '../../features/training/trained_run.js' */
import {byId} from '../../lib/dom.js';
import {loadStyle, reasonOf} from '../../lib/lazy.js';
import {writeSettings} from '../../model/settings.js';

/** @typedef {ReturnType<typeof import('../../features/training/training.js').createWorkshop>} Workshop */

/**
 * @param {object} options
 * @param {Catalog} options.catalog
 * @param {StateStore} options.store
 * @param {boolean} options.still nothing starts of itself
 * @param {() => void} options.onOpen a training takes the place of what is on show
 * @param {(run: TrainedRun) => void} options.onRun
 * @param {() => void} options.onFollow what comes now is to be looked at
 * @param {(rests: boolean) => void} options.onNews the run has grown, or has come to rest
 * @param {(text: string, detail: string) => void} options.onFailed
 */
export function createLazyTraining({catalog, store, still, onOpen, onRun, onFollow, onNews, onFailed}) {
  const button = byId('train-here');
  /** @type {Promise<{workshop: Workshop, panel: ReturnType<typeof import('../../features/training/panel.js').createPanel>, pacing: ReturnType<typeof import('../../features/training/pacing.js').createPacing>}> | null} */
  let coming = null;
  let growing = false;
  let reveal = false;
  /** Whether the next training starts at once, and up to where. */
  let next = {go: !still, until: store.get().epoch}; // what is to be there at once is not waited for at a pace to watch

  const usual = () => usualSettings(catalog);
  button.addEventListener('click', () => {
    const {train} = store.get();
    reveal = !train;
    if (!train) next = {go: !still, until: null};
    store.set(
      train
        ? {train: null, sample: null, own: null, epoch: null, pick: null}
        : {train: usual(), epoch: null, pick: null},
    );
  });

  /** A training from its start, at once. @param {Settings} settings */
  const begin = (settings) => {
    next = {go: true, until: null};
    const {train} = store.get();
    const same = train !== null && writeSettings(settings) === writeSettings(train);
    store.set(same ? {epoch: null} : {train: settings, epoch: null});
    if (same) open(); // else the store's listeners do
  };

  const load = async () => {
    const [{createWorkshop}, {createPanel}, {createPacing}] = await Promise.all([
      import('../../features/training/training.js'),
      import('../../features/training/panel.js'),
      import('../../features/training/pacing.js'),
      loadStyle('features/training/training.css'),
    ]);
    const panel = createPanel({
      onBegin: begin,
      onStart() {
        pacing.forget();
        onFollow();
        workshop.start();
      },
      onPause: () => workshop.pause(),
      onStep() {
        onFollow();
        workshop.step();
      },
      onPace: (rate) => workshop.limit(rate),
      onRest: (wanted) => workshop.restAt(wanted),
      choose: (patch) => store.set(patch),
    });
    const workshop = createWorkshop({
      catalog,
      onRun,
      onFailed,
      onNews(news) {
        growing = news.run.growing;
        pacing.told(growing);
        panel.tell(news);
        onNews(!growing && news.status !== 'ready' && !pacing.held);
      },
    });
    const isAway = () => document.hidden || document.querySelector('dialog[open]') !== null;
    const pacing = createPacing({rest: workshop.pause, goOn: workshop.goOn, isAway});
    document.addEventListener('visibilitychange', pacing.returned);
    document.addEventListener('close', () => queueMicrotask(pacing.returned), {capture: true}); // of a dialog, which does not bubble
    return {workshop, panel, pacing};
  };

  const open = async () => {
    onOpen();
    const {train, epoch} = store.get();
    button.setAttribute('aria-pressed', String(train !== null));
    // What stands in for a recorded training begins at once, and ends where that would.
    const {go, until} = train ? next : {go: true, until: epoch ?? usualEpochs(catalog)};
    const state = {...store.get(), train: train ?? usual()};
    const going = go || growing;
    next = {go: false, until: null};
    try {
      coming ??= load();
      const {workshop, panel, pacing} = await coming;
      pacing.forget();
      panel.draw(state, catalog);
      if (reveal) document.querySelector('#workshop .go-row')?.scrollIntoView({block: 'nearest'}); // no farther: above Start one sees what it does
      reveal = false;
      await workshop.open(state, {go: going, until, hurry: train !== null ? until !== null : epoch !== null});
    } catch (error) {
      coming = null;
      onFailed('Training in the page could not be loaded', reasonOf(error));
    }
  };

  return {
    /** What the state says is trained from now on. */
    open,
    /** Train on somebody's own data. @param {string} own as the state carries them */
    use(own) {
      next = {go: !still, until: null};
      store.set({own, train: store.get().train ?? usual(), epoch: null, pick: null});
    },
    /** The training that is opened next goes on up to an epoch of itself. @param {number | null} until */
    aim(until) {
      next = {go: true, until};
    },
    /** Let a training rest. */
    rest() {
      if (growing)
        coming?.then(
          ({workshop, pacing}) => {
            pacing.forget();
            workshop.pause();
          },
          () => {},
        );
    },
    leave() {
      growing = false;
      next = {go: !still, until: null};
      button.setAttribute('aria-pressed', 'false');
      coming?.then(
        ({workshop, panel, pacing}) => {
          pacing.forget();
          workshop.leave();
          panel.hide();
        },
        () => {},
      );
    },
  };
}

/** How the default run is trained. @param {Catalog} catalog @returns {Settings} */
export function usualSettings(catalog) {
  const {
    optimizer,
    learning_rate: rate,
    batch_size: batch,
    weight_decay: decay,
    seed,
  } = /** @type {any} */ (catalog.default).training;
  return {optimizer, rate, batch, decay, seed};
}

/** How long the default run is trained. @param {Catalog} catalog @returns {number} */
export function usualEpochs(catalog) {
  return /** @type {any} */ (catalog.default).training.epochs;
}
