"""Tells the recordings whose training still runs from those whose process has ended.

The process that records holds a lock in the folder of the recording. The system releases it when the process ends,
however it ends. A process id would not be enough, because another process or another container can have the same one.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from lossatlas.errors import RunError
from lossatlas.store.regular_files import open_regular

_NAME = "recording.lock"
#: How many seconds to wait for a lock. A process that checks whether it is held may hold it for a moment.
_PATIENCE = 2


class RecordingLock:
    """The lock of one recording. All recorders of one process share it, so that a notebook can run a cell again.

    Parameters
    ----------
    folder
        The folder of the recording.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / _NAME, thread_local=False, is_singleton=True)

    def acquire(self) -> None:
        """Take the lock, unless this process has it already. If the file system has no locks, this does nothing.

        Raises
        ------
        RunError
            If another process records this recording.
        """
        if self._lock.is_locked:
            return
        try:
            self._lock.acquire(timeout=_PATIENCE)
        except Timeout:
            raise RunError(
                f"{self._folder.name} is being recorded by another process; wait until it has ended, or record under "
                "another name"
            ) from None
        except NotImplementedError:
            pass

    def release(self) -> None:
        """Release the lock, since nothing more is recorded for now."""
        self._lock.release(force=True)


def is_being_recorded(folder: Path) -> bool:
    """Return whether a process holds the lock of a recording. This writes nothing; True if it cannot be determined."""
    if sys.platform == "win32":
        return _is_taken(folder)
    import fcntl  # Windows has no such module

    try:
        with open_regular(folder, _NAME) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:  # it is held, or the file system has no locks
        return True
    return False


def _is_taken(folder: Path) -> bool:
    """Return whether a process holds the lock, by taking it for a moment."""
    if not (folder / _NAME).is_file():
        return False
    lock = FileLock(folder / _NAME)
    with suppress(Timeout, OSError, NotImplementedError):
        lock.acquire(timeout=0)
        lock.release()
        return False
    return True
