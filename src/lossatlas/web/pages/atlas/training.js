/** The button “Train here”, and the way to training in the page, which is fetched with its first use. */
/** @import {Catalog} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Settings} from '../../model/settings.js' */
/** @import {TrainedRun} from '../../features/training/trained_run.js' */
import {byId} from '../../lib/dom.js';
import {createLazy, reasonOf} from '../../lib/lazy.js';
import {writeSettings} from '../../model/settings.js';

/**
 * @typedef {object} Options
 * @property {Catalog} catalog
 * @property {StateStore} store
 * @property {boolean} still nothing starts of itself
 * @property {() => void} onOpen a training takes the place of what is on show
 * @property {(run: TrainedRun) => void} onRun
 * @property {() => void} onFollow the newest epochs are to be looked at from now on
 * @property {(rests: boolean) => void} onNews the run has grown, or has come to rest
 * @property {(text: string, detail: string) => void} onFailed
 */

/** @param {Options} options */
export function createLazyTraining(options) {
  const {catalog, store, still, onOpen, onFailed} = options;
  const button = byId('train-here');
  const usual = () => usualSettings(catalog);
  let isGrowing = false;
  let isRevealed = false;
  /** Does the next training start at once, and up to where? An epoch that is to be there at once is not waited for at a pace to watch. */
  let next = {go: !still, until: store.get().epoch};

  /** Train from the start, at once. @param {Settings} settings */
  const begin = (settings) => {
    next = {go: true, until: null};
    const {train} = store.get();
    const isSame = train !== null && writeSettings(settings) === writeSettings(train);
    store.set(isSame ? {epoch: null} : {train: settings, epoch: null});
    if (isSame) open(); // else the store's listeners do
  };
  const lazy = createLazy({
    load: () =>
      Promise.all([
        import('../../features/training/training.js'),
        import('../../features/training/panel.js'),
        import('../../features/training/pacing.js'),
      ]),
    create: (modules) => createParts(modules, {...options, onBegin: begin, onGrowth: (is) => (isGrowing = is)}),
    styles: ['features/training/training.css'],
  });
  /** Do something with the parts of training, if they have been asked for. @param {(parts: Parts) => void} act */
  const withParts = (act) => {
    if (lazy.isAsked()) lazy.request().then(act, () => {});
  };

  const open = async () => {
    onOpen();
    const {train, epoch} = store.get();
    button.setAttribute('aria-pressed', String(train !== null));
    // What stands in for a recorded training begins at once, and ends where that would.
    const {go, until} = train ? next : {go: true, until: epoch ?? usualEpochs(catalog)};
    const state = {...store.get(), train: train ?? usual()};
    const goes = go || isGrowing;
    next = {go: false, until: null};
    try {
      const {workshop, panel, pacing} = await lazy.request();
      pacing.forget();
      panel.draw(state, catalog);
      if (isRevealed) document.querySelector('#workshop .go-row')?.scrollIntoView({block: 'nearest'}); // no farther: above Start one sees what it does
      isRevealed = false;
      await workshop.open(state, {go: goes, until, hurry: train !== null ? until !== null : epoch !== null});
    } catch (error) {
      onFailed('Training in the page could not be loaded', reasonOf(error));
    }
  };

  button.addEventListener('click', () => {
    const {train} = store.get();
    isRevealed = !train;
    if (!train) next = {go: !still, until: null};
    const recorded = {train: null, sample: null, own: null, epoch: null, pick: null};
    store.set(train ? recorded : {train: usual(), epoch: null, pick: null});
  });

  return {
    /** Train what the state says from now on. */
    open,
    /** Train on somebody's own data. @param {string} own as the state carries them */
    use(own) {
      next = {go: !still, until: null};
      store.set({own, train: store.get().train ?? usual(), epoch: null, pick: null});
    },
    /** Let the training that is opened next go on up to an epoch of itself. @param {number | null} until */
    aim(until) {
      next = {go: true, until};
    },
    /** Let a training rest. */
    rest() {
      if (!isGrowing) return;
      withParts(({workshop, pacing}) => {
        pacing.forget();
        workshop.pause();
      });
    },
    leave() {
      isGrowing = false;
      next = {go: !still, until: null};
      button.setAttribute('aria-pressed', 'false');
      withParts(({workshop, panel, pacing}) => {
        pacing.forget();
        workshop.leave();
        panel.hide();
      });
    },
  };
}

/**
 * @typedef {[typeof import('../../features/training/training.js'), typeof import('../../features/training/panel.js'),
 *   typeof import('../../features/training/pacing.js')]} Modules
 * @typedef {ReturnType<typeof createParts>} Parts
 */

/**
 * The training itself, its panel, and its pace.
 * @param {Modules} modules
 * @param {Options & {onBegin: (settings: Settings) => void, onGrowth: (isGrowing: boolean) => void}} options
 */
function createParts([{createWorkshop}, {createPanel}, {createPacing}], options) {
  const {catalog, store, onBegin, onGrowth, onRun, onFollow, onNews, onFailed} = options;
  const panel = createPanel({
    onBegin,
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
      const {isTraining} = news.run;
      onGrowth(isTraining);
      pacing.told(isTraining);
      panel.tell(news);
      onNews(!isTraining && news.status !== 'ready' && !pacing.held);
    },
  });
  const isAway = () => document.hidden || document.querySelector('dialog[open]') !== null;
  const pacing = createPacing({rest: workshop.pause, goOn: workshop.goOn, isAway});
  document.addEventListener('visibilitychange', pacing.returned);
  document.addEventListener('close', () => queueMicrotask(pacing.returned), {capture: true}); // of a dialog, which does not bubble
  return {workshop, panel, pacing};
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
