/** The 3-D surface: draws a shot with Plotly, quickly, and minds the camera. */
/** @import {Eye} from '../types.js' */
/** @import {LossRange} from '../figures/range.js' */
/** @import {Picture} from './landscape.js' */
import {CONFIG} from '../plotly.js';
import {boxFor, cameraFrom, fillSurface, landscapeAxes, landscapeTraces, plumbLine} from '../figures/landscape.js';
import {drawnPart, dropLine, dropLines, isInside, pathLine, wayLine} from '../figures/path.js';
import {currentTheme} from '../theme.js';
import {createPicking} from './picking.js';

/** A camera that has not moved for so many frames is at rest. */
const STILL_FRAMES = 3;

/**
 * @param {import('../plotly.js').Plotly} Plotly @param {HTMLElement} root
 * @param {{eye: () => Eye, onCamera: (eye: Eye) => void, onPick: (a: number, b: number) => void, config?: object}} options `config`: Plotly's
 */
export function createSurface3d(Plotly, root, {eye, onCamera, onPick, config = CONFIG}) {
  const plot = /** @type {any} */ (root);
  /** @type {Float64Array[]} the rows that Plotly holds; written in place */
  let z = [];
  const picking = createPicking(root);
  /** What the axes were last set for. */
  let drawn = '';
  /** Where the camera is. Plotly's own record (`layout.scene.camera`) is not kept up after a `react`; its events are right. */
  let camera = cameraFrom(eye());

  const size = () => ({width: root.clientWidth, height: root.clientHeight});
  const layout = (/** @type {LossRange} */ range, /** @type {number} */ span) => ({
    ...size(), margin: {l: 0, r: 0, t: 0, b: 0}, showlegend: false, paper_bgcolor: 'rgba(0,0,0,0)',
    hoverlabel: {font: {family: currentTheme().font, size: 12}},
    scene: {
      ...landscapeAxes(range, span, currentTheme(), size()),
      aspectmode: 'manual', aspectratio: boxFor(size()), dragmode: 'turntable', camera,
    },
  });

  /** @param {Picture} picture */
  const fill = ({grid, range, values}) => {
    if (z.length !== grid) z = Array.from({length: grid}, () => new Float64Array(grid));
    fillSurface(values, range, z);
  };

  /** What moves with the frame, in the order of the traces. @param {Picture} picture */
  const moving = ({shot, path, range, loss, place}) => {
    const lost = path !== null && !isInside(path, shot.frame, shot.span);
    return {
      marker: place && plumbLine(lost ? [NaN, NaN] : place, loss, range),
      drop: path && dropLine(path, shot.frame, shot.span, range),
    };
  };

  /** A plumb line at the picked point: the surface's own height there. @param {Picture} picture */
  const markLine = ({shot: {span}, grid, range, values, mark}) => {
    if (!mark) return null;
    const [i, j] = mark.map((p) => Math.round(((p / span + 1) / 2) * (grid - 1)));
    return plumbLine(mark, values[j * grid + i], range);
  };

  /** Axes, ranges or colours are new: the public way, some 50 ms. @param {Picture} picture */
  const redraw = (picture) => {
    const {shot, range, axis, title, path, way} = picture;
    fill(picture);
    const part = path && shot.path ? drawnPart(path) : null;
    const whole = part && {line: pathLine(part, shot.span, range), drops: dropLines(part, shot.span, range)};
    const traces = landscapeTraces({tint: picture.tint, axis, z, range, title, ...moving(picture), path: whole, mark: markLine(picture), way: way && wayLine(way, shot.span, range)}, currentTheme());
    if (!plot.data) {
      Plotly.newPlot(plot, traces, layout(range, shot.span), config);
      plot.on('plotly_relayout', noteCamera);
      plot.on('plotly_click', notePick);
    } else {
      Plotly.react(plot, traces, layout(range, shot.span), config);
    }
    unrefine(plot);
    picking.mind(sceneOf(plot)?.glplot);
  };

  /** Only the heights are new; where the plane stays, only the marker's place. @param {Picture} picture */
  const update = (picture) => {
    const {marker, drop} = moving(picture);
    const lines = [marker, drop].filter((line) => line !== null);
    lines.forEach((line, i) => Object.assign(plot.data[i + 1], line));
    const moves = picture.shot.follow || picture.shot.computed; // a preview gives way to the whole
    if (moves) fill(picture);
    const changed = [...(moves ? [0] : []), ...lines.map((_, i) => i + 1)];
    if (!updateTraces(plot, changed)) redraw(picture);
  };

  /** @param {any} seen */
  const keepCamera = (seen) => {
    if (sameEye(seen.eye, camera.eye)) return;
    camera = seen;
    onCamera({...seen.eye});
  };

  /** @param {any} event */
  const noteCamera = (event) => {
    const seen = event['scene.camera'];
    if (!seen) return;
    keepCamera(seen);
    whenAtRest(plot, keepCamera);
  };

  /** A click that turned nothing. @param {any} event */
  const notePick = ({points: [point]}) => {
    if (point?.data.type === 'surface') onPick(Number(point.x.toPrecision(3)), Number(point.y.toPrecision(3)));
  };

  return {
    /** @param {Picture} picture */
    draw(picture) {
      const key = `${picture.key} ${picture.mark} ${picture.way?.losses.length ?? ''} ${picture.tint?.values[0] ?? ''}`;
      if (key === drawn) update(picture);
      else redraw(picture);
      drawn = key;
    },
    /** @param {Eye} to */
    look(to) {
      if (sameEye(to, camera.eye)) return;
      camera = cameraFrom(to);
      if (plot.data) Plotly.relayout(plot, {'scene.camera': camera});
    },
  };
}

/**
 * Plotly refines a surface to at least 180 samples a side at every update, which takes 30 ms and shows nothing that
 * the grid does not hold. These fields are private: where they are missing, drawing is slower and looks the same.
 * @param {any} plot
 */
function unrefine(plot) {
  for (const drawn of Object.values(sceneOf(plot)?.traces ?? {})) {
    if (!('refineData' in drawn)) continue;
    drawn.refineData = false;
    drawn.dataScaleX = 1;
    drawn.dataScaleY = 1;
  }
}

/**
 * Hand the new places straight to the objects in the scene: 5 ms, where `react` takes 25 to find out that nothing
 * else has changed. Private too: false where it cannot be done, and the caller goes the public way.
 * @param {any} plot @param {number[]} changed which traces @returns {boolean}
 */
function updateTraces(plot, changed) {
  const drawn = sceneOf(plot)?.traces;
  const traces = changed.map((i) => ({full: plot._fullData?.[i], own: plot.data[i]}));
  if (!drawn || !traces.every(({full}) => typeof drawn[full?.uid]?.update === 'function')) return false;
  for (const {full, own} of traces) {
    if (own.type !== 'surface') Object.assign(full, {x: own.x, y: own.y});
    full.z = own.z;
    drawn[full.uid].update(full);
  }
  return true;
}

/**
 * After a drag Plotly's camera glides on for some frames, and no event says where it comes to rest.
 * @param {any} plot @param {(camera: any) => void} keep
 */
function whenAtRest(plot, keep) {
  const look = () => sceneOf(plot)?.getCamera?.();
  let before = look();
  let still = 0;
  const check = () => {
    const now = look();
    if (!now || !before) return;
    still = sameEye(now.eye, before.eye) ? still + 1 : 0;
    before = now;
    if (still < STILL_FRAMES) requestAnimationFrame(check);
    else keep(now);
  };
  requestAnimationFrame(check);
}

/** Plotly's own 3-D scene: private, and null where there is none. @param {any} plot */
export function sceneOf(plot) {
  return plot._fullLayout?.scene?._scene;
}

/** @param {Eye} a @param {Eye} b */
function sameEye(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z) < 1e-6;
}
