/**
 * The run on show and the run on its way. Whatever is asked for last wins: every request has its own AbortController,
 * and an answer to an older one is dropped.
 */
/** @import {Config, GalleryEntry, Status} from '../model/types.js' */
/** @import {Arrivals} from './arrays.js' */
/** @import {Target} from '../model/choice.js' */
import {createArrivals} from './arrays.js';
import {Away, fetchJson, fetchManifest, Problem, unreached} from './json.js';
import {createRetry} from '../lib/retry.js';
import {FRAME_ARRAYS, Run, STATIC_ARRAYS} from '../model/run.js';

/** Runs kept in memory, so that going back and forth between a few asks the network for nothing. */
const KEPT = 6;
/** Small ones first: a browser opens six connections at a time to an HTTP/1.1 host. */
const SMALL = [...STATIC_ARRAYS, FRAME_ARRAYS[0]];
const LARGE = FRAME_ARRAYS.slice(1);

/**
 * @typedef {object} Listener
 * @property {(gallery: GalleryEntry[]) => void} onGallery the gallery has grown
 * @property {(run: Run) => void} onRun a run has begun to arrive
 * @property {() => void} onData more of it is there
 * @property {() => void} onSettled all of it is there
 * @property {(status: Status) => void} onStatus
 */

/** @typedef {ReturnType<typeof createSession>} Session */

/**
 * @param {object} options
 * @param {(run: Run) => string[]} options.wanted the arrays of planes that the state asks for
 * @param {(run: Run) => string[]} options.unmet what the state asks for and the run cannot show
 * @param {Promise<void>} [options.before] what is to be there before any array is asked for
 * @param {string[]} [options.unread] what of the link could not be read; told of what is opened first
 */
export function createSession({wanted, unmet, before: first, unread = []}) {
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

  /** @type {Map<string, Run>} runs of which the first picture is whole, the latest used last */
  const kept = new Map();
  let controller = new AbortController();
  /** @type {Target | null} what is to be on show */
  let asked = null;
  /** @type {string | null} */
  let computing = null;
  /** @type {{run: Run, arrivals: Arrivals, signal: AbortSignal, settled: boolean, turn: number, recover: (error: unknown) => Promise<void>} | null} the stored run on show */
  let showing = null;

  /** What is to be said of the run on show, as it is not what the link asks for. @type {Status | null} */
  let remark = null;
  let untold = unread;
  /** Is what is to be on show what the page was opened with? Then what it lacks of that is told. */
  let isFirst = true;
  let openings = 0;

  /** @param {Run} run */
  const keep = (run) => {
    kept.delete(run.id);
    kept.set(run.id, run);
    if (kept.size > KEPT) kept.delete(/** @type {string} */ (kept.keys().next().value));
  };

  /** @param {Run} run */
  const settle = (run) => {
    retry.rest();
    keep(run);
    onSettled();
    onStatus(remark ?? verdict(run));
  };

  /** @param {unknown} error @param {AbortSignal} signal */
  const fail = (error, signal) => {
    if (signal.aborted) return;
    if (error instanceof Away) {
      onStatus({kind: 'away', text: error.title, detail: error.detail});
      return retry.wait();
    }
    const problem =
      error instanceof Problem
        ? error
        : new Problem('This run could not be read', String(/** @type {any} */ (error)?.message ?? error));
    onStatus({kind: 'failed', text: problem.title, detail: problem.detail});
  };

  /**
   * @param {string} id @param {AbortSignal} signal
   * @param {{repair?: Config, before?: Run}} [options] `repair`: with what a server computes it anew, should it be
   * damaged; `before`: what a computation has sent of it already
   */
  const openStored = async (id, signal, {repair, before} = {}) => {
    // The server sets a damaged run aside. If it finds no damage, the run is read once more, and what is wrong then is told.
    const recover = async (/** @type {unknown} */ error) => {
      if (signal.aborted || !repair || error instanceof Away) throw error;
      kept.delete(id);
      await compute(repair, signal);
    };
    const known = before ? undefined : kept.get(id);
    if (!known && !before) onStatus({kind: 'loading', text: 'Loading…'});
    try {
      const run = known ?? new Run(await fetchManifest(id, signal));
      await first;
      if (signal.aborted) return;
      if (before) run.adopt(before);
      const arrivals = createArrivals(run, {
        signal,
        onData: () => {
          if (!signal.aborted) onData();
        },
      });
      showing = {run, arrivals, signal, settled: false, turn: 0, recover};
      const lacks = isFirst ? unmet(run) : [];
      if (lacks.length) remark ??= notShown(lacks);
      onRun(run);
    } catch (error) {
      return recover(error);
    }
    bring();
  };

  /** Ask for what is wanted of the run on show, and tell when it is there. Only the latest wish counts. */
  const bring = () => {
    if (!showing || showing.signal.aborted) return;
    const mine = showing;
    const {run, arrivals, signal} = mine;
    const turn = ++mine.turn;
    const coming = arrivals.want([...SMALL, ...wanted(run), ...LARGE]);
    const isOver = () => signal.aborted || mine !== showing || turn !== mine.turn;
    const whole = () => {
      if (isOver()) return;
      retry.rest();
      if (mine.settled) onStatus(remark ?? verdict(run));
      else settle(run);
      mine.settled = true;
      onData();
    };
    if (!coming) return whole();
    if (mine.settled) onStatus({kind: 'loading', text: 'Loading…'});
    const broken = async (/** @type {unknown} */ error) => {
      if (isOver()) return;
      arrivals.want([]); // the rest would be of a run that may be set aside
      await mine.recover(error);
    };
    coming.then(whole, broken).catch((error) => fail(error, signal));
  };

  /** @param {Config} config @param {AbortSignal} signal */
  const compute = async (config, signal) => {
    onStatus({kind: 'queued', text: 'Asking for this run…'});
    const {requestRun, watchRun} = await live();
    const job = await requestRun(config); // to its end, for a server that was asked goes on
    if (job.state === 'stored') return signal.aborted ? undefined : openStored(job.id, signal);
    if (!signal.aborted) computing = job.id;
    /** @type {Run | null} */
    let run = null;
    watchRun(job.events ?? `api/runs/${encodeURIComponent(job.id)}/events`, signal, {
      onQueued: (position) =>
        onStatus({kind: 'queued', text: position > 0 ? `Waiting: ${position} before this run` : 'Starting…'}),
      onManifest: (started) => {
        retry.rest();
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
          text: 'Trained; computing the planes',
          detail: `${what}: ${done} of ${total}`,
          progress: done / total,
        }),
      onDone: () => {
        if (run) settle(run);
        refreshGallery();
        // What is computed from the whole training is in the stored run only. Should that not be had, this one stays.
        openStored(job.id, signal, {before: run ?? undefined}).catch((error) => fail(error, signal));
      },
      onFailed: (problem) => fail(problem, signal),
      onLost: () => fail(new Away(), signal),
      onCancelled: () =>
        onStatus({kind: 'cancelled', text: 'Cancelled', detail: 'What was computed until then stays on show.'}),
    });
  };

  const leave = () => {
    retry.rest();
    controller.abort();
    controller = new AbortController();
    asked = computing = showing = null;
  };

  /** @param {Target} target */
  const begin = async (target) => {
    const {signal} = controller;
    if (target.kind === 'unavailable') return onStatus(unavailable(target.empty));
    if (target.kind === 'lacking') return onStatus(notHere(target.id, target.computes));
    const opening =
      target.kind === 'stored'
        ? openStored(target.id, signal, {repair: target.repair})
        : compute(target.config, signal);
    await opening.catch((error) => fail(error, signal));
  };

  /** What was asked for once more, from where it broke off, if somebody answers. Until then all stays as it is. */
  const retry = createRetry(async () => {
    const {signal} = controller;
    try {
      const {runs} = await fetchJson('data/index.json', {signal, cache: 'no-store'});
      listener?.onGallery(runs);
    } catch (error) {
      return fail(error, signal);
    }
    if (signal.aborted || !asked) return;
    if (showing) bring();
    else await begin(asked);
  });

  const refreshGallery = () =>
    fetchJson('data/index.json')
      .then((index) => listener?.onGallery(index.runs))
      .catch(() => {});

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
      leave();
      asked = target;
      remark =
        target.kind === 'stored' && target.lacking !== undefined
          ? standIn(target.lacking)
          : untold.length
            ? notRead(untold)
            : null;
      untold = [];
      isFirst = openings++ === 0;
      await begin(target);
    },
    /** Try at once what waits for a server that does not answer. @returns {boolean} does anything? */
    hurry: () => retry.now(),
    /** What there is to say of the run on show, instead of how it ended, until another is opened. @param {Status} status */
    remark(status) {
      remark = status;
      onStatus(status);
    },
    /** The state asks for other arrays of the run on show. */
    bring,
    /** Something else is on show: nothing is told any more of what was asked for. */
    leave,
    cancel() {
      const id = computing;
      if (id)
        live()
          .then(({cancelRun}) => cancelRun(id))
          .catch((error) => fail(error, controller.signal));
    },
  };
}

/** Most visits open what is stored. */
const live = () =>
  import('./live.js').catch((error) => {
    throw unreached(error);
  });

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
  if (empty)
    return {
      kind: 'unavailable',
      text: 'This gallery is empty',
      detail: 'Make runs with “lossatlas build” and export again, or compute any with “lossatlas serve”.',
    };
  return {
    kind: 'unavailable',
    text: 'Not available in this gallery',
    detail:
      'It was published without this combination. Choose one without a dashed frame, or compute any with “lossatlas serve”.',
  };
}

/** @param {string} id @param {boolean} computes @returns {Status} */
function notHere(id, computes) {
  return {
    kind: 'lacking',
    text: `This gallery has no run “${id}”`,
    detail: `It may be in the one that the link was made in. Instead, the model and the dataset that are marked can be ${computes ? 'trained as usual' : 'shown, if they are here'}.`,
  };
}

/** @param {string} id @returns {Status} */
function standIn(id) {
  return {
    kind: 'note',
    text: `This gallery has no run “${id}”`,
    detail: 'In its place stands the usual training of the model and the dataset that are marked.',
  };
}

/** @param {string[]} sentences @returns {Status} */
function notShown(sentences) {
  return {kind: 'note', text: 'Not all that this link asks for can be shown', detail: sentences.join(' ')};
}

/** @param {string[]} parts @returns {Status} */
function notRead(parts) {
  return {
    kind: 'note',
    text: 'Not all of this link could be read',
    detail: `What stands there for “${parts.join('”, “')}” is as if the link did not say it.`,
  };
}
