"""The queue of runs to compute. It has a limited length, and one thread computes the runs in it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from enum import StrEnum
from functools import partial

from lossatlas.errors import CancelledError, DataFolderError, LossAtlasError, QueueFullError
from lossatlas.runs import Computation, Frame, Run, RunConfig, Setup
from lossatlas.server.events import Event, EventLog
from lossatlas.server.messages import describe_end, describe_frame, describe_manifest, describe_stage, list_frame_arrays
from lossatlas.server.problems import describe_problem
from lossatlas.store import Gallery, describe_outcome

logger = logging.getLogger("lossatlas.server")

#: The largest number of finished jobs whose events are kept, and the largest memory of these events in bytes.
REMEMBERED_JOBS = 8
REMEMBERED_BYTES = 256 * 2**20
#: How many seconds a job continues after its last listener has gone, so that a page can be reloaded.
GRACE = 2.0


class State(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    STORED = "stored"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """The computation of one run. Only :class:`Jobs` changes it, under its lock.

    Attributes
    ----------
    id, config
        The id and the configuration of the run.
    log
        The events of the job.
    state
        The state of the job.
    saving
        Whether the run is being stored, so that it can no longer be cancelled.
    unsaved
        The finished run, if it could not be stored. Asking for it again stores it, and computes nothing.
    giving_up
        The timer that will cancel the job because all listeners have gone; None if there are listeners, or if there
        were never any.
    """

    def __init__(self, config: RunConfig, on_listeners: Callable[[Job], None]) -> None:
        self.id, self.config = config.id, config
        self.log = EventLog(lambda: on_listeners(self))
        self.state = State.QUEUED
        self.saving = False
        self.unsaved: Run | None = None
        self.giving_up: threading.Timer | None = None
        self._position: int | None = None

    @property
    def active(self) -> bool:
        """Whether the job has not ended."""
        return self.state in {State.QUEUED, State.RUNNING}

    @property
    def rank(self) -> int:
        """The order of jobs: 0 if there are listeners, 1 if there never were any, 2 if all have gone."""
        return 0 if self.log.has_listeners else 2 if self.giving_up else 1

    def keep(self) -> None:
        """Stop the timer that would cancel the job."""
        if self.giving_up:
            self.giving_up.cancel()
            self.giving_up = None

    def move_to(self, position: int) -> None:
        """Set how many jobs come before this one, and tell listeners if the number has changed."""
        if position != self._position:
            self._position = position
            self.log.append(Event("queued", lambda: {"position": position}))


class Jobs:
    """Computes requested runs one at a time, and stores them.

    Runs with listeners come first. If all listeners of a run have gone, it is cancelled after :data:`GRACE` seconds.
    Therefore a person who tries many choices waits only for the last one.

    Parameters
    ----------
    gallery
        The gallery where runs are stored.
    threads
        The number of threads that compute surfaces; by default, one per core.
    queue_size
        How many jobs may wait.
    """

    def __init__(self, gallery: Gallery, threads: int | None = None, queue_size: int = 8) -> None:
        self._gallery, self._threads, self._queue_size = gallery, threads, queue_size
        self._jobs: dict[str, Job] = {}  # the finished ones in the order in which they finished
        self._queue: list[Job] = []  # in the order of arrival, until _sort_queue sorts them
        self._current: Job | None = None
        self._stopping = False
        self._worker: threading.Thread | None = None
        self._changed = threading.Condition(threading.RLock())

    def start(self) -> None:
        """Start the worker."""
        self._stopping = False
        # A daemon thread, so that the interpreter does not wait at its exit for a surface that nobody will see.
        self._worker = threading.Thread(target=self._work, name="lossatlas-jobs", daemon=True)
        self._worker.start()

    def stop(self) -> None:
        """Cancel all jobs and accept no more. It does not wait for the worker."""
        with self._changed:
            self._stopping = True
            for job in tuple(self._jobs.values()):
                self.cancel(job)
            self._changed.notify_all()

    @property
    def is_stopping(self) -> bool:
        """Whether the server is being stopped."""
        return self._stopping

    def join(self, timeout: float) -> None:
        """Wait up to ``timeout`` seconds for the worker to end."""
        if self._worker:
            self._worker.join(timeout)

    def find(self, run_id: str) -> Job | None:
        """Return the job of a run; None if there is none."""
        with self._changed:
            return self._jobs.get(run_id)

    def submit(self, config: RunConfig) -> Job:
        """Add a run to the queue, unless it is already there or is being computed.

        Parameters
        ----------
        config
            The configuration of the run.

        Returns
        -------
        Job
            The new job, or the one that exists already.

        Raises
        ------
        QueueFullError
            If the queue is full, or if the server is stopping.
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
            before = self._jobs.pop(config.id, None)
            job = self._jobs[config.id] = Job(config, self._on_listeners)
            job.unsaved = before.unsaved if before else None
            self._queue.append(job)
            self._tell_positions()
            self._changed.notify_all()
            return job

    def cancel(self, job: Job) -> None:
        """End a job that waits or computes. A job that has ended, or is being stored, does not change."""
        with self._changed:
            if not job.saving:
                body = {"stopping": True} if self._stopping else {}  # listeners may ask the server after its restart
                self._end(job, State.CANCELLED, Event("cancelled", body.copy, last=True))

    def _on_listeners(self, job: Job) -> None:
        """Start or stop the timer of a job after a listener has come or gone."""
        with self._changed:
            if not job.active:
                return
            job.keep()
            if not job.log.has_listeners:
                timer = threading.Timer(GRACE, lambda: self._give_up(job, timer))
                timer.daemon = True
                job.giving_up = timer
                timer.start()
            self._tell_positions()

    def _give_up(self, job: Job, timer: threading.Timer) -> None:
        with self._changed:
            if job.giving_up is timer:  # otherwise a listener came back while this waited for the lock
                self.cancel(job)

    def _make_room(self) -> None:
        """Cancel the first waiting job that all listeners have left, if there is one."""
        if left := [job for job in self._queue if job.giving_up]:
            self.cancel(left[0])

    def _sort_queue(self) -> list[Job]:
        return sorted(self._queue, key=lambda job: job.rank)

    def _work(self) -> None:
        while job := self._take_next():
            try:
                done = self._compute(job)
            except CancelledError:
                continue
            except Exception as error:  # any error must not affect the next job
                # A cancelled job may fail because the interpreter is shutting down.
                if job.active and not isinstance(error, LossAtlasError):
                    logger.exception("computing %s failed", job.id)
                # The body is made now, because the error would keep every frame of its traceback alive.
                problem = describe_problem(error).body
                self._end(job, State.FAILED, Event("failed", problem.copy, last=True))
            else:
                self._end(job, State.STORED, done)

    def _take_next(self) -> Job | None:
        """Wait for the next job and return it; None if the server is stopping."""
        with self._changed:
            self._current = None
            self._tell_positions()
            self._changed.wait_for(lambda: self._queue or self._stopping)
            if self._stopping:
                return None
            job = self._current = self._sort_queue()[0]
            self._queue.remove(job)
            job.state = State.RUNNING
            self._tell_positions()
            return job

    def _compute(self, job: Job) -> Event:
        """Compute and store a run, and return the last event. If it cannot be stored, it is kept."""
        run = job.unsaved or self._compute_run(job)
        self._commit(job)
        try:
            self._gallery.save(run)
        except DataFolderError as error:
            job.unsaved = run
            raise DataFolderError(
                f"{error}. The run is finished and kept in memory: ask for it again to store it"
            ) from error
        job.unsaved = None
        outcome = describe_outcome(run.trajectory.outcome)
        return Event("done", partial(describe_end, run.id, outcome, run.trajectory.epochs), last=True)

    def _compute_run(self, job: Job) -> Run:
        """Compute a run, and log each frame as soon as it is there."""
        setup = Setup.of(job.config)
        references = self._gallery.references(job.config)
        computation = Computation(setup, self._threads, cancelled=lambda: not job.active, references=references)
        epochs = computation.training.epochs
        job.log.append(Event("manifest", partial(describe_manifest, setup, epochs)))
        frames = []
        for frame in computation:
            frames.append(frame)
            job.log.append(Event("frame", partial(describe_frame, frame, len(epochs)), size=_measure_size(frame)))
        return computation.finish(frames, lambda stage: job.log.append(Event("stage", partial(describe_stage, stage))))

    def _commit(self, job: Job) -> None:
        """Mark a job as being stored, so that it can no longer be cancelled."""
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
            job.log.forget_owner()  # the owner is the job itself
            self._forget()

    def _forget(self) -> None:
        """Forget the oldest finished jobs beyond the limit, and of large ones all events but the last.

        So the end of every job can be reported for a while, however large the job was.
        """
        finished = [job for job in self._jobs.values() if not job.active]
        surplus = max(0, len(finished) - REMEMBERED_JOBS)
        for job in finished[:surplus]:
            del self._jobs[job.id]
        finished = finished[surplus:]
        for job in finished[:-1]:
            job.unsaved = None  # one run at a time, since it may be large
        size = sum(job.log.size for job in finished)
        for job in finished:
            if size <= REMEMBERED_BYTES:
                break
            size -= job.log.size
            job.log = job.log.keep_last()

    def _tell_positions(self) -> None:
        for position, job in enumerate(self._sort_queue(), start=1 if self._current else 0):
            job.move_to(position)


def _measure_size(frame: Frame) -> int:
    return sum(array.nbytes for array in list_frame_arrays(frame).values())
