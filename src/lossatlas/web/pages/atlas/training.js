/**
 * This module is the button “Train here”, and the access to training in the page, which is fetched when it is first
 * used.
 */
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
 * @property {boolean} still does the reader prefer that nothing starts by itself?
 * @property {() => void} onOpen a training replaces what is shown
 * @property {(run: TrainedRun) => void} onRun
 * @property {(run: TrainedRun) => Promise<void>} waitForPicture waits until a run is on the screen, or cannot be drawn
 * @property {() => void} onFollow from now on the page follows the newest epochs
 * @property {(rests: boolean) => void} onNews the run has grown, or its training has stopped
 * @property {(text: string, detail: string) => void} onFailed
 */

/** @param {Options} options */
export function createLazyTraining(options) {
  const {catalog, store, still, onOpen} = options;
  const button = byId('train-here');
  const usualOf = () => usualSettings(catalog);
  let isRevealed = false;
  let hasFailed = false;
  const onFailed = (/** @type {string} */ text, /** @type {string} */ detail) => {
    hasFailed = true;
    options.onFailed(text, detail);
  };
  const {epoch, play} = store.get();
  const plan = createPlan(still, play?.[1] ?? epoch);

  /** Start a training at once. @param {Settings} settings */
  const begin = (settings) => {
    plan.startAtOnce(null);
    const {train} = store.get();
    const isSame = train !== null && writeSettings(settings) === writeSettings(train);
    store.set(isSame ? {epoch: null} : {train: settings, epoch: null});
    if (isSame) open(); // Otherwise the store's listeners do it.
  };
  const parts = createLazyParts({...options, onFailed, onBegin: begin});

  const open = async () => {
    hasFailed = false;
    onOpen();
    const {train, epoch, play} = store.get();
    button.setAttribute('aria-pressed', String(train !== null));
    const planned = plan.take();
    // A training that replaces a recorded one starts at once, and ends where that one would.
    const {go, until} = train ? planned : {go: true, until: play?.[1] ?? epoch ?? usualEpochs(catalog)};
    const state = {...store.get(), train: train ?? usualOf()};
    const goes = go || parts.isGrowing();
    try {
      const {workshop, panel, pacing} = await parts.request();
      pacing.forget();
      panel.draw(state, catalog);
      // The page scrolls no farther than that: the reader sees what the settings above Start do.
      if (isRevealed) document.querySelector('#workshop .go-row')?.scrollIntoView({block: 'nearest'});
      isRevealed = false;
      await workshop.open(state, {go: goes, until, hurry: train !== null ? until !== null : epoch !== null});
    } catch (error) {
      onFailed('Training in the page could not be loaded', reasonOf(error));
    }
  };

  button.addEventListener('click', () => {
    const {train} = store.get();
    isRevealed = !train;
    if (!train) plan.startAsUsual();
    const recorded = {train: null, sample: null, own: null, epoch: null, pick: null};
    store.set(train ? recorded : {train: usualOf(), epoch: null, pick: null});
  });

  return {
    /** Train with the settings of the state from now on. */
    open,
    /** Train on a person's own data. @param {string} own the data, as the state carries them */
    use(own) {
      plan.startAsUsual();
      store.set({own, train: store.get().train ?? usualOf(), epoch: null, pick: null});
    },
    /** Let the next training continue up to an epoch by itself. @param {number | null} until */
    startAtOnce: (until) => plan.startAtOnce(until),
    /** Has the training that was opened last failed? */
    hasFailed: () => hasFailed,
    /** Pause a training. */
    rest: parts.rest,
    leave() {
      plan.startAsUsual();
      button.setAttribute('aria-pressed', 'false');
      parts.leave();
    },
  };
}

/**
 * Plan how the next training starts: at once or not, and up to which epoch. An epoch that is wanted at once is trained
 * as fast as possible.
 * @param {boolean} still does the reader prefer that nothing starts by itself?
 * @param {number | null} epoch the epoch that the address names
 */
function createPlan(still, epoch) {
  let next = {go: !still, until: epoch};
  return {
    startAsUsual() {
      next = {go: !still, until: null};
    },
    /** @param {number | null} until */
    startAtOnce(until) {
      next = {go: true, until};
    },
    /** Return the plan, which is used once. */
    take() {
      const taken = next;
      next = {go: false, until: null};
      return taken;
    },
  };
}

/**
 * @typedef {[typeof import('../../features/training/training.js'), typeof import('../../features/training/panel.js'),
 *   typeof import('../../features/training/pacing.js')]} Modules
 * @typedef {ReturnType<typeof createParts>} Parts
 */

/** @param {Options & {onBegin: (settings: Settings) => void}} options */
function createLazyParts(options) {
  let isGrowing = false;
  const lazy = createLazy({
    load: () =>
      Promise.all([
        import('../../features/training/training.js'),
        import('../../features/training/panel.js'),
        import('../../features/training/pacing.js'),
      ]),
    create: (modules) => createParts(modules, {...options, onGrowth: (is) => (isGrowing = is)}),
    styles: ['features/training/training.css'],
  });
  /** Do something with the parts, if they have been requested. @param {(parts: Parts) => void} act */
  const withParts = (act) => {
    if (lazy.isAsked()) lazy.request().then(act, () => {});
  };
  return {
    request: lazy.request,
    isGrowing: () => isGrowing,
    rest() {
      const goes = isGrowing;
      withParts(({workshop, pacing}) => {
        workshop.cancelStart();
        if (!goes) return;
        pacing.forget();
        workshop.pause();
      });
    },
    leave() {
      isGrowing = false;
      withParts(({workshop, panel, pacing}) => {
        pacing.forget();
        workshop.endTraining();
        panel.hide();
      });
    },
  };
}

/**
 * Create the training itself, its panel, and its pacing.
 * @param {Modules} modules
 * @param {Options & {onBegin: (settings: Settings) => void, onGrowth: (isGrowing: boolean) => void}} options
 */
function createParts([{Workshop}, {Panel}, {createPacing}], options) {
  const {catalog, store, onBegin, onGrowth, onRun, waitForPicture, onFollow, onNews, onFailed} = options;
  const panel = new Panel({
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
  const workshop = new Workshop({
    catalog,
    onRun,
    waitForPicture,
    onFailed,
    onNews(news) {
      const {isTraining} = news.run;
      onGrowth(isTraining);
      pacing.noteGrowth(isTraining);
      panel.showProgress(news);
      onNews(!isTraining && news.status !== 'ready' && !pacing.isHeld);
    },
  });
  const isAway = () => document.hidden || document.querySelector('dialog[open]') !== null;
  const pacing = createPacing({rest: () => workshop.pause(), goOn: () => workshop.continueTraining(), isAway});
  document.addEventListener('visibilitychange', pacing.continueIfSeen);
  // The event comes from a dialog and does not bubble.
  document.addEventListener('close', () => queueMicrotask(pacing.continueIfSeen), {capture: true});
  return {workshop, panel, pacing};
}

/** Return how the default run is trained. @param {Catalog} catalog @returns {Settings} */
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

/** Return how long the default run is trained. @param {Catalog} catalog @returns {number} */
export function usualEpochs(catalog) {
  return /** @type {any} */ (catalog.default).training.epochs;
}
