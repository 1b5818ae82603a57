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
except ImportError:  # the same library under its older name
    try:
        from pytorch_lightning import Callback
    except ImportError as error:
        raise MissingExtraError("LightningCallback needs Lightning: pip install lightning") from error


class LightningCallback(EpochRecording, Callback):  # type: ignore[misc]  # mypy does not read Lightning
    """Records a Lightning training: the model as it starts, and after each epoch.

    The training ends the same to the last bit with and without it. Of several processes, the first one records. After
    an exception the recording stays, and :attr:`recorder` can finish it; a failure of the recording itself is a
    :class:`RecordingWarning`, and the training goes on. A trial run (``fast_dev_run``) is not
    recorded.

    Parameters
    ----------
    loss_fn
        ``loss_fn(output, target)``, for loaders of (inputs, targets): then accuracies and a boundary are there too.
        Without it, and without ``loss=``, the loss is what ``training_step`` returns.
    train_loader, test_loader
        What the fixed samples are taken from; by default the trainer's own loaders of training and validation.
    options
        Those of a recorder, see :class:`RecorderOptions`. ``name`` is by default the class of the model, and ``resume``
        is True where the trainer goes on from a checkpoint.

    Attributes
    ----------
    recorder
        That of the last training; None before, and in a process that does not record.

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

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Take the samples, and record the model as it is."""
        self.recorder = None
        refuse_shards(trainer.model)
        if not trainer.is_global_zero or trainer.fast_dev_run:
            return
        options: RecorderOptions = {
            "name": type(pl_module).__name__,
            "resume": trainer.ckpt_path is not None,
            **self._options,
        }
        if self._loss_fn is None and options.get("loss") is None:
            options["loss"] = _loss_of_steps(pl_module)
        loaders = partial(_training_loader, trainer), partial(_first_validation_loader, trainer)
        self._begin(pl_module, self._loss_fn, loaders, options, trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Record the model as it is; an epoch that is there already cuts off what came after it."""
        self._record(trainer.current_epoch + 1)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Compute everything there is to see, and put it into the gallery. After an exception nobody calls this."""
        self._end()


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
    """Make the loss of what ``training_step`` returns, for models that belong to no trainer."""
    if not model.automatic_optimization:
        raise DataError("this training_step optimises by itself; give loss_fn, or loss=lambda module, batch: …")
    index = (0,) if len(inspect.signature(model.training_step).parameters) > 1 else ()

    def of(module: Any, batch: Any) -> torch.Tensor:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "You are trying to `self.log")  # there is nothing to log here
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
