/** This module creates the two plots of the page and the painter that draws them, and connects them with the state. */
/** @import {Shot} from '../../model/types.js' */
/** @import {Atlas, Controls} from './wiring.js' */
import {watchTheme} from '../../lib/theme.js';
import {computeLimit, sliceOf} from '../../model/slice.js';
import {createBoundary} from '../../views/boundary.js';
import {createLandscape} from '../../views/landscape.js';
import {createPictures} from '../../views/picture.js';
import {watchPrinting} from '../../views/printing.js';
import {createShare} from '../../views/share.js';
import {createPainter} from './painter.js';

/**
 * Create both plots, what is shared of them, and the painter that draws them together.
 * @param {Atlas} atlas @param {import('../../lib/plotly.js').Plotly} Plotly
 * @param {Controls & {editStory: (how: {records?: boolean}) => void, onDrawn: (shot: Shot, first: boolean) => void}}
 *   parts
 */
export function wirePlots(
  {store, status, screen, frames, computed, playback, embedded, onFailed},
  Plotly,
  {slice, pick, readouts, editStory, onDrawn},
) {
  /** The data point under the pointer. @type {number | null} */
  let hovered = null;
  const pictures = createPictures({
    known: (shot) => ({
      ground: computed.computedSurfaceOf(shot),
      way: computed.wayOf(shot),
      pointLoss: hovered === null ? null : computed.pointLossOf(shot, hovered),
    }),
    shareRange: embedded?.shareRange,
  });
  const landscape = createLandscape(Plotly, {
    pictureOf: pictures.of,
    eye: () => store.get().camera,
    onCamera: (camera) => store.set({camera}),
    onTurning: embedded?.reportTurning,
    isPlaying: () => playback.playing,
    onRedraw: screen.repaint,
    onPick(a, b) {
      const limit = frames.run ? computeLimit(frames.run, sliceOf(frames.run, store.get()).plane) : '';
      if (limit) status.show({kind: 'note', text: 'The network there cannot be shown', detail: limit});
      else store.set({pick: [a, b], ball: false});
    },
    onFailed(error) {
      onFailed('This view could not be loaded', error);
      frames.noteFailure();
    },
  });
  const boundary = createBoundary(Plotly, {
    networkOf: computed.networkOf,
    oddsOf: computed.oddsOf,
    logitsOf: computed.logitsOf,
    onAttend: computed.requestParameters,
    onHover(point) {
      hovered = point;
      screen.repaint();
    },
    onFrame: playback.scrub,
    onArrived: screen.update,
  });
  createShare({
    Plotly,
    pictureOf: pictures.of,
    state: store.get,
    shown: () => screen.shown,
    pause: playback.pause,
    editStory,
    onError: (message) => onFailed('This view could not be shared', message),
  });
  const painter = createPainter({
    wish: frames.nextShot,
    ask(shot) {
      landscape.request(store.get().view); // The view is requested even before an array has arrived.
      if (!shot) return;
      boundary.request(shot.run);
      pick.request(shot);
      computed.request(shot, hovered);
    },
    isKnown: (shot) => landscape.isKnown(shot.view) && boundary.isKnown(shot.run) && computed.isKnown(shot),
    plots: [slice, pick, readouts, boundary, landscape], // The views that take room from the plots come first.
    onDrawn,
  });
  watchTheme(() => screen.restyle());
  watchPrinting(() => screen.restyle({now: true}));
  screen.begin({painter, pictures, landscape, boundary});
}
