"""What can be asked about runs, whether they are stored, being computed, or damaged."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any, Literal

from pydantic import BaseModel, Field

from lossatlas.datasets import PREFIX
from lossatlas.errors import RunDamagedError, RunError, RunNotFoundError
from lossatlas.runs import RunConfig
from lossatlas.server.events import HEARTBEAT, Event, EventLog
from lossatlas.server.jobs import Job, Jobs, State
from lossatlas.server.messages import done_body, run_path
from lossatlas.store import Gallery, read_manifest, run_folder, set_aside

logger = logging.getLogger("lossatlas.server")


class RunAnswer(BaseModel):
    """What is known of a run."""

    id: str
    state: Literal["queued", "running", "stored", "failed", "cancelled"]
    run: str = Field(description="where its manifest is, or will be, relative to the page")
    events: str | None = Field(None, description="where its events are, relative to the page; of a job only")


class RunService:
    """The gallery and the jobs, seen as one."""

    def __init__(self, gallery: Gallery, jobs: Jobs, heartbeat: float = HEARTBEAT) -> None:
        self._gallery, self._jobs, self._heartbeat = gallery, jobs, heartbeat

    def request(self, config: RunConfig) -> RunAnswer:
        """Get a run from the gallery, or have it computed.

        A stored run that is damaged is set aside, and computed anew: whoever asks for a run wants to see it, and all of
        it follows from the configuration.

        Raises
        ------
        QueueFullError
            If there is too much to do already.
        RunVersionError
            If a newer lossatlas stored it.
        DataFolderError
            If a damaged run cannot be set aside.
        """
        job = self._jobs.find(config.id)
        if not (job and job.active) and self._is_stored(config.id):
            return _answer(config.id, State.STORED)
        return _answer_of(self._jobs.submit(config))

    def with_own_points(self, values: Any) -> Any:
        """Give a configuration that names own points these points: they are in the gallery's runs that have them."""
        dataset = values.get("dataset") if isinstance(values, dict) else None
        if not isinstance(dataset, dict) or not str(dataset.get("name")).startswith(PREFIX):
            return values
        given = dataset.get("own")
        if isinstance(given, dict) and "x" in given:
            return values
        name = str(dataset["name"])
        found = (self._own_points(run_id, name) for run_id in self._gallery.ids() if run_id.startswith(f"{name}-"))
        return {**values, "dataset": {**dataset, "own": next(filter(None, found), None)}}

    def _own_points(self, run_id: str, name: str) -> Any:
        try:
            dataset = read_manifest(run_folder(self._gallery.data, run_id))["config"]["dataset"]
            return dataset["own"] if dataset["name"] == name else None
        except (RunError, LookupError, TypeError):  # damaged: another run may have them
            return None

    def state(self, run_id: str) -> RunAnswer:
        """What is known of a run now.

        Raises
        ------
        RunNotFoundError
            If nothing is known.
        """
        job = self._jobs.find(run_id)
        if job and job.active:
            return _answer_of(job)
        if run_id in self._gallery:
            return _answer(run_id, State.STORED)
        if job and job.state is not State.STORED:  # a stored one has been deleted since
            return _answer_of(job)
        raise RunNotFoundError(f"there is no run {run_id!r} here, and none is being computed")

    def cancel(self, run_id: str) -> RunAnswer:
        """Cancel a run that waits or is being computed, for everyone; any other stays what it is."""
        if job := self._jobs.find(run_id):
            self._jobs.cancel(job)
        return self.state(run_id)

    def events(self, run_id: str, last_event_id: str | None) -> AsyncIterator[bytes] | None:
        """What happens to a run, from the first event or after the given one; None if there is no more to come.

        Raises
        ------
        RunNotFoundError
            If nothing is known of it.
        RunError
            If it is stored, but its manifest cannot be read.
        """
        job = self._jobs.find(run_id)
        log = job.log if job else self._stored_log(run_id)
        start = log.start_after(last_event_id)
        return None if start is None else log.follow(start, self._heartbeat)

    def _stored_log(self, run_id: str) -> EventLog:
        self.state(run_id)
        manifest = read_manifest(run_folder(self._gallery.data, run_id))
        log = EventLog()
        log.append(Event("done", lambda: done_body(run_id, manifest["outcome"], manifest["frames"]), last=True))
        return log

    def _is_stored(self, run_id: str) -> bool:
        try:
            self._gallery.open(run_id)
        except RunNotFoundError:
            return False
        except RunDamagedError as error:
            logger.warning("%s; it is computed anew", error)
            set_aside(run_folder(self._gallery.data, run_id))
            return False
        return True


def _answer_of(job: Job) -> RunAnswer:
    return _answer(job.id, job.state, events=f"api/runs/{job.id}/events")


def _answer(run_id: str, state: State, events: str | None = None) -> RunAnswer:
    return RunAnswer(id=run_id, state=state.value, run=run_path(run_id), events=events)
