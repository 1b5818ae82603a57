/**
 * This module shows two runs side by side: each is the page itself in a frame (pages/atlas/embedded.js). What both
 * share (plane, zoom, camera, time) is the `view`; the two runs are the `sides`. A change goes to both frames, to the
 * address, and to one drawing with the next animation frame.
 */
/** @import {Catalog, GalleryEntry, State} from '../../model/types.js' */
/** @import {LossRange} from '../../figures/range.js' */
/** @import {Side, View} from './link.js' */
/** @import {SideView} from './side.js' */
import {modelTitle, takeModelOfRun, openingState, findTarget} from '../../model/choice.js';
import {byId} from '../../lib/dom.js';
import {orbit} from '../../figures/camera.js';
import {createLazy} from '../../lib/lazy.js';
import {createPlayer} from '../../lib/player.js';
import {FIRST_VIEW, HOME} from '../../model/state.js';
import {watchTheme} from '../../lib/theme.js';
import {createBar} from './bar.js';
import {clearDifferences, drawDifferences} from './differences_view.js';
import {frameQuery, readLink, SHARED, sideQuery, writeLink} from './link.js';
import {createPresetButtons} from './preset_buttons.js';
import {chooseBeside, sideOfEntry} from './presets.js';
import {createSettingsButtons} from './settings_buttons.js';
import {createSide} from './side.js';
import {createTimeline} from './timeline.js';

/** @typedef {'a' | 'b'} Name */

const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
/** Chromium ignores replaceState beyond 200 calls in 30 seconds. */
const REPLACE_EVERY = 250;
/** The playback of two runs shows at most about this many pictures. */
const LONG = 150;

export class Comparison {
  #catalog;
  #gallery;
  #base;
  /** @type {View} */
  #view;
  /** @type {{a: Side, b: Side} | null} */
  #sides = null;
  /** Is the initial time still to be set? It is set when both runs have arrived. */
  #isOpening = true;
  /** @type {Record<Name, LossRange | null>} */
  #ranges = {a: null, b: null};
  #addressTimer = 0;
  #isRequested = false;
  #both;
  #player;
  #timeline;
  #bar;
  #presets;
  #settings;

  /** @param {Catalog} catalog @param {GalleryEntry[]} gallery */
  constructor(catalog, gallery) {
    this.#catalog = catalog;
    this.#gallery = gallery;
    this.#base = openingState(catalog, gallery);
    this.#view = readLink('', this.#base).view;
    this.#both = [this.#createSide('a'), this.#createSide('b')];
    this.#player = createPlayer({
      ready: () => this.#both.every(({api}) => !api?.run() || api.isSettled()),
      advance: () => this.#advance(),
      onChange: (playing) => this.#timeline.showPlaying(playing),
    });
    this.#timeline = this.#createTimeline();
    this.#bar = createBar({
      choose: (patch) => this.#share(patch),
      onTurn: (turn, tilt) => this.#share({camera: orbit(this.#view.camera, turn, tilt)}),
    });
    this.#settings = createSettingsButtons({
      catalog,
      entryOf: (side) => gallery.find(({id}) => id === this.#idOf(side)),
      onTrain: (name, side) => {
        this.#forgetAddress();
        if (this.#sides) this.#open({...this.#sides, [name]: side});
      },
    });
    this.#presets = createPresetButtons(byId('presets'), {
      catalog,
      gallery,
      base: this.#base,
      onChoice: (pair) => {
        this.#forgetAddress();
        this.#open(pair);
      },
    });
  }

  /** Show what the address names, now and whenever it changes. */
  begin() {
    byId('swap').addEventListener('click', () => this.#sides && this.#open({a: this.#sides.b, b: this.#sides.a}));
    window.addEventListener('popstate', () => this.#openAddress());
    watchTheme(() => {});
    this.#openAddress();
    this.#remember();
  }

  /** @param {Name} name */
  #createSide(name) {
    return createSide(name, {
      onState: (state) => this.#handleState(name, state),
      onTurning: (camera) => this.#share({camera}, name),
      onDrawn: () => this.#request(),
      onRange: (range) => {
        this.#ranges[name] = range;
        this.#otherOf(name).api?.setOther(range);
      },
      onKey: (key) => this.#timeline.press(key),
      onArrival: () => {
        this.#passView(name);
        this.#sideOf(name).api?.setOther(this.#ranges[this.#otherOf(name).name]);
      },
      onChoice: (id) => {
        const entry = this.#gallery.find((each) => each.id === id);
        if (entry && this.#sides) this.#open({...this.#sides, [name]: sideOfEntry(entry, this.#base)});
      },
    });
  }

  #createTimeline() {
    const actByHand = (/** @type {() => void} */ act) => {
      this.#isOpening = false;
      this.#player.pause();
      act();
    };
    return createTimeline({
      onEpoch: (epoch) => actByHand(() => this.#goTo(epoch)),
      onStep: (by) => actByHand(() => this.#step(by)),
      onToggle: () => {
        this.#isOpening = false;
        if (this.#player.playing) return this.#player.pause();
        if (this.#cursor() >= (this.#epochs().at(-1) ?? 0)) this.#goTo(0);
        this.#player.play();
      },
      onSpeed: this.#player.setSpeed,
      onReset: () =>
        actByHand(() => {
          const {epoch: _, timeline: __, ...rest} = FIRST_VIEW;
          this.#share(/** @type {any} */ ({...rest, camera: {...HOME}}));
          this.#goTo(0);
        }),
    });
  }

  /** @param {Name} name */
  #sideOf(name) {
    return this.#both[name === 'a' ? 0 : 1];
  }

  /** @param {Name} name */
  #otherOf(name) {
    return this.#both[name === 'a' ? 1 : 0];
  }

  // The next methods handle what both sides share.

  /** @param {Partial<View>} patch @param {Name} [from] the side that already has it */
  #share(patch, from) {
    this.#view = {...this.#view, ...patch};
    for (const each of this.#both) if (each.name !== from) each.api?.set(patch);
    this.#remember();
    this.#request();
  }

  /** Let a side show what both share. @param {Name} name */
  #passView(name) {
    const {epoch, ...rest} = this.#view;
    const {api} = this.#sideOf(name);
    api?.set(rest);
    if (epoch !== null) api?.goTo(epoch);
  }

  /** Handle a side's change of its state. @param {Name} name @param {Readonly<State>} state */
  #handleState(name, state) {
    const isNew = (/** @type {keyof View} */ key) => JSON.stringify(state[key]) !== JSON.stringify(this.#view[key]);
    const news = SHARED.filter((key) => key !== 'epoch' && isNew(key));
    if (news.length) this.#share(Object.fromEntries(news.map((key) => [key, state[key]])), name);
    const {epoch} = this.#view;
    if (epoch !== null && state.epoch !== epoch) this.#sideOf(name).api?.goTo(epoch); // A training has stopped.
  }

  // The next methods are about time.

  /** Return the epochs that either run has recorded. */
  #epochs() {
    return [...new Set(this.#both.flatMap(({run}) => run?.frames ?? []))].sort((a, b) => a - b);
  }

  /** Return the present epoch. */
  #cursor() {
    const shown = this.#both.map(({shot}) => shot?.run.frames[shot.frame] ?? 0);
    return this.#view.epoch ?? Math.max(0, ...shown);
  }

  /** Go to the recorded epoch that is nearest to this one. @param {number} epoch */
  #goTo(epoch) {
    const [first = 0, ...rest] = this.#epochs();
    const nearest = rest.reduce((best, each) => (Math.abs(each - epoch) < Math.abs(best - epoch) ? each : best), first);
    this.#view = {...this.#view, epoch: nearest};
    for (const each of this.#both) each.api?.goTo(nearest);
    this.#remember();
    this.#request();
  }

  /** @param {number} by the number of frames */
  #step(by) {
    const all = this.#epochs();
    const at = all.findLastIndex((epoch) => epoch <= this.#cursor());
    this.#goTo(all[Math.max(0, Math.min(all.length - 1, at + by))] ?? 0);
  }

  /** Go to the next picture of playback. @returns {boolean} false at the end */
  #advance() {
    const all = this.#epochs();
    if (this.#cursor() >= (all.at(-1) ?? 0)) return false;
    this.#step(Math.ceil(all.length / LONG));
    return true;
  }

  /** Have all epochs of a side arrived? @param {SideView} side */
  #isWhole({name, run}) {
    if (run?.isWhole !== true || !this.#sides) return false;
    const {train, epoch} = this.#sides[name];
    if (!train || run.outcome.status === 'diverged') return true;
    return !run.isGrowing && (run.frames.at(-1) ?? 0) >= (epoch ?? 0);
  }

  /**
   * Set the time when both runs have arrived: to the beginning, and start the playback; or to the end, if a run was
   * trained in the page or the reader prefers less motion.
   */
  #settle() {
    if (!this.#isOpening || !this.#sides || !this.#both.every((each) => each.shot && this.#isWhole(each))) return;
    this.#isOpening = false;
    if (!hints.isAsked()) hints.request().catch(() => {}); // The browser's own tooltips are enough.
    if (this.#view.epoch !== null) return;
    const isAtEnd = Boolean(this.#sides.a.train || this.#sides.b.train) || still;
    this.#goTo(isAtEnd ? (this.#epochs().at(-1) ?? 0) : 0);
    if (!isAtEnd) this.#player.play();
  }

  // The next methods draw, at most once for each picture.

  #request() {
    if (this.#isRequested) return;
    this.#isRequested = true;
    requestAnimationFrame(() => {
      this.#isRequested = false;
      this.#settle();
      this.#draw();
    });
  }

  #draw() {
    const cursor = this.#cursor();
    for (const each of this.#both) each.draw(cursor);
    const shots = this.#both.flatMap(({shot}) => (shot ? [shot] : []));
    const runs = this.#both.map(({run}) => run);
    this.#bar.draw(shots, this.#view);
    this.#timeline.draw(runs, this.#epochs(), cursor, this.#view.scale, this.#view.set);
    document.body.dataset.pictured = String(shots.length === 2);
    if (shots.length === 2) drawDifferences([shots[0], shots[1]], this.#catalog);
  }

  // The next methods choose the runs.

  /** Return the id of a side's stored run; null if it is trained in the page. @param {Side} side */
  #idOf(side) {
    const target = side.train ? null : findTarget(this.#gallery, this.#catalog, side);
    return target?.kind === 'stored' ? target.id : null;
  }

  /**
   * @param {{a: Side, b: Side}} sides @param {View} [view] @param {{keep?: boolean}} [options] `keep`: the address is
   *   already correct
   */
  #open(sides, view, {keep = false} = {}) {
    this.#player.pause();
    const before = this.#sides;
    this.#sides = sides;
    const query = (/** @type {Side} */ side) => sideQuery(side, this.#base);
    const changed = /** @type {Name[]} */ (['a', 'b']).filter(
      (name) => !before || query(before[name]) !== query(sides[name]),
    );
    this.#view = {...(view ?? this.#view), ...(!view && changed.length ? {pick: null, epoch: null} : {})};
    this.#isOpening = true;
    if (changed.length) clearDifferences();
    for (const {name} of this.#both) {
      if (changed.includes(name)) this.#load(name, sides[name]);
      else this.#passView(name);
    }
    this.#presets.draw(sides);
    this.#settings.draw(sides);
    if (!keep) history.pushState(null, '', this.#address());
    this.#request();
  }

  /** @param {Name} name @param {Side} side */
  #load(name, side) {
    this.#ranges[name] = null;
    this.#otherOf(name).api?.setOther(null);
    this.#sideOf(name).load(frameQuery(side, this.#view, this.#base));
    const dataset = this.#catalog.datasets.find((each) => each.name === side.dataset)?.title ?? side.dataset;
    const title = `${dataset} · ${modelTitle(this.#catalog, side)}${side.train ? ' · trained here' : ''}`;
    this.#sideOf(name).offerRuns(this.#gallery, this.#idOf(side), title);
  }

  // The next methods read and write the address.

  #address() {
    const sides = /** @type {{a: Side, b: Side}} */ (this.#sides);
    return location.pathname + writeLink({...sides, view: this.#view}, this.#base);
  }

  #openAddress() {
    this.#forgetAddress();
    const link = readLink(location.search, this.#base);
    const a = link.a ? takeModelOfRun(link.a, this.#gallery) : {...this.#base, epoch: null};
    const b = link.b
      ? takeModelOfRun(link.b, this.#gallery)
      : chooseBeside(a, this.#idOf(a), this.#catalog, this.#gallery, this.#base);
    this.#open({a, b}, link.view, {keep: true});
  }

  /** Write the address after a short time. */
  #remember() {
    this.#addressTimer ||= window.setTimeout(() => {
      this.#addressTimer = 0;
      history.replaceState(null, '', this.#address());
    }, REPLACE_EVERY);
  }

  /** Do not write the pending address, which is out of date. */
  #forgetAddress() {
    clearTimeout(this.#addressTimer);
    this.#addressTimer = 0;
  }
}

/** Load the tooltips after the first pictures, as the page of one run does. */
const hints = createLazy({
  load: () => import('../../features/accessibility/hints.js'),
  create: ({createHints}) => createHints(),
  optionalStyles: ['features/accessibility/accessibility.css'],
});
