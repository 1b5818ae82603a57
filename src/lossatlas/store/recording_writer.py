"""Writes a recording, frame by frame, while the training runs. :mod:`lossatlas.store.recording` lists its files."""

from __future__ import annotations

import json
import re
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lossatlas.arrays import AnyArray, Floats
from lossatlas.errors import DataError
from lossatlas.store.durable import append_line, is_unfinished, make_synced_folder, replace_file, write_array
from lossatlas.store.recording import (
    FORMAT,
    VERSION,
    RecordedFrame,
    Recording,
    Tensor,
    find_recording,
    layout_hash,
    size_of,
)
from lossatlas.store.recording_lock import RecordingLock
from lossatlas.store.write import explain_write_errors, recording_folder, write_text

_OF_FRAME = re.compile(r"(theta|buffers)-\d{8}\.npy")
#: The smallest number of frames that are kept for any budget: the first and the last one.
_FEWEST = 2


class RecordingWriter:
    """Writes a recording frame by frame.

    A frame is on the disk when :meth:`append` returns. :meth:`append_later` returns before that: a thread writes the
    frame, and :meth:`flush` waits for it. All other methods wait for it, too.

    Parameters
    ----------
    data
        The data folder.
    name
        The name for people. The id begins with it.
    parameters, buffers
        The layout of theta, and the layout of the buffers.
    about
        Further content of ``recording.json``, as plain JSON data.
    dtype
        The precision in which theta is stored.
    frames
        The largest number of frames. If there are more, every second one is deleted, except the first and the last.
    disk_budget
        The largest number of bytes of all frames. Fewer frames are kept if they would take more.
    resume
        Whether to continue the newest recording with this name and layout, if there is one; or the id of the recording
        to continue, if it is there and has this layout.

    Raises
    ------
    DataFolderError
        If the folder cannot be written.
    RunError
        If another process records the recording that would be continued.
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
        resume: bool | str = False,
    ) -> None:
        if frames < _FEWEST:
            raise DataError(f"frames is {frames}; {_FEWEST} are the fewest: the first and the last")
        self._data, self._dtype = data, np.dtype(dtype)
        self._limit = _limit_frames(frames, disk_budget, parameters, buffers, self._dtype)
        layout = layout_hash(parameters, buffers)
        before = find_recording(data, name, layout, resume if isinstance(resume, str) else None) if resume else None
        self.folder = before.folder if before else recording_folder(data, _make_id(name))
        self._lock = RecordingLock(self.folder)
        if before is not None:
            with explain_write_errors(data):
                self._lock.acquire()
            before = Recording.open(before.folder)  # another process may have written more before it ended
        self._frames = list(before.frames) if before else []
        self._thread = ThreadPoolExecutor(1, "lossatlas-recording")
        self._pending: Future[None] | None = None
        self._fault: BaseException | None = None
        self._log_is_whole = True
        self._sizes = size_of(parameters), size_of(buffers)
        if before is None:
            self._begin(name, parameters, buffers, layout, about)
        else:
            self._sweep()
            self._replace_log(self._frames)  # removes an incomplete last line

    @property
    def id(self) -> str:
        """The id, which is the name of the folder and was drawn at random."""
        return self.folder.name

    @property
    def frames(self) -> tuple[RecordedFrame, ...]:
        """The frames that are on the disk. A frame that could not be written is not among them."""
        self.wait()
        return tuple(self._frames)

    def put_sample(self, name: str, array: AnyArray) -> None:
        """Store an array of the fixed samples, of any shape and dtype."""
        with explain_write_errors(self._data):
            make_synced_folder(self.folder / "samples")
            _save_array(self.folder / "samples" / f"{name}.npy", array)

    def append(self, theta: Floats, buffers: Floats, epoch: int, metrics: Mapping[str, float | None]) -> RecordedFrame:
        """Write a frame. If its epoch exists already, it replaces that frame and all later ones."""
        frame = self.append_later(theta, buffers, epoch, metrics)
        self.flush()
        return frame

    def append_later(
        self, theta: Floats, buffers: Floats, epoch: int, metrics: Mapping[str, float | None]
    ) -> RecordedFrame:
        """Give a frame to the thread that writes it, and return. The arrays must not change any more.

        A process that is killed may lose this frame, but no earlier one: this waits for the frame before. If that one
        could not be written, this raises its error, and the new frame is written nevertheless.

        Returns
        -------
        RecordedFrame
            The frame.
        """
        self.wait()
        frame = RecordedFrame(self._frames[-1].number + 1 if self._frames else 0, int(epoch), metrics)
        with explain_write_errors(self._data):
            self._lock.acquire()
        arrays = np.asarray(theta, self._dtype), np.asarray(buffers, np.float64)
        self._pending = self._thread.submit(self._write, frame, *arrays)
        self._raise_fault()
        return frame

    def flush(self) -> None:
        """Wait until all frames are on the disk, and raise the error of one that could not be written."""
        self.wait()
        self._raise_fault()

    def release(self) -> None:
        """Release the recording, so that readers know that nobody records for now. The next frame takes it again."""
        self.wait()
        self._lock.release()
        self._raise_fault()

    def put_metrics(self, number: int, metrics: Mapping[str, float | None]) -> None:
        """Store the losses and accuracies of a frame that was written without them."""
        self.wait()
        frames = [replace(each, metrics=metrics) if each.number == number else each for each in self._frames]
        with explain_write_errors(self._data):
            self._replace_log(frames)
        self._frames, self._log_is_whole = frames, True

    def wait(self) -> None:
        """Wait for the frame that is being written. Its error is raised by the next :meth:`flush` or new frame."""
        if self._pending is not None:
            self._fault = self._pending.exception() or self._fault
            self._pending = None

    def _raise_fault(self) -> None:
        if (fault := self._fault) is not None:
            self._fault = None
            raise fault

    def _write(self, frame: RecordedFrame, theta: AnyArray, buffers: AnyArray) -> None:
        """Write a frame, its line in the log last. This is what the thread does."""
        kept = [each for each in self._frames if each.epoch < frame.epoch]
        if len(kept) > 1 and kept[-1].number % self._stride(kept):
            kept.pop()  # it was kept only because it was the last one
        kept = [*self._thin(kept), frame]
        with explain_write_errors(self._data):
            _save_array(self.folder / frame.theta_file, theta)
            if self._sizes[1]:
                _save_array(self.folder / frame.buffers_file, buffers)
            if kept[:-1] == self._frames and self._log_is_whole:
                self._log_is_whole = False  # a full disk may leave a part of the line
                append_line(self.folder / "frames.jsonl", frame.line)
            else:
                self._replace_log(kept)
            before, self._frames, self._log_is_whole = self._frames, kept, True
            for each in before:
                if each not in kept:
                    self._remove(each)

    def _thin(self, kept: list[RecordedFrame]) -> list[RecordedFrame]:
        while len(kept) + 1 > self._limit and len(kept) > 1:
            stride = 2 * self._stride(kept)
            thinned = [each for each in kept if each.number % stride == 0]
            kept = thinned if len(thinned) < len(kept) else kept[:-1]
        return kept

    def _stride(self, kept: Sequence[RecordedFrame]) -> int:
        """Return the largest power of two that divides the numbers of all kept frames but the last."""
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
            "format_version": VERSION,
            "id": self.id,
            "name": name,
            "layout": layout,
            "dtype": str(self._dtype),
            "versions": {"lossatlas": version("lossatlas"), "numpy": np.__version__},
            **about,
            **entries,
        }
        with explain_write_errors(self._data):
            make_synced_folder(self.folder)
            self._lock.acquire()
            text = json.dumps(whole, ensure_ascii=False, allow_nan=False, indent=1)
            write_text(self.folder / "recording.json", text)
            write_text(self.folder / "frames.jsonl", "")

    def _replace_log(self, frames: Sequence[RecordedFrame]) -> None:
        write_text(self.folder / "frames.jsonl", "".join(f"{frame.line}\n" for frame in frames))

    def _remove(self, frame: RecordedFrame) -> None:
        for name in (frame.theta_file, frame.buffers_file):
            (self.folder / name).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove files that a killed writer left: files that were not renamed, and frames that no line names."""
        named = {name for frame in self._frames for name in (frame.theta_file, frame.buffers_file)}
        with explain_write_errors(self._data):
            for path in self.folder.iterdir():
                if is_unfinished(path) or (_OF_FRAME.fullmatch(path.name) and path.name not in named):
                    path.unlink(missing_ok=True)


def _limit_frames(
    frames: int, disk_budget: int | None, parameters: Sequence[Tensor], buffers: Sequence[Tensor], dtype: np.dtype[Any]
) -> int:
    if disk_budget is None:
        return frames
    one = dtype.itemsize * size_of(parameters) + 8 * size_of(buffers) + 512
    return max(_FEWEST, min(frames, disk_budget // one))


def _make_id(name: str) -> str:
    """Draw an id that begins with the name, as far as it has letters from a to z and digits, also under accents."""
    if not any(letter.isalnum() for letter in name):
        raise DataError(f"the name {name!r} has no letter and no digit; give one that has")
    plain = "".join(each for each in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(each))
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:64].strip("-")
    return f"{slug or 'recording'}-{uuid.uuid4().hex[:8]}"


def _save_array(path: Path, array: AnyArray) -> None:
    with replace_file(path) as file:
        write_array(file, array)
