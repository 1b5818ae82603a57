/**
 * This module creates what can be saved of a shot: pictures, drawings, films, numbers and Python. It does not change
 * the page.
 */
/** @import {Shot, State} from '../../model/types.js' */
/** @import {Computed, Picture} from '../../views/picture.js' */
/** @import {Format} from './animation.js' */
/** @import {Film} from './film_frames.js' */
/** @import {Plot} from './figures.js' */
/** @import {Sheet} from './sheet.js' */
import {fetchJson} from '../../loading/json.js';
import {fetchArray} from '../../loading/arrays.js';
import {chooseFrames} from '../../figures/curves.js';
import {createLazyModule} from '../../lib/lazy.js';
import {readTheme, readThemeIf} from '../../lib/theme.js';
import {writeDensity} from './density.js';
import {composeFigure, MILLIMETRES, PIXELS} from './figures.js';
import {roundToDecimals} from '../../lib/numbers.js';
import {linkTo} from '../../model/link.js';
import {createNetworks} from './network.js';
import {describeArrays, collectArrays, listFurtherArrays, writeMetricsTable, writeSurfaceTable} from './numbers.js';
import {writeDrawing, paintSheet, encodePng} from './paint.js';
import {writePythonFor} from './python.js';
import {requireReadBack} from './read_back.js';
import {composeSheet, SIZE, SURFACE} from './sheet.js';
import {createOffscreenSurface} from './offscreen_surface.js';
import {drawSurfacePart} from './surface_part.js';

/** The number of pixels of a picture for one pixel of the sheet. */
const SHARP = 2;
export const PICTURE = {width: SHARP * SIZE.width, height: SHARP * SIZE.height};

/** Paper is white. The page's own colour is not quite. */
const WHITE = '#ffffff';

/** @typedef {ReturnType<typeof createExports>} Exports */

/**
 * @typedef {object} Figure what a figure shows, and its look
 * @property {Plot} plot
 * @property {'PNG' | 'SVG' | 'PDF'} format
 * @property {number} millimetres the width on paper
 * @property {number} dpi the pixels of a PNG for each inch
 * @property {boolean} dark
 * @property {boolean} isTransparent
 */

const gif = createLazyModule(() => import('./gif.js'));
const video = createLazyModule(() => import('./video.js'));
const arrayFile = createLazyModule(() => import('./npz.js'));
const pdf = createLazyModule(() => import('./pdf.js'));

/** Compute the size of a canvas for a figure. @param {Sheet} drawn @param {number} scale */
const computePixels = ({size}, scale) => ({
  width: Math.max(1, Math.round(size.width * scale)),
  height: Math.max(1, Math.round(size.height * scale)),
});

/** Load the encoder of a film format. @param {Format} format @returns {Promise<(film: Film) => Promise<Blob>>} */
async function loadEncoder(format) {
  if (format.name === 'GIF') return (await gif.request()).encodeGif;
  const {encodeVideo} = await video.request();
  return (film) => encodeVideo(format, film);
}

/**
 * @param {object} page
 * @param {import('../../lib/plotly.js').Plotly} page.Plotly
 * @param {(shot: Shot, computed: Computed) => Picture | null} page.pictureOf
 * @param {() => State} page.state
 */
export function createExports({Plotly, pictureOf, state}) {
  const networkOf = createNetworks();
  /** @type {ReturnType<typeof createOffscreenSurface> | null} */
  let studio = null;

  /** Compute the predictions of the shot's network, and its picture. @param {Shot} shot */
  const computeContent = async (shot) => {
    const {ground, way, ...network} = await networkOf(shot);
    return {...network, picture: /** @type {Picture} */ (pictureOf(shot, {ground, way, pointLoss: null}))};
  };

  /**
   * Draw a sheet. @param {Shot} shot @param {boolean} [asLines] draw the surface as lines and triangles rather than as
   * a picture @returns {Promise<Sheet>}
   */
  const drawSheet = async (shot, asLines = false) => {
    const {seen, metrics, picture, logits} = await computeContent(shot);
    const theme = {...readTheme(), text: 1}; // A sheet has its own size.
    if (asLines && shot.view === 'surface') {
      const surface = {canvas: null, behind: '', before: drawSurfacePart(picture, state().camera, SURFACE, theme)};
      return composeSheet({picture, seen, logits, metrics, surface, timeline: state().timeline, theme});
    }
    if (shot.view === 'surface') studio ??= createOffscreenSurface(Plotly, {...SURFACE, eye: () => state().camera});
    const surface = shot.view === 'surface' && studio ? await studio.draw(picture) : null;
    return composeSheet({picture, seen, logits, metrics, surface, timeline: state().timeline, theme});
  };
  /** Draw one plot. @param {Shot} shot @param {Figure} figure @returns {Promise<Sheet>} */
  const drawFigure = async (shot, {plot, millimetres, dark, isTransparent}) => {
    const theme = readThemeIf(dark);
    const paper = isTransparent ? null : dark ? theme.paper : WHITE;
    const width = (millimetres / MILLIMETRES) * PIXELS;
    return composeFigure(plot, await computeContent(shot), {width, theme, paper, eye: state().camera});
  };
  const link = (/** @type {Shot} */ shot) => linkTo(shot, state(), location.href.replace(/[?#].*/s, ''));

  return {
    link,
    /** Paint a sheet on a canvas of its shape. @param {Shot} shot @param {HTMLCanvasElement} canvas */
    paint: async (shot, canvas) => paintSheet(canvas, await drawSheet(shot)),
    /** @param {Shot} shot */
    async png(shot) {
      await requireReadBack();
      const canvas = document.createElement('canvas');
      Object.assign(canvas, PICTURE);
      await paintSheet(canvas, await drawSheet(shot));
      return encodePng(canvas);
    },
    /** @param {Shot} shot */
    async svg(shot) {
      await requireReadBack(); // Drawings contain pictures of cells.
      return new Blob([writeDrawing(await drawSheet(shot, true))], {type: 'image/svg+xml'});
    },
    /**
     * Paint a figure on a canvas, in the size that fits a box.
     * @param {Shot} shot @param {Figure} figure @param {HTMLCanvasElement} canvas
     * @param {{width: number, height: number}} box
     */
    async paintFigure(shot, figure, canvas, box) {
      const drawn = await drawFigure(shot, figure);
      const scale = Math.min(box.width / drawn.size.width, box.height / drawn.size.height);
      Object.assign(canvas, computePixels(drawn, scale));
      await paintSheet(canvas, drawn);
    },
    /** @param {Shot} shot @param {Figure} figure @returns {Promise<Blob>} */
    async figure(shot, figure) {
      await requireReadBack();
      const drawn = await drawFigure(shot, figure);
      const {width, height} = drawn.size;
      if (figure.format === 'PNG') {
        const canvas = document.createElement('canvas');
        Object.assign(canvas, computePixels(drawn, figure.dpi / PIXELS));
        await paintSheet(canvas, drawn);
        return writeDensity(await encodePng(canvas), figure.dpi);
      }
      if (figure.format === 'PDF') return (await pdf.request()).writePdf(drawn);
      const millimetres = (/** @type {number} */ pixels) => `${roundToDecimals((pixels / PIXELS) * MILLIMETRES, 3)}mm`;
      const drawing = writeDrawing(drawn, {width: millimetres(width), height: millimetres(height)});
      return new Blob([drawing], {type: 'image/svg+xml'});
    },
    /**
     * Make a film of a run's frames, thinned to a number of pictures.
     * @param {Shot} shot
     * @param {object} options
     * @param {Format} options.format
     * @param {number} options.width @param {number} options.height @param {number} options.pictures
     * @param {AbortSignal} options.signal
     * @param {(done: number, total: number) => void} options.onProgress
     */
    async film(shot, {format, pictures, onProgress, ...options}) {
      await requireReadBack();
      const encode = await loadEncoder(format);
      const {run} = shot;
      const shown = {frames: run.frames.slice(0, run.countArrived(shot)), hasEveryEpoch: run.hasEveryEpoch};
      const frames = chooseFrames(shown, pictures);
      return encode({
        ...options,
        frames: frames.length,
        draw: async (canvas, i) => paintSheet(canvas, await drawSheet({...shot, frame: frames[i]})),
        onProgress: (done) => onProgress(done, frames.length),
      });
    },
    /** @param {Shot} shot */
    async npz(shot) {
      await Promise.all(listFurtherArrays(shot).map((name) => fetchArray(shot.run, name)));
      const {seen, theta, picture} = await computeContent(shot);
      const {writeNpz} = await arrayFile.request();
      const arrays = collectArrays(picture, {seen, picked: theta});
      return new Blob(
        [
          writeNpz(
            arrays,
            new Map([['about.json', JSON.stringify(describeArrays(shot, arrays, link(shot)), null, 1)]]),
          ),
        ],
        {type: 'application/zip'},
      );
    },
    /** @param {Shot} shot */
    surfaceCsv: async (shot) => new Blob([writeSurfaceTable((await computeContent(shot)).picture)], {type: 'text/csv'}),
    /** @param {Shot} shot */
    metricsCsv: async ({run}) => new Blob([writeMetricsTable(run)], {type: 'text/csv'}),
    /** @param {Shot} shot */
    python: async (shot) => writePythonFor(shot, await fetchJson('features/share/defaults.json')),
    /** Release the graphics memory. */
    close() {
      studio?.close();
      studio = null;
    },
  };
}
