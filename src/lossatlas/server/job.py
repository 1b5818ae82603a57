"""A job: the computation of one run, from the request to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum

from lossatlas.building.worker_process import WorkerProcess
from lossatlas.runs import Run, RunConfig
from lossatlas.server.events import Event, EventLog
from lossatlas.server.fair_queue import Owner


class State(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    STORED = "stored"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """The computation of one run. Only :class:`~lossatlas.server.jobs.Jobs` changes it, under its lock.

    Attributes
    ----------
    id, config
        The id and the configuration of the run.
    is_large
        Whether the run is computed in parts, which are kept on the disk.
    owner
        The client that was the first to ask for it.
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
    worker
        The process that computes the run now. Only the thread that computes the job sets it.
    keeps_parts
        Whether the finished parts of a large run are kept after it was cancelled.
    """

    def __init__(
        self, config: RunConfig, owner: Owner, on_listeners: Callable[[Job], None], *, is_large: bool = False
    ) -> None:
        self.id, self.config, self.owner, self.is_large = config.id, config, owner, is_large
        self.log = EventLog(lambda: on_listeners(self))
        self.state = State.QUEUED
        self.saving = self.keeps_parts = False
        self.unsaved: Run | None = None
        self.giving_up: threading.Timer | None = None
        self.worker: WorkerProcess | None = None
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
