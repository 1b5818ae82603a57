"""Records a Lightning training. Only this module imports Lightning."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import torch

from lossatlas.errors import DataError, MissingExtraError
from lossatlas.torch.epoch_recording import EpochRecording
from lossatlas.torch.options import RecorderOptions
from lossatlas.torch.parameters import refuse_shards
from lossatlas.torch.samples import LossFunction

try:
    from lightning.pytorch import Callback
except ImportError:  # this is the older name of the same library
    try:
        from pytorch_lightning import Callback
    except ImportError as error:
        raise MissingExtraError("LightningCallback needs Lightning: pip install lightning") from error


class LightningCallback(EpochRecording, Callback):  # type: ignore[misc]  # mypy does not read Lightning
    """Records a Lightning training: the model at the start, and after each epoch.

    The training ends with the same bits with and without it. Of several processes, the first one records. After
    an exception the recording stays, and :attr:`recorder` can finish it. A failure of the recording itself is a
    :class:`RecordingWarning`, and the training continues. A trial run (``fast_dev_run``) is not recorded.

    Parameters
    ----------
    loss_fn
        ``loss_fn(output, target)``, for loaders of (inputs, targets). It allows accuracies and a boundary.
        Without it, and without ``loss=``, the loss is what ``training_step`` returns.
    train_loader, test_loader
        The loaders of the fixed samples; by default the trainer's own loaders of training and validation.
    options
        The options of a recorder. See :class:`RecorderOptions`. The default of ``name`` is the class of the model, and
        ``resume`` is by default the recording that a checkpoint belongs to, if the trainer continues from one.

    Attributes
    ----------
    recorder
        The recorder of the last training; None before it, and in a process that does not record.

    Raises
    ------
    ConfigError
        If there is no such option, or no such plane.
    DataError
        If an option has no such value.
    """

    def __init__(
        self,
        loss_fn: Callable[[Any, Any], torch.Tensor] | None = None,
        train_loader: Iterable[Any] | None = None,
        test_loader: Iterable[Any] | None = None,
        **options: Unpack[RecorderOptions],
    ) -> None:
        super().__init__(train_loader, test_loader, options)
        self._loss_fn = loss_fn

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Forget the recording of an earlier training. Later, a checkpoint may name the recording to continue."""
        self._recording_id = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Take the samples, and record the untrained model."""
        self.recorder = None
        refuse_shards(trainer.model)
        if not trainer.is_global_zero or trainer.fast_dev_run:
            return
        options: RecorderOptions = {
            "name": type(pl_module).__name__,
            "resume": self._recording_id or "",
            **self._options,
        }
        if self._loss_fn is None and options.get("loss") is None:
            options["loss"] = _loss_of_steps(pl_module)
        loaders = partial(_training_loader, trainer), partial(_first_validation_loader, trainer)
        self._begin(pl_module, self._loss_fn, loaders, options, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the model after an epoch. If the epoch was recorded before, all later ones are deleted."""
        self._record(trainer.current_epoch + 1)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Compute the run, and put it into the gallery. Lightning does not call this after an exception."""
        self._end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Leave the recording as it is on the disk."""
        self._leave()

    def state_dict(self) -> dict[str, Any]:
        """Return the id of the recording, which Lightning saves in its checkpoints."""
        return {} if self._recording_id is None else {"recording": self._recording_id}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Read the id of the recording from the checkpoint that a training continues from."""
        found = state_dict.get("recording")
        self._recording_id = found if isinstance(found, str) else None


def _training_loader(trainer: Any) -> Any:
    loader = trainer.train_dataloader
    if isinstance(loader, Sequence | Mapping):
        raise DataError("this training goes through several loaders at once; give train_loader, one that loss takes")
    return loader


def _first_validation_loader(trainer: Any) -> Any:
    loaders = trainer.val_dataloaders
    if isinstance(loaders, Sequence | Mapping):
        return next(iter(loaders.values() if isinstance(loaders, Mapping) else loaders), None)
    return loaders


def _loss_of_steps(model: Any) -> LossFunction:
    """Make a loss from the result of ``training_step``, which works for copies of the model without a trainer."""
    if not model.automatic_optimization:
        raise DataError("this training_step optimises by itself; give loss_fn, or loss=lambda module, batch: …")
    index = (0,) if len(inspect.signature(model.training_step).parameters) > 1 else ()

    def of(module: Any, batch: Any) -> torch.Tensor:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "You are trying to `self.log")  # copies without a trainer cannot log
            try:
                found = module.training_step(batch, *index)
            except RuntimeError as error:
                raise DataError(
                    f"training_step cannot be evaluated apart from its trainer ({error}); "
                    "give loss_fn, or loss=lambda module, batch: …"
                ) from error
        loss = found.get("loss") if isinstance(found, Mapping) else found
        if not isinstance(loss, torch.Tensor):
            raise DataError("training_step returns no loss; give loss_fn, or loss=lambda module, batch: …")
        return loss

    return LossFunction(of, "training_step")
