/** Two runs side by side: each is the page itself in a frame (pages/atlas/embedded.js), and what both share is set from here. */
/** @import {Catalog, GalleryEntry, State} from '../../model/types.js' */
/** @import {LossRange} from '../../figures/range.js' */
/** @import {Side, View} from './link.js' */
import {modelTitle, ofItsRun, openingState, resolve, withOwn} from '../../model/choice.js';
import {fetchJson} from '../../loading/json.js';
import {byId, make, say} from '../../lib/dom.js';
import {orbit} from '../../figures/camera.js';
import {loadStyle} from '../../lib/lazy.js';
import {createPlayer} from '../../lib/player.js';
import {FIRST_VIEW, HOME} from '../../model/state.js';
import {watchTheme} from '../../lib/theme.js';
import {createBar} from './bar.js';
import {differences, differencesText, isOfTraining, unlike} from './differences.js';
import {frameQuery, readLink, SHARED, sideQuery, writeLink} from './link.js';
import {beside, pairFor, PRESETS, stored} from './presets.js';
import {createSide} from './side.js';
import {createTimeline} from './timeline.js';

const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
/** Chromium ignores replaceState beyond 200 calls in 30 seconds. */
const REPLACE_EVERY = 250;
/** Playing through both takes at most about so many pictures. */
const LONG = 150;

/** @param {Catalog} catalog @param {GalleryEntry[]} gallery */
function start(catalog, gallery) {
  const base = openingState(catalog, gallery);
  /** @type {View} */
  let view;
  /** @type {{a: Side, b: Side}} */
  let sides;
  /** The first picture of both decides where time stands. */
  let opening = true;
  /** @type {Record<string, LossRange | null>} */
  const ranges = {a: null, b: null};
  let timer = 0;

  // What both share

  /** @param {Partial<View>} patch @param {'a' | 'b'} [from] it has this already */
  const share = (patch, from) => {
    view = {...view, ...patch};
    for (const each of both) if (each.name !== from) each.api?.set(patch);
    remember();
    request();
  };

  /** @param {'a' | 'b'} name @param {Readonly<State>} state */
  const hear = (name, state) => {
    const news = SHARED.filter((key) => key !== 'epoch' && JSON.stringify(state[key]) !== JSON.stringify(view[key]));
    if (news.length) share(Object.fromEntries(news.map((key) => [key, state[key]])), name);
    if (view.epoch !== null && state.epoch !== view.epoch) sideOf(name).api?.goTo(view.epoch); // a training has come to rest
  };

  const makeSide = (/** @type {'a' | 'b'} */ name) =>
    createSide(name, {
      onState: (state) => hear(name, state),
      onTurning: (camera) => share({camera}, name),
      onDrawn: () => request(),
      onRange(range) {
        ranges[name] = range;
        otherOf(name).api?.setOther(range);
      },
      onKey: (key) => timeline.press(key),
      onArrival() {
        const {epoch, ...rest} = view;
        sideOf(name).api?.set(rest);
        if (epoch !== null) sideOf(name).api?.goTo(epoch);
        sideOf(name).api?.setOther(ranges[otherOf(name).name]);
      },
      onChoice(id) {
        const entry = gallery.find((each) => each.id === id);
        if (entry) open({...sides, [name]: stored(entry, base)});
      },
    });
  const both = [makeSide('a'), makeSide('b')];
  const sideOf = (/** @type {'a' | 'b'} */ name) => both[name === 'a' ? 0 : 1];
  const otherOf = (/** @type {'a' | 'b'} */ name) => both[name === 'a' ? 1 : 0];

  // Time

  const runs = () => both.map((each) => each.run);
  /** The epochs that either run has recorded. */
  const epochs = () => [...new Set(runs().flatMap((run) => run?.frames ?? []))].sort((a, b) => a - b);
  const cursor = () => view.epoch ?? Math.max(0, ...both.map(({shot}) => shot?.run.frames[shot.frame] ?? 0));
  /** Has a side all its epochs? */
  const isWhole = (/** @type {import('./side.js').SideView} */ {name, run}) => {
    const {train, epoch} = sides[name];
    return (
      run?.isWhole === true &&
      (!train || run.outcome.status === 'diverged' || (!run.isGrowing && (run.frames.at(-1) ?? 0) >= (epoch ?? 0)))
    );
  };

  /** @param {number} epoch */
  const goTo = (epoch) => {
    const all = epochs();
    view = {
      ...view,
      epoch: all.reduce((best, each) => (Math.abs(each - epoch) < Math.abs(best - epoch) ? each : best), all[0] ?? 0),
    };
    for (const each of both) each.api?.goTo(/** @type {number} */ (view.epoch));
    remember();
    request();
  };
  const step = (/** @type {number} */ by) => {
    const all = epochs();
    const at = all.findLastIndex((epoch) => epoch <= cursor());
    goTo(all[Math.max(0, Math.min(all.length - 1, at + by))] ?? 0);
  };
  const player = createPlayer({
    ready: () => both.every(({api}) => !api?.run() || api.rests()),
    advance() {
      const all = epochs();
      if (cursor() >= (all.at(-1) ?? 0)) return false;
      step(Math.ceil(all.length / LONG));
      return true;
    },
    onChange: (playing) => timeline.showPlaying(playing),
  });
  const byHand = (/** @type {() => void} */ act) => {
    opening = false;
    player.pause();
    act();
  };
  const timeline = createTimeline({
    onEpoch: (epoch) => byHand(() => goTo(epoch)),
    onStep: (by) => byHand(() => step(by)),
    onToggle() {
      opening = false;
      if (player.playing) return player.pause();
      if (cursor() >= (epochs().at(-1) ?? 0)) goTo(0);
      player.play();
    },
    onSpeed: player.setSpeed,
    onReset: () =>
      byHand(() => {
        const {epoch: _, timeline: __, ...rest} = FIRST_VIEW;
        share(/** @type {any} */ ({...rest, camera: {...HOME}}));
        goTo(0);
      }),
  });
  const bar = createBar({choose: share, onTurn: (turn, tilt) => share({camera: orbit(view.camera, turn, tilt)})});

  /** Where time stands when both are there: at the beginning, playing; at the end, where something was trained or nothing is to move. */
  const settle = () => {
    if (!opening || !both.every((each) => each.shot && isWhole(each))) return;
    opening = false;
    loadHints();
    if (view.epoch !== null) return;
    const trained = sides.a.train || sides.b.train;
    goTo(trained || still ? (epochs().at(-1) ?? 0) : 0);
    if (!trained && !still) player.play();
  };

  // Drawing, once a picture at most

  let pending = false;
  const request = () => {
    if (pending) return;
    pending = true;
    requestAnimationFrame(() => {
      pending = false;
      settle();
      draw();
    });
  };
  const draw = () => {
    for (const each of both) each.draw(cursor());
    const shots = both.map(({shot}) => shot).filter((shot) => shot !== null);
    bar.draw(shots, view);
    timeline.draw(runs(), epochs(), cursor(), view.scale, view.set);
    document.body.dataset.pictured = String(shots.length === 2);
    if (shots.length === 2) drawDifferences();
  };
  const drawDifferences = () => {
    const [a, b] = both.map(({run}) => /** @type {import('../../model/run.js').Run} */ (run));
    const here = [a, b].some(({kind}) => kind === 'page');
    const [one, two] = [a, b].map((run) => (run.kind === 'page' ? asTrained(run) : run.manifest.config));
    const all = differences(one, two, catalog.default);
    const learned = all.filter(isOfTraining);
    const recorded = here ? [] : all.filter((each) => !isOfTraining(each));
    const [left, right] = both.map(({shot}) => /** @type {import('../../model/types.js').Shot} */ (shot));
    say(
      byId('differences'),
      differencesText(learned) || (a.id === b.id ? 'none: this is the same run twice' : 'none in what was trained'),
    );
    say(byId('recorded'), recorded.length ? `Recorded: ${differencesText(recorded)}` : '');
    const apart = unlike(left, right);
    say(byId('unlike'), apart.length ? `Not shown alike: ${differencesText(apart)}` : '');
    byId('difference-line').title = [byId('differences'), byId('recorded'), byId('unlike')]
      .map(({textContent}) => textContent)
      .filter(Boolean)
      .join('\n');
    document.title = `${a.manifest.title} | ${b.manifest.title} · Loss Atlas`;
  };

  // Which runs

  /** @param {Side} side */
  const idOf = (side) => {
    if (side.train) return null;
    const target = resolve(gallery, catalog, side);
    return target.kind === 'stored' ? target.id : null;
  };

  /** @param {{a: Side, b: Side}} next @param {View} [seen] @param {{keep?: boolean}} [options] `keep`: the address is this already */
  const open = (next, seen, {keep = false} = {}) => {
    player.pause();
    const before = sides;
    sides = next;
    const fresh = /** @type {const} */ (['a', 'b']).filter(
      (name) => !before || sideQuery(before[name], base) !== sideQuery(next[name], base),
    );
    view = {...(seen ?? view), ...(!seen && fresh.length ? {pick: null, epoch: null} : {})};
    opening = true;
    if (fresh.length)
      for (const id of ['differences', 'recorded', 'unlike']) say(byId(id), id === 'differences' ? '…' : '');
    for (const name of fresh) {
      ranges[name] = null;
      otherOf(name).api?.setOther(null);
      sideOf(name).load(frameQuery(next[name], view, base));
      const {dataset} = next[name];
      const title = catalog.datasets.find((each) => each.name === dataset)?.title ?? dataset;
      sideOf(name).offer(
        gallery,
        idOf(next[name]),
        `${title} · ${modelTitle(catalog, next[name])}${next[name].train ? ' · trained here' : ''}`,
      );
    }
    const there = {a: sideQuery(sides.a, base), b: sideQuery(sides.b, base)};
    PRESETS.forEach((preset, i) => {
      const pair = pairFor(preset, catalog, gallery, base, sides.a.dataset);
      buttons[i].title =
        `${preset.what} ${pair.here ? 'This gallery has no such pair; both are trained in this page.' : 'From this gallery.'}`;
      buttons[i].setAttribute(
        'aria-pressed',
        String(sideQuery(pair.a, base) === there.a && sideQuery(pair.b, base) === there.b),
      );
    });
    if (!keep) history.pushState(null, '', location.pathname + writeLink({a: sides.a, b: sides.b, view}, base));
    request();
  };
  const remember = () => {
    timer ||= window.setTimeout(() => {
      timer = 0;
      history.replaceState(null, '', location.pathname + writeLink({...sides, view}, base));
    }, REPLACE_EVERY);
  };
  const fromAddress = () => {
    clearTimeout(timer);
    timer = 0;
    const link = readLink(location.search, base);
    const a = link.a ? ofItsRun(link.a, gallery) : {...base, epoch: null};
    open({a, b: link.b ? ofItsRun(link.b, gallery) : beside(a, idOf(a), catalog, gallery, base)}, link.view, {
      keep: true,
    });
  };

  const buttons = PRESETS.map((preset) => {
    const button = make('button', {type: 'button', 'aria-pressed': 'false'}, preset.name);
    button.addEventListener('click', () => {
      clearTimeout(timer);
      timer = 0;
      open(pairFor(preset, catalog, gallery, base, sides.a.dataset));
    });
    return button;
  });
  byId('presets').append(...buttons);
  byId('swap').addEventListener('click', () => open({a: sides.b, b: sides.a}));
  window.addEventListener('popstate', fromAddress);
  watchTheme(() => {});
  fromAddress();
  remember();
}

/** @type {Promise<void> | null} */
let hints = null;

/** Tooltips as on the page of one run, after the first pictures. */
function loadHints() {
  hints ??= import('../../features/accessibility/hints.js')
    .then(({createHints}) => {
      createHints();
      return loadStyle('features/accessibility/accessibility.css');
    })
    .catch(() => {}); // the browser's own will do
}

/** What it was trained for is what it has been trained for. @param {import('../../model/run.js').Run} run */
function asTrained(run) {
  const config = /** @type {any} */ (run.manifest.config);
  return {...config, training: {...config.training, epochs: run.frames.at(-1) ?? 0}};
}

Promise.all([fetchJson('catalog.json'), fetchJson('data/index.json')]).then(
  ([catalog, index]) => start(withOwn(catalog, index.runs), index.runs),
  (error) => say(byId('differences'), `Loss Atlas could not start: ${error?.message ?? error}`),
);
