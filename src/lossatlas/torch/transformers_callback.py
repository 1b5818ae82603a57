"""Records a training with the Trainer of transformers. Only this module imports transformers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Unpack

import torch

from lossatlas.errors import DataError, MissingExtraError
from lossatlas.torch.epoch_recording import EpochRecording
from lossatlas.torch.options import RecorderOptions
from lossatlas.torch.samples import LossFunction, samples_in

try:
    from transformers import TrainerCallback
except ImportError as error:
    raise MissingExtraError("TransformersCallback needs transformers: pip install transformers") from error

#: The label that the losses of transformers ignore.
_IGNORED = -100
#: The name under which the Trainer saves the id of the recording in its checkpoints.
_STATE = "lossatlas"


class TransformersCallback(EpochRecording, TrainerCallback):  # type: ignore[misc]  # mypy does not read transformers
    """Records a training with the Trainer of transformers: the model at the start, and after each epoch.

    The training ends with the same bits with and without it. The loss is ``model(**batch).loss``, and its mean is
    taken over all labels that count. Of several processes, the first one records. After an exception the recording
    stays, and :attr:`recorder` can finish it. As the Trainer does not call its callbacks then, the recording counts as
    being recorded until the process ends, or until the end of a block ``with TransformersCallback(…) as callback:``
    around the training. A failure of the recording itself is a :class:`RecordingWarning`, and the
    training continues.

    Parameters
    ----------
    train_loader, test_loader
        The loaders of the fixed samples; by default the trainer's own loaders. A trainer makes the one for
        evaluation only later, so give ``test_loader=trainer.get_eval_dataloader()`` for test losses.
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
        train_loader: Iterable[Any] | None = None,
        test_loader: Iterable[Any] | None = None,
        **options: Unpack[RecorderOptions],
    ) -> None:
        super().__init__(train_loader, test_loader, options)
        self._epoch = 0

    def on_train_begin(
        self,
        args: Any,
        state: Any,
        control: Any,
        model: Any = None,
        train_dataloader: Any = None,
        eval_dataloader: Any = None,
        **others: Any,
    ) -> None:
        """Take the samples, and record the untrained model."""
        self.recorder, self._epoch = None, int(state.epoch or 0)
        if not state.is_world_process_zero:
            return
        found = state.stateful_callbacks.get(_STATE, {}).get("recording")  # the checkpoint has the id
        options: RecorderOptions = {"name": type(model).__name__, "resume": str(found or ""), **self._options}
        if options.get("loss") is None:
            options["loss"] = LossFunction(_loss_of, "model(**batch).loss", count=partial(_count_labels, model))
        self._begin(model, None, (lambda: train_dataloader, lambda: eval_dataloader), options, self._epoch)
        state.stateful_callbacks[_STATE] = {"recording": self._recording_id}

    def on_epoch_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Record the model after an epoch. If the epoch was recorded before, all later ones are deleted."""
        self._epoch += 1
        self._record(self._epoch)

    def on_train_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Compute the run, and put it into the gallery. The Trainer does not call this after an exception."""
        self._end()


def _loss_of(model: torch.nn.Module, batch: Any) -> torch.Tensor:
    loss = getattr(model(**batch), "loss", None)
    if not isinstance(loss, torch.Tensor):
        raise DataError(f"model(**batch) has no loss where batches have {', '.join(batch)}; give loss=")
    return loss


def _count_labels(model: Any, batch: Any) -> int:
    """Count the labels in the mean of a batch. A causal language model skips the first label of each text."""
    labels = batch.get("labels")
    if not isinstance(labels, torch.Tensor) or labels.is_floating_point() or labels.ndim < 2:
        return samples_in(batch)
    decodes = getattr(model, "loss_type", None) in (None, "ForCausalLM")
    encodes = bool(getattr(getattr(model, "config", None), "is_encoder_decoder", False))
    return int((labels[..., 1:] if decodes and not encodes else labels).ne(_IGNORED).sum())
