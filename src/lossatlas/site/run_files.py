"""Lists the files of a run as a site has them: with names that change with the content, and packed if it is compact."""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lossatlas.site.byte_planes import to_byte_planes
from lossatlas.site.constants import MOST_PARAMETERS
from lossatlas.site.tree import GZIP
from lossatlas.store import find_file, hash_file, list_entries, open_regular, read_manifest, seal

#: How many hexadecimal digits of its SHA-256 are in the name of a file.
_DIGITS = 16
_MARKED = re.compile(rf"_[0-9a-f]{{{_DIGITS}}}$")


@dataclass(frozen=True)
class RunFile:
    """A file of a run.

    Attributes
    ----------
    name
        Its path, relative to the run's folder.
    open
        A function that opens its content.
    is_packed
        Whether the site has the content packed with gzip.
    """

    name: str
    open: Callable[[], BinaryIO]
    is_packed: bool = False

    def read(self) -> bytes:
        """Return the bytes of the file as the site has it."""
        with self.open() as file:
            return GZIP.pack(file.read()) if self.is_packed else file.read()


def list_run_files(folder: Path, *, compact: bool) -> list[RunFile]:
    """List the files of a run that its manifest names, and the manifest itself, which comes last.

    The name of an array has a part of the SHA-256 of its ``.npy`` file. Therefore, browsers and hosts can keep such a
    file for ever: other numbers have another name.

    Parameters
    ----------
    folder
        The folder of the run.
    compact
        Whether to compress arrays, and to leave out those with one number per parameter for networks with more than
        :data:`~lossatlas.site.constants.MOST_PARAMETERS` parameters.

    Returns
    -------
    list of RunFile
        The files.
    """
    manifest: dict[str, Any] = copy.deepcopy(read_manifest(folder))
    if compact and manifest["model"]["parameters"] > MOST_PARAMETERS:
        for arrays in (manifest["arrays"], *(plane["arrays"] for plane in manifest["planes"])):
            for key in [key for key, entry in arrays.items() if "parameter" in entry["axes"]]:
                del arrays[key]
    files = []
    for entry in list_entries(manifest):
        stored = find_file(folder, entry)
        if "sha256" not in entry:  # a run of an earlier version
            entry["sha256"] = hash_file(folder, stored)
        entry["file"] = mark_name(stored, entry["sha256"])
        if compact:
            entry["file"] += ".gz"
            entry["compression"] = "gzip"
        files.append(RunFile(entry["file"], _make_opener(folder, stored, compact), is_packed=compact))
    text = json.dumps(seal({**manifest, "compact": True} if compact else manifest), ensure_ascii=False, allow_nan=False)
    return [*files, RunFile("run.json", lambda: io.BytesIO(text.encode()))]


def mark_name(name: str, sha256: str) -> str:
    """Add a part of a checksum to the name of an array file, in place of an earlier one."""
    path = Path(name)
    return path.with_stem(f"{_MARKED.sub('', path.stem)}_{sha256[:_DIGITS]}").as_posix()


def _make_opener(folder: Path, name: str, compact: bool) -> Callable[[], BinaryIO]:
    def open_planes() -> BinaryIO:
        with open_regular(folder, name) as file:
            return io.BytesIO(to_byte_planes(file.read()))

    return open_planes if compact else lambda: open_regular(folder, name)
