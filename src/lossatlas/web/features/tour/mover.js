/**
 * This module changes the plots for the tour: it trains, moves the camera and the zoom gradually, plays, and stops when
 * something else happens. It does everything through the state.
 */
/** @import {State} from '../../model/types.js' */
/** @import {Page} from '../../pages/atlas/tour.js' */
/** @import {Run} from '../../model/run.js' */
/** @import {Moves} from './story.js' */
import {hasChanged} from '../../model/state.js';
import {isPlayback} from './manual.js';
import {animate, interpolate, MOVE, orbitBetween, turnBy} from './motion.js';

/** The time between two checks of how far a training or a playback has come, in milliseconds. */
const LOOK = 50;

/**
 * @typedef {'' | 'moving' | 'training' | 'playing'} Busy what the mover is doing
 *
 * @typedef {object} Move
 * @property {number | null} epochs where the training of the target ends, if the page trains it
 * @property {Moves} [moves] what moves when the target has been reached
 */

export class Mover {
  #page;
  #onBusy;
  /** A number that grows with every move, and every time a person takes over: a move with another number has ended. */
  #turn = 0;
  /** @type {Busy} */
  #busy = '';
  /** Does the mover itself change the state? */
  #isOwn = false;

  /** @param {Page} page @param {(busy: Busy | 'lacking') => void} onBusy `lacking`: the run cannot be trained */
  constructor(page, onBusy) {
    this.#page = page;
    this.#onBusy = onBusy;
  }

  get isBusy() {
    return this.#busy !== '';
  }

  get isOwn() {
    return this.#isOwn;
  }

  /** @param {Partial<State>} patch */
  set(patch) {
    this.#isOwn = true;
    this.#page.store.set(patch);
    this.#isOwn = false;
  }

  /**
   * End what the mover is doing, and leave everything as it is.
   * @param {Element} [by] the element that was touched, which may itself pause playback or training
   */
  halt(by) {
    this.#turn++;
    if (this.#busy === 'playing' && !(by && isPlayback(by))) this.#page.player.pause();
    if (this.#busy === 'training' && !by?.closest('#workshop')) this.#page.training.rest();
    this.#setBusy('');
  }

  /** Go to a state, and start what moves there. @param {State} target @param {Move} move */
  async move(target, {epochs, moves}) {
    const {store, run, player} = this.#page;
    this.halt();
    player.pause();
    const turn = this.#turn;
    const isOver = () => turn !== this.#turn;
    const isSame = !hasChanged('names', target, store.get());
    const there = {isSame, before: run(), epochs: epochs ?? 0, isOver};
    this.#setBusy('moving');
    if (target.train && !(await this.#train(target, there))) return;
    this.#setBusy('moving');
    if (!(await this.#travel(target, isSame, isOver))) return;
    this.#setBusy('');
    if (moves && (await this.#arrive(there))) await this.#let(moves, isOver);
  }

  /** Start what moves in the present state. @param {Moves} moves */
  async let(moves) {
    this.halt();
    const turn = this.#turn;
    await this.#let(moves, () => turn !== this.#turn);
  }

  /** @param {Busy} busy */
  #setBusy(busy) {
    this.#busy = busy;
    this.#onBusy(busy);
  }

  /**
   * Train what a target names, unless that has been done.
   * @param {State} target
   * @param {{isSame: boolean, before: Run | null, epochs: number, isOver: () => boolean}} there
   * @returns {Promise<boolean>} false: something else has happened meanwhile
   */
  async #train(target, {isSame, before, epochs, isOver}) {
    const {run, training} = this.#page;
    if (isSame && before?.isOpenEnded && isTrained(before, epochs)) return true;
    this.#setBusy('training');
    training.startAtOnce(epochs);
    this.set({...target, epoch: epochs});
    if (isSame) training.open();
    while (!isOver()) {
      const now = run();
      if (now && now !== before && now.isOpenEnded && isTrained(now, epochs)) return true;
      if (training.hasFailed()) {
        this.#setBusy('');
        this.#onBusy('lacking');
        return false;
      }
      await sleep();
    }
    return false;
  }

  /**
   * Wait until the run of a target is on the screen.
   * @param {{isSame: boolean, before: Run | null, epochs: number, isOver: () => boolean}} there
   * @returns {Promise<boolean>} false: something else has happened meanwhile
   */
  async #arrive({isSame, before, epochs, isOver}) {
    const {run, isCurrent} = this.#page;
    const isThere = () => {
      const now = run();
      return isCurrent() || (now?.isOpenEnded === true && (isSame || now !== before) && isTrained(now, epochs));
    };
    while (!isOver() && !isThere()) await sleep();
    return !isOver();
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
      this.set(target);
      return true;
    }
    this.set({...target, camera: from.camera, ...(spans ? {zoom: from.zoom} : {})});
    return animate(
      (share) => {
        if (share === 1) return this.set({zoom: target.zoom, camera: target.camera});
        const zoom = spans ? {zoom: interpolate(spans[0], spans[1], share)} : {};
        const camera = turns ? {camera: orbitBetween(from.camera, target.camera, share)} : {};
        return this.set({...zoom, ...camera});
      },
      {time: MOVE, isEased: true, isOver},
    );
  }

  /** @param {State} from @param {State} to @returns {[number, number] | null} the spans */
  #spansOf(from, to) {
    const usual = this.#page.run()?.plane(to.plane).spans[0];
    return usual === undefined ? null : [from.zoom ?? usual, to.zoom ?? usual];
  }

  /** @param {Moves} moves @param {() => boolean} isOver */
  async #let(moves, isOver) {
    if ('play' in moves) {
      const {player} = this.#page;
      this.#setBusy('playing');
      const [from, to] = moves.play;
      this.#isOwn = true;
      player.prepare({from, to, speed: moves.speed});
      this.#isOwn = false;
      player.play();
      while (!isOver() && player.playing) await sleep();
    } else {
      this.#setBusy('moving');
      const {camera} = this.#page.store.get();
      const time = 1000 * moves.seconds;
      await animate((share) => this.set({camera: turnBy(camera, share * moves.turn)}), {time, isEased: false, isOver});
    }
    if (!isOver()) this.#setBusy('');
  }
}

function sleep() {
  return new Promise((done) => {
    setTimeout(done, LOOK);
  });
}

/** @param {Run} run @param {number} epochs */
function isTrained(run, epochs) {
  return !run.isGrowing && (run.outcome.status === 'diverged' || (run.frames.at(-1) ?? 0) >= epochs);
}

/** Are two values of plain data equal? @param {unknown} a @param {unknown} b */
const isEqual = (a, b) => JSON.stringify(a) === JSON.stringify(b);
