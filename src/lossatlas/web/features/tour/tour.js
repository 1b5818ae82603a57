/**
 * This module is the tour, which plays any story: it goes to a stop, changes the plots when words in its text are
 * pressed, and stops when a person takes over. It does everything through the state, so that a stop is a link like any
 * other.
 */
/** @import {State} from '../../model/types.js' */
/** @import {Page} from '../../pages/atlas/tour.js' */
/** @import {Stop, Story, Word} from './story.js' */
import {createLazy, reasonOf} from '../../lib/lazy.js';
import {joinKey} from '../../model/keys.js';
import {linkTo} from '../../model/link.js';
import {showPlot} from '../../views/controls.js';
import {findStory, keepStory, recallStory} from './carried.js';
import {choicesFor, readPatch, stateOfStop, storedRun} from './choices.js';
import {watchManual} from './manual.js';
import {Mover} from './mover.js';
import {createPanel} from './panel.js';
import {TOUR} from './stops.js';

/** @type {Story} */
const EMPTY = {title: 'My story', stops: []};

/** Create the tour, without opening a stop yet. @param {Page} page */
export function createTour(page) {
  return new Tour(page);
}

class Tour {
  #page;
  #panel;
  #mover;
  /** @type {Story} */
  #story = TOUR;
  /** The story of which address that is. */
  #key = keyOf({story: null, stops: null});
  /** The run that the stop's words now describe. @type {string | undefined} */
  #run;
  #editor = createLazy({
    load: () => import('./editor.js'),
    create: ({createEditor}) => createEditor(this.#editing()),
    styles: ['features/tour/editor.css'],
  });

  /** @param {Page} page */
  constructor(page) {
    this.#page = page;
    this.#mover = new Mover(page, (busy) => {
      if (busy === 'training') this.#panel.showMessage('Training in this page…');
      else if (busy === 'lacking') {
        this.#panel.showMessage('The run of this stop cannot be trained here. The plots show what was there before.');
      } else if (busy) this.#panel.showMessage('');
    });
    this.#panel = createPanel({
      onWord: (word) => this.#follow(word),
      onStep: (by) => this.step(by),
      onBack: () => this.#enter(this.#stop),
      onMoves: () => {
        const {moves} = this.#stop;
        if (moves) this.#mover.let(moves).catch((error) => this.#report(error));
      },
      onEdit: () => this.edit(),
      onClose: () => this.#close(),
    });
    this.#watch();
  }

  /** Open the stop that the state names, as it begins. */
  async enter() {
    if (await this.#load()) this.#enter(this.#stop);
  }

  /** Open the tour at its beginning, or close it. */
  toggle() {
    if (this.#isOpen) return this.#close();
    this.#take(TOUR, {story: null, stops: null});
    this.#enter(TOUR.stops[0]);
  }

  /** Go to the next stop (1) or to the previous one (-1). After the last one the story ends. @param {number} by */
  async step(by) {
    if (!this.#isOpen) return this.toggle();
    if (!(await this.#load())) return;
    const {stops} = this.#story;
    const next = stops[stops.indexOf(this.#stop) + by];
    if (next) this.#enter(next);
    else if (by > 0) this.#close();
  }

  /** Show the words of the stop, and keep the state that the link contains. */
  async resume() {
    if (!(await this.#load())) return;
    const stop = this.#stop;
    this.#run = stop.run;
    this.#render(stop);
    const begun = stateOfStop(this.#story, stop, this.#page.gallery(), this.#page.base);
    this.#panel.offerBack(!hasAll(this.#page.store.get(), this.#without(begun)));
  }

  /**
   * Edit the story that is open, or else the one that this browser keeps.
   * @param {{records?: boolean}} [how] `records`: is what the page shows recorded as a further stop?
   */
  async edit({records = false} = {}) {
    try {
      const isOwn = this.#isOpen && this.#page.store.get().story !== null && (await this.#load());
      const story = isOwn ? this.#story : (recallStory() ?? EMPTY);
      const editor = await this.#editor.request();
      editor.open(story, isOwn ? story.stops.indexOf(this.#stop) : story.stops.length - 1);
      if (records) editor.record();
    } catch (error) {
      this.#page.onFailed('The editor of stories could not be loaded', reasonOf(error));
    }
  }

  get #isOpen() {
    const {tour, story} = this.#page.store.get();
    return tour !== null || story !== null;
  }

  get #stop() {
    const {tour} = this.#page.store.get();
    return this.#story.stops.find(({name}) => name === tour) ?? this.#story.stops[0];
  }

  /** Find the story that the state names. @returns {Promise<boolean>} false: another one is wanted, or there is none */
  async #load() {
    const state = this.#page.store.get();
    const key = keyOf(state);
    if (key === this.#key) return true;
    try {
      const story = await findStory(state);
      if (keyOf(this.#page.store.get()) !== key) return false;
      [this.#story, this.#key] = [story, key];
      return true;
    } catch (error) {
      this.#panel.hide(false);
      this.#page.onFailed('This story could not be opened', reasonOf(error));
      return false;
    }
  }

  /** Play a story from now on. @param {Story} story @param {Pick<State, 'story' | 'stops'>} carried */
  #take(story, carried) {
    [this.#story, this.#key] = [story, keyOf(carried)];
    this.#mover.set(carried);
  }

  /** Notice when a person takes over, goes back, or changes the state. */
  #watch() {
    const {store} = this.#page;
    watchManual((target) => {
      if (!this.#isOpen) return;
      if (this.#mover.isBusy) this.#panel.showMessage('Stopped where you took over.');
      this.#mover.halt(target);
      this.#panel.offerBack(true);
    });
    window.addEventListener('popstate', () => this.#mover.halt(), {capture: true});
    store.subscribe((state, before) => {
      if (this.#isOpen) this.#mark();
      if (this.#mover.isOwn || (state.tour === before.tour && keyOf(state) === keyOf(before))) return;
      this.#editor.known()?.hide();
      if (this.#isOpen) this.resume();
      else this.#panel.hide(false);
    });
  }

  // The next methods change what the panel shows.

  /** @param {Stop} stop */
  #enter(stop) {
    this.#run = stop.run;
    this.#render(stop);
    this.#panel.focus();
    this.#goTo(stop, this.#page.still ? undefined : stop.moves);
  }

  /** @param {Stop} stop @param {Stop['moves']} [moves] */
  #goTo(stop, moves) {
    const {gallery, base} = this.#page;
    const target = this.#without(stateOfStop(this.#story, stop, gallery(), base));
    this.#move(target, this.#epochsOf(stop.run) ?? target.epoch ?? null, moves);
  }

  /**
   * Leave out of the state that a stop means what stays: the address of the story, and the presentation.
   * @param {State} state
   */
  #without({story: _, stops: __, present: ___, ...state}) {
    return state;
  }

  /** @param {Partial<State>} patch @param {number | null} epochs @param {Stop['moves']} moves */
  #move(patch, epochs, moves) {
    const end = moves && 'play' in moves ? Math.max(moves.play[1], epochs ?? 0) : epochs;
    const target = {...this.#page.store.get(), ...patch};
    this.#mover.move(target, {epochs: end, moves}).catch((error) => this.#report(error));
  }

  /** @param {unknown} error */
  #report(error) {
    this.#page.onFailed('The tour could not continue', reasonOf(error));
  }

  /** @param {Stop} stop */
  #render(stop) {
    this.#editor.known()?.hide();
    this.#panel.show(this.#story, stop, {
      isTrainedHere: this.#isTrainedHere(stop),
      isEditable: this.#page.store.get().story !== null,
    });
    showPlot(this.#plotOf(stop));
    this.#panel.offerBack(false);
    this.#panel.showMessage('');
    this.#mark();
  }

  /** @param {string | undefined} name */
  #runOf(name) {
    return name === undefined ? undefined : this.#story.runs?.[name];
  }

  /** @param {string | undefined} name */
  #epochsOf(name) {
    return this.#runOf(name)?.epochs;
  }

  /** Does the gallery lack the stop's run? @param {Stop} stop */
  #isTrainedHere({run: name}) {
    const run = this.#runOf(name);
    return run !== undefined && run.planes !== null && !storedRun(run, this.#page.gallery());
  }

  /** Return the plot that the text describes. @param {Stop} stop */
  #plotOf(stop) {
    return stop.here && this.#isTrainedHere(stop) ? 'landscape' : (stop.plot ?? 'landscape');
  }

  /** Mark the words whose picture is shown. */
  #mark() {
    const state = this.#page.store.get();
    this.#panel.mark(({view = '', run: name, moves}) => {
      const run = this.#runOf(name);
      if (moves || (!run && !view)) return false;
      return hasAll(state, {...(run ? choicesFor(run, this.#page.gallery()) : {}), ...readPatch(view)});
    });
  }

  #close() {
    this.#mover.halt();
    this.#panel.hide(true);
    this.#editor.known()?.hide();
    this.#mover.set({tour: null, story: null, stops: null});
  }

  /** Follow a word that was pressed. @param {Word} word */
  #follow({view = '', run: name, moves, plot}) {
    this.#panel.offerBack(false);
    showPlot(plot ?? this.#plotOf(this.#stop));
    this.#run = name ?? this.#run;
    const run = this.#runOf(this.#run);
    const epochs = run?.epochs ?? null;
    const choices = run ? choicesFor(run, this.#page.gallery()) : {};
    this.#move({...choices, ...(name === undefined ? {} : {epoch: epochs}), ...readPatch(view)}, epochs, moves);
  }

  /** Return what the editor needs. @returns {import('./editor.js').Editing} */
  #editing() {
    const {shown, store} = this.#page;
    return {
      describe() {
        const shot = shown();
        if (!shot) return null;
        const apart = {play: null, speed: null, tour: null, story: null, stops: null, present: null};
        const epochs = /** @type {[number, number]} */ ([shot.run.frames[0], shot.run.frames.at(-1) ?? 0]);
        const {title} = shot.run.manifest;
        return {
          view: linkTo(shot, {...store.get(), ...apart}, '').slice(1),
          title: `Epoch ${shot.run.frames[shot.frame]} · ${title}`.slice(0, 120),
          epochs,
        };
      },
      keep: keepStory,
      putInAddress: (story, carried, stop) => {
        this.#take(story, carried);
        this.#mover.set({tour: stop?.name ?? null});
      },
      show: (stop) => {
        this.#run = stop.run;
        this.#goTo(stop);
      },
      play: (stop) => this.#enter(stop),
      hidePanel: () => this.#panel.hide(false),
      close: () => this.#close(),
      link: () => location.href,
    };
  }
}

/** @param {Pick<State, 'story' | 'stops'>} state */
const keyOf = ({story, stops}) => joinKey(story, stops);

/** Does a state contain everything that is wanted? @param {State} state @param {Partial<State>} wished */
function hasAll(state, wished) {
  const names = /** @type {(keyof State)[]} */ (Object.keys(wished));
  return names.every((name) => JSON.stringify(state[name]) === JSON.stringify(wished[name]));
}
