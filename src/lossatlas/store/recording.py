"""A recording: somebody's own training as it is kept on disk while it runs, as plain NumPy files and JSON.

    <data>/recordings/<id>/recording.json       what was recorded: the layout of theta and of the buffers
    <data>/recordings/<id>/theta-00000012.npy   [P]: the trained parameters at one frame
    <data>/recordings/<id>/buffers-00000012.npy [B] float64: running statistics and the like at that frame
    <data>/recordings/<id>/samples/*.npy        the fixed samples, unless they were to be kept out
    <data>/recordings/<id>/frames.jsonl         one line a frame, written last: a frame is there when its line is

Every file is written beside its place, synced and renamed, so that a process that is killed leaves whole frames and
perhaps files that no line names, which the next writer sweeps. A recording is never served, exported, or recomputed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lossatlas.arrays import AnyArray, Floats
from lossatlas.errors import DataError, RunDamagedError, RunNotFoundError
from lossatlas.store.write import RUN_ID, explain_write_errors

FORMAT = "lossatlas-recording"
_VERSION = 1
_UNFINISHED = re.compile(r"\.(?P<name>.+)\.(?P<process>\d+)-[0-9a-f]{8}")
_OF_FRAME = re.compile(r"(theta|buffers)-\d{8}\.npy")
#: Frames that are kept at least, whatever the budget: the first and the last.
_FEWEST = 2


@dataclass(frozen=True)
class Tensor:
    """One named tensor inside a flat vector: ``vector[offset : offset + prod(shape)]``, in C order."""

    name: str
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(np.prod(self.shape, dtype=np.int64))


def lay_out(named_shapes: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[Tensor, ...]:
    """Lay tensors into one flat vector, one after the other."""
    found: list[Tensor] = []
    for name, shape in named_shapes:
        offset = found[-1].offset + found[-1].size if found else 0
        found.append(Tensor(name, tuple(shape), offset))
    return tuple(found)


def size_of(layout: Sequence[Tensor]) -> int:
    """How many numbers the vector has."""
    return sum(tensor.size for tensor in layout)


@dataclass(frozen=True)
class RecordedFrame:
    """One line of ``frames.jsonl``.

    Attributes
    ----------
    number
        How many snapshots were taken before it, counting those that have been thinned out since.
    epoch
        Of the training; 0 is the untrained model.
    metrics
        Losses and accuracies of the samples by name; None for one that is not known or not finite.
    """

    number: int
    epoch: int
    metrics: Mapping[str, float | None]

    @property
    def theta_file(self) -> str:
        """The file of its parameters."""
        return f"theta-{self.number:08d}.npy"

    @property
    def buffers_file(self) -> str:
        """The file of its buffers."""
        return f"buffers-{self.number:08d}.npy"

    @property
    def line(self) -> str:
        """As it stands in the log."""
        values = {"number": self.number, "epoch": self.epoch, "metrics": dict(self.metrics)}
        return json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n"


class StackedThetas:
    """The trajectory ``[F, P]`` float32 of one file a frame, read as it is asked for: it may exceed the memory.

    It stands for an array where only whole frames, or the same columns of all frames, are taken.
    """

    dtype = np.dtype(np.float32)
    ndim = 2

    def __init__(self, frames: Sequence[AnyArray]) -> None:
        self._frames = list(frames)
        self.shape = (len(self._frames), len(self._frames[0]))

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, key: Any) -> AnyArray:
        rows, columns = key if isinstance(key, tuple) else (key, slice(None))
        if isinstance(rows, int | np.integer):
            return np.asarray(self._frames[rows][columns], np.float32)
        chosen = self._frames[rows] if isinstance(rows, slice) else [self._frames[row] for row in rows]
        return np.stack([np.asarray(frame[columns], np.float32) for frame in chosen])


class Recording:
    """A recording on disk, as far as it has got.

    Attributes
    ----------
    folder, id
        Where it lies, and its name there.
    about
        What ``recording.json`` says.
    frames
        Those that are there, in their order.
    parameters, buffers
        The layout of theta, and that of the buffers.
    """

    def __init__(self, folder: Path, about: dict[str, Any], frames: Sequence[RecordedFrame]) -> None:
        self.folder, self.id, self.about, self.frames = folder, folder.name, about, tuple(frames)
        self.parameters = _read_layout(folder, about, "parameters")
        self.buffers = _read_layout(folder, about, "buffers")

    @classmethod
    def open(cls, folder: Path | str) -> Recording:
        """Open a recording. It imports, executes and unpickles nothing from the folder.

        Parameters
        ----------
        folder
            The folder of the recording.

        Returns
        -------
        Recording
            The recording.

        Raises
        ------
        RunNotFoundError
            If there is no such folder.
        RunDamagedError
            If the folder contains no recording, or a damaged one. The message names the file and the fault.
        """
        folder = Path(folder)
        if not folder.is_dir():
            raise RunNotFoundError(f"there is no recording {folder.name} in {folder.parent}")
        path = folder / "recording.json"
        try:
            about = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise RunDamagedError(path, f"not readable as JSON: {error}") from None
        if not isinstance(about, dict) or about.get("format") != FORMAT or about.get("format_version") != _VERSION:
            raise RunDamagedError(path, f"not a recording of format {FORMAT!r}, version {_VERSION}")
        return cls(folder, about, _read_log(folder))

    def theta(self, frame: int) -> AnyArray:
        """Map the parameters ``[P]`` at a frame from their file, in the stored precision."""
        return self._read(self.frames[frame].theta_file, size_of(self.parameters))

    def buffers_at(self, frame: int) -> AnyArray:
        """Map the buffers ``[B]`` float64 at a frame; they are empty if the model has none."""
        if not self.buffers:
            return np.empty(0)
        return self._read(self.frames[frame].buffers_file, size_of(self.buffers))

    @property
    def weights(self) -> StackedThetas:
        """The trajectory ``[F, P]``, mapped."""
        return StackedThetas([self.theta(frame) for frame in range(len(self.frames))])

    def _read(self, name: str, size: int) -> AnyArray:
        path = self.folder / name
        try:
            array: AnyArray = np.lib.format.open_memmap(path, mode="r")
        except FileNotFoundError:
            raise RunDamagedError(path, "the file is missing") from None
        except (OSError, ValueError, EOFError) as error:
            raise RunDamagedError(path, f"not a NumPy array, or cut short: {error}") from None
        if array.shape != (size,) or array.dtype.kind != "f":
            raise RunDamagedError(path, f"holds {array.dtype} {list(array.shape)}, and should hold numbers [{size}]")
        return array


def recording_folder(data: Path, recording: str) -> Path:
    """Return the folder of a recording, which need not exist.

    Parameters
    ----------
    data
        The data folder.
    recording
        The id of the recording.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    RunNotFoundError
        If no recording can have that id.
    """
    if not RUN_ID.fullmatch(recording):
        raise RunNotFoundError(f"{recording!r} is no id of a recording; ids look like digits-cnn-3f2a9c1b")
    return data / "recordings" / recording


def find_recording(data: Path, name: str, layout: str) -> Recording | None:
    """Find the newest recording with a name and a layout in a data folder; None if there is none."""
    found = []
    for path in (data / "recordings").glob("*/recording.json"):
        try:
            recording = Recording.open(path.parent)
        except RunDamagedError:
            continue
        if recording.about.get("name") == name and recording.about.get("layout") == layout:
            found.append((path.stat().st_mtime_ns, recording.id, recording))
    return max(found, key=lambda each: each[:2])[2] if found else None


def layout_hash(parameters: Sequence[Tensor], buffers: Sequence[Tensor]) -> str:
    """Compute a hash (SHA-256) that is equal for two models with the same tensors in the same order."""
    text = json.dumps([[[t.name, t.shape] for t in layout] for layout in (parameters, buffers)])
    return hashlib.sha256(text.encode()).hexdigest()


class RecordingWriter:
    """Writes a recording frame by frame. A frame is on the disk when :meth:`append` returns.

    Parameters
    ----------
    data
        The data folder.
    name
        For people, and the beginning of the id.
    parameters, buffers
        The layout of theta, and that of the buffers.
    about
        What else there is to say in ``recording.json``: plain JSON.
    dtype
        The precision theta is stored in.
    frames
        The largest number of frames. If there are more, every second one is deleted, except the first and the last.
    disk_budget
        The largest number of bytes of all frames. Fewer frames are kept if they would take more.
    resume
        Whether to continue the newest recording with this name and layout, if there is one.

    Raises
    ------
    DataFolderError
        If the folder cannot be written.
    DataError
        If the name has no letter or digit, or fewer than two frames are to be kept.
    """

    def __init__(  # noqa: PLR0913 (each setting has a name and a default)
        self,
        data: Path,
        name: str,
        parameters: Sequence[Tensor],
        buffers: Sequence[Tensor],
        about: Mapping[str, Any],
        *,
        dtype: Literal["float32", "float16"] = "float32",
        frames: int = 80,
        disk_budget: int | None = None,
        resume: bool = False,
    ) -> None:
        if frames < _FEWEST:
            raise DataError(f"frames is {frames}; {_FEWEST} are the fewest: the first and the last")
        self._data, self._dtype = data, np.dtype(dtype)
        self._limit = _frames_within(frames, disk_budget, parameters, buffers, self._dtype)
        layout = layout_hash(parameters, buffers)
        before = find_recording(data, name, layout) if resume else None
        self.folder = before.folder if before else recording_folder(data, _new_id(name))
        self.frames = list(before.frames) if before else []
        self._sizes = size_of(parameters), size_of(buffers)
        if before is None:
            self._begin(name, parameters, buffers, layout, about)
        else:
            self._sweep()
            self._replace_log()  # removes an incomplete last line

    @property
    def id(self) -> str:
        """The id, which is the name of the folder and was drawn at random."""
        return self.folder.name

    def put_sample(self, name: str, array: AnyArray) -> None:
        """Store an array of the fixed samples, of any shape and dtype."""
        with explain_write_errors(self._data):
            (self.folder / "samples").mkdir(exist_ok=True)
            _write_array(self.folder / "samples" / f"{name}.npy", array)

    def append(self, theta: Floats, buffers: Floats, epoch: int, metrics: Mapping[str, float | None]) -> RecordedFrame:
        """Write a frame. If its epoch exists already, it replaces that frame and all later ones."""
        frame = RecordedFrame(self.frames[-1].number + 1 if self.frames else 0, int(epoch), metrics)
        kept = [each for each in self.frames if each.epoch < epoch]
        if len(kept) > 1 and kept[-1].number % self._stride(kept):
            kept.pop()  # it was kept as the last one only
        kept = [*self._thin(kept), frame]
        with explain_write_errors(self._data):
            _write_array(self.folder / frame.theta_file, np.asarray(theta, self._dtype))
            if self._sizes[1]:
                _write_array(self.folder / frame.buffers_file, np.asarray(buffers, np.float64))
            grown = kept[:-1] == self.frames
            before, self.frames = self.frames, kept
            if grown:
                _append_text(self.folder / "frames.jsonl", frame.line)
            else:
                self._replace_log()
                for each in before:
                    if each not in kept:
                        self._remove(each)
        return frame

    def _thin(self, kept: list[RecordedFrame]) -> list[RecordedFrame]:
        while len(kept) + 1 > self._limit and len(kept) > 1:
            stride = 2 * self._stride(kept)
            thinned = [each for each in kept if each.number % stride == 0]
            kept = thinned if len(thinned) < len(kept) else kept[:-1]
        return kept

    def _stride(self, kept: Sequence[RecordedFrame]) -> int:
        """Snapshots from one kept frame to the next: a power of two, that all but the last are multiples of."""
        stride = 1
        while len(kept) > 2 and all(each.number % (2 * stride) == 0 for each in kept[:-1]):
            stride *= 2
        return stride

    def _begin(
        self,
        name: str,
        parameters: Sequence[Tensor],
        buffers: Sequence[Tensor],
        layout: str,
        about: Mapping[str, Any],
    ) -> None:
        entries = {
            key: [{"name": t.name, "shape": list(t.shape), "offset": t.offset} for t in tensors]
            for key, tensors in (("parameters", parameters), ("buffers", buffers))
        }
        whole = {
            "format": FORMAT,
            "format_version": _VERSION,
            "id": self.id,
            "name": name,
            "layout": layout,
            "dtype": str(self._dtype),
            "versions": {"lossatlas": version("lossatlas"), "numpy": np.__version__},
            **about,
            **entries,
        }
        with explain_write_errors(self._data):
            self.folder.mkdir(parents=True)
            text = json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1)
            _write(self.folder / "recording.json", text.encode())
            _write(self.folder / "frames.jsonl", b"")

    def _replace_log(self) -> None:
        _write(self.folder / "frames.jsonl", "".join(frame.line for frame in self.frames).encode())

    def _remove(self, frame: RecordedFrame) -> None:
        for name in (frame.theta_file, frame.buffers_file):
            (self.folder / name).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what a killed writer left: files that were never renamed, and frames that no line names."""
        named = {name for frame in self.frames for name in (frame.theta_file, frame.buffers_file)}
        with explain_write_errors(self._data):
            for path in self.folder.iterdir():
                if _UNFINISHED.fullmatch(path.name) or (_OF_FRAME.fullmatch(path.name) and path.name not in named):
                    path.unlink(missing_ok=True)


def _frames_within(
    frames: int, disk_budget: int | None, parameters: Sequence[Tensor], buffers: Sequence[Tensor], dtype: np.dtype[Any]
) -> int:
    if disk_budget is None:
        return frames
    one = dtype.itemsize * size_of(parameters) + 8 * size_of(buffers) + 512
    return max(_FEWEST, min(frames, disk_budget // one))


def _new_id(name: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:64].strip("-")
    if not slug:
        raise DataError(f"the name {name!r} has no letter from a to z and no digit; give one that has")
    return f"{slug}-{uuid.uuid4().hex[:8]}"


def _read_log(folder: Path) -> list[RecordedFrame]:
    """Read the frames in the log. An incomplete last line is ignored."""
    try:
        text = (folder / "frames.jsonl").read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise RunDamagedError(folder / "frames.jsonl", f"not readable: {error}") from None
    frames: list[RecordedFrame] = []
    for line in text.split("\n")[:-1]:
        try:
            values = json.loads(line)
            metrics = {str(name): None if v is None else float(v) for name, v in values["metrics"].items()}
            frames.append(RecordedFrame(int(values["number"]), int(values["epoch"]), metrics))
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            raise RunDamagedError(folder / "frames.jsonl", f"line {len(frames) + 1} is no frame") from None
    return frames


def _read_layout(folder: Path, about: Mapping[str, Any], key: str) -> tuple[Tensor, ...]:
    try:
        layout = tuple(Tensor(str(e["name"]), tuple(map(int, e["shape"])), int(e["offset"])) for e in about[key])
    except (LookupError, TypeError, ValueError):
        raise RunDamagedError(folder / "recording.json", f"its {key} are no layout") from None
    if layout != lay_out([(tensor.name, tensor.shape) for tensor in layout]):
        raise RunDamagedError(folder / "recording.json", f"its {key} do not follow one another")
    return layout


def _write_array(path: Path, array: AnyArray) -> None:
    def save(file: Any) -> None:
        np.save(file, np.ascontiguousarray(array), allow_pickle=False)

    _write_beside(path, save)


def _write(path: Path, data: bytes) -> None:
    _write_beside(path, lambda file: file.write(data))


def _write_beside(path: Path, fill: Any) -> None:
    """Write a file beside its place, sync it, and rename it: readers see the old one or the new one."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}")
    try:
        with unfinished.open("wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _append_text(path: Path, text: str) -> None:
    with path.open("ab") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
