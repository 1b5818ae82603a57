"""The folder of an unfinished run. It is filled part by part, and records which parts are finished.

    runs/.partial-<id>/parts.jsonl      one line for the configuration, then one for each new array and finished part
    runs/.partial-<id>/<part>.npz       results of a part that are not arrays of the run
    runs/.partial-<id>/run/             the folder that is renamed to runs/<id> at the end
    runs/.partial-<id>/served           whether somebody wants the run, if a server computes it

The line of a part is written only after its numbers are on the disk. So even if the process is killed, the record never
names a part that is missing. A part is computed again only if its line was not yet written. Each line has a checksum
(CRC-32) of itself and of the bytes that its part has written. If the folder has other bytes when it is continued, the
run is started again. No reader of a gallery opens this folder.
"""

from __future__ import annotations

import io
import json
import shutil
import zlib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray
from lossatlas.building.estimate import Sizes
from lossatlas.building.records import Record
from lossatlas.errors import LossAtlasError, RunDamagedError, RunNotFoundError
from lossatlas.runs import Block, Run, RunConfig
from lossatlas.store import (
    MOST_JSON,
    append_line,
    explain_write_errors,
    is_regular,
    make_synced_folder,
    map_array,
    open_regular,
    open_synced,
    publish,
    read_regular,
    run_folder,
    sync_folder,
    write_text,
)

#: Locked by the process that computes large runs.
LOCK = ".build.lock"
_PARTIAL = ".partial-"
_RECORD = "parts.jsonl"
_SERVED, _LONGEST_MARK = "served", 16
#: The version of this layout. A folder with another version is deleted and started again.
_LAYOUT = 4
#: The longest record that is read, in bytes. A line takes some hundred bytes.
_LONGEST_RECORD = 2**28
_NOTHING = Record(None)


class Checkpoint:
    """The folder of one configuration. It continues with the parts that are already there.

    Only one process may use it at a time, which the lock of :func:`lossatlas.building.build_gallery` ensures.

    Parameters
    ----------
    data
        The data folder.
    config
        The configuration that is computed. A folder of another version of lossatlas or NumPy is deleted and started
        again, because its numbers could differ in the last digit.
    sizes
        The sizes of the parts of a folder that is started.

    Attributes
    ----------
    sizes
        The sizes of the parts of this folder.
    notes
        The JSON data that each finished part left, by the name of the part, in the order in which they finished.
    """

    def __init__(self, data: Path, config: RunConfig, sizes: Sizes) -> None:
        self.data, self.id, self.sizes = data, config.id, sizes
        self.folder = _folder(data, config.id)
        self.notes: dict[str, Any] = {}
        self._shapes: dict[str, list[Any]] = {}
        whose = {"layout": _LAYOUT, "config": config.canonical, **_versions()}
        with explain_write_errors(data):
            if not self._resume(whose):
                _remove(self.folder)
                make_synced_folder(self.folder / "run")
                self.notes, self._shapes = {}, {}
                self._write_line({**whose, "sizes": asdict(sizes)})

    def __contains__(self, part: str) -> bool:
        return part in self.notes

    def lay_out(self, array: str, dtype: str, shape: tuple[int, ...]) -> None:
        """Create the file of an array, unless it exists."""
        described = [dtype, list(shape)]
        if self._shapes.get(array) == described:
            return
        path = self.path_of(array)
        with explain_write_errors(self.data):
            path.parent.mkdir(parents=True, exist_ok=True)
            np.lib.format.open_memmap(path, mode="w+", dtype=np.dtype(dtype), shape=shape).flush()
            sync_folder(path.parent)
            self._write_line({"array": array, "as": described})
        self._shapes[array] = described

    def finish_part(self, part: str, blocks: Iterable[Block] = (), record: Record = _NOTHING) -> None:
        """Store the results of a part, and then record that it is finished.

        Parameters
        ----------
        part
            The name of the part, which must be a valid file name.
        blocks
            Its blocks of the arrays of the run. :meth:`lay_out` must have created these arrays.
        record
            Its other results, for :meth:`record_of`.

        Raises
        ------
        DataFolderError
            If the folder cannot be written.
        """
        line: dict[str, Any] = {"part": part, "note": record.note}
        with explain_write_errors(self.data):
            for array, mine in _group_by_array(blocks).items():
                line.setdefault("blocks", {})[array] = self._fill(array, mine)
            if record.arrays is not None:
                packed = io.BytesIO()
                np.savez(packed, allow_pickle=False, **dict(record.arrays))
                with open_synced(self.folder / f"{part}.npz") as file:
                    file.write(packed.getbuffer())
                sync_folder(self.folder)
                line["arrays"] = zlib.crc32(packed.getbuffer())
            self._write_line(line)
        self.notes[part] = record.note

    def record_of(self, part: str) -> Record:
        """Return the results of a finished part that are not arrays of the run."""
        if not is_regular(self.folder, f"{part}.npz"):
            return Record(self.notes[part])
        with open_regular(self.folder, f"{part}.npz") as file, np.load(file, allow_pickle=False) as found:
            return Record(self.notes[part], dict(found))

    def drop_arrays_of(self, part: str) -> None:
        """Delete the arrays in the record of a part, because they are no longer needed."""
        path = self.folder / f"{part}.npz"
        if path.exists():
            with explain_write_errors(self.data):
                self._write_line({"dropped": part})
            path.unlink()

    def array(self, name: str) -> AnyArray:
        """Map an array of the run into memory, read-only."""
        return np.lib.format.open_memmap(self.path_of(name), mode="r")

    def publish(self, run: Run) -> Path:
        """Move the run, whose large arrays are in this folder, to its final folder, and delete this folder."""
        folder = publish(run, self.folder / "run", self.data, there=frozenset(self._shapes))
        shutil.rmtree(self.folder, ignore_errors=True)
        return folder

    def path_of(self, array: str) -> Path:
        """Return the path of the file of an array."""
        return self.folder / "run" / f"{array}.npy"

    def _fill(self, array: str, blocks: list[Block]) -> list[tuple[int, int, int]]:
        """Write blocks into the file of an array, and return the place, size and checksum of each."""
        # It does not use a memory map, where a full disk would be a signal.
        dtype, shape = np.dtype(self._shapes[array][0]), self._shapes[array][1]
        written = []
        with open_synced(self.path_of(array), "r+b") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            first = file.tell()
            for block in blocks:
                if block.values.dtype != dtype:
                    raise TypeError(f"{array} is {dtype}, not {block.values.dtype}")
                place = first + block.place_in(shape) * dtype.itemsize
                content = np.ascontiguousarray(block.values).data
                file.seek(place)
                file.write(content)
                written.append((place, content.nbytes, zlib.crc32(content)))
        return written

    def _resume(self, whose: dict[str, Any]) -> bool:
        """Read the record, and return whether it belongs to this configuration and the folder has what it says."""
        try:
            lines, length = _read_whole_lines(read_regular(self.folder, _RECORD, _LONGEST_RECORD))
        except OSError:
            return False
        if not lines or {name: value for name, value in lines[0].items() if name != "sizes"} != whose:
            return False
        self.sizes = Sizes(**lines[0]["sizes"])
        parts = {line["part"]: line for line in lines if "part" in line}
        self.notes = {part: line["note"] for part, line in parts.items()}
        self._shapes = {line["array"]: line["as"] for line in lines if "array" in line}
        with (self.folder / _RECORD).open("r+b") as file:
            file.truncate(length)  # remove an incomplete last line, to which the next line would be appended
        dropped = {line["dropped"] for line in lines if "dropped" in line}
        kept = {part: line["arrays"] for part, line in parts.items() if "arrays" in line and part not in dropped}
        return (
            all(self._has_array(array) for array in self._shapes)
            and all(self._has_bytes(f"{part}.npz", [(0, -1, checksum)]) for part, checksum in kept.items())
            and all(
                self._has_bytes(f"run/{array}.npy", blocks)
                for line in parts.values()
                for array, blocks in line.get("blocks", {}).items()
            )
        )

    def _has_array(self, array: str) -> bool:
        try:
            found = map_array(self.folder, f"run/{array}.npy")
        except (RunDamagedError, OSError):
            return False
        return [str(found.dtype), list(found.shape)] == self._shapes[array]

    def _has_bytes(self, name: str, blocks: Iterable[tuple[int, int, int]]) -> bool:
        """Return whether a file has blocks with the given places, sizes (-1: all the rest) and checksums."""
        try:
            with open_regular(self.folder, name) as file:
                for place, size, checksum in blocks:
                    file.seek(place)
                    if zlib.crc32(file.read(size)) != checksum:
                        return False
        except OSError:
            return False
        return True

    def _write_line(self, line: dict[str, Any]) -> None:
        append_line(self.folder / _RECORD, _seal(json.dumps(line, separators=(",", ":"))))


def find_unfinished(data: Path) -> dict[str, int]:
    """Return the size in bytes of each unfinished run by its id, and delete folders of runs that are now stored."""
    remove_stored(data)
    return {
        folder.name.removeprefix(_PARTIAL): sum(_size_on_disk(path) for path in folder.rglob("*") if path.is_file())
        for folder in sorted((data / "runs").glob(f"{_PARTIAL}*"))
    }


def remove_stored(data: Path) -> None:
    """Delete the folders of runs that are stored by now.

    A build that is killed after it has moved a run to its place, and before it has deleted the rest of the folder,
    leaves such a folder. As the run is there, no later build would continue with it.
    """
    for folder in (data / "runs").glob(f"{_PARTIAL}*"):
        with suppress(RunNotFoundError):
            if is_regular(run_folder(data, folder.name.removeprefix(_PARTIAL)), "run.json"):
                shutil.rmtree(folder, ignore_errors=True)


def mark_served(data: Path, run_id: str, *, wanted: bool) -> None:
    """Note that a server computes an unfinished run, and whether somebody wants it. A run that is gone is ignored."""
    folder = _folder(data, run_id)
    with explain_write_errors(data), suppress(FileNotFoundError):
        write_text(folder / _SERVED, "wanted" if wanted else "left")


@dataclass(frozen=True)
class Served:
    """An unfinished run of a server.

    Attributes
    ----------
    config
        Its configuration.
    wanted
        Whether somebody wants it, or wanted it when the server ended.
    since
        When this was noted, in seconds since 1970.
    folder
        Its folder.
    """

    config: RunConfig
    wanted: bool
    since: float
    folder: Path


def find_served(data: Path) -> dict[str, Served]:
    """Return the unfinished runs of servers by their ids."""
    found = {}
    for folder in sorted((data / "runs").glob(f"{_PARTIAL}*")):
        with suppress(OSError, ValueError, LookupError, TypeError, LossAtlasError):
            wanted = read_regular(folder, _SERVED, _LONGEST_MARK) == b"wanted"
            with open_regular(folder, _RECORD) as file:
                first = json.loads(file.readline(MOST_JSON))
            config = RunConfig.from_mapping(json.loads(first["config"]))
            if folder == _folder(data, config.id):
                found[config.id] = Served(config, wanted, (folder / _SERVED).stat().st_mtime, folder)
    return found


def remove_partial(data: Path, run_id: str) -> None:
    """Delete the folder of an unfinished run, if there is one."""
    _remove(_folder(data, run_id))


def _remove(folder: Path) -> None:
    """Delete a folder, or the link or the file in its place."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
    else:
        folder.unlink(missing_ok=True)


def _size_on_disk(path: Path) -> int:
    """Return the bytes that a file takes on the disk, which are few for an array that is not yet filled."""
    status = path.stat()
    return min(status.st_size, 512 * getattr(status, "st_blocks", status.st_size))


def _folder(data: Path, run_id: str) -> Path:
    runs = run_folder(data, run_id).parent
    return runs / f"{_PARTIAL}{run_id}"


def _versions() -> dict[str, str]:
    return {"lossatlas": version("lossatlas"), "numpy": np.__version__}


def _seal(line: str) -> str:
    """Add its checksum to a line, which is a JSON object."""
    return f'{line[:-1]},"crc":"{zlib.crc32(line.encode()):08x}"}}'


def _read_whole_lines(text: bytes) -> tuple[list[dict[str, Any]], int]:
    """Return the lines of a record up to the first incomplete or changed one, and their total length in bytes."""
    lines: list[dict[str, Any]] = []
    length = 0
    for line in text.split(b"\n")[:-1]:
        content = line.rpartition(b',"crc":"')[0] + b"}"
        if _seal(content.decode("utf-8", "replace")).encode() != line:
            break
        lines.append(json.loads(content))
        length += len(line) + 1
    return lines, length


def _group_by_array(blocks: Iterable[Block]) -> dict[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    for block in blocks:
        found.setdefault(block.array, []).append(block)
    return found
