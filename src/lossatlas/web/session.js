/**
 * The run on show and the run on its way. Whatever is asked for last wins: every request has its own AbortController,
 * and an answer to an older one is dropped.
 */
/** @import {GalleryEntry, Status} from './types.js' */
/** @import {Target} from './choice.js' */
import {fetchJson, openRun, Problem} from './data.js';
import {cancelRun, requestRun, watchRun} from './live.js';
import {Run} from './run.js';

/** Runs kept in memory, so that going back and forth between a few asks the network for nothing. */
const KEPT = 6;

/**
 * @typedef {object} Listener
 * @property {(gallery: GalleryEntry[]) => void} onGallery the gallery has grown
 * @property {(run: Run) => void} onRun a run has begun to arrive
 * @property {() => void} onData more of it is there
 * @property {() => void} onSettled all of it is there
 * @property {(status: Status) => void} onStatus
 */

/** @typedef {ReturnType<typeof createSession>} Session */

export function createSession() {
  /** @type {Listener | null} null until the views are there */
  let listener = null;
  /** @type {{run: Run | null, settled: boolean, status: Status}} what a listener who comes late has missed */
  const now = {run: null, settled: false, status: {kind: 'quiet'}};
  const onRun = (/** @type {Run} */ run) => {
    now.run = run;
    now.settled = false;
    listener?.onRun(run);
  };
  const onSettled = () => {
    now.settled = true;
    listener?.onSettled();
  };
  const onStatus = (/** @type {Status} */ status) => {
    now.status = status;
    listener?.onStatus(status);
  };
  const onData = () => listener?.onData();

  /** @type {Map<string, Run>} complete runs, the latest used last */
  const kept = new Map();
  let controller = new AbortController();
  /** @type {string | null} */
  let computing = null;

  /** @param {Run} run */
  const keep = (run) => {
    kept.delete(run.id);
    kept.set(run.id, run);
    if (kept.size > KEPT) kept.delete(/** @type {string} */ (kept.keys().next().value));
  };

  /** @param {Run} run */
  const settle = (run) => {
    keep(run);
    onSettled();
    onStatus(verdict(run));
  };

  /** @param {unknown} error @param {AbortSignal} signal */
  const fail = (error, signal) => {
    if (signal.aborted) return;
    const problem = error instanceof Problem ? error : new Problem('This run could not be read', String(/** @type {any} */ (error)?.message ?? error));
    onStatus({kind: 'failed', text: problem.title, detail: problem.detail});
  };

  /**
   * @param {string} id @param {AbortSignal} signal
   * @param {import('./types.js').Config} [repair] with what a server computes it anew, should it be damaged
   */
  const openStored = async (id, signal, repair) => {
    const known = kept.get(id);
    if (known) {
      onRun(known);
      settle(known);
      return;
    }
    onStatus({kind: 'loading', text: 'Loading…'});
    // The server sets a damaged run aside. If it finds no damage, the run is read once more, and what is wrong then is told.
    const recover = async (/** @type {unknown} */ error) => {
      if (signal.aborted || !repair) throw error;
      await compute(repair, signal);
    };
    /** @type {Awaited<ReturnType<typeof openRun>>} */
    let opened;
    try {
      opened = await openRun(id, {signal, onData: () => { if (!signal.aborted) onData(); }});
    } catch (error) {
      return recover(error);
    }
    const {run, complete} = opened;
    if (signal.aborted) return void complete.catch(() => {});
    onRun(run);
    complete.then(() => { if (!signal.aborted) settle(run); }, recover).catch((error) => fail(error, signal));
  };

  /** @param {import('./types.js').Config} config @param {AbortSignal} signal */
  const compute = async (config, signal) => {
    onStatus({kind: 'queued', text: 'Asking for this run…'});
    const job = await requestRun(config); // to its end, for a server that was asked goes on
    if (job.state === 'stored') return signal.aborted ? undefined : openStored(job.id, signal);
    if (!signal.aborted) computing = job.id;
    /** @type {Run | null} */
    let run = null;
    watchRun(job.events ?? `api/runs/${encodeURIComponent(job.id)}/events`, signal, {
      onQueued: (position) => onStatus({kind: 'queued', text: position > 0 ? `Waiting: ${position} before this run` : 'Starting…'}),
      onManifest: (started) => { run = started; onRun(run); onStatus({kind: 'computing', text: 'Training…', progress: 0}); },
      onFrame: (done, total) => {
        onData();
        onStatus({kind: 'computing', text: `Computing frame ${done} of ${total}`, progress: done / total});
      },
      onDone: () => { if (run) settle(run); refreshGallery(); },
      onFailed: (problem) => fail(problem, signal),
      onCancelled: () => onStatus({kind: 'cancelled', text: 'Cancelled', detail: 'What was computed until then stays on show.'}),
    });
  };

  const refreshGallery = () => fetchJson('data/index.json').then((index) => listener?.onGallery(index.runs)).catch(() => {});

  return {
    /** Tell from now on of everything, and of how things stand at once. @param {Listener} to */
    listen(to) {
      listener = to;
      to.onStatus(now.status);
      if (now.run) to.onRun(now.run);
      if (now.settled) to.onSettled();
    },
    /**
     * Settles when the run's data have been asked for, or it is known that there are none.
     * @param {Target} target @returns {Promise<void>}
     */
    async open(target) {
      controller.abort();
      controller = new AbortController();
      computing = null;
      const {signal} = controller;
      if (target.kind === 'unavailable') return onStatus(unavailable(target.empty));
      const opening = target.kind === 'stored' ? openStored(target.id, signal, target.repair) : compute(target.config, signal);
      await opening.catch((error) => fail(error, signal));
    },
    cancel() {
      if (computing) cancelRun(computing).catch((error) => fail(error, controller.signal));
    },
  };
}

/** @param {Run} run @returns {Status} */
function verdict({outcome}) {
  if (outcome.status !== 'diverged') return {kind: 'quiet'};
  const message = outcome.message ?? 'a number stopped being finite';
  return {
    kind: 'diverged',
    text: /^training diverged/i.test(message) ? message : `Training diverged at epoch ${outcome.epoch}: ${message}`,
    detail: 'The frames before it are shown. A smaller learning rate usually helps.',
  };
}

/** @param {boolean} empty is there no run at all? @returns {Status} */
function unavailable(empty) {
  if (empty) return {kind: 'unavailable', text: 'This gallery is empty', detail: 'Make runs with “lossatlas build” and export again, or compute any with “lossatlas serve”.'};
  return {
    kind: 'unavailable',
    text: 'Not available in this gallery',
    detail: 'It was published without this combination. Choose one that is not struck through, or compute any with “lossatlas serve”.',
  };
}
