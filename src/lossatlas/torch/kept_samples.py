"""Reads the fixed samples of a recording, or takes them from loaders if the recording keeps none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch

from lossatlas.errors import DataError, RunDamagedError
from lossatlas.store import Recording, map_array
from lossatlas.torch.factory import FactoryResult
from lossatlas.torch.model import TorchModel
from lossatlas.torch.samples import Batch, LossFunction, take_samples

#: The files of the samples of a split.
_COLUMNS = ("inputs", "targets")
#: The batch size of recordings that do not name it.
_USUAL_BATCH = 128


def make_model(made: FactoryResult, recording: Recording, device: torch.device | None) -> TorchModel:
    """Make the copy of a model that moves to any theta, with the samples of a recording.

    Returns
    -------
    TorchModel
        The copy.
    """
    function = LossFunction.make(made.loss_fn, made.loss)
    train = find_samples(recording, "train", made.train_loader, function)
    test = find_samples(recording, "test", made.test_loader, function)
    return TorchModel(made.model, function, train, test, device=device)


def find_samples(
    recording: Recording, split: Literal["train", "test"], loader: Iterable[Any] | None, loss: LossFunction
) -> list[Batch]:
    """Return the fixed samples of a split, in the batches in which they were recorded.

    Parameters
    ----------
    recording
        The recording. Its own samples are taken if it keeps them.
    split
        ``train`` or ``test``.
    loader
        The loader from which the samples are taken otherwise. It has to give them first, and in the same order.
    loss
        The loss that is computed for them.

    Returns
    -------
    list
        The batches; an empty list if the recording has no samples of this split.

    Raises
    ------
    DataError
        If the recording keeps no samples and there is no loader.
    RunDamagedError
        If the recording does not say how many samples there are, or its samples are damaged.
    """
    count, size = _read_counts(recording, split)
    if not count:
        return []
    files = [recording.folder / "samples" / f"{split}_{column}.npy" for column in _COLUMNS]
    if all(file.is_file() for file in files) and loss.has_outputs:
        pair = [torch.from_numpy(map_array(file.parent, file.name).copy()) for file in files]
        if any(not column.ndim or len(column) != count for column in pair):
            raise RunDamagedError(files[0], f"the samples are not {count} inputs and as many targets")
        return take_samples([tuple(pair)], count, size, loss)
    if loader is None:
        raise DataError(
            f"{recording.id} keeps no samples of {split}, so they have to be given: let the factory return "
            f"{split}_loader too, which gives the {count} samples that were recorded, in the same order"
        )
    return take_samples(loader, count, size, loss)


def _read_counts(recording: Recording, split: str) -> tuple[int, int]:
    about = recording.about
    try:
        count, size = about["samples"][split], about.get("batch_size", _USUAL_BATCH)
        if all(type(number) is int for number in (count, size)) and count >= 0 and size >= 1:
            return count, size
    except (LookupError, TypeError):
        pass
    raise RunDamagedError(recording.folder / "recording.json", "it does not say how many samples there are")
