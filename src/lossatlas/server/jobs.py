"""The runs that clients ask for: they wait in a fair queue of limited length, and worker processes compute them."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass

from lossatlas.building.checkpoint import find_served, mark_served, remove_partial, remove_stored
from lossatlas.building.estimate import Sizes
from lossatlas.building.live_run import LIVE_SIZES
from lossatlas.building.worker_process import IDLE_WORKERS
from lossatlas.errors import (
    CancelledError,
    DataFolderError,
    LossAtlasError,
    QueueFullError,
    QuotaError,
    RunTooLargeError,
    WorkerDiedError,
)
from lossatlas.runs import RunConfig
from lossatlas.server.capacity import Capacity
from lossatlas.server.computing import Computing
from lossatlas.server.events import Event
from lossatlas.server.fair_queue import NOBODY, FairQueue, Owner
from lossatlas.server.job import Job, State
from lossatlas.server.problems import describe_problem
from lossatlas.server.space import Space
from lossatlas.server.waiting import keep_waiting, take_waiting
from lossatlas.store import Gallery

logger = logging.getLogger("lossatlas.server")

#: The largest number of jobs whose ends are remembered, and the largest memory of all their other events in bytes.
REMEMBERED_JOBS = 256
REMEMBERED_BYTES = 64 * 2**20
#: How many seconds a job continues after its last listener has gone, so that a page can be reloaded.
GRACE = 2.0
#: The parts of a run that all clients have left are deleted after this many seconds, when the next server starts.
FORGOTTEN = 24 * 3600.0


@dataclass(frozen=True)
class JobCounts:
    """The numbers of jobs that wait and of those that are being computed, and of the streams that follow jobs."""

    waiting: int
    running: int
    streams: int


class Jobs:
    """Computes requested runs in worker processes, and stores them.

    Runs with listeners come first, and clients take turns. If all listeners of a run have gone, it is cancelled after
    :data:`GRACE` seconds. Therefore a person who tries many choices waits only for the last one.

    Parameters
    ----------
    gallery
        The gallery where runs are stored.
    threads
        The number of threads of each worker process; by default, one per core.
    capacity
        How many runs may wait, how many are computed at the same time, and how much space they may take.
    sizes
        The sizes of large runs, and of their parts.

    Attributes
    ----------
    space
        The space for the runs.
    """

    def __init__(
        self,
        gallery: Gallery,
        threads: int | None = None,
        capacity: Capacity | None = None,
        sizes: Sizes | None = None,
    ) -> None:
        self._gallery, self._sizes, self._capacity = gallery, sizes or LIVE_SIZES, capacity or Capacity()
        self.space = Space(gallery, self._capacity.space, self._is_needed)
        self._computing = Computing(gallery, threads, self._sizes, self.space)
        self._jobs: dict[str, Job] = {}  # the finished ones in the order in which they finished
        self._queue: FairQueue[Job] = FairQueue()
        self._running: list[Job] = []  # those that a thread works on, even if they were cancelled
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition(threading.RLock())

    def start(self) -> None:
        """Start a worker process and the threads that compute, and continue the runs that were interrupted."""
        self._stopping = False
        IDLE_WORKERS.prepare()
        self._resume()
        self._add_waiting()
        for number in range(self._capacity.workers):
            # A daemon thread, so that the interpreter does not wait at its exit for a run that nobody will see.
            thread = threading.Thread(target=self._work, name=f"lossatlas-jobs-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Cancel all jobs and accept no more. The next server computes those that somebody waits for.

        It continues with the finished parts of large runs. This does not wait for the workers.
        """
        with self._changed:
            if not self._stopping:
                wanted = [job for job in self._jobs.values() if job.active and not job.giving_up]
                keep_waiting(self._gallery.data, [job.config for job in wanted])
            self._stopping = True
            for job in tuple(self._jobs.values()):
                self._cancel(job, keeps_parts=True)
            self._changed.notify_all()

    @property
    def is_stopping(self) -> bool:
        """Whether the server is being stopped."""
        return self._stopping

    def count(self) -> JobCounts:
        """Count the jobs and their streams."""
        with self._changed:
            streams = sum(job.log.listener_count for job in self._jobs.values())
            return JobCounts(len(self._queue), len(self._running), streams)

    def join(self, timeout: float) -> None:
        """Wait up to ``timeout`` seconds for the threads to end."""
        end = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def find(self, run_id: str) -> Job | None:
        """Return the job of a run; None if there is none."""
        with self._changed:
            return self._jobs.get(run_id)

    def submit(self, config: RunConfig, owner: Owner = NOBODY) -> Job:
        """Add a run to the queue, unless it is already there or is being computed.

        Parameters
        ----------
        config
            The configuration of the run.
        owner
            The client that asks.

        Returns
        -------
        Job
            The new job, or the one that exists already.

        Raises
        ------
        QueueFullError
            If the queue is full, or if the server is stopping.
        QuotaError
            If too many runs of the client wait.
        RunTooLargeError
            If the run would take more space than there is for all.
        """
        self.space.check(config)
        with self._changed:
            known = self._jobs.get(config.id)
            if known and known.active:
                known.keep()
                return known
            self._make_room(owner)
            return self._add(config, owner)

    def cancel(self, job: Job) -> None:
        """End a job that waits or computes. A job that has ended, or is being stored, does not change."""
        self._cancel(job, keeps_parts=False)

    def _cancel(self, job: Job, *, keeps_parts: bool) -> None:
        with self._changed:
            if job.active and not job.saving:
                job.keeps_parts = keeps_parts
                body = {"stopping": True} if self._stopping else {}  # listeners may ask the server after its restart
                self._end(job, State.CANCELLED, Event("cancelled", body.copy, last=True))
                if worker := job.worker:
                    worker.cancel()

    def _is_needed(self, run_id: str) -> bool:
        """Return whether a run is being computed or followed, or a plane of an unfinished run goes through it."""
        with self._changed:
            job = self._jobs.get(run_id)
            active = [each for each in self._jobs.values() if each.active]
            return bool(job and (job.active or job.log.has_listeners)) or any(
                run_id in each.config.references for each in active
            )

    def _resume(self) -> None:
        """Add the large runs that an earlier server has begun, and delete the parts that nobody came back for."""
        if not find_served(self._gallery.data):
            return
        with suppress(DataFolderError), self._computing.large_runs.hold(), self._changed:
            remove_stored(self._gallery.data)
            for run_id, served in find_served(self._gallery.data).items():
                if served.wanted:
                    self._add(served.config, NOBODY)
                elif time.time() - served.since > FORGOTTEN:
                    remove_partial(self._gallery.data, run_id)

    def _add_waiting(self) -> None:
        """Add the runs that were not finished when the last server stopped, if this one would accept them."""
        with self._changed:
            for config in take_waiting(self._gallery.data):
                if config.id not in self._jobs and config.id not in self._gallery:
                    with suppress(RunTooLargeError):
                        self._capacity.limits.check(config)
                        self.space.check(config)
                        self._add(config, NOBODY)

    def _add(self, config: RunConfig, owner: Owner) -> Job:
        before = self._jobs.pop(config.id, None)
        is_large = self._sizes.needs_parts(config)
        job = self._jobs[config.id] = Job(config, owner, self._on_listeners, is_large=is_large)
        job.unsaved = before.unsaved if before else None
        self._queue.add(job)
        self._tell_positions()
        self._changed.notify_all()
        return job

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
                self._cancel(job, keeps_parts=True)

    def _make_room(self, owner: Owner) -> None:
        """Make room for a job: end one that everybody has left, or one of an address with many. Otherwise refuse it."""
        if self._stopping:
            raise QueueFullError("the server is stopping")
        if self._queue.count(owner) >= self._capacity.client_queue_size:
            raise QuotaError(
                f"{self._capacity.client_queue_size} of your runs are waiting already; wait for one of them"
            )
        if len(self._queue) < self._capacity.queue_size:
            return
        full = QueueFullError(f"{len(self._queue)} runs are waiting already; try again in a moment")
        if left := [job for job in self._queue if job.giving_up]:
            self._cancel(left[0], keeps_parts=True)
        elif surplus := self._queue.find_surplus(owner.address):
            self._end(surplus, State.FAILED, Event("failed", describe_problem(full).body.copy, last=True))
        else:
            raise full

    def _work(self) -> None:
        while job := self._take_next():
            try:
                done = self._computing.compute(job, lambda job=job: self._commit(job))  # type: ignore[misc]
            except BaseException as error:  # any error must not affect the next job
                self._report(job, error)
            else:
                self._end(job, State.STORED, done)
            self._settle(job)

    def _report(self, job: Job, error: BaseException) -> None:
        """End a job that has failed, unless it was cancelled."""
        if not job.active or isinstance(error, CancelledError):
            return
        if not isinstance(error, LossAtlasError):
            logger.error("computing %s failed", job.id, exc_info=error)
        job.keeps_parts = isinstance(error, DataFolderError | WorkerDiedError)
        # The body is made now, because the error would keep every frame of its traceback alive.
        problem = describe_problem(error, self._gallery.data).body
        self._end(job, State.FAILED, Event("failed", problem.copy, last=True))

    def _settle(self, job: Job) -> None:
        """Free what a job that has ended no longer needs, and decide what becomes of the parts of a large run."""
        if job.is_large and job.state is not State.STORED and not self._stopping:
            with suppress(DataFolderError), self._computing.large_runs.hold():
                if job.keeps_parts:
                    mark_served(self._gallery.data, job.id, wanted=False)
                else:
                    remove_partial(self._gallery.data, job.id)
        with self._changed:
            self._running.remove(job)
            self._tell_positions()
            self._changed.notify_all()

    def _take_next(self) -> Job | None:
        """Wait for the next job and return it; None if the server is stopping."""
        with self._changed:
            while not self._stopping:
                if job := self._find_next():
                    self._queue.take(job)
                    self._running.append(job)
                    job.state = State.RUNNING
                    self._tell_positions()
                    return job
                self._changed.wait()
            return None

    def _find_next(self) -> Job | None:
        """Return the first job that can be computed now."""
        busy = {job.id for job in self._running}  # a run that was cancelled and asked for again waits for its end
        large = sum(job.is_large for job in self._running)
        for job in self._queue:
            if job.id not in busy and not (job.is_large and large >= max(1, self._capacity.workers - 1)):
                return job
        return None

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
            if job.state is State.QUEUED:
                self._queue.remove(job)
            job.state = state
            job.keep()
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
        for position, job in enumerate(self._queue, start=1 if len(self._running) >= self._capacity.workers else 0):
            job.move_to(position)
