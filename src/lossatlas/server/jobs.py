"""The runs being computed: a bounded queue, and one thread that works through it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from enum import StrEnum
from functools import partial

from lossatlas.errors import CancelledError, LossAtlasError, QueueFullError
from lossatlas.runs import Computation, Frame, RunConfig, Setup
from lossatlas.server.events import Event, EventLog
from lossatlas.server.messages import done_body, frame_arrays, frame_body, manifest_body, stage_body
from lossatlas.server.problems import problem_of
from lossatlas.store import Gallery, describe_outcome

logger = logging.getLogger("lossatlas.server")

#: Finished jobs whose events can still be asked for, and how many bytes these may take in all.
REMEMBERED_JOBS = 8
REMEMBERED_BYTES = 256 * 2**20
#: Seconds that a job goes on for after its last listener has gone: long enough to come back, as after a reload.
GRACE = 2.0


class State(StrEnum):
    """Where a run is on its way."""

    QUEUED = "queued"
    RUNNING = "running"
    STORED = "stored"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """One run on its way into the gallery. Only :class:`Jobs` changes it, under its lock.

    Attributes
    ----------
    id, config
        What is computed.
    log
        Everything that has happened to it.
    state
        Where it is.
    saving
        Whether it is past the point where it can be cancelled.
    giving_up
        What will cancel it, once all who listened have gone; None while somebody listens, or nobody ever has.
    """

    def __init__(self, config: RunConfig, on_listeners: Callable[[Job], None]) -> None:
        self.id, self.config = config.id, config
        self.log = EventLog(lambda: on_listeners(self))
        self.state = State.QUEUED
        self.saving = False
        self.giving_up: threading.Timer | None = None
        self._position: int | None = None

    @property
    def active(self) -> bool:
        """Whether it is still to end."""
        return self.state in {State.QUEUED, State.RUNNING}

    @property
    def rank(self) -> int:
        """Whose turn comes first: 0 somebody listens, 1 nobody has yet, 2 all have gone."""
        return 0 if self.log.followed else 2 if self.giving_up else 1

    def keep(self) -> None:
        """Do not give it up after all."""
        if self.giving_up:
            self.giving_up.cancel()
            self.giving_up = None

    def move_to(self, position: int) -> None:
        """Tell listeners how many jobs come before it, where that has changed."""
        if position != self._position:
            self._position = position
            self.log.append(Event("queued", lambda: {"position": position}))


class Jobs:
    """Computes what is asked for, one run at a time, and stores it.

    Somebody who follows a run is served before somebody who does not, and one that all have left is cancelled after
    :data:`GRACE` seconds: whoever goes through many choices waits only for the one that is kept.

    Parameters
    ----------
    gallery
        Where runs are stored.
    threads
        For the surfaces; by default one a core.
    queue_size
        How many jobs may wait.
    """

    def __init__(self, gallery: Gallery, threads: int | None = None, queue_size: int = 8) -> None:
        self._gallery, self._threads, self._queue_size = gallery, threads, queue_size
        self._jobs: dict[str, Job] = {}  # the finished ones in the order in which they finished
        self._queue: list[Job] = []  # as they came; _in_turn sorts them
        self._current: Job | None = None
        self._stopping = False
        self._worker: threading.Thread | None = None
        self._changed = threading.Condition(threading.RLock())

    def start(self) -> None:
        """Start the worker."""
        self._stopping = False
        # A daemon: the interpreter does not wait at its exit for a surface that nobody will see.
        self._worker = threading.Thread(target=self._work, name="lossatlas-jobs", daemon=True)
        self._worker.start()

    def stop(self) -> None:
        """Cancel everything and accept no more; return at once."""
        with self._changed:
            self._stopping = True
            for job in tuple(self._jobs.values()):
                self.cancel(job)
            self._changed.notify_all()

    def join(self, timeout: float) -> None:
        """Wait up to ``timeout`` seconds for the worker to end."""
        if self._worker:
            self._worker.join(timeout)

    def find(self, run_id: str) -> Job | None:
        """The job of that id, unless there was none or it is forgotten."""
        with self._changed:
            return self._jobs.get(run_id)

    def submit(self, config: RunConfig) -> Job:
        """Queue a run, or join the job that is computing it already.

        Raises
        ------
        QueueFullError
            If as many wait as may.
        """
        with self._changed:
            known = self._jobs.get(config.id)
            if known and known.active:
                known.keep()
                return known
            if self._stopping:
                raise QueueFullError("the server is stopping")
            if len(self._queue) >= self._queue_size:
                self._make_room()
            if len(self._queue) >= self._queue_size:
                raise QueueFullError(f"{len(self._queue)} runs are waiting already; try again in a moment")
            self._jobs.pop(config.id, None)
            job = self._jobs[config.id] = Job(config, self._on_listeners)
            self._queue.append(job)
            self._tell_positions()
            self._changed.notify_all()
            return job

    def cancel(self, job: Job) -> None:
        """End a job that waits or computes; one that has ended, or is being stored, stays as it is."""
        with self._changed:
            if not job.saving:
                body = {"stopping": True} if self._stopping else {}  # who listens may ask a server that comes after
                self._end(job, State.CANCELLED, Event("cancelled", body.copy, last=True))

    def _on_listeners(self, job: Job) -> None:
        """Someone has begun to follow a job, or has gone."""
        with self._changed:
            if not job.active:
                return
            job.keep()
            if not job.log.followed:
                timer = threading.Timer(GRACE, lambda: self._give_up(job, timer))
                timer.daemon = True
                job.giving_up = timer
                timer.start()
            self._tell_positions()

    def _give_up(self, job: Job, timer: threading.Timer) -> None:
        with self._changed:
            if job.giving_up is timer:  # else someone came back while this waited for the lock
                self.cancel(job)

    def _make_room(self) -> None:
        """End the first job that waits for nobody, if there is one, without waiting for its grace."""
        if left := [job for job in self._queue if job.giving_up]:
            self.cancel(left[0])

    def _in_turn(self) -> list[Job]:
        return sorted(self._queue, key=lambda job: job.rank)

    def _work(self) -> None:
        while job := self._next():
            try:
                done = self._compute(job)
            except CancelledError:
                continue
            except Exception as error:  # whatever it was, the next job is not to blame
                # a cancelled one may well trip over an interpreter that is shutting down
                if job.active and not isinstance(error, LossAtlasError):
                    logger.exception("computing %s failed", job.id)
                problem = problem_of(error).body  # now, for the error holds on to every frame in its traceback
                self._end(job, State.FAILED, Event("failed", problem.copy, last=True))
            else:
                self._end(job, State.STORED, done)

    def _next(self) -> Job | None:
        """Wait for a job; None when there will be none."""
        with self._changed:
            self._current = None
            self._tell_positions()
            self._changed.wait_for(lambda: self._queue or self._stopping)
            if self._stopping:
                return None
            job = self._current = self._in_turn()[0]
            self._queue.remove(job)
            job.state = State.RUNNING
            self._tell_positions()
            return job

    def _compute(self, job: Job) -> Event:
        """Compute and store a run, telling of each frame as it comes; return the event that ends it."""
        setup = Setup.of(job.config)
        references = self._gallery.references(job.config)
        computation = Computation(setup, self._threads, cancelled=lambda: not job.active, references=references)
        epochs = computation.training.epochs
        job.log.append(Event("manifest", partial(manifest_body, setup, epochs)))
        frames = []
        for frame in computation:
            frames.append(frame)
            job.log.append(Event("frame", partial(frame_body, frame, len(epochs)), size=_size(frame)))
        run = computation.finish(frames, lambda stage: job.log.append(Event("stage", partial(stage_body, stage))))
        self._commit(job)
        self._gallery.save(run)
        outcome = describe_outcome(run.trajectory.outcome)
        return Event("done", partial(done_body, run.id, outcome, run.trajectory.epochs), last=True)

    def _commit(self, job: Job) -> None:
        """Pass the point where a job can be cancelled: from here on it is stored, whole."""
        with self._changed:
            if not job.active:
                raise CancelledError(f"{job.id} was cancelled")
            job.saving = True

    def _end(self, job: Job, state: State, event: Event) -> None:
        with self._changed:
            if not job.active:
                return
            job.state = state
            if job in self._queue:
                self._queue.remove(job)
                self._tell_positions()
            self._jobs[job.id] = self._jobs.pop(job.id)
            job.log.append(event)
            self._forget()

    def _forget(self) -> None:
        """Drop the oldest finished jobs, and with them their frames, until the rest is within bounds."""
        finished = [job for job in self._jobs.values() if not job.active]
        size = sum(job.log.size for job in finished)
        for job in finished:
            if len(finished) <= REMEMBERED_JOBS and size <= REMEMBERED_BYTES:
                break
            finished = finished[1:]
            size -= job.log.size
            del self._jobs[job.id]

    def _tell_positions(self) -> None:
        for position, job in enumerate(self._in_turn(), start=1 if self._current else 0):
            job.move_to(position)


def _size(frame: Frame) -> int:
    return sum(array.nbytes for array in frame_arrays(frame).values())
