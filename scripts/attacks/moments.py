"""Chooses the moments of kills by what a process has just written, so that they come in every phase of its work.

Some phases last a few milliseconds. A kill after a random time rarely comes then, so most kills wait for a sign of a
phase in the data folder. Each kill is counted by what the folder shows afterwards, and not by what it waited for.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

#: What a kill waits for, by turns.
AIMS = ("part", "start", "any time", "storing", "stored", "index", "last", "any time")

STARTING, COMPUTING, STORING = "while it started", "while it computed", "while it stored a run"
STORED, INDEX, DONE = "after it stored a run, before the index", "while it wrote the index", "after the last run"


class Progress:
    """What a process has written into a data folder since this object was made.

    Parameters
    ----------
    data
        The data folder.
    runs
        How many runs the folder has when all are stored.
    """

    def __init__(self, data: Path, runs: int) -> None:
        self._data, self._runs = data, runs
        self._before, self._stored_before = _take_snapshot(data), list_stored(data)
        self._parts_before = self._count_parts()

    def has_reached(self, aim: str, parts: int) -> bool:
        """Return whether the sign of a phase is there, or the given number of parts more."""
        data = self._data
        signs: dict[str, Callable[[], bool]] = {
            "part": lambda: self._count_parts() >= self._parts_before + parts,
            "storing": lambda: (
                any(data.glob("runs/.unfinished-*/run/*")) or any(data.glob("runs/.partial-*/run/run.json"))
            ),
            "stored": lambda: bool(list_stored(data) - self._stored_before),
            "index": lambda: any(path not in self._before for path in data.glob(".index.json.*")),
            "last": lambda: len(list_stored(data)) >= self._runs,
        }
        return signs[aim]()

    def name_phase(self, workers: int) -> str:
        """Name the phase in which a process was killed that had some worker processes."""
        now, stored = _take_snapshot(self._data), list_stored(self._data)
        changed = [path.relative_to(self._data) for path, time_ns in now.items() if self._before.get(path) != time_ns]
        if any(path.name.startswith(".index.json.") for path in changed):
            return INDEX
        if stored - self._stored_before - _list_index(self._data):
            return STORED
        if any(_is_being_stored(path) for path in changed):
            return STORING
        if len(stored) >= self._runs:
            return DONE
        return COMPUTING if changed or workers else STARTING

    def _count_parts(self) -> int:
        """Count the finished parts of unfinished runs; a stored run counts as a thousand."""
        lines = [_read(path).count(b"\n") for path in self._data.glob("runs/.partial-*/parts.jsonl")]
        return sum(lines) + 1000 * len(list_stored(self._data))


def wait_for(aim: str, progress: Progress, random: Random, usual: float, ended: Callable[[], bool]) -> None:
    """Wait until a process is at a moment to kill it, or has ended.

    Parameters
    ----------
    aim
        One of :data:`AIMS`.
    progress
        What the process has written.
    random
        The random generator.
    usual
        How many seconds the process usually takes.
    ended
        A function that returns whether the process has ended.
    """
    if aim in {"start", "any time"}:
        end = time.monotonic() + random.uniform(0, usual / 3 if aim == "start" else usual)
        while time.monotonic() < end and not ended():
            time.sleep(0.001)
        return
    parts = random.randint(1, 30)
    while not ended() and not progress.has_reached(aim, parts):
        time.sleep(0.005 if aim == "part" else 0.0005)  # only the other phases are as short as milliseconds
    time.sleep(random.choice([0, random.uniform(0, 0.004), random.uniform(0, 0.02)]))


def list_stored(data: Path) -> set[str]:
    """List the names of the runs that have a folder."""
    return {path.name for path in data.glob("runs/[!.]*")}


def _is_being_stored(path: Path) -> bool:
    """Return whether a file belongs to a run that has all its numbers, and has not been moved to its place."""
    above = path.parts[1] if path.parts[0] == "runs" and len(path.parts) > 3 else ""
    return above.startswith(".unfinished-") or (above.startswith(".partial-") and path.parts[3] == "run.json")


def _take_snapshot(data: Path) -> dict[Path, int]:
    found = {}
    for path in data.rglob("*"):
        try:
            found[path] = path.lstat().st_mtime_ns
        except OSError:  # it was deleted meanwhile
            continue
    return found


def _list_index(data: Path) -> set[str]:
    try:
        return {entry["id"] for entry in json.loads(_read(data / "index.json"))["runs"]}
    except ValueError:
        return set()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
