"""Records a training without changing it: one snapshot of the model per epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import index
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

import numpy as np
import torch

from lossatlas.errors import DataError, OtherModelError
from lossatlas.store import Gallery, RecordedFrame, Recording, RecordingWriter, default_data_folder
from lossatlas.torch.finish import FinishOptions, finish_recording
from lossatlas.torch.frame_metrics import measure_metrics
from lossatlas.torch.measure_timing import MeasureTiming
from lossatlas.torch.model import TorchModel
from lossatlas.torch.options import (
    ComputingOptions,
    RecorderOptions,
    StorageOptions,
    refuse_wrong_options,
    select_options,
)
from lossatlas.torch.parameters import refuse_other_objects, refuse_shards, unwrap
from lossatlas.torch.plane_cutter import refuse_another_model
from lossatlas.torch.samples import Batch, LossFunction, samples_in, take_samples
from lossatlas.torch.undisturbed import same_random_state

#: The names of the files of a pair of (inputs, targets).
_COLUMNS = ("inputs", "targets")


class Recorder:
    """Records a training, with one frame per :meth:`snapshot`. As a context manager, it records frame 0 at the start.

    Everything is measured on a copy of the model and on fixed samples. Parameters, buffers, modes and the random
    generators of the training do not change, so that it ends with the same bits. Of several processes of one training,
    the first one records.

    Parameters
    ----------
    model
        The module that is trained. For compiled or data-parallel modules, it is the model inside.
    loss_fn
        ``loss_fn(output, target)``, for loaders of (inputs, targets).
    train_loader, test_loader
        The loaders of the fixed samples. The first samples of each are taken once, at the start.
    options
        The options of recording and of what is computed at the end. See :class:`RecorderOptions`.

    Raises
    ------
    DataError
        If the model, the loss or a loader cannot be recorded. Nothing is written then.
    OtherModelError
        If the recording that is continued has other losses than the model at its parameters.
    DataFolderError
        If the folder cannot be written.

    >>> import torch, tempfile
    >>> model, data = torch.nn.Linear(2, 2), [(torch.randn(8, 2), torch.zeros(8, dtype=torch.long))]
    >>> folder = tempfile.TemporaryDirectory()
    >>> recorder = Recorder(model, torch.nn.CrossEntropyLoss(), data, name="line", data=folder.name)
    >>> recorder.snapshot().epoch, recorder.snapshot().epoch
    (0, 1)
    >>> folder.cleanup()
    """

    def __init__(
        self,
        model: torch.nn.Module,
        loss_fn: Callable[[Any, Any], torch.Tensor] | None = None,
        train_loader: Iterable[Any] | None = None,
        test_loader: Iterable[Any] | None = None,
        **options: Unpack[RecorderOptions],
    ) -> None:
        refuse_wrong_options(options)
        refuse_other_objects(model)
        # Every process refuses shards, because a process that continued alone would wait for the others.
        refuse_shards(model)
        self._model = model
        self._options = FinishOptions(**select_options(options, ComputingOptions))
        self._is_first, self._epoch = not _is_another_process(), -1
        if not self._is_first:
            return
        self._timing = MeasureTiming(options.get("measure", "auto"))
        function, size = LossFunction.make(loss_fn, options.get("loss")), options.get("batch_size", 128)
        train, test = _samples_of(train_loader, test_loader, options.get("samples", 512), size, function)
        self._copy = TorchModel(model, function, train, test)
        self._copy.follow(model)
        with self._timing.measuring():
            measured = measure_metrics(self._copy)
        self._refuse_wrong_losses(measured)
        data = options.get("data")
        self._data = Path(data) if data is not None else default_data_folder()
        self._dtype = np.dtype(options.get("dtype", "float32"))
        self._writer = RecordingWriter(
            self._data,
            options.get("name", "recording"),
            self._copy.layout,
            self._copy.buffer_layout,
            {**self._describe(model), "batch_size": size},
            **select_options(options, StorageOptions),
        )
        if self.frames:
            self._epoch = self.frames[-1].epoch
            self._take_kept_samples(function, size)
            if (recording := self.recording.finite()).frames:
                refuse_another_model(recording, self._copy)
        elif options.get("keep_samples", True):
            self._keep_samples()

    def __enter__(self) -> Self:
        """Record the untrained model; see :meth:`begin`."""
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Compute the run; see :meth:`end`. After an exception the recording only stays on the disk."""
        try:
            if kind is None:
                self.end()
        finally:
            self.release()

    def begin(self, epoch: int | None = None) -> None:
        """Record the current model, unless this recording continues one that has frames."""
        if not self.frames:
            self.snapshot(epoch)
            self.flush()  # a folder that cannot be written is an error before the training begins

    def end(self) -> None:
        """Measure the frames. If there are at least two, compute the run, and put it into the gallery."""
        if len(self.frames) > 1:
            self.finish()
        elif self.frames:
            self.measure()

    def release(self) -> None:
        """Release the recording, so that its readers know that nobody records. The next snapshot takes it again."""
        if self._is_first:
            self._writer.release()

    def finish(self) -> Path | None:
        """Measure the frames, compute planes, path, curvature and boundary, and put the run into the gallery.

        It may be called again when more is recorded. Then the new run replaces the earlier one.

        Returns
        -------
        The folder of the run; None in a process that does not record.

        Raises
        ------
        DataError
            If fewer than two frames were recorded.
        PlaneError
            If none of the planes can be constructed.
        """
        if not self._is_first:
            return None
        self._measure_frames()
        with same_random_state():
            folder = self._make_run()
        Gallery(self._data).write_index()
        self.release()
        return folder

    def snapshot(self, epoch: int | None = None) -> RecordedFrame:
        """Record the current model. When this returns, its parameters are copied, and a thread writes the copy.

        The next snapshot waits for that thread, as :meth:`flush` and the other methods do. An error of the disk is
        raised there; the frame that could not be written is not recorded.

        The first frame is measured at once. Its losses tell later whether a model is the recorded one.

        Parameters
        ----------
        epoch
            The epoch; by default, one more than that of the last frame, and 0 for the first one.

        Returns
        -------
        The frame. Its losses are empty, unless it was measured at once.
        """
        self._epoch = number = self._epoch + 1 if epoch is None else _read_epoch(epoch)
        if not self._is_first:
            return RecordedFrame(0, number, {})
        if self._copy.differs_in_fixed_parameters(self._model):
            self._measure_frames()  # the recording lacks these parameters, and earlier frames belong to the old ones
        theta = self._copy.follow(self._model)
        stored = theta.astype(self._dtype, copy=False)
        buffers = self._copy.buffers()
        metrics: Mapping[str, float | None] = {}
        if not self.frames or self._timing.is_affordable():
            self._copy.move_to(stored)
            with self._timing.measuring():
                metrics = measure_metrics(self._copy)
        return self._writer.append_later(stored, buffers, number, metrics)

    def flush(self) -> None:
        """Wait until all frames are on the disk.

        Raises
        ------
        DataFolderError
            If the last one could not be written.
        """
        if self._is_first:
            self._writer.flush()

    def measure(self) -> RecordedFrame:
        """Measure the losses and accuracies of all frames that have none yet. The training waits for it.

        Returns
        -------
        The newest frame, with its losses.

        Raises
        ------
        DataError
            If there is no frame yet.
        """
        if not self._is_first:
            return RecordedFrame(0, 0, {})
        if not self.frames:
            raise DataError("there is no frame to measure; take a snapshot first")
        self._measure_frames()
        return self.frames[-1]

    @property
    def frames(self) -> tuple[RecordedFrame, ...]:
        """The frames that are kept so far; none in a process that does not record."""
        return self._writer.frames if self._is_first else ()

    @property
    def recording(self) -> Recording:
        """The recording on the disk.

        Raises
        ------
        DataError
            In a process that does not record.
        """
        if not self._is_first:
            raise DataError("this process records nothing: of several in one training, the first one does")
        self._writer.wait()
        return Recording.open(self._writer.folder)

    def _make_run(self) -> Path:
        try:
            return finish_recording(self.recording, self._copy, self._data, self._options)
        except OtherModelError as error:
            raise OtherModelError(
                f"{error}. After a training without interruption, this means that the loss uses something that has "
                "changed since, such as a second model that was trained, too: record one module that contains both"
            ) from error

    def _measure_frames(self) -> None:
        """Measure the frames without losses, as they are on the disk, and store their losses one after another."""
        self._writer.flush()
        recording = self.recording
        for place, frame in enumerate(recording.frames):
            if not frame.metrics:
                self._copy.set_buffers(recording.buffers_at(place))
                self._copy.move_to(recording.theta(place))
                self._writer.put_metrics(frame.number, measure_metrics(self._copy))

    def _refuse_wrong_losses(self, measured: Mapping[str, float | None]) -> None:
        """Refuse losses that cannot be shown, before anything is written.

        Raises
        ------
        DataError
            If a loss is not finite, or does not depend on the model.
        """
        for part, batches in (("train", self._copy.train), ("test", self._copy.test)):
            if batches and measured[f"{part}_loss"] is None:
                raise DataError(
                    f"the loss of the samples of {part}_loader is not finite, so there is nothing to show: "
                    "look for NaN among the samples and in the model"
                )
        if not self._copy.is_measured():
            raise DataError(
                "the loss does not depend on the model that it is given; it has to call that very model, and must not "
                "be detached from it"
            )

    def _describe(self, model: torch.nn.Module) -> dict[str, Any]:
        inner = unwrap(model)
        counted = [sum(samples_in(batch.data) for batch in part) for part in (self._copy.train, self._copy.test)]
        return {
            "model": {
                "title": type(inner).__name__,
                "modules": [type(m).__name__ for m in inner.modules() if not list(m.children())][:200],
                "parameters": sum(p.numel() for p in inner.parameters()),
                "trainable": self._copy.parameter_count,
                "normalises": self._copy.normalises,
            },
            "loss": {"name": self._copy.loss.name},
            "samples": {"train": counted[0], "test": counted[1]},
            "torch": torch.__version__,
        }

    def _keep_samples(self) -> None:
        """Store the samples if they are pairs of tensors of one shape. Others have to be given again to cut planes."""
        for part, batches in (("train", self._copy.train), ("test", self._copy.test)):
            if batches and _are_pairs(batches) and _have_one_shape(batches):
                for name, column in zip(_COLUMNS, zip(*(batch.data for batch in batches), strict=True), strict=True):
                    self._writer.put_sample(f"{part}_{name}", torch.cat(list(column)).cpu().numpy())

    def _take_kept_samples(self, function: LossFunction, batch_size: int) -> None:
        """Use the stored samples of a recording that continues, because other samples would have other losses."""
        for part in ("train", "test"):
            files = [self._writer.folder / "samples" / f"{part}_{name}.npy" for name in _COLUMNS]
            if all(file.is_file() for file in files):
                pair = tuple(torch.from_numpy(np.load(file, allow_pickle=False)) for file in files)
                batches = take_samples([pair], len(pair[0]), batch_size, function)
                setattr(self._copy, part, [batch.to(self._copy.device, self._copy.dtype) for batch in batches])


def _read_epoch(epoch: int) -> int:
    try:
        number = index(epoch)
    except TypeError:
        number = -1
    if number < 0:
        raise DataError(f"epoch is {epoch!r}; give a whole number, 0 or more")
    return number


def _samples_of(
    train_loader: Iterable[Any] | None, test_loader: Iterable[Any] | None, count: int, size: int, loss: LossFunction
) -> tuple[list[Batch], list[Batch]]:
    if train_loader is None:
        raise DataError("give train_loader: the samples that losses are measured on are taken from it")
    if count < 1 or size < 1:
        raise DataError(f"samples is {count} and batch_size {size}; give 1 or more of each")
    train = take_samples(train_loader, count, size, loss)
    return train, [] if test_loader is None else take_samples(test_loader, count, size, loss)


def _is_another_process() -> bool:
    distributed = torch.distributed
    return distributed.is_available() and distributed.is_initialized() and distributed.get_rank() != 0


def _have_one_shape(batches: Sequence[Batch]) -> bool:
    """Return whether batches of pairs can be joined. Texts are often padded to the longest one of their batch alone."""
    return len({tuple((tensor.shape[1:], tensor.dtype) for tensor in batch.data) for batch in batches}) == 1


def _are_pairs(batches: Sequence[Batch]) -> bool:
    return all(
        isinstance(batch.data, list | tuple)
        and len(batch.data) == len(_COLUMNS)
        and all(isinstance(tensor, torch.Tensor) for tensor in batch.data)
        for batch in batches
    )
