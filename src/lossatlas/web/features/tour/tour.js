/**
 * The tour: goes to a stop, moves the plots where its words say, and gives way to whoever takes over. All it does, it does
 * through the state, so that a stop is a link like any other.
 */
/** @import {State} from '../../model/types.js' */
/** @import {Page} from '../../pages/atlas/tour.js' */
/** @import {Stop} from './stops.js' */
import {loadStyle} from '../../lib/lazy.js';
import {FIRST_VIEW, fromQuery, HOME, RUN_PROPERTIES} from '../../model/state.js';
import {showPlot} from '../../views/controls.js';
import {choicesFor, storedRun} from './choices.js';
import {isPlayback, watchManual} from './manual.js';
import {between, glide, orbitBetween} from './motion.js';
import {createPanel} from './panel.js';
import {RUNS, STOPS} from './stops.js';

/** Milliseconds between two looks at how far a training has come. */
const LOOK = 50;

/** @param {Page} page */
export async function createTour({base, store, gallery, run, training, player, still, onFailed}) {
  await loadStyle('features/tour/tour.css'); // without it the panel would push the plots about
  /** Grows with every move and every time somebody takes over: a move that has another number is over. */
  let turn = 0;
  /** What the tour has under way. */
  let busy = /** @type {'' | 'moving' | 'training' | 'playing'} */ ('');
  /** Is a change of the state ours? */
  let own = false;
  /** The run that the stop's words speak of now. */
  let shown = '';

  const panel = createPanel({
    stops: STOPS,
    onWord: ({to = {}, run: other, play, plot}) => {
      panel.offerBack(false);
      showPlot(plot ?? plotOf(current()));
      shown = other ?? shown;
      move({...(other ? {epoch: RUNS[shown].epochs} : {}), ...to}, play);
    },
    onStep(by) {
      const next = STOPS[STOPS.indexOf(current()) + by];
      if (next) enter(next);
      else close();
    },
    onBack: () => enter(current()),
    onClose: () => close(),
  });

  const current = () => STOPS.find(({name}) => name === store.get().tour) ?? STOPS[0];

  /** @param {Partial<State>} patch */
  const set = (patch) => {
    own = true;
    store.set(patch);
    own = false;
  };

  /** @param {typeof busy} now */
  const become = (now) => {
    busy = now;
    if (now === 'training') panel.tell('Training in this page…');
    else if (now) panel.tell('');
  };

  /** End what is under way, and leave everything as it is. @param {Element} [by] what was touched, which may pause playback or training itself */
  const halt = (by) => {
    turn++;
    if (busy === 'playing' && !(by && isPlayback(by))) player.pause();
    if (busy === 'training' && !by?.closest('#workshop')) training.rest();
    become('');
  };

  /**
   * Go where a patch leads, on the run that the words speak of.
   * @param {Partial<State>} patch @param {boolean} [play]
   */
  const move = async (patch, play = false) => {
    halt();
    player.pause();
    const mine = turn;
    const isOver = () => mine !== turn;
    const before = run();
    const now = store.get();
    const target = /** @type {State} */ ({...now, ...choicesFor(RUNS[shown], gallery()), ...patch});
    const same = showsSame(now, target);
    const {epochs} = RUNS[shown];
    become('moving');
    if (target.train && !(same && before?.kind === 'page' && isTrained(before, epochs))) {
      become('training');
      training.aim(epochs);
      set({...target, epoch: epochs});
      if (same) training.open();
      if (!(await trained(before, epochs, isOver))) return;
    }
    become('moving');
    if (!(await travel(target, same, isOver))) return;
    become('');
    if (play) start(mine);
  };

  /** To a state; the zoom and the camera on the way there, unless everything else changes too. @param {State} target @param {boolean} same @param {() => boolean} isOver */
  const travel = async (target, same, isOver) => {
    const from = store.get();
    const spans =
      same && from.plane === target.plane && from.seed === target.seed && !isEqual(from.zoom, target.zoom)
        ? spansOf(from, target)
        : null;
    const turns = !isEqual(from.camera, target.camera);
    if (still || (!spans && !turns)) {
      set(target);
      return true;
    }
    set({...target, camera: from.camera, ...(spans ? {zoom: from.zoom} : {})});
    return glide((share) => {
      if (share === 1) set({zoom: target.zoom, camera: target.camera});
      else
        set({
          ...(spans ? {zoom: between(spans[0], spans[1], share)} : {}),
          ...(turns ? {camera: orbitBetween(from.camera, target.camera, share)} : {}),
        });
    }, isOver);
  };

  /** @param {State} from @param {State} to @returns {[number, number] | null} half-sides */
  const spansOf = (from, to) => {
    const usual = run()?.plane(to.plane).spans[0];
    return usual === undefined ? null : [from.zoom ?? usual, to.zoom ?? usual];
  };

  /** A training of ours has come to its end. @param {ReturnType<typeof run>} before @param {number} epochs @param {() => boolean} isOver */
  const trained = async (before, epochs, isOver) => {
    while (!isOver()) {
      const now = run();
      if (now && now !== before && now.kind === 'page' && isTrained(now, epochs)) return true;
      await new Promise((done) => {
        setTimeout(done, LOOK);
      });
    }
    return false;
  };

  /** From the first epoch to the last. @param {number} mine */
  const start = async (mine) => {
    become('playing');
    set({epoch: 0});
    player.play();
    while (mine === turn && player.playing)
      await new Promise((done) => {
        setTimeout(done, LOOK);
      });
    if (mine === turn) become('');
  };

  /** The stop as it begins. @param {Stop} stop */
  const enter = (stop) => {
    shown = stop.run;
    render(stop);
    panel.focus();
    move({...beginning(stop), tour: stop.name}).catch((error) => onFailed('The tour has lost its way', String(error)));
  };

  /** @param {Stop} stop */
  const render = (stop) => {
    panel.show(stop, isTrainedHere(stop));
    showPlot(plotOf(stop));
    panel.offerBack(false);
    panel.tell('');
    mark();
  };

  /** Does the gallery lack its run? @param {Stop} stop */
  const isTrainedHere = ({run: name}) => RUNS[name].planes !== null && !storedRun(RUNS[name], gallery());

  /** Of what its text speaks. @param {Stop} stop */
  const plotOf = (stop) => (stop.here && isTrainedHere(stop) ? 'landscape' : (stop.plot ?? 'landscape'));

  const mark = () => {
    const state = store.get();
    panel.mark(({to = {}, run: other, play}) => {
      if (play || (!other && !Object.keys(to).length)) return false;
      const wished = {...(other ? choicesFor(RUNS[other], gallery()) : {}), ...to};
      return /** @type {(keyof typeof wished)[]} */ (Object.keys(wished)).every((name) =>
        isEqual(state[name], wished[name]),
      );
    });
  };

  const close = () => {
    halt();
    panel.hide(true);
    set({tour: null});
  };

  /** What a link's state says stays; only the words come with it. */
  const resume = () => {
    const stop = current();
    shown = stop.run;
    render(stop);
    const state = store.get();
    const begun = {...choicesFor(RUNS[shown], gallery()), ...beginning(stop)};
    panel.offerBack(
      !(/** @type {(keyof typeof begun)[]} */ (Object.keys(begun)).every((name) => isEqual(state[name], begun[name]))),
    );
  };

  watchManual((target) => {
    if (!store.get().tour) return;
    if (busy) panel.tell('Stopped where you took over.');
    halt(target);
    panel.offerBack(true);
  });
  window.addEventListener(
    'popstate',
    () => {
      halt();
      const to = fromQuery(location.search, base);
      if (to.tour && to.train) training.aim(to.epoch); // before the page opens it
    },
    {capture: true},
  );
  store.subscribe((state, before) => {
    if (state.tour) mark();
    if (own || state.tour === before.tour) return;
    if (state.tour) resume();
    else panel.hide(false);
  });

  return {
    enter: () => enter(current()),
    resume,
    /** Open it where it was left, or close it. */
    toggle() {
      if (store.get().tour) close();
      else enter(STOPS[0]);
    },
  };
}

/** Everything that a stop sets, but for its run. @param {Stop} stop @returns {Partial<State>} */
const beginning = ({look}) => ({...FIRST_VIEW, camera: {...HOME}, ...look});

/** @param {import('../../model/run.js').Run} run @param {number} epochs */
function isTrained(run, epochs) {
  return !run.isGrowing && (run.outcome.status === 'diverged' || (run.frames.at(-1) ?? 0) >= epochs);
}

/** @param {State} a @param {State} b */
const showsSame = (a, b) => RUN_PROPERTIES.every((name) => isEqual(a[name], b[name]));

/** Of plain data. @param {unknown} a @param {unknown} b */
const isEqual = (a, b) => JSON.stringify(a) === JSON.stringify(b);
