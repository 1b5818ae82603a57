"""Replaces whole folders at once, and makes temporary folders that are removed if their process was killed.

A temporary folder belongs to the process that holds its lock. The system releases the lock when the process ends,
however it ends; process ids would not tell, because other processes, or those of other containers, get the same ones.

    <prefix><16 hexadecimal digits>/lock       locked while its process lives
    <prefix><16 hexadecimal digits>/before/    folders that were moved out of the way, to be moved back
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
#: From linux/fs.h and fcntl.h, and from sys/stdio.h of macOS.
_AT_FDCWD, _RENAME_EXCHANGE, _RENAME_SWAP = -100, 2, 2


@contextmanager
def claim_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Make a temporary folder that :func:`remove_abandoned` leaves alone until the end of the block, which removes it.

    Parameters
    ----------
    parent
        The folder in which it is made.
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
        except Timeout:  # somebody has taken the folder, which had no lock yet, for an abandoned one
            continue
        except NotImplementedError:  # a file system without locks, where nobody takes it for that
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

    Folders that such a process had moved out of the way are moved back, unless others are in their places.

    Parameters
    ----------
    parent, prefix
        The folder in which they are, and the beginning of their names.

    Returns
    -------
    int
        How many were deleted.
    """
    removed = 0
    for folder in parent.glob(f"{prefix}*"):
        if not _DIGITS.fullmatch(folder.name.removeprefix(prefix)) or folder.is_symlink():
            continue
        lock = FileLock(folder / _LOCK)
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError, RuntimeError):  # its process is alive, or nobody can know whether it is
            continue
        _restore(folder)
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        removed += 1
    return removed


def replace_folder(new: Path, place: Path, claimed: Path) -> Path | None:
    """Move a folder to its place, where readers see either the old folder or the whole new one.

    Where the system cannot exchange two folders, readers see neither for a moment. If the process is killed just then,
    :func:`remove_abandoned` moves the old folder back.

    Parameters
    ----------
    new
        The new folder.
    place
        The place, which may be empty.
    claimed
        A folder of :func:`claim_folder` on the same file system.

    Returns
    -------
    Path or None
        The old folder, in the claimed one; None if there was none.
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
    """Move the folders back that were moved out of the way, unless others are in their places."""
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
