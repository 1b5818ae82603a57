"""Measures the loss of each sample at every frame. It is shown in place of a boundary if a model has no classes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from lossatlas.store import Recording, SampleLossPart
from lossatlas.torch.model import FixedOutputs, TorchModel
from lossatlas.torch.samples import Batch, LossFunction, count_terms, samples_in, take_part
from lossatlas.torch.undisturbed import measuring

#: The largest number of samples of each loader. More rows could not be distinguished on a screen.
_MOST = 256
#: The smallest number of samples of each loader, however short the time is.
_FEWEST = 4
#: The largest relative difference between the mean of the samples' losses and the loss of all samples.
_SAME = 1e-2


def measure_sample_losses(model: TorchModel, recording: Recording, seconds: float) -> SampleLossPart | None:
    """Measure the loss of each sample at every frame, with the buffers of that frame.

    Parameters
    ----------
    model
        The model and its samples.
    recording
        The frames.
    seconds
        About how many seconds this may take. If it would take longer, fewer samples are measured, but at least four.

    Returns
    -------
    The losses; None if the loss is not a mean over samples.
    """
    frames = len(recording.frames)
    parts = [[batch.data for batch in batches] for batches in (model.train, model.test) if batches]
    _move(model, recording, -1)
    began = time.perf_counter()
    firsts = [part[0] for part in parts]
    if not all(_is_mean_of_samples(model, batch) for batch in firsts):
        return None
    one = (time.perf_counter() - began) / sum(map(samples_in, firsts))
    affordable = int(seconds / (one * frames * len(parts)))
    parts = [_take_first(part, max(_FEWEST, min(_MOST, affordable))) for part in parts]
    rows = []
    for frame in range(frames):
        _move(model, recording, frame)
        rows.append([loss for part in parts for batch in part for loss in _losses_of(model, batch)])
    split = np.repeat([0, 1][: len(parts)], [sum(map(samples_in, part)) for part in parts]).astype(np.uint8)
    return SampleLossPart(np.array(rows, np.float32), split)


def _move(model: TorchModel, recording: Recording, frame: int) -> None:
    model.move_to(recording.theta(frame))
    model.set_buffers(recording.buffers_at(frame))


def _take_first(batches: Sequence[Any], count: int) -> list[Any]:
    """Take the first samples of some batches."""
    found: list[Any] = []
    for batch in batches:
        room = count - sum(map(samples_in, found))
        if room > 0:
            found.append(batch if samples_in(batch) <= room else take_part(batch, slice(0, room)))
    return found


def _losses_of(model: TorchModel, batch: Any) -> list[float]:
    """Measure the loss of each sample of a batch. If the loss takes outputs, the model is evaluated only once."""
    loss, found = model.loss, []
    with torch.no_grad(), measuring():
        outputs = model.module(batch[0]) if loss.has_outputs else None
        for number in range(samples_in(batch)):
            row = slice(number, number + 1)
            module = FixedOutputs(take_part(outputs, row)) if loss.has_outputs else model.module
            found.append(_loss_of(loss, module, take_part(batch, row)))
    return found


def _loss_of(loss: LossFunction, module: torch.nn.Module, batch: Any) -> float:
    terms = count_terms(batch, loss)
    return float(loss.mean(loss.of(module, batch), Batch(batch, terms, max(terms, 1))))


def _is_mean_of_samples(model: TorchModel, batch: Any) -> bool:
    """Return whether the loss of a batch is the mean of its samples' losses, which a contrastive loss is not."""
    terms = [count_terms(take_part(batch, slice(n, n + 1)), model.loss) for n in range(samples_in(batch))]
    losses = _losses_of(model, batch)
    with torch.no_grad(), measuring():
        whole = _loss_of(model.loss, model.module, batch)
    return sum(terms) > 0 and bool(np.isclose(np.average(losses, weights=terms), whole, rtol=_SAME, atol=1e-6))
