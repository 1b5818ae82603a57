"""Notes which runs a server has computed on demand. It may delete them again if they take too much space.

    .on-demand/<id>     an empty file for each of them

A run without such a note is never deleted. The note is removed when somebody else stores the run, or begins to.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_NOTES = ".on-demand"


def note_on_demand(data: Path, run_id: str) -> None:
    """Note that a run may be deleted."""
    folder = data / _NOTES
    folder.mkdir(parents=True, exist_ok=True)
    (folder / run_id).touch()


def forget_on_demand(data: Path, run_id: str) -> None:
    """Make sure that a run is not deleted."""
    with suppress(OSError):  # there is no note, or nothing can be written and so nothing is deleted
        (data / _NOTES / run_id).unlink()


def list_on_demand(data: Path) -> list[str]:
    """Return the ids of the runs that may be deleted, which need not exist."""
    return sorted(path.name for path in (data / _NOTES).glob("*"))
