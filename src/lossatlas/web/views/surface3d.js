/** The 3-D surface: draws a shot with Plotly, quickly, and minds the camera. */
/** @import {Eye, Shot} from '../types.js' */
/** @import {LossRange} from '../figures/landscape.js' */
import {CONFIG} from '../plotly.js';
import {boxFor, cameraFrom, fillSurface, landscapeAxes, landscapeTraces, markerHeights} from '../figures/landscape.js';
import {currentTheme} from '../theme.js';

/** A camera that has not moved for so many frames is at rest. */
const STILL_FRAMES = 3;

/**
 * @param {import('../plotly.js').Plotly} Plotly @param {HTMLElement} root
 * @param {{eye: () => Eye, onCamera: (eye: Eye) => void}} options
 */
export function createSurface3d(Plotly, root, {eye, onCamera}) {
  const plot = /** @type {any} */ (root);
  /** @type {Float64Array[]} the rows that Plotly holds; written in place */
  let z = [];
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

  /** @param {Shot} shot @param {LossRange} range */
  const fill = (shot, range) => {
    const grid = shot.run.grid;
    if (z.length !== grid) {
      z = Array.from({length: grid}, () => new Float64Array(grid));
    }
    fillSurface(shot.run.surface(shot.frame, shot.spanIndex), range, z);
  };

  /** Axes, ranges or colours are new: the public way, some 50 ms. @param {Shot} shot @param {LossRange} range */
  const redraw = (shot, range) => {
    const traces = landscapeTraces(shot.run.numbers(shot.run.coordinatesName), shot.span, z, range, shot.run.metrics.train_loss[shot.frame], currentTheme());
    if (!plot.data) {
      Plotly.newPlot(plot, traces, layout(range, shot.span), CONFIG);
      plot.on('plotly_relayout', noteCamera);
    } else {
      Plotly.react(plot, traces, layout(range, shot.span), CONFIG);
    }
    unrefine(plot);
  };

  /** Only the heights are new. @param {Shot} shot @param {LossRange} range */
  const update = (shot, range) => {
    plot.data[1].z = markerHeights(shot.run.metrics.train_loss[shot.frame], range);
    if (!updateTraces(plot)) redraw(shot, range);
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

  return {
    /** @param {Shot} shot @param {LossRange} range @param {string} key of everything but the frame */
    draw(shot, range, key) {
      fill(shot, range);
      if (key === drawn) update(shot, range);
      else redraw(shot, range);
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
 * Hand the new heights straight to the objects in the scene: 5 ms, where `react` takes 25 to find out that nothing
 * else has changed. Private too: false where it cannot be done, and the caller goes the public way.
 * @param {any} plot @returns {boolean}
 */
function updateTraces(plot) {
  const drawn = sceneOf(plot)?.traces;
  const traces = plot._fullData;
  if (!drawn || !traces?.every((/** @type {any} */ trace) => typeof drawn[trace.uid]?.update === 'function')) return false;
  traces.forEach((/** @type {any} */ trace, /** @type {number} */ i) => {
    trace.z = plot.data[i].z;
    drawn[trace.uid].update(trace);
  });
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

/** @param {any} plot */
function sceneOf(plot) {
  return plot._fullLayout?.scene?._scene;
}

/** @param {Eye} a @param {Eye} b */
function sameEye(a, b) {
  return Math.hypot(a.x - b.x, a.y - b.y, a.z - b.z) < 1e-6;
}
