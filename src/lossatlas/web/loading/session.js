/**
 * This module is the session: it knows which run is shown, and fetches the next one, from the gallery or from a server
 * that computes it. The newest request wins: every request has its own AbortController, and the answer to an older
 * request is dropped.
 */
/** @import {Config, Status} from '../model/types.js' */
/** @import {Target} from '../model/choice.js' */
/** @import {Listener} from './relay.js' */
/** @import {StoredRun} from './stored_run.js' */
import {createLazyModule} from '../lib/lazy.js';
import {createRetry} from '../lib/retry.js';
import {Run} from '../model/run.js';
import {eventsUrl} from './addresses.js';
import {Away, fetchJson, fetchManifest, Problem, Stopped, toAway} from './json.js';
import {
  describeLackingRun,
  describeOutcome,
  describeStandIn,
  describeUnavailable,
  describeUnmet,
  describeUnreadable,
} from './messages.js';
import {createRelay} from './relay.js';
import {createStoredRun} from './stored_run.js';

/** The number of runs that stay in memory, so that going back and forth between a few of them needs no requests. */
const KEPT = 6;

/**
 * @typedef {object} Options
 * @property {(run: Run) => string[]} listNeeded the arrays of planes that the state needs
 * @property {(run: Run) => string[]} listUnmet what the state asks for that the run cannot show, in sentences
 * @property {Promise<void>} [before] arrays are requested only after it has settled
 * @property {string[]} [unread] the parts of the link that could not be read; the message on the first run names them
 */

export class Session {
  #options;
  #relay = createRelay();
  /** The runs whose first picture is complete; the run that was used last is at the end. @type {Map<string, Run>} */
  #kept = new Map();
  #controller = new AbortController();
  /** @type {Target | null} */
  #target = null;
  /** The id of the job on the server. @type {string | null} */
  #job = null;
  /** @type {StoredRun | null} */
  #showing = null;
  /** A message that is shown instead of the run's outcome. @type {Status | null} */
  #remark = null;
  #openings = 0;
  #retry = createRetry(() => this.#tryAgain());
  /** What the server said before it was stopped, until it answers again. @type {Stopped | null} */
  #stopped = null;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
  }

  /** Report everything from now on, and repeat at once what has been reported before. @param {Listener} listener */
  listen(listener) {
    this.#relay.listen(listener);
  }

  /**
   * Show a run. The promise settles when its data have been requested, or are known not to exist.
   * @param {Target} target
   */
  async open(target) {
    this.leave();
    this.#target = target;
    this.#remark = this.#remarkOn(target);
    this.#openings++;
    await this.#begin(target);
  }

  /** Request the arrays that the state now needs of the run that is shown. */
  request() {
    this.#showing?.request();
  }

  /** Try again at once if the server has not answered. @returns {boolean} false if there was nothing to request */
  retryNow() {
    return this.#retry.retryNow();
  }

  /** Show a message instead of the run's outcome until another run is opened. @param {Status} status */
  showRemark(status) {
    this.#remark = status;
    this.#relay.onStatus(status);
  }

  /**
   * Choose the message about a run that was trained in the page and not opened here. Only the run that the page opened
   * with can lack what the link asks for: later choices offer only what exists.
   * @param {Run} run @returns {Status | null}
   */
  remarkOnPageRun(run) {
    if (this.#openings++ > 0) return null;
    const {unread = [], listUnmet} = this.#options;
    if (unread.length) return describeUnreadable(unread);
    const lacks = listUnmet(run);
    return lacks.length ? describeUnmet(lacks) : null;
  }

  /** Report nothing more about the requested run: something else takes its place. */
  leave() {
    this.#retry.reset();
    this.#controller.abort();
    this.#controller = new AbortController();
    this.#target = this.#job = this.#showing = null;
  }

  /** Cancel the job on the server. */
  cancel() {
    const [id, {signal}] = [this.#job, this.#controller];
    if (id === null) return;
    importLive()
      .then(({cancelRun}) => cancelRun(id))
      .catch((error) => this.#fail(error, signal));
  }

  /** @param {Target} target @returns {Status | null} */
  #remarkOn(target) {
    if (target.kind === 'stored' && target.lacking !== undefined) return describeStandIn(target.lacking);
    const {unread = []} = this.#options;
    return unread.length && this.#openings === 0 ? describeUnreadable(unread) : null;
  }

  /** @param {Target} target */
  async #begin(target) {
    const {signal} = this.#controller;
    if (target.kind === 'unavailable') return this.#relay.onStatus(describeUnavailable(target.empty, target.readOnly));
    if (target.kind === 'lacking') return this.#relay.onStatus(describeLackingRun(target.id, target.computes));
    const opening =
      target.kind === 'recording'
        ? this.#watchRecording(target.id, signal)
        : target.kind === 'stored'
          ? this.#openStored(target.id, signal, {repair: target.repair})
          : this.#compute(target.config, signal);
    await opening.catch((error) => this.#fail(error, signal));
  }

  /**
   * Open a stored run.
   * @param {string} id @param {AbortSignal} signal
   * @param {{repair?: Config, before?: Run}} [options] `repair`: the configuration with which a server computes the run
   *   again if it is damaged; `before`: the part of the same run that a computation has already sent
   */
  async #openStored(id, signal, {repair, before} = {}) {
    // The server sets a damaged run aside. If it finds no damage, the run is read once more, and then its error is
    // shown.
    const recover = async (/** @type {unknown} */ error) => {
      if (signal.aborted || !repair || error instanceof Away) throw error;
      this.#kept.delete(id);
      await this.#compute(repair, signal);
    };
    const known = before ? undefined : this.#kept.get(id);
    if (!known && !before) this.#relay.onStatus({kind: 'loading', text: 'Loading…'});
    try {
      const run = known ?? new Run(await fetchManifest(id, signal));
      await this.#options.before;
      if (signal.aborted) return;
      if (before) run.adopt(before);
      this.#show(run, signal, recover);
    } catch (error) {
      return recover(error);
    }
    this.request();
  }

  /** @param {Run} run @param {AbortSignal} signal @param {(error: unknown) => Promise<void>} recover */
  #show(run, signal, recover) {
    this.#showing?.stop();
    this.#showing = createStoredRun(run, {
      signal,
      recover,
      listNeeded: this.#options.listNeeded,
      onData: this.#relay.onData,
      onWait: () => this.#relay.onStatus({kind: 'loading', text: 'Loading…'}),
      onWhole: (isFirst) => {
        this.#hear();
        if (isFirst) this.#settle(run);
        else this.#relay.onStatus(this.#remark ?? describeOutcome(run));
      },
      onError: (error) => this.#fail(error, signal),
    });
    // Only the run that the page opened with can lack what the link asks for: later choices offer only what exists.
    const lacks = this.#openings === 1 ? this.#options.listUnmet(run) : [];
    if (lacks.length) this.#remark ??= describeUnmet(lacks);
    this.#relay.onRun(run);
  }

  /** @param {Config} config @param {AbortSignal} signal */
  async #compute(config, signal) {
    const {onStatus} = this.#relay;
    onStatus({kind: 'queued', text: 'Requesting this run…'});
    const {requestRun, watchRun} = await importLive();
    const job = await requestRun(config); // The request is not aborted, since a server that was asked continues.
    if (job.state === 'stored') return signal.aborted ? undefined : this.#openStored(job.id, signal);
    if (!signal.aborted) this.#job = job.id;
    watchRun(job.events ?? eventsUrl(job.id), signal, this.#watcherOf(job.id, signal));
  }

  /** @param {string} id @param {AbortSignal} signal */
  async #watchRecording(id, signal) {
    const {onStatus, onRecording} = this.#relay;
    onStatus({kind: 'loading', text: 'Loading…'});
    const {watchRecording} = await importLive();
    if (signal.aborted) return;
    let status = '';
    watchRecording(eventsUrl(id), signal, {
      onRecording: (recording) => {
        this.#hear();
        onStatus({kind: 'quiet'});
        if (status && status !== recording.outcome.status) this.#refreshGallery();
        status = recording.outcome.status;
        onRecording(recording);
      },
      onDone: () => {
        this.#refreshGallery();
        this.#openStored(id, signal).catch((error) => this.#fail(error, signal));
      },
      onFailed: (problem) => this.#fail(problem, signal),
      onLost: () => this.#fail(new Away(), signal),
      onStopping: () => this.#fail(new Stopped(), signal),
    });
  }

  /** @param {string} id @param {AbortSignal} signal @returns {import('./live.js').Watcher} */
  #watcherOf(id, signal) {
    const {onStatus, onRun, onData} = this.#relay;
    /** @type {Run | null} */
    let run = null;
    return {
      onQueued: (position) =>
        onStatus({kind: 'queued', text: position > 0 ? `Waiting: ${position} before this run` : 'Starting…'}),
      onManifest: (started) => {
        this.#hear();
        run = started;
        onRun(run);
        onStatus({kind: 'computing', text: 'Training…', progress: 0});
      },
      onFrame: (done, total) => {
        onData();
        onStatus({kind: 'computing', text: `Computing frame ${done} of ${total}`, progress: done / total});
      },
      onStage: (what, done, total) =>
        onStatus({
          kind: 'computing',
          text: what === 'Training' ? 'Training…' : 'Trained; computing the planes',
          detail: `${what}: ${done} of ${total}`,
          progress: done / total,
        }),
      onDone: () => {
        if (run) this.#settle(run);
        this.#refreshGallery();
        // Only the stored run contains what is computed from the whole training. If it cannot be read, this one stays
        // visible.
        const before = run?.lacksFrames ? undefined : (run ?? undefined);
        this.#openStored(id, signal, {before}).catch((error) => this.#fail(error, signal));
      },
      onFailed: (problem) => this.#fail(problem, signal),
      onLost: () => this.#fail(new Away(), signal),
      onStopping: () => this.#fail(new Stopped(), signal),
      onCancelled: () =>
        onStatus({kind: 'cancelled', text: 'Cancelled', detail: 'What was computed until then is shown.'}),
    };
  }

  /** Note that the server answers. */
  #hear() {
    this.#retry.reset();
    this.#stopped = null;
  }

  /** Report that all of a run has arrived. @param {Run} run */
  #settle(run) {
    this.#hear();
    this.#kept.delete(run.id);
    if (!run.lacksFrames) this.#kept.set(run.id, run);
    if (this.#kept.size > KEPT) this.#kept.delete(/** @type {string} */ (this.#kept.keys().next().value));
    this.#relay.onSettled();
    this.#relay.onStatus(this.#remark ?? describeOutcome(run));
  }

  /** @param {unknown} error @param {AbortSignal} signal */
  #fail(error, signal) {
    if (signal.aborted) return;
    if (error instanceof Away) {
      if (error instanceof Stopped) this.#stopped = error;
      const {title, detail} = this.#stopped ?? error;
      this.#relay.onStatus({kind: 'away', text: title, detail});
      return this.#retry.retryLater();
    }
    const problem =
      error instanceof Problem
        ? error
        : new Problem('This run could not be read', String(/** @type {any} */ (error)?.message ?? error));
    this.#relay.onStatus({kind: 'failed', text: problem.title, detail: problem.detail});
  }

  /** Repeat the request that was not answered, if the server answers at all. Until then nothing changes. */
  async #tryAgain() {
    const {signal} = this.#controller;
    try {
      const {runs} = await fetchJson('data/index.json', {signal, cache: 'no-store'});
      this.#stopped = null;
      this.#relay.onGallery(runs);
    } catch (error) {
      return this.#fail(error, signal);
    }
    if (signal.aborted || !this.#target) return;
    if (this.#showing) this.request();
    else await this.#begin(this.#target);
  }

  #refreshGallery() {
    fetchJson('data/index.json')
      .then((index) => this.#relay.onGallery(index.runs))
      .catch(() => {});
  }
}

const live = createLazyModule(() => import('./live.js'));

/** Import the module that follows a computation when it is first used: most visits only open stored runs. */
function importLive() {
  return live.request().catch((error) => {
    throw toAway(error);
  });
}
