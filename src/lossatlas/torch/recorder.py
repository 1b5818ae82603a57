"""Recording somebody's own training: a snapshot an epoch, which the training does not notice."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
import torch

from lossatlas.errors import DataError
from lossatlas.planes import PlaneConfig
from lossatlas.store import Gallery, RecordedFrame, Recording, RecordingWriter, default_data_folder
from lossatlas.torch.finish import FinishOptions, finish_recording
from lossatlas.torch.model import Answers, TorchModel
from lossatlas.torch.parameters import unwrap
from lossatlas.torch.samples import Batch, Loss, LossFunction, samples_in, take_samples
from lossatlas.torch.undisturbed import same_random_state

#: What a pair of (inputs, targets) is called among the samples.
_COLUMNS = ("inputs", "targets")


class Recorder:
    """Records a training, a frame at each :meth:`snapshot`; as a context manager, the untrained model is frame 0.

    All that is measured is measured on a copy of the model and on fixed samples. Parameters, buffers, modes and the
    random generators of the training are left as they are, so that it ends the same to the last bit. Of several
    processes of one training, the first one records.

    Parameters
    ----------
    model
        The module that is trained; compiled or data-parallel ones are taken as the model inside.
    loss_fn
        ``loss_fn(output, target)``, for loaders of (inputs, targets).
    train_loader, test_loader
        What the fixed samples are taken from: the first that each gives, once, at the start.
    loss
        In place of ``loss_fn``: ``loss(model, batch)``, for any batches. It has to use the model that it is given.
    name
        For people, and the beginning of the recording's id.
    data
        The gallery's folder; by default the user's own.
    samples, batch_size
        How many samples of each loader, and how many are evaluated at a time: more than 128 are slower on a CPU.
    frames
        How many frames to keep: beyond, every second one goes, but for the first and the last.
    disk_budget
        Bytes that the parameters of all frames may take; fewer frames are kept where they would take more.
    dtype
        What parameters are stored in: ``"float16"`` takes half the room, and keeps losses to about 1e-4.
    keep_samples
        False leaves the samples out of the recording, where they are private.
    resume
        Go on with the newest recording of this name whose model has the same tensors; a snapshot of an epoch that is
        there takes the place of it and of what came after.
    planes
        Which planes to cut in the end, by name (``gaussian-filter``, ``pca``, ``hessian``, ``through``, …) or as their
        configurations; the first one is shown first.
    batchnorm
        ``batch``: surfaces of the training loss with the statistics of each batch, which training descends with, and of
        the test loss with those of the training samples; ``running``: with the statistics that the model keeps.
    boundary
        ``auto``: over the two inputs that there are, or the plane through three samples; ``none``.
    curvature
        At how many frames to measure the Hessian.
    budget
        Seconds that the surfaces may take, about; where they would take longer, they are coarser.

    Raises
    ------
    DataError
        If the model, the loss or a loader cannot be recorded; before anything is written.
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

    def __init__(  # noqa: PLR0913 (each is an option of its own)
        self,
        model: torch.nn.Module,
        loss_fn: Callable[[Any, Any], torch.Tensor] | None = None,
        train_loader: Iterable[Any] | None = None,
        test_loader: Iterable[Any] | None = None,
        *,
        loss: Loss | None = None,
        name: str = "recording",
        data: Path | str | None = None,
        samples: int = 512,
        batch_size: int = 128,
        frames: int = 80,
        disk_budget: int | None = None,
        dtype: Literal["float32", "float16"] = "float32",
        keep_samples: bool = True,
        resume: bool = False,
        planes: Sequence[str | PlaneConfig | Mapping[str, Any]] = ("gaussian-filter", "pca", "hessian"),
        batchnorm: Literal["batch", "running"] = "batch",
        boundary: Literal["auto", "none"] = "auto",
        curvature: int = 5,
        budget: float = 300.0,
    ) -> None:
        self._model = model
        self._options = FinishOptions(planes, batchnorm, boundary, curvature, budget)
        self._is_first = not _is_another_process()
        if not self._is_first:
            return
        if train_loader is None:
            raise DataError("give train_loader: the samples that losses are measured on are taken from it")
        if samples < 1 or batch_size < 1:
            raise DataError(f"samples is {samples} and batch_size {batch_size}; give 1 or more of each")
        function = LossFunction.make(loss_fn, loss)
        train = take_samples(train_loader, samples, batch_size, function)
        test = [] if test_loader is None else take_samples(test_loader, samples, batch_size, function)
        self._copy = TorchModel(model, function, train, test)
        self._copy.follow(model)
        self._measure()  # a loss that does not fit the model fails here, before anything is written
        self._data = Path(data) if data is not None else default_data_folder()
        self._writer = RecordingWriter(
            self._data,
            name,
            self._copy.layout,
            self._copy.buffer_layout,
            self._describe(model),
            dtype=dtype,
            frames=frames,
            disk_budget=disk_budget,
            resume=resume,
        )
        self._dtype = np.dtype(dtype)
        if self._writer.frames:
            self._take_kept_samples(function, batch_size)
        elif keep_samples:
            self._keep_samples()

    def __enter__(self) -> Self:
        """Record the model as it is now, unless a recording goes on that has frames already."""
        if self._is_first and not self._writer.frames:
            self.snapshot()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Compute everything there is to see, and put it into the gallery; after an exception the recording stays."""
        if kind is None and self._is_first and len(self._writer.frames) > 1:  # of one frame there is nothing to see
            self.finish()

    def finish(self) -> Path | None:
        """Compute planes, path, curvature and boundary of what was recorded, and put the run into the gallery.

        It may be called again when more was recorded: the run takes the place of the earlier one.

        Returns
        -------
        The run's folder; None in a process that does not record.

        Raises
        ------
        DataError
            If fewer than two frames were recorded.
        PlaneError
            If none of the planes can be laid.
        """
        if not self._is_first:
            return None
        with same_random_state():
            folder = finish_recording(self.recording, self._copy, self._data, self._options)
        Gallery(self._data).write_index()
        return folder

    def snapshot(self, epoch: int | None = None) -> RecordedFrame:
        """Record the model as it is now, and measure its losses. When it returns, the frame is on the disk.

        Parameters
        ----------
        epoch
            Its number; left out, one more than that of the last frame, and 0 for the first one.

        Returns
        -------
        The frame, with its losses.
        """
        last = self._writer.frames[-1].epoch if self._is_first and self._writer.frames else -1
        number = last + 1 if epoch is None else int(epoch)
        if not self._is_first:
            return RecordedFrame(0, number, {})
        theta = self._copy.follow(self._model)
        stored = theta.astype(self._dtype)
        self._copy.move_to(stored)
        buffers = self._copy.buffers()
        return self._writer.append(stored, buffers, number, self._measure())

    @property
    def recording(self) -> Recording:
        """What is on the disk so far."""
        return Recording.open(self._writer.folder)

    def _measure(self) -> dict[str, float | None]:
        """Measure losses and accuracies of the copy where it stands.

        ``train_loss`` has the statistics of each batch and ``test_loss`` those of the training samples, as surfaces
        have them; what the model loses in use, with its own running statistics, is ``eval_train_loss`` and
        ``eval_test_loss``. Without BatchNorm all of these are one number.

        Returns
        -------
        The numbers by name; None for one that is not known or not finite.
        """
        model = self._copy
        answers = [
            model.answers(batches) if batches else Answers(math.nan, None, None)
            for batches in (model.train, model.test)
        ]
        losses = [answer.loss for answer in answers]
        if model.normalises:
            with torch.no_grad(), same_random_state(), model.statistics("refreshed"):
                losses[0] = float(model.refresh())
                losses[1] = float(model.mean_loss(model.test)) if model.test else math.nan
        values = {
            "train_loss": losses[0],
            "test_loss": losses[1],
            "train_accuracy": answers[0].accuracy,
            "test_accuracy": answers[1].accuracy,
            "eval_train_loss": answers[0].loss,
            "eval_test_loss": answers[1].loss,
        }
        return {name: None if v is None or not math.isfinite(v) else v for name, v in values.items()}

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
        """Keep the tensors of the samples where batches are pairs of them; others need the loader to be cut later."""
        for part, batches in (("train", self._copy.train), ("test", self._copy.test)):
            if batches and _are_pairs(batches):
                for name, column in zip(_COLUMNS, zip(*(batch.data for batch in batches), strict=True), strict=True):
                    self._writer.put_sample(f"{part}_{name}", torch.cat(list(column)).cpu().numpy())

    def _take_kept_samples(self, function: LossFunction, batch_size: int) -> None:
        """Where a recording goes on, measure on the samples that it began with, as another draw has other losses."""
        for part in ("train", "test"):
            files = [self._writer.folder / "samples" / f"{part}_{name}.npy" for name in _COLUMNS]
            if all(file.is_file() for file in files):
                pair = tuple(torch.from_numpy(np.load(file, allow_pickle=False)) for file in files)
                batches = take_samples([pair], len(pair[0]), batch_size, function)
                setattr(self._copy, part, [batch.to(self._copy.device, self._copy.dtype) for batch in batches])


def _is_another_process() -> bool:
    distributed = torch.distributed
    return distributed.is_available() and distributed.is_initialized() and distributed.get_rank() != 0


def _are_pairs(batches: Sequence[Batch]) -> bool:
    return all(
        isinstance(batch.data, list | tuple)
        and len(batch.data) == len(_COLUMNS)
        and all(isinstance(tensor, torch.Tensor) for tensor in batch.data)
        for batch in batches
    )
