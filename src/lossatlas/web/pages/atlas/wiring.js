/**
 * This module connects state, data and views, and holds no state of its own. The promises that it receives were started
 * before it was loaded (main.js).
 */
/** @import {Catalog, GalleryEntry, Shot, State, Status} from '../../model/types.js' */
/** @import {StateStore} from '../../model/address.js' */
/** @import {Session} from '../../loading/session.js' */
/** @import {Computed} from './computed.js' */
/** @import {Frames} from './frames.js' */
/** @import {Playback} from './playback.js' */
/** @import {Screen} from './screen.js' */
import {byId, setText} from '../../lib/dom.js';
import {reasonOf} from '../../lib/lazy.js';
import {watchSizes} from '../../lib/sizes.js';
import {keepAddress} from '../../model/address.js';
import {takeModelOfRun, findTarget} from '../../model/choice.js';
import {noteFault} from '../../model/slice.js';
import {FIRST_VIEW, hasChanged, HOME, toQuery} from '../../model/state.js';
import {watchFolds} from '../../views/controls.js';
import {createPick} from '../../views/pick.js';
import {createReadouts} from '../../views/readouts.js';
import {createSlice} from '../../views/slice.js';
import {createTransport} from '../../views/transport.js';
import {createZoom} from '../../views/zoom.js';
import {createLazyAccessibility} from './accessibility.js';
import {createComputedPart} from './computed.js';
import {loadForComparison, loadEmbed} from './embed.js';
import {expose} from './exposed.js';
import {createFrames} from './frames.js';
import {createPanels} from './panels.js';
import {createPlayback} from './playback.js';
import {createLazyPresentation} from './present.js';
import {createPlays} from './plays.js';
import {wirePlots} from './plots.js';
import {createLazyRecording} from './recording.js';
import {createScreen} from './screen.js';
import {wireTables} from './tables.js';
import {createLazyTour} from './tour.js';
import {createLazyTraining} from './training.js';

const still = matchMedia('(prefers-reduced-motion: reduce)').matches;

/**
 * @typedef {object} Begun the objects that main.js has created
 * @property {Catalog} catalog
 * @property {GalleryEntry[]} stored the runs that the gallery had when the page was opened
 * @property {State} base the state of a bare URL
 * @property {StateStore} store
 * @property {Session} session it has already requested the first run
 * @property {Promise<import('../../lib/plotly.js').Plotly>} plotly
 * @property {ReturnType<typeof import('../../views/status.js').createStatus>} status
 *
 * @typedef {Begun & {screen: Screen, frames: Frames, computed: Computed, playback: Playback, embedded: Embedded | null,
 *   embed: Embed | null, gallery: () => GalleryEntry[], onFailed: (text: string, error: unknown) => void}} Atlas
 * @typedef {ReturnType<typeof import('./embedded.js').createEmbedded>} Embedded the page in a frame of compare.html
 * @typedef {ReturnType<typeof import('../../features/embed/embed.js').createEmbed>} Embed the page in any other frame
 * @typedef {ReturnType<typeof wireControls>} Controls
 */

/** @param {Begun} begun */
export async function startPage(begun) {
  const {store, session, status} = begun;
  let gallery = begun.stored;
  const isFirst = location.search + location.hash === '';
  const embed = await loadEmbed(begun);
  const autoplay = (embed?.autoplay ?? store.get().epoch === null) && !isStory(store.get()) && !still;
  const screen = createScreen();
  const frames = createFrames({store, still: still || embed?.autoplay === false, onMove: screen.request});
  const embedded = await loadForComparison(store, frames, screen);
  const markReady = expose({
    state: store.get,
    shown: () => screen.shown,
    range: screen.range,
    isCurrent: () => isCurrent(atlas),
  });
  const onFailed = (/** @type {string} */ text, /** @type {unknown} */ error) =>
    status.show({kind: 'failed', text, detail: reasonOf(error)});
  const computed = createComputedPart({
    still,
    onAnswer: screen.update,
    onError(error) {
      showStored({session, screen}, error);
      frames.noteFailure();
    },
  });
  const accessibility = createLazyAccessibility();
  const {playback, plays} = wirePlayback({store, frames, screen}, (playing) => {
    controls.transport.showPlaying(playing);
    accessibility.rest();
  });
  const atlas = {...begun, screen, frames, computed, playback, embedded, embed, onFailed, gallery: () => gallery};
  const training = wireTraining(atlas, () => {
    accessibility.rest();
    plays.beginSoon();
  });
  const tour = createLazyTour(createTourPage(atlas, training));
  if (!embed && !embedded) createLazyPresentation({store, tour, onFailed});
  const panels = createPanels({
    ...atlas,
    choose: chooseRun(atlas),
    run: () => frames.run,
    train: training.use,
    onStatus: status.show,
    onFailed,
  });
  const controls = wireControls(atlas);
  const recording = createLazyRecording(onFailed);
  const openChosen = wireChoices(atlas, {training, recording, drawPanels: panels.draw});
  panels.draw();
  session.listen({
    onGallery(entries) {
      gallery = entries;
      panels.draw();
    },
    onRun(run) {
      recording.hide();
      frames.open(run);
      panels.draw(); // The card of a recorded run is written from its manifest.
    },
    onRecording: recording.show,
    onData: screen.request,
    onSettled() {
      frames.settle();
      screen.repaint();
    },
    onStatus(now) {
      status.show(now);
      if (now.kind === 'unavailable' || now.kind === 'lacking') tour.begin();
    },
  });
  if (embed?.remark) session.showRemark(embed.remark);
  if (store.get().train || findTarget(gallery, begun.catalog, store.get()).kind === 'unavailable') openChosen();

  wirePlots(atlas, await begun.plotly, {
    ...controls,
    editStory: tour.edit,
    onDrawn(shot, first) {
      drawAround(atlas, controls, shot);
      accessibility.noteDrawn(shot);
      plays.beginSoon();
      if (!first) return;
      // Sizes are watched from now on, since the first picture's legend may have taken a line from its plot.
      watchPlotSizes(screen);
      document.body.dataset.pictured = 'true';
      markReady();
      accessibility.begin({
        shot,
        isPlaying: () => playback.playing,
        isCurrent: () => screen.isCurrent,
        pickedOf: computed.pickedOf,
        labels: isFirst ? {...screen.places, store} : null,
        isLasting: !embed,
      });
      tour.begin();
      if (autoplay && !embedded && shot.run.hasFiles) (embed?.callWhenSeen ?? callNow)(playback.play);
    },
  });
}

/** @param {() => void} act */
const callNow = (act) => act();

/** Return what the tour needs. @param {Atlas} atlas @param {ReturnType<typeof createLazyTraining>} training */
function createTourPage(atlas, training) {
  const {frames, screen, playback} = atlas;
  const isShown = () => isCurrent(atlas);
  return {
    ...atlas,
    training,
    still,
    run: () => frames.run,
    shown: () => screen.shown,
    isCurrent: isShown,
    player: playback,
  };
}

/** Is a stop of the tour or of another story open? @param {Readonly<State>} state */
const isStory = ({tour, story}) => tour !== null || story !== null;

/** Is the run trained in the page, because nobody has recorded it and no server can compute it? @param {Atlas} atlas */
function isTrainedHere({embedded, gallery, catalog, store}) {
  return (
    store.get().train !== null || (!embedded && findTarget(gallery(), catalog, store.get()).kind === 'unavailable')
  );
}

/** Does the screen show the stored run that the state names, as the state wants it? @param {Atlas} atlas */
function isCurrent({gallery, catalog, store, screen}) {
  const target = findTarget(gallery(), catalog, store.get());
  return target.kind === 'stored' && screen.shown?.run.id === target.id && screen.isCurrent;
}

/**
 * Return a function for the panels: it changes the state, and follows a run that a server has yet to compute. Only a
 * link knows an epoch of such a run.
 * @param {Atlas} atlas @returns {(patch: Partial<State>) => void}
 */
function chooseRun({catalog, store, gallery}) {
  return (patch) => {
    const isComputed = findTarget(gallery(), catalog, {...store.get(), ...patch}).kind === 'compute';
    store.set(isComputed ? {...patch, epoch: null} : patch);
  };
}

/**
 * Create the playback, and what plays because a link asks for it.
 * @param {Pick<Atlas, 'store' | 'frames' | 'screen'>} parts @param {(playing: boolean) => void} onChange
 */
function wirePlayback({store, frames, screen}, onChange) {
  const playback = createPlayback({
    frames,
    screen,
    still,
    onHand: () => plays.drop(),
    onChange(playing) {
      if (!playing) {
        screen.repaint(); // A picture between two frames must not stay.
        plays.noteEnd();
      }
      onChange(playing);
    },
  });
  const plays = createPlays({store, frames, screen, playback, still});
  return {playback, plays};
}

/** @param {Atlas} atlas @param {() => void} onRest */
function wireTraining({catalog, store, session, status, playback, frames, screen, gallery, onFailed}, onRest) {
  return createLazyTraining({
    catalog,
    store,
    still,
    onFailed,
    onOpen() {
      session.leave();
      status.show(store.get().train ? {kind: 'quiet'} : describeStandIn(gallery().length === 0, catalog.read_only));
      playback.pause();
    },
    onRun(run) {
      frames.open(run, {isTrained: true});
      const remark = session.remarkOnPageRun(run);
      if (remark) status.show(remark);
    },
    waitForPicture: frames.waitForPicture,
    onFollow: frames.follow,
    onNews(rests) {
      screen.redrawRest();
      screen.request();
      if (!rests) return;
      onRest();
      frames.settle();
    },
  });
}

/**
 * Connect the changes of the state to what follows from them.
 * @param {Atlas} atlas
 * @param {{training: ReturnType<typeof createLazyTraining>, recording: ReturnType<typeof createLazyRecording>,
 *   drawPanels: () => void}} parts
 * @returns {() => void} opens the run that the state names
 */
function wireChoices(atlas, {training, recording, drawPanels}) {
  const {catalog, base, store, session, status, screen, frames, embedded, embed, gallery} = atlas;
  const openChosen = () => {
    noteFault('');
    recording.hide();
    if (isTrainedHere(atlas)) return void training.open();
    training.leave();
    session.open(findTarget(gallery(), catalog, store.get()));
  };
  status.onCancel = () => session.cancel();
  status.onRetry = () => {
    screen.retry();
    if (!session.retryNow()) openChosen();
  };
  status.onInstead = () => store.set({run: null});
  store.subscribe((state, before) => {
    if (hasChanged('names', state, before)) {
      drawPanels();
      openChosen();
    }
    if (state.camera !== before.camera) screen.look(state.camera);
    if (hasChanged('slices', state, before)) session.request();
    if (state.timeline !== before.timeline) screen.redrawRest();
    screen.request();
  });
  if (!embedded && !embed) {
    keepAddress(store, base, {
      complete: (state) => takeModelOfRun(state, gallery()),
      onTravel(to) {
        // An entry of the history is a link: the training that it names ends at its epoch.
        const end = to.play?.[1] ?? to.epoch;
        if (to.train && end !== null && hasChanged('names', to, store.get())) training.startAtOnce(end);
      },
    });
  }
  const pointToComparison = () => {
    // The comparison starts with what is shown.
    const state = {
      ...store.get(),
      ...(frames.run && !frames.run.isLasting ? {epoch: frames.run.frames.at(-1) ?? 0} : {}),
    };
    /** @type {HTMLAnchorElement} */ (byId('compare')).href =
      `compare.html?a=${encodeURIComponent(toQuery(state, base).slice(1))}`;
  };
  for (const type of ['click', 'auxclick']) byId('compare').addEventListener(type, pointToComparison, {capture: true});
  return openChosen;
}

/** @param {Atlas} atlas */
function wireControls(atlas) {
  const {store, frames, playback, screen, computed, embed, onFailed} = atlas;
  const transport = createTransport({
    onFrame: playback.scrub,
    onStep: (by) => playback.scrub(frames.current() + by),
    onToggle: playback.toggle,
    onSpeed: playback.setSpeed,
    onReset() {
      playback.pause();
      transport.setSpeed(1);
      store.set({...FIRST_VIEW, camera: {...HOME}});
    },
    onTimeline: (timeline) => store.set({timeline}),
    hasKeys: !embed, // The keys belong to the page around a frame.
  });
  playback.listenToSpeed(transport.setSpeed);
  wireTables(atlas);
  watchFolds();
  return {
    transport,
    slice: createSlice({choose: store.set}),
    pick: createPick({
      choose: store.set,
      wayOf: computed.wayOf,
      onRedraw: screen.repaint,
      onFailed: (error) => onFailed('The point could not be read', error),
    }),
    readouts: createReadouts({pickedOf: computed.pickedOf}),
    zoom: createZoom({
      onZoom: (span) =>
        store.set({zoom: frames.run && span === frames.run.plane(store.get().plane).spans[0] ? null : span}),
      onLog: (log) => store.set({scale: log ? 'log' : 'linear'}),
      onRange: (range) => store.set({range}),
    }),
  };
}

/**
 * Show what is stored if something cannot be computed here, until it is tried again.
 * @param {{session: Session, screen: Screen}} atlas
 * @param {unknown} error
 */
function showStored({session, screen}, error) {
  const text = 'This could not be computed in the page';
  noteFault(`${text}. ${reasonOf(error)}`);
  session.showRemark({kind: 'failed', text, detail: `${reasonOf(error)} The stored data are shown instead.`});
  session.request();
  screen.repaint();
}

/**
 * Draw what accompanies a picture.
 * @param {Atlas} atlas
 * @param {ReturnType<typeof wireControls>} controls
 * @param {Shot} shot
 */
function drawAround({store, screen, frames, embedded}, {transport, zoom}, shot) {
  frames.noteDrawn(shot);
  transport.draw(shot, store.get(), screen.style);
  zoom.draw(shot);
  setText(byId('run-title'), shot.run.manifest.title);
  embedded?.reportDrawn();
  document.title = `${shot.run.manifest.title} · Loss Atlas`;
}

/** @param {Screen} screen */
function watchPlotSizes(screen) {
  watchSizes([byId('landscape-stage')], () => screen.restyle());
  watchSizes([byId('boundary-plot')], screen.resizeBoundary);
  watchSizes([byId('curves')], screen.handleResize);
}

/**
 * Say why the page trains a run that nobody has requested.
 * @param {boolean} empty @param {boolean} [readOnly] @returns {Status}
 */
function describeStandIn(empty, readOnly = false) {
  const who = readOnly ? 'This server only shows stored runs, and has' : 'This gallery has';
  const text = `${who} no recorded training ${empty ? 'yet' : 'of this'}`;
  return {kind: 'note', text, detail: 'So the network is trained here, in your browser.'};
}
