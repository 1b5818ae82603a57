"""Fills the folder of a site. Files that are the same as in an earlier site are linked instead of written."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import zlib
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from lossatlas.store import is_regular, open_regular

_CHUNK = 2**20


@dataclass(frozen=True)
class Packing:
    """A way to compress files.

    Attributes
    ----------
    pack, unpack
        The functions that compress and decompress.
    errors
        The exceptions that reading and unpacking a damaged file raise.
    """

    pack: Callable[[bytes], bytes]
    unpack: Callable[[bytes], bytes]
    errors: tuple[type[Exception], ...]


#: The same content always gives the same bytes.
GZIP = Packing(lambda content: gzip.compress(content, 9, mtime=0), gzip.decompress, (OSError, EOFError, zlib.error))


class SiteFolder:
    """A new folder that is being filled, and the folder of an earlier site, which need not exist.

    Attributes
    ----------
    folder, earlier
        The folders.
    written
        How many files have been written, because the earlier site has none with the same name and the same bytes.
    """

    def __init__(self, folder: Path, earlier: Path) -> None:
        self.folder, self.earlier = folder, earlier
        self.written = 0

    def put_bytes(self, name: str, content: bytes) -> None:
        """Write a file, or link the file of the earlier site if it has the same bytes."""
        self.put_file(name, io.BytesIO(content))

    def put_file(self, name: str, content: BinaryIO) -> None:
        """Write a file, or link the file of the earlier site if it has the same bytes.

        Parameters
        ----------
        name
            The path of the file, relative to the folder.
        content
            The file with its content.
        """
        if is_regular(self.earlier, name):
            with open_regular(self.earlier, name) as before:
                same = _have_same_bytes(before, content)
            if same:
                self.link(name)
                return
            content.seek(0)
        path = self._make_place(name)
        with path.open("xb") as file:
            shutil.copyfileobj(content, file, _CHUNK)
        self.written += 1

    def put_packed(self, name: str, content: bytes, packing: Packing) -> None:
        """Write a file in packed form, or link the file of the earlier site if it unpacks to the same bytes."""
        if self.has_earlier_copy(name, content, packing):
            self.link(name)
        else:
            self.put_bytes(name, packing.pack(content))

    def has_earlier_copy(self, name: str, content: bytes, packing: Packing) -> bool:
        """Return whether a file of the earlier site unpacks to this content, which is faster than packing it again."""
        if not is_regular(self.earlier, name):
            return False
        try:
            with open_regular(self.earlier, name) as file:
                return packing.unpack(file.read()) == content
        except packing.errors:
            return False

    def link(self, name: str) -> None:
        """Link a file of the earlier site."""
        _link(self.earlier / name, self._make_place(name))

    def is_whole_earlier_site(self) -> bool:
        """Return whether the folder has the same files as the earlier site, with the same bytes."""
        return self.written == 0 and _list_names(self.folder) == _list_names(self.earlier)

    def _make_place(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def _list_names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def carry_over(old: Path, new: Path, ours: Collection[str]) -> bool:
    """Link foreign files of an old folder into a new one, unless they exist there.

    Parameters
    ----------
    old, new
        The folders. The old one need not exist.
    ours
        The names in the old folder that belong to the export and are not linked.

    Returns
    -------
    bool
        Whether a file was linked.
    """
    foreign = [path for path in old.iterdir() if path.name not in ours] if old.is_dir() else []
    changed = [_carry_over_tree(path, new / path.name) for path in foreign]
    return any(changed)


def _carry_over_tree(old: Path, new: Path) -> bool:
    status = old.lstat()
    if stat.S_ISDIR(status.st_mode):
        new.mkdir(exist_ok=True)
        changed = [_carry_over_tree(path, new / path.name) for path in old.iterdir()]
        shutil.copystat(old, new)
        return any(changed)
    if stat.S_ISLNK(status.st_mode):
        with suppress(FileExistsError):
            new.symlink_to(old.readlink())
    elif stat.S_ISREG(status.st_mode) and not (os.path.lexists(new) and os.path.samestat(status, new.lstat())):
        new.unlink(missing_ok=True)
        _link(old, new)
        return True
    return False


def _link(old: Path, new: Path) -> None:
    """Make a hard link, or a copy with the same time if the system has no hard links."""
    try:
        os.link(old, new, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(old, new, follow_symlinks=False)


def _have_same_bytes(first: BinaryIO, second: BinaryIO) -> bool:
    while True:
        chunk = first.read(_CHUNK)
        if chunk != second.read(_CHUNK):
            return False
        if not chunk:
            return True
