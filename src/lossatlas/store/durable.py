"""Writes files so that they are whole and on the disk, even if the process is killed or the machine loses its power."""

from __future__ import annotations

import os
import re
import stat
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from lossatlas.arrays import AnyArray

#: How many files are synced at a time. A file system stores many files at once in little more time than one of them.
_AT_ONCE = 16
_UNFINISHED = re.compile(r"\..+\.\d+-[0-9a-f]{8}")


@contextmanager
def open_synced(path: Path, mode: Literal["wb", "ab", "r+b"] = "wb") -> Iterator[BinaryIO]:
    """Open a file for writing, and make sure that its bytes are on the disk at the end of the block."""
    with path.open(mode) as file:
        yield file
        file.flush()
        _sync(file.fileno())


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing beside its place, and move it there at the end of the block.

    Readers see either the old file or the whole new one. A process that is killed leaves the unfinished file, for which
    :func:`is_unfinished` is true.

    Yields
    ------
    BinaryIO
        The file.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        with open_synced(unfinished) as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    sync_folder(path.parent)


def is_unfinished(path: Path) -> bool:
    """Return whether a file has the name of one that :func:`replace_file` did not finish."""
    return _UNFINISHED.fullmatch(path.name) is not None


def append_line(path: Path, line: str) -> None:
    """Append a line, without its end, to a text file."""
    with open_synced(path, "ab") as file:
        file.write(line.encode() + b"\n")


def write_array(file: BinaryIO, array: AnyArray) -> None:
    """Write an array of any shape in NumPy's format, in C order.

    ``np.save`` writes with functions of C that hide why the system refuses: a full disk would not be known as one.
    """
    array = np.ascontiguousarray(array)
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
    file.write(array.data)


def sync_folder(folder: Path) -> None:
    """Make sure that the names of new files are on the disk, if the system can do this."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Make sure that the names of all files in a folder and in its sub-folders are on the disk."""
    for above, _, _ in os.walk(folder):  # it does not follow links
        sync_folder(Path(above))


def sync_new_files(folder: Path) -> None:
    """Make sure that the new files in a folder and in its sub-folders are on the disk, with their names.

    A file that has another name as well is not new: it is a hard link to a file that was synced earlier.
    """
    paths = [Path(above, name) for above, _, names in os.walk(folder) for name in names]
    statuses = [(path, path.lstat()) for path in paths]
    new = [path for path, status in statuses if stat.S_ISREG(status.st_mode) and status.st_nlink == 1]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(_sync_file, new))
    sync_tree(folder)


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)  # Windows only syncs what it may write
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def make_synced_folder(folder: Path) -> None:
    """Make a folder, and the folders above it, and make sure that their names are on the disk."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in reversed(missing):
        sync_folder(each.parent)


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)
