/** Ties state, data and views together. What it is given has been on its way since before this module arrived (main.js). */
/** @import {Catalog, GalleryEntry, Shot, State} from './types.js' */
/** @import {StateStore} from './address.js' */
/** @import {Run} from './run.js' */
/** @import {Session} from './session.js' */
import {keepAddress} from './address.js';
import {createBench} from './bench.js';
import {ofItsRun, resolve} from './choice.js';
import {byId, say} from './dom.js';
import {frameAtProgress, progressOf} from './figures/curves.js';
import {createGuide} from './guide.js';
import {reasonOf} from './lazy.js';
import {createPainter} from './painter.js';
import {createPlayer} from './player.js';
import {sameShot, wantedFrame, wantedShot} from './shot.js';
import {faultNow, labLimit, noteFault, sameSlice, sliceOf} from './slice.js';
import {FIRST_VIEW, HOME, toQuery} from './state.js';
import {watchTheme} from './theme.js';
import {createBoundary} from './views/boundary.js';
import {watchFolds} from './views/controls.js';
import {createDataset} from './views/dataset.js';
import {createLandscape} from './views/landscape.js';
import {watchPrinting} from './views/printing.js';
import {createModel} from './views/model.js';
import {createPick} from './views/pick.js';
import {createReadouts} from './views/readouts.js';
import {createShare} from './views/share.js';
import {createSlice} from './views/slice.js';
import {createTransport} from './views/transport.js';
import {createZoom} from './views/zoom.js';

const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
const CHOICES = /** @type {const} */ (['dataset', 'hidden', 'activation', 'residual', 'run', 'train', 'sample', 'own']);
/** Networks with more parameters are shown by their previews while they train. */
const AT_ONCE = 700;
/** Playing through what was trained here takes about so many pictures. */
const LONG = 150;
/** Milliseconds before what nobody misses is asked for again. */
const QUIET = 10_000;
/** What may ask for arrays that are not there yet. */
const SLICES = /** @type {const} */ (['plane', 'seed', 'zoom', 'set', 'follow', 'pick']);

/**
 * @param {object} begun
 * @param {Catalog} begun.catalog
 * @param {GalleryEntry[]} begun.stored the runs that the gallery had when the page was opened
 * @param {State} begun.base the state of a bare URL
 * @param {StateStore} begun.store
 * @param {Session} begun.session it has the first run on its way already
 * @param {Promise<import('./plotly.js').Plotly>} begun.plotly
 * @param {ReturnType<typeof import('./views/status.js').createStatus>} begun.status
 */
export async function start({catalog, stored, base, store, session, plotly, status}) {
  let gallery = stored;
  /** In a frame of compare.html somebody else has the controls. */
  const bare = new URLSearchParams(location.search).has('bare') ? await (await import('./bare.js')).createBare({
    store,
    run: () => run,
    shown: () => painter?.shown ?? null,
    frame: () => current(),
    hold() { newest = false; },
    onRedraw: () => painter?.repaint(),
  }) : null;
  const isFirst = !bare && location.search + location.hash === '';
  const autoplay = store.get().epoch === null && store.get().tour === null && !still;
  /** @type {Run | null} the run asked for, as soon as some of it is there */
  let run = null;
  /** Does the view go along with a computation's newest frame? */
  let newest = false;
  let style = 0;
  /** A data point under the pointer. @type {number | null} */
  let hovered = null;
  /** The newest frame of a run that grows, while it is computed. @type {Shot | null} */
  let awaited = null;
  /** @type {ReturnType<typeof createPainter> | null} null until Plotly is there */
  let painter = null;
  /** @type {ReturnType<typeof createLandscape> | null} */
  let landscape = null;
  /** @type {ReturnType<typeof import('./access/access.js').createAccess> | null} null until the first picture is drawn */
  let access = null;
  /** @type {(value?: unknown) => void} */
  let markReady = () => {};
  expose({
    ready: new Promise((done) => { markReady = done; }), state: store.get, shown: () => painter?.shown ?? null,
    range: () => landscape?.range() ?? null,
  });

  /** What nobody has recorded, nor computes, is trained in the page. */
  const lacks = () => !bare && resolve(gallery, catalog, store.get()).kind === 'unavailable';
  const openChosen = () => {
    noteFault('');
    if (store.get().train || lacks()) return void bench.open();
    bench.leave();
    session.open(resolve(gallery, catalog, store.get()));
  };
  status.onCancel = session.cancel;
  status.onRetry = () => {
    landscape?.retry();
    if (!session.hurry()) openChosen();
  };
  /** @param {string} text @param {unknown} error of a part that comes with its first use, or what it says itself */
  const onFailed = (text, error) => status.show({kind: 'failed', text, detail: reasonOf(error)});
  status.onInstead = () => store.set({run: null});

  // Time

  const current = () => (run ? wantedFrame(run, store.get(), {newest, still, slice: sliceOf(run, store.get())}) : 0);

  /** Go to a frame; while a run is computed, to one that is there. @param {number} frame */
  const goTo = (frame) => {
    if (!run) return;
    const last = run.live ? run.arrived(sliceOf(run, store.get())) - 1 : run.frames.length - 1;
    newest = (run.live || run.growing) && frame >= last;
    const there = Math.max(0, Math.min(frame, last));
    store.set({epoch: run.frames[there] ?? 0});
    painter?.request();
  };
  const scrub = (/** @type {number} */ frame) => {
    player.pause();
    goTo(frame);
  };

  const player = createPlayer({
    ready: () => run !== null && painter?.shown?.run === run && painter.shown.frame === current(),
    advance() {
      if (!run || current() >= run.frames.length - 1) return false;
      goTo(run.trained ? Math.max(current() + 1, frameAtProgress(run, progressOf(run, current()) + 1 / LONG)) : current() + 1);
      return true;
    },
    between(share) {
      const shot = painter?.shown;
      if (still || !shot || !run || run.growing || shot.frame + 1 >= run.frames.length || run.trained) return;
      if (run.has(shot.frame + 1, shot)) landscape?.blend(shot, {...shot, frame: shot.frame + 1}, share);
    },
    onChange(playing) {
      if (!playing) painter?.repaint(); // not what lies between two frames
      transport.showPlaying(playing);
      access?.rest();
    },
  });
  const toggle = () => {
    if (player.playing) return player.pause();
    if (run && current() >= run.frames.length - 1) goTo(0);
    newest = false;
    player.play();
  };

  // The views

  /** @param {Partial<State>} patch */
  const choose = (patch) => store.set(patch);
  const bench = createBench({
    catalog, store, still,
    onOpen() {
      session.leave();
      status.show(store.get().train ? {kind: 'quiet'} : standIn(gallery.length === 0));
      player.pause();
    },
    onRun(next) {
      run = next;
      newest = true;
      painter?.request();
    },
    onFollow() { newest = true; },
    onNews(rests) {
      painter?.redrawn();
      painter?.request();
      if (rests) access?.rest();
      if (!rests || !newest) return;
      store.set({epoch: run?.frames.at(-1) ?? 0}); // stay where it has led
      newest = false;
    },
    onFailed,
  });
  const guide = createGuide({
    base, store, bench, still,
    gallery: () => gallery,
    run: () => run,
    player: {play() { newest = false; player.play(); }, pause: player.pause, get playing() { return player.playing; }},
    onFailed,
  });
  const model = createModel({catalog, choose});
  const dataset = createDataset({
    catalog, choose,
    start: () => ownStart(run, store.get().own), onFailed,
    onOwn: async (own) => {
      const {remember} = await import('./points/kept.js'); // it came with the editor
      const {text, lasting} = await remember(own);
      bench.use(text);
      if (!lasting) status.show({kind: 'note', text: 'These points last as long as this page is open', detail: 'They are too many for a link, and this browser lets no page store anything (as in private windows).'});
    },
  });
  const slice = createSlice({choose});
  const wayOf = (/** @type {Shot} */ shot) => (shot.ball ? lab()?.ball.of(shot)?.way ?? null : null);
  const pick = createPick({choose, wayOf, onRedraw: () => painter?.repaint()});
  const lab = lazyLab({
    onAnswer: () => painter?.renew(),
    /** What is stored is shown instead, until it is tried again. @param {unknown} error */
    onError(error) {
      noteFault(`This could not be computed in the page. ${reasonOf(error)}`);
      session.remark({kind: 'failed', text: 'This could not be computed in the page', detail: `${reasonOf(error)} What is stored is shown.`});
      session.bring();
      painter?.repaint();
    },
  });
  const computedOf = (/** @type {Shot} */ shot) => ((shot.pick || shot.run.trained) && !faultNow() ? lab()?.of(shot) ?? null : null);
  const pickedOf = (/** @type {Shot} */ shot) => (shot.pick ? computedOf(shot) : null);
  const readouts = createReadouts({pickedOf});
  const zoom = createZoom({
    onZoom: (span) => store.set({zoom: run && span === run.plane(store.get().plane).spans[0] ? null : span}),
    onLog: (log) => store.set({scale: log ? 'log' : 'linear'}),
    onRange: (range) => store.set({range}),
  });
  const transport = createTransport({
    onFrame: scrub,
    onStep: (by) => scrub(current() + by),
    onToggle: toggle,
    onSpeed: player.setSpeed,
    onReset() {
      player.pause();
      transport.resetSpeed();
      store.set({...FIRST_VIEW, camera: {...HOME}});
    },
    onTimeline: (timeline) => store.set({timeline}),
  });
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-table]'))) {
    button.addEventListener('click', async () => {
      const part = await import('./access/table.js').catch((error) => onFailed('The table could not be loaded', error));
      const shot = painter?.shown;
      if (!part || !shot || !landscape) return;
      const picture = landscape.pictureOf(shot, shot.computed ? lab()?.terrain.known(shot) ?? null : null);
      part.openTable(button, {shot, picture, computed: computedOf(shot)?.picked ?? null}).catch((error) => onFailed('The table could not be loaded', error));
    });
  }
  const drawPanels = () => {
    model.draw(gallery, store.get());
    dataset.draw(gallery, store.get());
  };

  /** @param {Shot} shot @param {boolean} first */
  const onDrawn = (shot, first) => {
    if (sameShot(shot, awaited)) awaited = null;
    transport.draw(shot, store.get(), style);
    zoom.draw(shot);
    say(byId('run-title'), shot.run.manifest.title);
    bare?.tell();
    document.title = `${shot.run.manifest.title} · Loss Atlas`;
    access?.drawn(shot);
    if (!first) return;
    watchSizes(); // from now on: the first picture's legend may have taken a line from its plot
    document.body.dataset.pictured = 'true';
    markReady();
    import('./access/access.js').then(({createAccess}) => { access = createAccess({shot, isPlaying: () => player.playing, pickedOf, labels: isFirst ? {landscape: () => landscape?.places() ?? null, boundary: () => boundary?.places() ?? null, store} : null}); }, () => {}); // the page does without
    guide.begin();
    if (autoplay && !shot.run.live && !shot.run.trained) player.play();
  };

  /** What is on show is what is compared. */
  function pointToComparison() {
    const state = {...store.get(), ...(run?.trained ? {epoch: run.frames.at(-1) ?? 0} : {})};
    /** @type {HTMLAnchorElement} */ (byId('compare')).href = `compare.html?a=${encodeURIComponent(toQuery(state, base).slice(1))}`;
  }

  store.subscribe((state, before) => {
    if (CHOICES.some((name) => state[name] !== before[name])) {
      drawPanels();
      openChosen();
    }
    if (state.camera !== before.camera) landscape?.look(state.camera);
    if (SLICES.some((name) => state[name] !== before[name])) session.bring();
    if (state.timeline !== before.timeline) painter?.redrawn();
    painter?.request();
  });
  if (!bare) keepAddress(store, base, (state) => ofItsRun(state, gallery));
  for (const type of ['click', 'auxclick']) byId('compare').addEventListener(type, pointToComparison, {capture: true});
  watchFolds();
  drawPanels();
  session.listen({
    onGallery(entries) {
      gallery = entries;
      drawPanels();
    },
    onRun(next) {
      run = next;
      newest = next.live;
      painter?.request();
    },
    onData: () => painter?.request(),
    onSettled() {
      if (newest && run) store.set({epoch: run.frames.at(-1) ?? 0}); // stay where it has led
      newest = false;
      painter?.repaint();
    },
    onStatus(now) {
      status.show(now);
      if (now.kind === 'unavailable' || now.kind === 'lacking') guide.begin();
    },
  });
  if (store.get().train || resolve(gallery, catalog, store.get()).kind === 'unavailable') openChosen();

  const Plotly = await plotly;
  landscape = createLandscape(Plotly, {
    eye: () => store.get().camera,
    onCamera: (camera) => store.set({camera}),
    onTurning: bare?.turning,
    isPlaying: () => player.playing,
    onRedraw: () => painter?.repaint(),
    onPick(a, b) {
      const limit = run ? labLimit(run, sliceOf(run, store.get()).plane) : '';
      if (limit) status.show({kind: 'note', text: 'The network there cannot be shown', detail: limit});
      else store.set({pick: [a, b], ball: false});
    },
    onFailed: (error) => onFailed('This view could not be loaded', error),
    tintOf: (shot) => (hovered === null || faultNow() ? null : lab(true, true)?.tint.of(shot, hovered) ?? null),
    wayOf,
    groundOf: (shot) => lab()?.terrain.known(shot) ?? null,
    shareRange: bare?.shareRange,
  });
  const boundary = createBoundary(Plotly, {
    computedOf,
    oddsOf: (shot, x, y) => lab(true, true)?.odds(shot, x, y) ?? null,
    logitsOf: (shot, ask) => lab(ask, true)?.logits(shot) ?? null,
    onHover(point) {
      hovered = point;
      painter?.repaint();
    },
  });
  /** What the page computes for a picture is asked for here. @param {Shot} shot */
  const isThere = (shot) => {
    const ground = shot.computed && !faultNow() ? lab()?.terrain.want(shot) ?? null : null;
    const seen = shot.run.trained ? computedOf(shot) : null;
    const grown = ground?.final || !shot.run.growing || shot.run.manifest.model.parameters > AT_ONCE;
    return (!shot.computed || (ground !== null && grown)) && (!shot.run.trained || seen?.current === true);
  };
  /** While a run grows, what is on its way is not overtaken: else nothing would ever be drawn. @param {Shot | null} shot */
  const steady = (shot) => {
    if (!shot || !newest || !shot.run.growing) return shot;
    awaited = awaited?.run === shot.run && sameSlice(awaited, shot) ? awaited : shot;
    return awaited;
  };
  createShare({
    Plotly, pictureOf: landscape.pictureOf, state: store.get, shown: () => painter?.shown ?? null, pause: player.pause,
    onError: (message) => status.show({kind: 'failed', text: 'This view could not be shared', detail: message}),
  });
  painter = createPainter({
    wish(shown) {
      if (!landscape?.has(store.get().view)) return null;
      const shot = steady(wantedShot(run, store.get(), {newest, still, shown}));
      return shot && isThere(shot) ? shot : null;
    },
    plots: [slice, pick, readouts, boundary, landscape], // what takes room from the plots comes first
    onDrawn,
  });
  const restyle = () => {
    style++;
    landscape?.restyle();
    boundary.restyle();
    painter?.repaint();
  };
  const watchSizes = () => {
    watchSize([byId('landscape-stage'), byId('boundary-plot')], restyle);
    watchSize([byId('curves')], () => {
      style++;
      painter?.redrawn();
    });
  };
  watchTheme(restyle);
  watchPrinting(() => {
    style++;
    landscape?.restyle();
    boundary.restyle();
    painter?.repaintNow();
  });
  painter.request();
}

/** Why something is trained that nobody asked to have trained. @param {boolean} empty @returns {import('./types.js').Status} */
function standIn(empty) {
  const text = empty ? 'This gallery has no recorded training yet' : 'This gallery has no recorded training of this';
  return {kind: 'note', text, detail: 'So it is trained here, in your browser.'};
}

/**
 * The lab comes with the first thing that is to be computed: most visits do without it. `quiet`: it would better what is
 * there (a line, a number under the pointer); should it not come, that stays, and it is asked for again later.
 * @param {{onAnswer: () => void, onError: (error: unknown) => void}} options
 */
function lazyLab(options) {
  /** @type {ReturnType<typeof import('./lab.js').createLab> | null} */
  let lab = null;
  let [asked, isMissed, again] = [false, false, 0];
  return (load = true, quiet = false) => {
    isMissed ||= load && !quiet;
    if (!asked && load && !faultNow() && !(quiet && performance.now() < again)) {
      asked = true;
      isMissed = !quiet;
      Promise.all([import('./lab.js'), import('./ball.js')]).then(([{createLab}, {READABLE}]) => { lab = createLab({...options, pace: still ? Infinity : READABLE}); options.onAnswer(); }, (error) => {
        asked = false;
        again = performance.now() + QUIET;
        if (isMissed) options.onError(error);
      });
    }
    return lab;
  };
}

/** The dataset on show, as a start to draw on. @param {Run | null} run @param {string | null} own */
async function ownStart(run, own) {
  if (own) return (await import('./points/kept.js')).recall(own).catch(() => null);
  if (!run?.get('points')) return null;
  const {ownFrom, ownOfConfig} = await import('./points/own.js');
  const {title, features, classes} = run.manifest.dataset;
  const given = /** @type {any} */ (run.manifest.config).dataset?.own;
  if (given?.x) return ownOfConfig(given);
  return ownFrom({title, features, classes, points: run.numbers('points'), labels: run.numbers('labels')});
}

/** @param {Element[]} elements @param {() => void} onChange */
function watchSize(elements, onChange) {
  const sizes = new Map(elements.map((element) => [element, `${element.clientWidth} ${element.clientHeight}`]));
  const observer = new ResizeObserver(() => {
    let changed = false;
    for (const [element, before] of sizes) {
      const now = `${element.clientWidth} ${element.clientHeight}`;
      changed ||= now !== before; // an observer also reports once on its own account
      sizes.set(element, now);
    }
    if (changed) onChange();
  });
  for (const element of elements) observer.observe(element);
}

/** For tests and the curious: what the page means to show, and what it shows. @param {{ready: Promise<unknown>, state: () => State, shown: () => Shot | null, range: () => {low: number, high: number} | null}} page */
function expose({ready, state, shown, range}) {
  Object.defineProperty(window, 'lossatlas', {
    value: Object.freeze({
      ready,
      state: () => structuredClone(state()),
      shown() {
        const shot = shown();
        return shot && {run: shot.run.id, frame: shot.frame, epoch: shot.run.frames[shot.frame], span: shot.span, scale: shot.scale};
      },
      range,
      computed: () => shown()?.computed ?? false,
      slice() {
        const shot = shown();
        return shot && {plane: shot.plane.name, view: shot.view, set: shot.set, follow: shot.follow, path: shot.path, pick: shot.pick};
      },
    }),
  });
}
