"""Serves recordings of which no run has been made yet: a list of them, and the current state of each.

Such a recording has no planes. It has the numbers in its log, and its frames have a path in the plane of their
principal components. Only these numbers are served, and no file of a recording.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from lossatlas.arrays import Floats
from lossatlas.errors import PlaneError, RunError
from lossatlas.planes import compute_gram_matrix, principal_coefficients, project_by_gram
from lossatlas.server.events import HEARTBEAT
from lossatlas.server.messages import describe_end
from lossatlas.store import (
    Gallery,
    Recording,
    describe_unfinished,
    find_unfinished,
    finite,
    iterate_unfinished,
    read_manifest,
    run_folder,
)
from lossatlas.training import METRICS

#: The number of seconds after which a recording is read again.
_POLL = 0.5
#: The path is computed if all parameters of all frames take at most this many bytes.
_LARGEST = 2**30


class Recordings:
    """The recordings of a gallery that have no run yet.

    Parameters
    ----------
    gallery
        The gallery.
    is_stopping
        A function that returns whether the server is being stopped, which ends all streams of events.
    heartbeat
        After this many seconds without an event, a comment is sent.
    """

    def __init__(
        self, gallery: Gallery, is_stopping: Callable[[], bool] = lambda: False, heartbeat: float = HEARTBEAT
    ) -> None:
        self._gallery, self._is_stopping, self._heartbeat = gallery, is_stopping, heartbeat
        self._lock = threading.Lock()
        self._paths: dict[str, tuple[tuple[int, ...], dict[str, Any] | None]] = {}

    def entries(self) -> list[dict[str, Any]]:
        """Make the entries of the recordings for the index of the gallery."""
        return [describe_unfinished(recording) for recording in iterate_unfinished(self._gallery)]

    def find(self, run_id: str) -> Recording | None:
        """Return a recording without a run; None if there is no such recording, or if it cannot be read."""
        return find_unfinished(self._gallery, run_id)

    async def follow(self, run_id: str) -> AsyncIterator[bytes]:
        """Yield the state of a recording whenever it has changed, until the recording is a run.

        Parameters
        ----------
        run_id
            The id of the recording.

        Yields
        ------
        bytes
            Encoded events and comments.
        """
        before, last, count = None, time.monotonic(), 0
        while not self._is_stopping():
            name, body = await asyncio.to_thread(self._look, run_id)
            if body != before:
                before, last, count = body, time.monotonic(), count + 1
                text = json.dumps(body, ensure_ascii=False, allow_nan=False)
                yield format_sse_event(data_str=text, event=name, id=str(count))
            elif time.monotonic() - last > self._heartbeat:
                last = time.monotonic()
                yield KEEPALIVE_COMMENT
            if name != "recording":
                return
            await asyncio.sleep(_POLL)
        yield format_sse_event(data_str='{"stopping":true}', event="cancelled", id=str(count + 1))

    def _look(self, run_id: str) -> tuple[str, dict[str, Any]]:
        recording = self.find(run_id)
        if recording is not None:
            return "recording", self._describe(recording)
        if run_id in self._gallery:
            manifest = read_manifest(run_folder(self._gallery.data, run_id))
            return "done", describe_end(run_id, manifest["outcome"], manifest["frames"])
        detail = f"the recording {run_id} is gone, or cannot be read"
        return "failed", {"type": "about:blank", "title": "Recording not found", "status": 404, "detail": detail}

    def _describe(self, recording: Recording) -> dict[str, Any]:
        frames = recording.frames
        return {
            **describe_unfinished(recording),
            "frames": [frame.epoch for frame in frames],
            "metrics": {name: [finite(frame.metrics.get(name)) for frame in frames] for name in METRICS},
            "path": self._path_of(recording),
        }

    def _path_of(self, recording: Recording) -> dict[str, Any] | None:
        """Return the path so far in its PCA plane; None if there is none, or if the model is too large."""
        key = tuple(frame.number for frame in recording.frames)
        with self._lock:
            if recording.id not in self._paths or self._paths[recording.id][0] != key:
                self._paths[recording.id] = (key, _compute_path(recording))
            return self._paths[recording.id][1]


def _compute_path(recording: Recording) -> dict[str, Any] | None:
    try:
        weights = recording.weights
        if len(weights) < 3 or 4 * weights.shape[0] * weights.shape[1] > _LARGEST:
            return None
        gram = compute_gram_matrix(cast(Floats, weights))
        path = project_by_gram(gram, principal_coefficients(gram), len(weights) - 1)
    except (PlaneError, RunError, OSError):  # the frames span no plane, or one of them has just been thinned out
        return None
    return {"points": path.coordinates.tolist(), "explained_variance": path.explained_variance}
