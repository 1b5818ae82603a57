"""Divides the batches of samples when a device has too little memory for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from lossatlas.errors import DataError
from lossatlas.torch.model import TorchModel
from lossatlas.torch.samples import Batch, halve, samples_in

_Result = TypeVar("_Result")


def compute_within_memory(
    model: TorchModel, batches: list[Batch], compute: Callable[[list[Batch]], _Result]
) -> _Result:
    """Compute something from batches. While the device has too little memory, halve the batches and compute it again.

    The batches stay halved, so that the next computation does not fail first.

    Parameters
    ----------
    model
        The model whose device has too little memory.
    batches
        The batches. The list is changed if they are halved.
    compute
        The computation. The sum that it forms must not depend on how the samples are divided.

    Returns
    -------
        The result of the computation.

    Raises
    ------
    DataError
        If the batches cannot be halved: they have one sample, or the model normalises with the statistics of a batch.
    """
    while True:
        try:
            return compute(batches)
        except torch.cuda.OutOfMemoryError as fault:
            reason = str(fault).partition("\n")[0]
        # The batches are halved outside the handler, because the exception holds the tensors that fill the memory.
        batches[:] = _halve_all(model, batches, reason)


def _halve_all(model: TorchModel, batches: list[Batch], reason: str) -> list[Batch]:
    size = max(samples_in(batch.data) for batch in batches)
    sentence = f"the device {model.device} has too little memory for {size} samples at once ({reason})"
    if model.normalises:
        raise DataError(
            f"{sentence}, and batches of a model with BatchNorm cannot be divided afterwards, because its statistics "
            f"are those of a batch; record with a batch_size below {size}, or choose the device cpu"
        )
    if size == 1:
        raise DataError(f"{sentence}; choose a device with more memory, such as cpu")
    return [half for batch in batches for half in halve(batch, model.loss)]
