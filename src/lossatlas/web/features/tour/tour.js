/**
 * This module is the tour: it goes to a stop, changes the plots when words in its text are pressed, and stops when a
 * person takes over. It does everything through the state, so that a stop is a link like any other.
 */
/** @import {State} from '../../model/types.js' */
/** @import {Page} from '../../pages/atlas/tour.js' */
/** @import {Stop} from './stops.js' */
import {FIRST_VIEW, HOME, RUN_PROPERTIES} from '../../model/state.js';
import {showPlot} from '../../views/controls.js';
import {choicesFor, storedRun} from './choices.js';
import {isPlayback, watchManual} from './manual.js';
import {interpolate, animate, orbitBetween} from './motion.js';
import {createPanel} from './panel.js';
import {RUNS, STOPS} from './stops.js';

/** The time between two checks of how far a training or a playback has come, in milliseconds. */
const LOOK = 50;

/** Create the tour, without opening a stop yet. @param {Page} page */
export function createTour(page) {
  return new Tour(page);
}

class Tour {
  #page;
  #panel;
  /** A number that grows with every move, and every time a person takes over: a move with another number has ended. */
  #turn = 0;
  /** The tour's present action. @type {'' | 'moving' | 'training' | 'playing'} */
  #busy = '';
  /** Does the tour itself change the state? */
  #isOwn = false;
  /** The run that the stop's words now describe. */
  #run = '';

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    this.#panel = createPanel({
      stops: STOPS,
      onWord: (word) => this.#follow(word),
      onStep: (by) => this.step(by),
      onBack: () => this.enter(),
      onClose: () => this.#close(),
    });
    this.#watch();
  }

  /** Open the stop that the state names, as it begins. */
  enter() {
    this.#enter(this.#stop);
  }

  /** Open the tour at its beginning, or close it. */
  toggle() {
    if (this.#page.store.get().tour) this.#close();
    else this.#enter(STOPS[0]);
  }

  /** Go to the next stop (1) or to the previous one (-1). After the last one the story ends. @param {number} by */
  step(by) {
    if (!this.#page.store.get().tour) return this.toggle();
    const next = STOPS[STOPS.indexOf(this.#stop) + by];
    if (next) this.#enter(next);
    else if (by > 0) this.#close();
  }

  /** Show the words of the stop, and keep the state that the link contains. */
  resume() {
    const stop = this.#stop;
    this.#run = stop.run;
    this.#render(stop);
    const state = this.#page.store.get();
    const begun = {...choicesFor(RUNS[this.#run], this.#page.gallery()), ...startOf(stop)};
    this.#panel.offerBack(!hasAll(state, begun));
  }

  get #stop() {
    return STOPS.find(({name}) => name === this.#page.store.get().tour) ?? STOPS[0];
  }

  /** Notice when a person takes over, goes back, or changes the state. */
  #watch() {
    const {store} = this.#page;
    watchManual((target) => {
      if (!store.get().tour) return;
      if (this.#busy) this.#panel.showMessage('Stopped where you took over.');
      this.#halt(target);
      this.#panel.offerBack(true);
    });
    window.addEventListener('popstate', () => this.#halt(), {capture: true});
    store.subscribe((state, before) => {
      if (state.tour) this.#mark();
      if (this.#isOwn || state.tour === before.tour) return;
      if (state.tour) this.resume();
      else this.#panel.hide(false);
    });
  }

  // The next methods change what the panel shows.

  /** @param {Stop} stop */
  #enter(stop) {
    this.#run = stop.run;
    this.#render(stop);
    this.#panel.focus();
    this.#move({...startOf(stop), tour: stop.name}).catch((error) =>
      this.#page.onFailed('The tour could not continue', String(error)),
    );
  }

  /** @param {Stop} stop */
  #render(stop) {
    this.#panel.show(stop, this.#isTrainedHere(stop));
    showPlot(this.#plotOf(stop));
    this.#panel.offerBack(false);
    this.#panel.showMessage('');
    this.#mark();
  }

  /** Does the gallery lack the stop's run? @param {Stop} stop */
  #isTrainedHere({run: name}) {
    return RUNS[name].planes !== null && !storedRun(RUNS[name], this.#page.gallery());
  }

  /** Return the plot that the text describes. @param {Stop} stop */
  #plotOf(stop) {
    return stop.here && this.#isTrainedHere(stop) ? 'landscape' : (stop.plot ?? 'landscape');
  }

  /** Mark the words whose picture is shown. */
  #mark() {
    const state = this.#page.store.get();
    this.#panel.mark(({to = {}, run: other, play}) => {
      if (play || (!other && !Object.keys(to).length)) return false;
      return hasAll(state, {...(other ? choicesFor(RUNS[other], this.#page.gallery()) : {}), ...to});
    });
  }

  #close() {
    this.#halt();
    this.#panel.hide(true);
    this.#set({tour: null});
  }

  // The next methods change the plots.

  /** Follow a word that was pressed. @param {Parameters<Parameters<typeof createPanel>[0]['onWord']>[0]} word */
  #follow({to = {}, run: other, play, plot}) {
    this.#panel.offerBack(false);
    showPlot(plot ?? this.#plotOf(this.#stop));
    this.#run = other ?? this.#run;
    this.#move({...(other ? {epoch: RUNS[this.#run].epochs} : {}), ...to}, play);
  }

  /** @param {Partial<State>} patch */
  #set(patch) {
    this.#isOwn = true;
    this.#page.store.set(patch);
    this.#isOwn = false;
  }

  /** @param {'' | 'moving' | 'training' | 'playing'} busy */
  #setBusy(busy) {
    this.#busy = busy;
    if (busy === 'training') this.#panel.showMessage('Training in this page…');
    else if (busy) this.#panel.showMessage('');
  }

  /**
   * End what the tour is doing, and leave everything as it is.
   * @param {Element} [by] the element that was touched, which may itself pause playback or training
   */
  #halt(by) {
    this.#turn++;
    if (this.#busy === 'playing' && !(by && isPlayback(by))) this.#page.player.pause();
    if (this.#busy === 'training' && !by?.closest('#workshop')) this.#page.training.rest();
    this.#setBusy('');
  }

  /**
   * Go to the state that a patch leads to, on the run that the words describe.
   * @param {Partial<State>} patch @param {boolean} [play]
   */
  async #move(patch, play = false) {
    const {store, gallery, run, player} = this.#page;
    this.#halt();
    player.pause();
    const turn = this.#turn;
    const isOver = () => turn !== this.#turn;
    const now = store.get();
    const target = /** @type {State} */ ({...now, ...choicesFor(RUNS[this.#run], gallery()), ...patch});
    const isSame = showsSame(now, target);
    this.#setBusy('moving');
    if (target.train && !(await this.#train(target, {isSame, before: run(), isOver}))) return;
    this.#setBusy('moving');
    if (!(await this.#travel(target, isSame, isOver))) return;
    this.#setBusy('');
    if (play) this.#play(isOver);
  }

  /**
   * Train what a target names, unless that has been done.
   * @param {State} target @param {{isSame: boolean, before: ReturnType<Page['run']>, isOver: () => boolean}} where
   * @returns {Promise<boolean>} false: something else has happened meanwhile
   */
  async #train(target, {isSame, before, isOver}) {
    const {run, training} = this.#page;
    const {epochs} = RUNS[this.#run];
    if (isSame && before?.isOpenEnded && isTrained(before, epochs)) return true;
    this.#setBusy('training');
    training.startAtOnce(epochs);
    this.#set({...target, epoch: epochs});
    if (isSame) training.open();
    while (!isOver()) {
      const now = run();
      if (now && now !== before && now.isOpenEnded && isTrained(now, epochs)) return true;
      if (training.hasFailed()) {
        this.#setBusy('');
        this.#panel.showMessage('The run of this stop cannot be trained here. The plots show what was there before.');
        return false;
      }
      await sleep();
    }
    return false;
  }

  /**
   * Go to a state. The zoom and the camera move gradually, unless everything else changes too.
   * @param {State} target @param {boolean} isSame is it a state of the same run? @param {() => boolean} isOver
   */
  async #travel(target, isSame, isOver) {
    const from = this.#page.store.get();
    const zooms = isSame && from.plane === target.plane && from.seed === target.seed;
    const spans = zooms && !isEqual(from.zoom, target.zoom) ? this.#spansOf(from, target) : null;
    const turns = !isEqual(from.camera, target.camera);
    if (this.#page.still || (!spans && !turns)) {
      this.#set(target);
      return true;
    }
    this.#set({...target, camera: from.camera, ...(spans ? {zoom: from.zoom} : {})});
    return animate((share) => {
      if (share === 1) return this.#set({zoom: target.zoom, camera: target.camera});
      const zoom = spans ? {zoom: interpolate(spans[0], spans[1], share)} : {};
      const camera = turns ? {camera: orbitBetween(from.camera, target.camera, share)} : {};
      return this.#set({...zoom, ...camera});
    }, isOver);
  }

  /** @param {State} from @param {State} to @returns {[number, number] | null} the spans */
  #spansOf(from, to) {
    const usual = this.#page.run()?.plane(to.plane).spans[0];
    return usual === undefined ? null : [from.zoom ?? usual, to.zoom ?? usual];
  }

  /** Play from the first epoch to the last. @param {() => boolean} isOver */
  async #play(isOver) {
    const {player} = this.#page;
    this.#setBusy('playing');
    this.#set({epoch: 0});
    player.play();
    while (!isOver() && player.playing) await sleep();
    if (!isOver()) this.#setBusy('');
  }
}

function sleep() {
  return new Promise((done) => {
    setTimeout(done, LOOK);
  });
}

/** Does a state contain everything that is wanted? @param {State} state @param {Partial<State>} wished */
function hasAll(state, wished) {
  const names = /** @type {(keyof State)[]} */ (Object.keys(wished));
  return names.every((name) => isEqual(state[name], wished[name]));
}

/** Return everything that a stop sets, except its run. @param {Stop} stop @returns {Partial<State>} */
const startOf = ({look}) => ({...FIRST_VIEW, camera: {...HOME}, ...look});

/** @param {import('../../model/run.js').Run} run @param {number} epochs */
function isTrained(run, epochs) {
  return !run.isGrowing && (run.outcome.status === 'diverged' || (run.frames.at(-1) ?? 0) >= epochs);
}

/** @param {State} a @param {State} b */
const showsSame = (a, b) => RUN_PROPERTIES.every((name) => isEqual(a[name], b[name]));

/** Are two values of plain data equal? @param {unknown} a @param {unknown} b */
const isEqual = (a, b) => JSON.stringify(a) === JSON.stringify(b);
