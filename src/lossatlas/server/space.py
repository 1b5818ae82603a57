"""Limits the space of the runs that the server computes on demand. If it is used up, the oldest ones are deleted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lossatlas.building.checkpoint import find_served, remove_partial
from lossatlas.building.estimate import estimate_stored_bytes
from lossatlas.errors import QueueFullError, RunTooLargeError
from lossatlas.runs import RunConfig
from lossatlas.store import Gallery, list_on_demand, note_on_demand, run_folder

#: A run whose files were requested within this many seconds is being watched.
WATCHED = 600.0


class Space:
    """Keeps the runs that were computed on demand below a number of bytes.

    Runs that others have stored, such as those of ``lossatlas build`` and recordings, are never deleted and do not
    count.

    Parameters
    ----------
    gallery
        The gallery.
    limit
        The largest number of bytes.
    is_needed
        A function that returns whether somebody follows a run, or a plane of an unfinished run goes through it.
    """

    def __init__(self, gallery: Gallery, limit: float, is_needed: Callable[[str], bool]) -> None:
        self._gallery, self._limit, self._is_needed = gallery, limit, is_needed
        self._used: dict[str, float] = {}  # when each run was last used, by its id
        self._sizes: dict[str, int] = {}
        self._kept: set[str] = set()
        self._reserved = 0.0
        self._lock = threading.Lock()

    def note_use(self, run_id: str) -> None:
        """Note that somebody looks at a run now."""
        self._used.pop(run_id, None)
        self._used[run_id] = time.time()

    def check(self, config: RunConfig) -> None:
        """Refuse a run that is larger than the whole space. It raises RunTooLargeError."""
        needed = estimate_stored_bytes(config)
        if needed > self._limit:
            raise RunTooLargeError([("space", needed, self._limit)])

    @contextmanager
    def reserve(self, config: RunConfig) -> Iterator[None]:
        """Make room for a run, and reserve it during a block in which the run is stored.

        Raises
        ------
        QueueFullError
            If there is not enough room, because all of it is taken by runs that are being watched.
        """
        needed = estimate_stored_bytes(config)
        with self._lock:
            self._make_room(needed)
            self._reserved += needed
        try:
            yield
        finally:
            with self._lock:
                self._reserved -= needed

    def keep_if_others_stored(self, run_id: str) -> None:
        """Note that a damaged run will be computed again. If somebody else has stored it, it is not deleted later."""
        if run_id not in list_on_demand(self._gallery.data):
            self._kept.add(run_id)

    def note_stored(self, run_id: str) -> None:
        """Note that a run was computed on demand, so that it may be deleted later."""
        if run_id in self._kept:
            return
        with suppress(OSError):  # without the note, the run is never deleted
            note_on_demand(self._gallery.data, run_id)
        self.note_use(run_id)

    def _make_room(self, needed: float) -> None:
        sizes = {run_id: self._measure(run_id) for run_id in list_on_demand(self._gallery.data)}
        left = sum(sizes.values()) + self._reserved + needed - self._limit
        left = self._remove_parts(left)
        for run_id in sorted(sizes, key=self._find_last_use):
            if left <= 0:
                return
            if not self._is_watched(run_id):
                self._gallery.remove(run_id)
                self._sizes.pop(run_id, None)
                left -= sizes[run_id]
        if left > 0:
            raise QueueFullError(
                f"the space for runs ({self._limit:.1e} bytes) is used up by runs that somebody looks at; "
                "try again in some minutes"
            )

    def _remove_parts(self, left: float) -> float:
        """Delete the parts of unfinished runs that nobody wants, and return how many bytes are still too many."""
        served = find_served(self._gallery.data)
        parts = {run_id: each for run_id, each in served.items() if not each.wanted and not self._is_needed(run_id)}
        sizes = {run_id: _measure_folder(each.folder) for run_id, each in parts.items()}
        left += sum(sizes.values())
        for run_id in sorted(parts, key=lambda run_id: parts[run_id].since):
            if left <= 0:
                break
            remove_partial(self._gallery.data, run_id)
            left -= sizes[run_id]
        return left

    def _is_watched(self, run_id: str) -> bool:
        return time.time() - self._used.get(run_id, 0.0) < WATCHED or self._is_needed(run_id)

    def _find_last_use(self, run_id: str) -> float:
        """Return when a run was last used, or when it was stored."""
        try:
            stored = (run_folder(self._gallery.data, run_id) / "run.json").stat().st_mtime
        except OSError:
            stored = 0.0
        return max(stored, self._used.get(run_id, 0.0))

    def _measure(self, run_id: str) -> int:
        if run_id not in self._sizes:
            self._sizes[run_id] = _measure_folder(run_folder(self._gallery.data, run_id))
        return self._sizes[run_id]


def _measure_folder(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            size += path.stat().st_size if path.is_file() else 0
    return size
