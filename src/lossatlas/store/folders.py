"""Replaces whole folders in one step, and makes temporary folders that are removed if their process was killed.

A temporary folder belongs to the process that holds its lock. The system releases the lock when the process ends,
however it ends. Process ids would not be enough, because other processes and other containers can have the same ids.

    <prefix><16 hexadecimal digits>/lock       locked while its process lives
    <prefix><16 hexadecimal digits>/before/    replaced folders, which may have to be moved back
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lossatlas.store.durable import sync_folder

_LOCK, _BEFORE = "lock", "before"
_DIGITS = re.compile(r"[0-9a-f]{16}")
#: These constants are in linux/fs.h and fcntl.h, and in sys/stdio.h of macOS.
_AT_FDCWD, _RENAME_EXCHANGE, _RENAME_SWAP = -100, 2, 2


@contextmanager
def claim_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a temporary folder, which is removed at the end of the block. :func:`remove_abandoned` keeps it until then.

    Parameters
    ----------
    parent
        The folder that will contain it.
    prefix
        The beginning of its name.

    Yields
    ------
    Path
        The temporary folder.
    """
    while True:
        folder = parent / f"{prefix}{uuid.uuid4().hex[:16]}"
        folder.mkdir(parents=True)
        lock = FileLock(folder / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:  # another process took the folder, which had no lock yet, for an abandoned one
            continue
        except NotImplementedError:  # without locks in the file system, no process removes it
            pass
        break
    try:
        yield folder
    finally:
        _restore(folder)
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def remove_abandoned(parent: Path, prefix: str) -> int:
    """Delete the temporary folders whose processes have ended.

    Folders that such a process was about to replace are moved back, unless other folders are in their places.

    Parameters
    ----------
    parent, prefix
        The folder that contains them, and the beginning of their names.

    Returns
    -------
    int
        The number of folders that were deleted.
    """
    removed = 0
    for folder in parent.glob(f"{prefix}*"):
        if not _DIGITS.fullmatch(folder.name.removeprefix(prefix)) or folder.is_symlink():
            continue
        lock = FileLock(folder / _LOCK)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError, RuntimeError):  # its process is alive, or this cannot be determined
            continue
        _restore(folder)
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        removed += 1
    return removed


def replace_folder(new: Path, place: Path, claimed: Path) -> Path | None:
    """Move a folder to its place, so that readers see either the old folder or the whole new one.

    If the system cannot exchange two folders, readers see neither for a moment. If the process is killed meanwhile,
    :func:`remove_abandoned` moves the old folder back.

    Parameters
    ----------
    new
        The new folder.
    place
        The path of the folder that is replaced, which need not exist.
    claimed
        A folder from :func:`claim_folder` on the same file system.

    Returns
    -------
    Path or None
        The old folder, which is now in the claimed one; None if there was none.
    """
    if not os.path.lexists(place):
        new.rename(place)
        sync_folder(place.parent)
        return None
    if _exchange(new, place):
        sync_folder(place.parent)
        return new
    before = claimed / _BEFORE / place.name
    before.parent.mkdir(exist_ok=True)
    place.rename(before)
    new.rename(place)
    sync_folder(place.parent)
    return before


def _restore(folder: Path) -> None:
    """Move replaced folders back, unless other folders are in their places."""
    for before in (folder / _BEFORE).glob("*"):
        place = folder.parent / before.name
        if not os.path.lexists(place):
            before.rename(place)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders in one step, and return whether the system can do this."""
    paths = os.fsencode(first), os.fsencode(second)
    if os.name != "posix":
        return False
    library = ctypes.CDLL(None)
    if hasattr(library, "renameat2"):  # Linux
        return bool(library.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0)
    if hasattr(library, "renamex_np"):  # macOS
        return bool(library.renamex_np(*paths, _RENAME_SWAP) == 0)
    return False
