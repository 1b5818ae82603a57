/** This view paints the regions of the predicted classes, their border, and rings around misclassified points. */
/** @import {Seen} from '../model/types.js' */
/** @import {LogitsAt} from '../figures/border.js' */
/** @import {Run} from '../model/run.js' */
import {readTheme} from '../lib/theme.js';
import {findBorder} from '../figures/border.js';
import {paintRegions} from '../figures/boundary.js';
import {createRegionTable} from '../figures/colours.js';

/**
 * @typedef {{margin: {l: number, r: number, t: number, b: number}, width: number, height: number}} Box the room between
 *   the axes, and the margins around it
 */

/** @param {HTMLCanvasElement} canvas */
export function createRegions(canvas) {
  const cells = document.createElement('canvas');
  let table = new Uint32Array(0);
  let image = new ImageData(1, 1);
  let pixels = new Uint32Array(1);
  /** The colour of lines, and the pixels of a line of width 1, which grows a little with the texts. */
  let pen = {ink: '', unit: 1};
  /** The border as it was drawn last. */
  let drawn = {segments: /** @type {number[]} */ ([]), dx: 1, dy: 1};
  /**
   * Return a function that converts inputs to pixels of the page, from the canvas's corner.
   * @param {Run} run
   */
  const placeOf = (run) => {
    const [gx, gy] = [run.numbers('grid_x'), run.numbers('grid_y')];
    const {width, height} = canvas;
    return (/** @type {number} */ x, /** @type {number} */ y) => ({
      x: ((x - gx[0]) / (gx[gx.length - 1] - gx[0])) * width,
      y: height - ((y - gy[0]) / (gy[gy.length - 1] - gy[0])) * height,
    });
  };
  const toPagePixels = (/** @type {{x: number, y: number}} */ {x, y}) => ({
    x: x / devicePixelRatio,
    y: y / devicePixelRatio,
  });

  return {
    /** Return the middles of the border's segments. */
    line() {
      const {segments, dx, dy} = drawn;
      return Array.from({length: segments.length / 4}, (_, i) =>
        toPagePixels({
          x: ((segments[4 * i] + segments[4 * i + 2]) / 2) * dx,
          y: canvas.height - ((segments[4 * i + 1] + segments[4 * i + 3]) / 2) * dy,
        }),
      );
    },
    /** @param {Run} run */
    points(run) {
      const points = run.numbers('points');
      const at = placeOf(run);
      return Array.from({length: points.length / 2}, (_, i) => toPagePixels(at(points[2 * i], points[2 * i + 1])));
    },
    /** Place the canvas exactly under the axes. @param {Run} run @param {Box} box in CSS pixels */
    prepare(run, {margin: {l, t}, width, height}) {
      const theme = readTheme(); // The theme is read here and not for every frame: reading it forces a layout.
      pen = {ink: theme.ink, unit: Math.sqrt(theme.text) * devicePixelRatio};
      table = createRegionTable(run.classes.length, theme.neutral, theme.depth);
      cells.width = run.numbers('grid_x').length;
      cells.height = run.numbers('grid_y').length;
      image = new ImageData(cells.width, cells.height);
      pixels = new Uint32Array(image.data.buffer);
      Object.assign(canvas.style, {left: `${l}px`, top: `${t}px`, width: `${width}px`, height: `${height}px`});
      canvas.width = Math.max(1, Math.round(width * devicePixelRatio));
      canvas.height = Math.max(1, Math.round(height * devicePixelRatio));
    },
    /**
     * @param {Run} run @param {Seen} seen @param {number[]} wrong @param {LogitsAt | null} logitsAt
     * @param {import('./recorded_plot.js').RecordedPlot | null} extra
     */
    paint(run, seen, wrong, logitsAt, extra) {
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', {alpha: false}));
      paintRegions(run, seen, table, pixels);
      cells.getContext('2d')?.putImageData(image, 0, 0);
      const {width, height} = canvas;
      // The grid's outer values lie on the frame, so each cell's centre is a sample: half a cell is drawn beyond the
      // frame.
      const [dx, dy] = [width / (cells.width - 1), height / (cells.height - 1)];
      context.drawImage(cells, -dx / 2, -dy / 2, width + dx, height + dy);
      drawn = {segments: findBorder(run, seen, logitsAt), dx, dy};
      strokeBorder(context, drawn.segments, dx, dy, pen);
      ringPoints(context, run, wrong, placeOf(run), pen);
      extra?.drawPictures(context, run, placeOf(run), pen.ink);
    },
  };
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number[]} segments
 * @param {number} dx
 * @param {number} dy
 * @param {{ink: string, unit: number}} pen
 */
function strokeBorder(context, segments, dx, dy, {ink, unit}) {
  const {height} = context.canvas;
  context.beginPath();
  for (let i = 0; i < segments.length; i += 4) {
    context.moveTo(segments[i] * dx, height - segments[i + 1] * dy);
    context.lineTo(segments[i + 2] * dx, height - segments[i + 3] * dy);
  }
  context.lineWidth = 1.5 * unit;
  context.lineCap = 'round';
  context.strokeStyle = ink;
  context.stroke();
}

/**
 * Draw a ring around each misclassified point; it is visible around the point's own mark.
 * @param {CanvasRenderingContext2D} context @param {Run} run @param {number[]} wrong
 * @param {(x: number, y: number) => {x: number, y: number}} placeOf @param {{ink: string, unit: number}} pen
 */
function ringPoints(context, run, wrong, placeOf, {ink, unit}) {
  const points = run.numbers('points');
  const radius = 7 * unit;
  context.beginPath();
  for (const i of wrong) {
    const {x, y} = placeOf(points[2 * i], points[2 * i + 1]);
    context.moveTo(x + radius, y);
    context.arc(x, y, radius, 0, 2 * Math.PI);
  }
  context.lineWidth = 1.5 * unit;
  context.strokeStyle = ink;
  context.stroke();
}
