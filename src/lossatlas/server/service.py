"""Answers requests about runs, which may be stored, being computed, or damaged."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any, Literal

from pydantic import BaseModel, Field

from lossatlas.datasets import PREFIX
from lossatlas.errors import RunDamagedError, RunError, RunNotFoundError
from lossatlas.runs import RunConfig
from lossatlas.server.capacity import Capacity
from lossatlas.server.events import HEARTBEAT, Event, EventLog
from lossatlas.server.fair_queue import NOBODY, Owner
from lossatlas.server.job import Job, State
from lossatlas.server.jobs import Jobs
from lossatlas.server.messages import describe_end, find_run_path
from lossatlas.server.recordings import Recordings
from lossatlas.server.stream_places import StreamPlaces
from lossatlas.store import Gallery, read_manifest, run_folder, set_aside

logger = logging.getLogger("lossatlas.server")


class RunAnswer(BaseModel):
    """The state of a run."""

    id: str
    state: Literal["queued", "running", "stored", "failed", "cancelled"]
    run: str = Field(description="where its manifest is, or will be, relative to the page")
    events: str | None = Field(None, description="where its events are, relative to the page; of a job only")


class RunService:
    """Combines the runs of a gallery and the runs that are being computed."""

    def __init__(
        self,
        gallery: Gallery,
        jobs: Jobs,
        heartbeat: float = HEARTBEAT,
        recordings: Recordings | None = None,
        capacity: Capacity | None = None,
    ) -> None:
        self._gallery, self._jobs, self._heartbeat = gallery, jobs, heartbeat
        self._capacity = capacity or Capacity()
        self._places = StreamPlaces(self._capacity.streams)
        self._recordings = recordings or Recordings(gallery)

    def request(self, config: RunConfig, owner: Owner = NOBODY) -> RunAnswer:
        """Get a run from the gallery, or start computing it.

        A damaged run is moved out of the way and computed again, because the whole run follows from its configuration.

        Parameters
        ----------
        config
            The configuration of the run.
        owner
            The client that asks.

        Returns
        -------
        RunAnswer
            The state of the run.

        Raises
        ------
        QueueFullError
            If the queue is full.
        QuotaError
            If too many runs of the client wait.
        RunTooLargeError
            If the run would take more work or memory than is allowed.
        RunVersionError
            If a newer version of lossatlas stored the run.
        DataFolderError
            If a damaged run cannot be moved.
        """
        job = self._jobs.find(config.id)
        if not (job and job.active) and self._is_stored(config.id):
            return _answer(config.id, State.STORED)
        self._capacity.limits.check(config)
        return _answer_for_job(self._jobs.submit(config, owner))

    def add_own_points(self, values: Any) -> Any:
        """Add own points to a configuration that only names them. The points come from a run of the gallery."""
        dataset = values.get("dataset") if isinstance(values, dict) else None
        if not isinstance(dataset, dict) or not str(dataset.get("name")).startswith(PREFIX):
            return values
        given = dataset.get("own")
        if isinstance(given, dict) and "x" in given:
            return values
        name = str(dataset["name"])
        found = (self._find_own_points(run_id, name) for run_id in self._gallery.ids() if run_id.startswith(f"{name}-"))
        return {**values, "dataset": {**dataset, "own": next(filter(None, found), None)}}

    def _find_own_points(self, run_id: str, name: str) -> Any:
        try:
            dataset = read_manifest(run_folder(self._gallery.data, run_id))["config"]["dataset"]
            return dataset["own"] if dataset["name"] == name else None
        except (RunError, LookupError, TypeError):  # this run is damaged, but another run may contain the points
            return None

    def find(self, run_id: str) -> RunAnswer:
        """Return the current state of a run.

        Parameters
        ----------
        run_id
            The id of the run.

        Returns
        -------
        RunAnswer
            The state of the run.

        Raises
        ------
        RunNotFoundError
            If the run is neither stored nor being computed.
        """
        job = self._jobs.find(run_id)
        if job and job.active:
            return _answer_for_job(job)
        if run_id in self._gallery:
            return _answer(run_id, State.STORED)
        if job and job.state is not State.STORED:  # if the job stored the run, it has been deleted since then
            return _answer_for_job(job)
        raise RunNotFoundError(f"there is no run {run_id!r} here, and none is being computed")

    def cancel(self, run_id: str, client: str | None = None) -> RunAnswer:
        """End the interest of one client in a run, and cancel the run if nobody else follows it.

        Parameters
        ----------
        run_id
            The id of the run.
        client
            The name that the client gave when it followed the run.

        Returns
        -------
        RunAnswer
            The state of the run. It may continue for others.
        """
        job = self._jobs.find(run_id)
        if job and not job.log.dismiss(client):
            self._jobs.cancel(job)
        return self.find(run_id)

    def follow(
        self, run_id: str, last_event_id: str | None, client: str | None = None, address: str = ""
    ) -> AsyncIterator[bytes] | None:
        """Follow the events of a run.

        Parameters
        ----------
        run_id
            The id of the run.
        last_event_id
            The id of the event after which to start; by default, the first event is included.
        client
            A name that the client chooses, with which it can :meth:`cancel` its interest.
        address
            The address of the client.

        Returns
        -------
        AsyncIterator or None
            The encoded events; None if there are no more events.

        Raises
        ------
        RunNotFoundError
            If the run is neither stored nor being computed.
        RunError
            If the run is stored, but its manifest cannot be read.
        QuotaError, QueueFullError
            If the address, or the server, has too many streams.
        """
        self._places.check(address)
        job = self._jobs.find(run_id)
        if not job and self._recordings.find(run_id):
            return self._places.occupy(address, self._recordings.follow(run_id))
        log = job.log if job else self._make_log(run_id)
        start = log.find_start(last_event_id)
        return None if start is None else self._places.occupy(address, log.follow(start, self._heartbeat, client))

    def _make_log(self, run_id: str) -> EventLog:
        self.find(run_id)
        manifest = read_manifest(run_folder(self._gallery.data, run_id))
        log = EventLog()
        log.append(Event("done", lambda: describe_end(run_id, manifest["outcome"], manifest["frames"]), last=True))
        return log

    def _is_stored(self, run_id: str) -> bool:
        try:
            self._gallery.open(run_id, check=True)
        except RunNotFoundError:
            return False
        except RunDamagedError as error:
            logger.warning("%s; it is computed again", error)
            self._jobs.space.keep_if_others_stored(run_id)
            set_aside(run_folder(self._gallery.data, run_id))
            return False
        return True


def _answer_for_job(job: Job) -> RunAnswer:
    return _answer(job.id, job.state, events=f"api/runs/{job.id}/events")


def _answer(run_id: str, state: State, events: str | None = None) -> RunAnswer:
    return RunAnswer(id=run_id, state=state.value, run=find_run_path(run_id), events=events)
