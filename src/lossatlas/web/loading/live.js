/** This module asks the server to compute a run and follows its progress. */
/** @import {Config, Manifest, Metrics} from '../model/types.js' */
import {jobUrl} from './addresses.js';
import {allocate} from './npy.js';
import {fetchJson, createProblem} from './json.js';
import {FRAME_ARRAYS, KINDS, Run, STATIC_ARRAYS} from '../model/run.js';
import {planeArray} from '../model/keys.js';

/** The slice of a run that is being computed: the plane moves with the network while it trains. */
const MOVING = /** @type {const} */ ({
  computed: false,
  set: 'train',
  follow: true,
  path: false,
  view: 'surface',
  scale: 'linear',
  range: 'training',
  pick: null,
  ball: false,
});

/**
 * @typedef {object} Watcher
 * @property {(position: number) => void} onQueued
 * @property {(run: Run) => void} onManifest
 * @property {(done: number, total: number) => void} onFrame
 * @property {(what: string, done: number, total: number) => void} onStage called after the last frame
 * @property {() => void} onDone
 * @property {(problem: import('./json.js').Problem) => void} onFailed
 * @property {() => void} onCancelled
 * @property {() => void} onLost called when the progress can no longer be followed
 * @property {() => void} onStopping called when the server says that it is being stopped
 */

/**
 * Ask the server to compute a run.
 * @param {Config} config
 * @returns {Promise<{id: string, state: string, events?: string}>}
 */
export function requestRun(config) {
  return fetchJson(`api/runs?client=${CLIENT}`, {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify(config),
  });
}

/** The name of this page for the server: another page cannot guess it, and so cannot end what this one waits for. */
const CLIENT = [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join('-');

/** Tell the server that this page no longer wants a run. It goes on if others follow it. @param {string} id */
export function cancelRun(id) {
  return fetchJson(`${jobUrl(id)}?client=${CLIENT}`, {method: 'DELETE'});
}

/**
 * Follow a computation until it ends or the signal aborts. The browser reconnects by itself and asks for what it missed
 * (`Last-Event-ID`). A server that was restarted sends frames that have arrived before; they are simply written again.
 * A page that reads too slowly gets the newest frame instead of all; it gets the others with the stored run.
 * If the browser cannot connect, because the server is away or no longer knows the run, the computation is lost.
 * @param {string} url @param {AbortSignal} signal @param {Watcher} watcher
 */
export function watchRun(url, signal, watcher) {
  const source = new EventSource(`${url}?client=${CLIENT}`);
  const close = () => source.close();
  signal.addEventListener('abort', close);
  // The server cancels a run when its last listener leaves, so listen for a moment.
  if (signal.aborted) source.onopen = close;
  /** @type {Run | null} */
  let run = null;
  /** @param {string} type @param {(body: any) => void} handle */
  const on = (type, handle) =>
    source.addEventListener(type, (event) => {
      if (!signal.aborted) handle(JSON.parse(/** @type {MessageEvent} */ (event).data));
    });
  on('queued', (body) => watcher.onQueued(body.position));
  on('manifest', (body) => {
    if (run || body.planes.length === 0) return; // Planes that depend on the whole training come at its end.
    run = startRun(body);
    watcher.onManifest(run);
  });
  on('frame', (body) => {
    if (run) addFrame(run, body);
    watcher.onFrame(body.done, body.total);
  });
  on('stage', ({what, done, total}) => watcher.onStage(what, done, total));
  on('done', (body) => {
    close();
    if (run) finishRun(run, body);
    watcher.onDone();
  });
  on('failed', (body) => {
    close();
    watcher.onFailed(createProblem(body));
  });
  on('cancelled', ({stopping}) => {
    close();
    if (stopping) watcher.onStopping();
    else watcher.onCancelled();
  });
  let broken = false;
  source.addEventListener('open', () => {
    broken = false;
  });
  source.onerror = () => {
    if (signal.aborted) return;
    // A connection may break once; the browser reconnects at once.
    const given = source.readyState === EventSource.CLOSED || broken;
    broken = true;
    if (!given) return;
    close();
    watcher.onLost();
  };
}

/**
 * @typedef {object} Recording the state of a recording of which no run has been made yet
 * @property {string} title
 * @property {{status: 'recording'} | {status: 'interrupted', message: string}} outcome `interrupted`: its process has
 *   ended
 * @property {number[]} frames the epoch of each frame
 * @property {Record<string, (number | null)[]>} metrics
 * @property {{points: [number, number][], explained_variance: number} | null} path in the plane of its principal
 *   components
 */

/**
 * Follow a recording until it has become a run, or the signal aborts.
 * @param {string} url @param {AbortSignal} signal
 * @param {{onRecording: (recording: Recording) => void, onDone: () => void, onLost: () => void, onStopping: () => void,
 *   onFailed: (problem: import('./json.js').Problem) => void}} watcher
 */
export function watchRecording(url, signal, {onRecording, onDone, onFailed, onLost, onStopping}) {
  const source = new EventSource(url);
  signal.addEventListener('abort', () => source.close());
  /** @param {string} type @param {(body: any) => void} handle @param {boolean} [isLast] */
  const on = (type, handle, isLast = false) =>
    source.addEventListener(type, (event) => {
      if (isLast) source.close();
      if (!signal.aborted) handle(JSON.parse(/** @type {MessageEvent} */ (event).data));
    });
  on('recording', onRecording);
  on('done', onDone, true);
  on('failed', (body) => onFailed(createProblem(body)), true);
  on('cancelled', onStopping, true);
  source.onerror = () => {
    if (signal.aborted || source.readyState !== EventSource.CLOSED) return; // The browser connects again.
    onLost();
  };
}

/** @param {Manifest & {data: Record<string, string>}} manifest */
function startRun(manifest) {
  const {data, ...rest} = manifest;
  const run = new Run({...rest, metrics: emptyMetrics()}, {kind: KINDS.computing});
  for (const [name, entry] of Object.entries(manifest.arrays)) {
    if ([...STATIC_ARRAYS, ...FRAME_ARRAYS].includes(name)) reserve(run, name, entry, data[name]);
  }
  for (const plane of run.planes) {
    for (const name of ['coordinates', 'loss_surface'])
      reserve(run, planeArray(plane, name), plane.arrays[name], data[planeArray(plane, name)]);
  }
  return run;
}

/** @param {Run} run @param {string} name @param {{dtype: string, shape: number[]}} entry @param {string} [base64] */
function reserve(run, name, entry, base64) {
  const {array, write} = allocate(entry.dtype, entry.shape);
  if (base64) write(decodeBase64(base64));
  run.put(name, array);
}

/**
 * @param {Run} run
 * @param {{epoch: number, metrics: Record<string, number>, data: Record<string, string>}} body
 */
function addFrame(run, {epoch, metrics, data}) {
  const frame = run.makeRoom(epoch);
  if (frame < 0) return;
  for (const [name, value] of Object.entries(metrics)) run.metrics[/** @type {keyof Metrics} */ (name)][frame] = value;
  for (const name of FRAME_ARRAYS) {
    run.frameOf(name, frame).set(decodeAs(run.manifest.arrays[name].dtype, data[name]));
  }
  for (const plane of run.planes) {
    const key = planeArray(plane, 'loss_surface');
    const surfaces = decodeAs(plane.arrays.loss_surface.dtype, data[key]);
    const cells = surfaces.length / plane.spans.length;
    plane.spans.forEach((span, spanIndex) => {
      run
        .surface({...MOVING, plane, span, spanIndex}, frame)
        .set(surfaces.subarray(spanIndex * cells, (spanIndex + 1) * cells));
    });
  }
  run.receive(frame);
}

/** @param {Run} run @param {{outcome: Run['outcome'], frames: number[]}} body */
function finishRun(run, {outcome, frames}) {
  run.outcome = outcome;
  if (run.lacksFrames) run.endFrames();
  else run.frames = frames;
  run.kind = KINDS.stored;
}

/** @param {string} dtype @param {string} base64 */
function decodeAs(dtype, base64) {
  const bytes = decodeBase64(base64);
  const width = Number(/\d+/.exec(dtype)?.[0] ?? 8) / 8;
  const {array, write} = allocate(dtype, [bytes.length / width]);
  write(bytes);
  return array.data;
}

/** @param {string} text */
function decodeBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** @returns {Metrics} */
function emptyMetrics() {
  return {train_loss: [], test_loss: [], train_accuracy: [], test_accuracy: []};
}
