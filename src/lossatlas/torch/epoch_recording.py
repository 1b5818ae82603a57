"""The base class of the callbacks for Lightning and transformers. Its failures do not end a training."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch

from lossatlas.errors import LossAtlasError
from lossatlas.torch.finish import FinishOptions
from lossatlas.torch.options import ComputingOptions, RecorderOptions, refuse_wrong_options, select_options
from lossatlas.torch.recorder import Recorder


class RecordingWarning(UserWarning):
    """An epoch could not be recorded, or no run could be made of the recording. The training continued."""


class EpochRecording:
    """Records the epochs of a training that another library runs.

    As a context manager around the training, it releases the recording at the end of the block. This matters where the
    process goes on after an exception, as in a notebook, and the library does not call its callbacks then.

    A wrong model, loss or option raises an error before the training begins. From then on a failure, such as a full
    disk, is a :class:`RecordingWarning`, because it should not end the training.

    Parameters
    ----------
    train_loader, test_loader
        The loaders of the fixed samples; None for the trainer's own.
    options
        The options of a recorder.

    Attributes
    ----------
    recorder
        The recorder of the last training; None before it, and in a process that does not record.
    """

    def __init__(
        self, train_loader: Iterable[Any] | None, test_loader: Iterable[Any] | None, options: RecorderOptions
    ) -> None:
        refuse_wrong_options(options)
        FinishOptions(**select_options(options, ComputingOptions))
        self._loaders, self._options = (train_loader, test_loader), options
        self._recording_id: str | None = None
        self.recorder: Recorder | None = None

    def __enter__(self) -> Self:
        """Return the callback itself. The recording is released at the end of the block, also after an exception."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release the recording, so that its readers know that nobody records."""
        self._leave()

    def _begin(
        self,
        model: torch.nn.Module,
        loss_fn: Callable[[Any, Any], torch.Tensor] | None,
        own_loaders: tuple[Callable[[], Any], Callable[[], Any]],
        options: RecorderOptions,
        epoch: int,
    ) -> None:
        """Take the samples, and record the untrained model.

        If an earlier recording cannot be continued, a new one begins: this failure should not end a training that
        continues after days.

        Raises
        ------
        LossAtlasError
            If the training cannot be recorded at all.
        """
        train, test = (own() if given is None else given for given, own in zip(self._loaders, own_loaders, strict=True))
        try:
            self.recorder = Recorder(model, loss_fn, train, test, **options)
        except LossAtlasError as error:
            if not options.get("resume"):
                raise
            warnings.warn(f"{error}. A new recording begins", RecordingWarning, stacklevel=4)
            options["resume"] = False
            self.recorder = Recorder(model, loss_fn, train, test, **options)
        self._recording_id = self.recorder.recording.id
        self.recorder.begin(epoch)

    def _record(self, epoch: int) -> None:
        if self.recorder is not None:
            with _turn_failures_into_warnings():
                self.recorder.snapshot(epoch)

    def _leave(self) -> None:
        """Release the recording after an exception, so that its readers know that nobody records."""
        if self.recorder is not None:
            with _turn_failures_into_warnings():
                self.recorder.release()

    def _end(self) -> None:
        if self.recorder is not None:
            with _turn_failures_into_warnings():
                self.recorder.flush()  # a last frame that cannot be written is no reason to lose the run of the others
            with _turn_failures_into_warnings():
                self.recorder.end()


@contextmanager
def _turn_failures_into_warnings() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # no failure of the recording should end the training
        warnings.warn(f"recording failed ({type(error).__name__}: {error})", RecordingWarning, stacklevel=4)
