"""Opens files of a data folder: only regular files, never through a link, and never more bytes than expected.

The folder may come from somebody else. A pipe in place of a file would keep a reader waiting forever, a link could
lead to any file of this machine, and a file of gigabytes could take only a few bytes on the disk.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import BinaryIO

#: The largest JSON file that is read. The largest manifest that the package writes is a tenth of this.
MOST_JSON = 8 * 2**20

_HAS_FOLDER_DESCRIPTORS = os.open in os.supports_dir_fd
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
#: Files are opened without waiting, because opening a pipe would wait for a process that writes into it.
_FILE = os.O_RDONLY | _NO_LINK | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_FOLDER = os.O_RDONLY | _NO_LINK | getattr(os, "O_DIRECTORY", 0)
#: The error codes of systems if the path is a link that must not be followed, or leads through one.
_OF_LINKS = {errno.ELOOP, errno.ENOTDIR, errno.EMLINK}


class IrregularFileError(OSError):
    """A path is a link or leads through one, or it is not a file, or the file is too large. The message says which."""


def open_regular(folder: Path, name: str) -> BinaryIO:
    """Open a file in a folder for reading. Neither may be a link.

    Parameters
    ----------
    folder
        The folder. Folders above it may be links.
    name
        The path of the file relative to the folder, with ``/``.

    Returns
    -------
    BinaryIO
        The file.

    Raises
    ------
    IrregularFileError
        If the folder or any part of the path is a link, or if it leads to no regular file.
    OSError
        If there is no such file, or if it cannot be read.
    """
    try:
        descriptor = _open_step_by_step(folder, PurePosixPath(name).parts)
    except OSError as error:
        if error.errno in _OF_LINKS and _leads_through_link(folder, name):
            raise IrregularFileError("a link, which may lead outside the run") from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise IrregularFileError("no regular file")
    return os.fdopen(descriptor, "rb")


def read_regular(folder: Path, name: str, most: int = MOST_JSON) -> bytes:
    """Read a file as :func:`open_regular` opens it.

    Parameters
    ----------
    folder, name
        The folder, and the path of the file relative to it.
    most
        The largest number of bytes.

    Returns
    -------
    bytes
        The content of the file.

    Raises
    ------
    IrregularFileError
        If the file is larger, or :func:`open_regular` does not open it.
    """
    with open_regular(folder, name) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(most + 1) if size <= most else b""
    if size > most or len(content) > most:
        raise IrregularFileError(f"takes {max(size, len(content)):,} bytes, and {most:,} are the most")
    return content


def is_regular(folder: Path, name: str) -> bool:
    """Return whether :func:`open_regular` would open a file."""
    with suppress(OSError, ValueError), open_regular(folder, name):
        return True
    return False


def _open_step_by_step(folder: Path, parts: tuple[str, ...]) -> int:
    """Open the folders of a path one after another, so that nobody can replace one of them by a link meanwhile."""
    if not parts or ".." in parts:
        raise IrregularFileError("no path below the folder")
    if not _HAS_FOLDER_DESCRIPTORS:
        if _leads_through_link(folder, "/".join(parts)):
            raise OSError(errno.ELOOP, "a link")
        return os.open(folder.joinpath(*parts), _FILE)
    above = os.open(folder, _FOLDER)
    try:
        for part in parts[:-1]:
            below = os.open(part, _FOLDER, dir_fd=above)
            os.close(above)
            above = below
        return os.open(parts[-1], _FILE, dir_fd=above)
    finally:
        os.close(above)


def _leads_through_link(folder: Path, name: str) -> bool:
    path = folder / name
    return any(each.is_symlink() for each in (path, *path.parents) if each == folder or folder in each.parents)
