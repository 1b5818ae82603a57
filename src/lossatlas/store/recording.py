"""Reads recordings. A recording is somebody's own training, stored while it runs as plain NumPy files and JSON.

    <data>/recordings/<id>/recording.json       what was recorded: the layout of theta and of the buffers
    <data>/recordings/<id>/theta-00000012.npy   [P]: the trained parameters at one frame
    <data>/recordings/<id>/buffers-00000012.npy [B] float64: the buffers at that frame, such as running statistics
    <data>/recordings/<id>/samples/*.npy        the fixed samples, unless they are private
    <data>/recordings/<id>/frames.jsonl         one line per frame, written last: a frame exists if its line exists

Every file is written under a temporary name, synced and renamed. So a process that is killed leaves only whole frames,
and perhaps files that no line names; the next writer deletes these. A recording is never served or exported.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.arrays import AnyArray
from lossatlas.errors import RunDamagedError, RunNotFoundError
from lossatlas.store.array_files import map_array
from lossatlas.store.regular_files import read_regular

FORMAT = "lossatlas-recording"
VERSION = 1
#: The largest log of frames that is read. A frame takes some 200 bytes.
_LONGEST_LOG = 64 * 2**20


@dataclass(frozen=True)
class Tensor:
    """One named tensor inside a flat vector: ``vector[offset : offset + prod(shape)]``, in C order."""

    name: str
    shape: tuple[int, ...]
    offset: int

    @property
    def size(self) -> int:
        """The number of its elements."""
        return int(np.prod(self.shape, dtype=np.int64))


def lay_out(named_shapes: Sequence[tuple[str, tuple[int, ...]]]) -> tuple[Tensor, ...]:
    """Make the layout of a flat vector that contains tensors of these names and shapes, one after another."""
    found: list[Tensor] = []
    for name, shape in named_shapes:
        offset = found[-1].offset + found[-1].size if found else 0
        found.append(Tensor(name, tuple(shape), offset))
    return tuple(found)


def size_of(layout: Sequence[Tensor]) -> int:
    """Return the length of the vector with this layout."""
    return sum(tensor.size for tensor in layout)


@dataclass(frozen=True)
class RecordedFrame:
    """One frame of a recording, which is one line of ``frames.jsonl``.

    Attributes
    ----------
    number
        The number of snapshots that were taken before it, including those that were deleted since.
    epoch
        The epoch of the training; 0 is the untrained model.
    metrics
        Losses and accuracies of the samples by name; None for a number that is not known or not finite. Empty for a
        frame that is not measured yet.
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
        """The line of the frame in the log."""
        values = {"number": self.number, "epoch": self.epoch, "metrics": dict(self.metrics)}
        return json.dumps(values, ensure_ascii=False, allow_nan=False)


class StackedThetas:
    """A trajectory ``[F, P]`` float32 with one file per frame. It is read piece by piece, as it may exceed the memory.

    It can be used like an array of which only whole frames, or the same columns of all frames, are read.
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
    """A recording on disk, whose training may still run.

    Attributes
    ----------
    folder, id
        The folder of the recording, and the name of that folder.
    about
        The content of ``recording.json``.
    frames
        The recorded frames, in order.
    parameters, buffers
        The layout of theta, and the layout of the buffers.
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
            about = json.loads(read_regular(folder, "recording.json"))
        except (OSError, ValueError, RecursionError) as error:
            raise RunDamagedError(path, f"not readable as JSON: {error}") from None
        if not isinstance(about, dict) or about.get("format") != FORMAT or about.get("format_version") != VERSION:
            raise RunDamagedError(path, f"not a recording of format {FORMAT!r}, version {VERSION}")
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
        """The trajectory ``[F, P]``, mapped from its files."""
        return StackedThetas([self.theta(frame) for frame in range(len(self.frames))])

    def finite(self) -> Recording:
        """Return the frames before the first one whose parameters are not all finite: no plane goes through those."""
        for number in range(len(self.frames)):
            if not np.isfinite(self.theta(number)).all():
                return Recording(self.folder, self.about, self.frames[:number])
        return self

    def _read(self, name: str, size: int) -> AnyArray:
        array = map_array(self.folder, name)
        if array.shape != (size,) or array.dtype.kind != "f":
            raise RunDamagedError(
                self.folder / name, f"holds {array.dtype} {list(array.shape)}, and should hold numbers [{size}]"
            )
        return array


def find_recording(data: Path, name: str, layout: str, id_: str | None = None) -> Recording | None:
    """Find the recording with an id, or else the newest one with a name, and a layout; None if there is none."""
    found = []
    for path in (data / "recordings").glob("*/recording.json"):
        try:
            recording = Recording.open(path.parent)
        except RunDamagedError:
            continue
        is_meant = recording.id == id_ if id_ is not None else recording.about.get("name") == name
        if is_meant and recording.about.get("layout") == layout:
            found.append((path.stat().st_mtime_ns, recording.id, recording))
    return max(found, key=lambda each: each[:2])[2] if found else None


def layout_hash(parameters: Sequence[Tensor], buffers: Sequence[Tensor]) -> str:
    """Compute a hash (SHA-256) that is equal for two models with the same tensors in the same order."""
    text = json.dumps([[[t.name, t.shape] for t in layout] for layout in (parameters, buffers)])
    return hashlib.sha256(text.encode()).hexdigest()


def _read_log(folder: Path) -> list[RecordedFrame]:
    """Read the frames in the log. An incomplete last line is ignored."""
    try:
        text = read_regular(folder, "frames.jsonl", _LONGEST_LOG).decode("utf-8", "replace")
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
