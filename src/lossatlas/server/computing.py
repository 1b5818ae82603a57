"""Computes the run of a job on a worker process, and logs its frames while it is computed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from lossatlas.building.checkpoint import mark_served
from lossatlas.building.chunked_run import ChunkedRun
from lossatlas.building.estimate import Sizes
from lossatlas.building.live_run import LargeRunsLock, compute_large_run, compute_small_run
from lossatlas.building.worker_process import IDLE_WORKERS, WorkerProcess
from lossatlas.errors import CancelledError, DataFolderError, WorkerDiedError
from lossatlas.runs import Frame, Run, Setup, Stage
from lossatlas.server.events import Event
from lossatlas.server.job import Job
from lossatlas.server.messages import describe_end, describe_frame, describe_manifest, describe_stage, list_frame_arrays
from lossatlas.server.space import Space
from lossatlas.store import Gallery, describe_outcome, list_on_demand
from lossatlas.training import Trajectory, frame_epochs

#: How many workers may die over the same work: one may be killed by chance.
_ATTEMPTS = 2


class Computing:
    """Computes and stores runs in the data folder of a gallery.

    Parameters
    ----------
    gallery
        The gallery.
    threads
        The number of threads of each worker process; by default, one per core.
    sizes
        The sizes of large runs, and of their parts.
    space
        The space for the runs.

    Attributes
    ----------
    large_runs
        The lock for large runs.
    """

    def __init__(self, gallery: Gallery, threads: int | None, sizes: Sizes, space: Space) -> None:
        self._gallery, self._threads, self._sizes, self._space = gallery, threads, sizes, space
        self.large_runs = LargeRunsLock(gallery.data)

    def compute(self, job: Job, commit: Callable[[], None]) -> Event:
        """Compute and store a run, and return its last event.

        Parameters
        ----------
        job
            The job, whose log gets the other events.
        commit
            A function that is called before the run is stored. It raises CancelledError if nobody wants the run.

        Returns
        -------
        Event
            The event ``done``.

        Raises
        ------
        CancelledError
            If the job was cancelled.
        QueueFullError
            If there is no space for the run, for now.
        LossAtlasError
            If the run cannot be computed or stored.
        """
        may_delete = job.id not in self._gallery or job.id in list_on_demand(self._gallery.data)
        with self._space.reserve(job.config):
            if job.is_large:
                trajectory = self._compute_large(job, commit)
            else:
                run = job.unsaved or self._compute_small(job)
                commit()
                self._save(job, run)
                trajectory = run.trajectory
            if may_delete:
                self._space.note_stored(job.id)
        outcome = describe_outcome(trajectory.outcome)
        return Event("done", partial(describe_end, job.id, outcome, trajectory.epochs), last=True)

    def _compute_small(self, job: Job) -> Run:
        setup = Setup.of(job.config)
        references = self._gallery.references(job.config)
        epochs = _log_manifest(job, setup)

        def log_frame(frame: Frame) -> None:
            job.log.append(Event("frame", partial(describe_frame, frame, epochs), size=_measure_size(frame)))

        with _Caller(job) as call:
            return compute_small_run(setup, references, self._threads, call, log_frame, partial(_log_stage, job))

    def _save(self, job: Job, run: Run) -> None:
        """Store a run. If that is not possible, it is kept in memory."""
        try:
            self._gallery.save(run)
        except DataFolderError as error:
            job.unsaved = run
            raise DataFolderError(
                f"{error}. The run is finished and kept in memory: ask for it again to store it"
            ) from error
        job.unsaved = None

    def _compute_large(self, job: Job, commit: Callable[[], None]) -> Trajectory:
        with self.large_runs.hold(), _Caller(job) as call:
            references, data = self._gallery.references(job.config), self._gallery.data
            work = ChunkedRun(job.config, data, references, self._sizes, threads=self._threads, local=True)
            mark_served(data, job.id, wanted=True)
            epochs = _log_manifest(job, work.setup)

            def log_frame(index: int) -> None:
                size = _measure_size(work.frame(index))
                # The arrays are read from the disk for each listener, and take no memory until then.
                job.log.append(Event("frame", lambda: describe_frame(work.frame(index), epochs), size=size))

            compute_large_run(work, call, log_frame, partial(_log_stage, job), commit)
        self._gallery.update_index(job.id)
        return work.trajectory


class _Caller:
    """Calls functions in a worker process for a job, and once more in another one if it dies."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __enter__(self) -> _Caller:
        return self

    def __exit__(self, *_: object) -> None:
        if worker := self._job.worker:
            self._job.worker = None
            IDLE_WORKERS.give_back(worker)
            IDLE_WORKERS.prepare()  # if this one was killed, the next run does not wait for another

    def __call__(
        self, function: Callable[..., Any], *args: Any, on_item: Callable[[Any], None] = lambda _: None
    ) -> Any:
        code = None
        for _ in range(_ATTEMPTS):
            worker = self._job.worker = self._take_worker()
            try:
                return worker.call(function, *args, on_item=on_item, is_wanted=lambda: self._job.active)
            except WorkerDiedError as error:
                code = error.code
            if not self._job.active:
                raise CancelledError(f"{self._job.id} was cancelled")
        raise WorkerDiedError(_ATTEMPTS, code, "give smaller layers, smaller grids or fewer frames")

    def _take_worker(self) -> WorkerProcess:
        worker = self._job.worker
        return worker if worker and worker.is_alive else IDLE_WORKERS.take()


def _log_manifest(job: Job, setup: Setup) -> int:
    """Log the manifest of a run, and return its number of frames."""
    training = job.config.training
    epochs = frame_epochs(training.epochs, training.frames)
    job.log.append(Event("manifest", partial(describe_manifest, setup, epochs)))
    return len(epochs)


def _log_stage(job: Job, stage: Stage) -> None:
    job.log.append(Event("stage", partial(describe_stage, stage)))


def _measure_size(frame: Frame) -> int:
    return sum(array.nbytes for array in list_frame_arrays(frame).values())
