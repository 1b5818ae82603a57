"""The folder of an unfinished run: it is filled part by part, and records which parts are there.

    runs/.partial-<id>/parts.jsonl      a line for whose it is, then one for each array laid out and part finished
    runs/.partial-<id>/<part>.npz       what a part says beside the arrays of the run
    runs/.partial-<id>/run/             what becomes runs/<id>, by being renamed

A part's line is written when its numbers are on the disk, not before. So whatever happens to the process that writes,
the record never names a part that is not there, and one that is there is computed again only if its line was not yet
written. No reader of a gallery looks into the folder.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lossatlas.arrays import AnyArray
from lossatlas.building.records import Record
from lossatlas.runs import Block, Run, RunConfig
from lossatlas.store import publish, run_folder, writing

_PARTIAL = ".partial-"
_RECORD = "parts.jsonl"
#: Of the folder's layout; a folder of another one is begun anew.
_LAYOUT = 2
_NOTHING = Record(None)


class Checkpoint:
    """The folder of one configuration, taken up where it was left.

    One process at a time: hold the lock of :func:`lossatlas.building.build_gallery`.

    Parameters
    ----------
    data
        The data folder.
    config
        What is computed. A folder that another release of lossatlas or NumPy has begun is begun anew, for its numbers
        might differ in a last digit.

    Attributes
    ----------
    notes
        What each finished part left, by its name, as plain JSON data; in the order in which they were finished.
    """

    def __init__(self, data: Path, config: RunConfig) -> None:
        self.data, self.id = data, config.id
        self.folder = _folder(data, config.id)
        self.notes: dict[str, Any] = {}
        self._shapes: dict[str, list[Any]] = {}
        whose = {"layout": _LAYOUT, "config": config.canonical, **_versions()}
        with writing(data):
            if not self._take_up(whose):
                shutil.rmtree(self.folder, ignore_errors=True)
                (self.folder / "run").mkdir(parents=True)
                self.notes, self._shapes = {}, {}
                self._write_line(whose)

    def __contains__(self, part: str) -> bool:
        return part in self.notes

    def lay_out(self, array: str, dtype: str, shape: tuple[int, ...]) -> None:
        """Make room for an array on the disk, unless that has been done."""
        described = [dtype, list(shape)]
        if self._shapes.get(array) == described:
            return
        path = self._path(array)
        with writing(self.data):
            path.parent.mkdir(parents=True, exist_ok=True)
            np.lib.format.open_memmap(path, mode="w+", dtype=np.dtype(dtype), shape=shape).flush()
            _sync_folder(path.parent)
            self._write_line({"array": array, "as": described})
        self._shapes[array] = described

    def finish_part(self, part: str, blocks: Iterable[Block] = (), record: Record = _NOTHING) -> None:
        """Store what a part computed, and then that it is there.

        Parameters
        ----------
        part
            Its name, good for a file.
        blocks
            What it gives to the arrays of the run; these must have been laid out.
        record
            What to keep beside them, for :meth:`record_of`.

        Raises
        ------
        DataFolderError
            If the folder cannot be written.
        """
        with writing(self.data):
            for array, mine in _group_by_array(blocks).items():
                self._fill(array, mine)
            if record.arrays is not None:
                with _open_synced(self.folder / f"{part}.npz") as file:
                    np.savez(file, allow_pickle=False, **dict(record.arrays))
                _sync_folder(self.folder)
            self._write_line({"part": part, "note": record.note})
        self.notes[part] = record.note

    def record_of(self, part: str) -> Record:
        """Return what a finished part left beside the arrays of the run."""
        path = self.folder / f"{part}.npz"
        if not path.exists():
            return Record(self.notes[part])
        with np.load(path, allow_pickle=False) as found:
            return Record(self.notes[part], dict(found))

    def drop_arrays_of(self, part: str) -> None:
        """Delete the arrays of its record: nobody will need them again."""
        (self.folder / f"{part}.npz").unlink(missing_ok=True)

    def array(self, name: str) -> AnyArray:
        """Map one of the run's arrays, read-only."""
        return np.lib.format.open_memmap(self._path(name), mode="r")

    def publish(self, run: Run) -> Path:
        """Put the run, whose large arrays are those of this folder, in its place; the folder is gone then."""
        folder = publish(run, self.folder / "run", self.data, there=frozenset(self._shapes))
        shutil.rmtree(self.folder, ignore_errors=True)
        return folder

    def _path(self, array: str) -> Path:
        return self.folder / "run" / f"{array}.npy"

    def _fill(self, array: str, blocks: list[Block]) -> None:
        """Write into a file rather than a map of it: a disk that is full is an error then, and not a signal."""
        dtype, shape = np.dtype(self._shapes[array][0]), self._shapes[array][1]
        with self._path(array).open("r+b") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            first = file.tell()
            for block in blocks:
                assert block.values.dtype == dtype, f"{array} is {dtype}, not {block.values.dtype}"
                file.seek(first + block.place_in(shape) * dtype.itemsize)
                file.write(np.ascontiguousarray(block.values).data)
            file.flush()
            os.fsync(file.fileno())

    def _take_up(self, whose: dict[str, Any]) -> bool:
        """Read what is there; whether it is ours and whole."""
        try:
            lines, length = _read_whole_lines((self.folder / _RECORD).read_bytes())
        except FileNotFoundError:
            return False
        if not lines or lines[0] != whose:
            return False
        for line in lines[1:]:
            if "part" in line:
                self.notes[line["part"]] = line["note"]
            else:
                self._shapes[line["array"]] = line["as"]
        with (self.folder / _RECORD).open("r+b") as file:
            file.truncate(length)  # cut off a line that was being written: the next one would be added to it
        return all(self._is_there(array) for array in self._shapes)

    def _is_there(self, array: str) -> bool:
        try:
            found = self.array(array)
        except (OSError, ValueError):
            return False
        return [str(found.dtype), list(found.shape)] == self._shapes[array]

    def _write_line(self, line: dict[str, Any]) -> None:
        with (self.folder / _RECORD).open("ab") as file:
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())


def find_unfinished(data: Path) -> dict[str, int]:
    """What builds have left unfinished: bytes on the disk by the run's id. What is stored by now is deleted."""
    found = {}
    for folder in sorted((data / "runs").glob(f"{_PARTIAL}*")):
        run_id = folder.name.removeprefix(_PARTIAL)
        if (run_folder(data, run_id) / "run.json").is_file():
            shutil.rmtree(folder, ignore_errors=True)
        else:
            found[run_id] = sum(_size_on_disk(path) for path in folder.rglob("*") if path.is_file())
    return found


def _size_on_disk(path: Path) -> int:
    """Bytes that a file takes: an array that is laid out and not filled takes few."""
    status = path.stat()
    return min(status.st_size, 512 * getattr(status, "st_blocks", status.st_size))


def _folder(data: Path, run_id: str) -> Path:
    runs = run_folder(data, run_id).parent
    return runs / f"{_PARTIAL}{run_id}"


def _versions() -> dict[str, str]:
    return {"lossatlas": version("lossatlas"), "numpy": np.__version__}


def _read_whole_lines(text: bytes) -> tuple[list[dict[str, Any]], int]:
    """The lines of a record up to the first that is cut short, and how many bytes they are."""
    lines: list[dict[str, Any]] = []
    length = 0
    for line in text.split(b"\n")[:-1]:
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
        length += len(line) + 1
    return lines, length


def _group_by_array(blocks: Iterable[Block]) -> dict[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    for block in blocks:
        found.setdefault(block.array, []).append(block)
    return found


@contextmanager
def _open_synced(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write, whose bytes are on the disk when the block is left."""
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Put the names of new files on the disk, where a system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
