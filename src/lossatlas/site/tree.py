"""Fills the folder of a site. Files that are the same as in an earlier site are linked instead of written."""

from __future__ import annotations

import io
import os
import shutil
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from lossatlas.store import is_regular, open_regular

_CHUNK = 2**20


def put_bytes(new: Path, name: str, content: bytes, old: Path) -> None:
    """Write a file into a new folder, or link the file of an old one if it has the same bytes."""
    put_file(new, name, io.BytesIO(content), old)


def put_file(new: Path, name: str, content: BinaryIO, old: Path) -> None:
    """Write a file into a new folder, or link the file of an old one if it has the same bytes.

    Parameters
    ----------
    new, old
        The folders.
    name
        The path of the file, relative to each of them.
    content
        The file with its content.
    """
    path = new / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if is_regular(old, name):
        with open_regular(old, name) as before:
            same = _have_same_bytes(before, content)
        if same:
            _link(old / name, path)
            return
        content.seek(0)
    with path.open("xb") as file:
        shutil.copyfileobj(content, file, _CHUNK)


def carry_over(old: Path, new: Path, ours: Collection[str]) -> None:
    """Link foreign files of an old folder into a new one, unless they exist there.

    Parameters
    ----------
    old, new
        The folders. The old one need not exist.
    ours
        The names in the old folder that belong to the export and are not linked.
    """
    for path in old.iterdir() if old.is_dir() else ():
        if path.name not in ours:
            _carry_over_tree(path, new / path.name)


def _carry_over_tree(old: Path, new: Path) -> None:
    status = old.lstat()
    if stat.S_ISDIR(status.st_mode):
        new.mkdir(exist_ok=True)
        for path in old.iterdir():
            _carry_over_tree(path, new / path.name)
        shutil.copystat(old, new)
    elif stat.S_ISLNK(status.st_mode):
        with suppress(FileExistsError):
            new.symlink_to(old.readlink())
    elif stat.S_ISREG(status.st_mode) and not (os.path.lexists(new) and os.path.samestat(status, new.lstat())):
        new.unlink(missing_ok=True)
        _link(old, new)


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
