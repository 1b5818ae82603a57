"""Compiles a model with ``torch.compile``, if this keeps its losses the same and saves time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
import torch

from lossatlas.arrays import Float32
from lossatlas.store import Recording
from lossatlas.torch.evaluation import TorchLosses
from lossatlas.torch.model import Statistics, TorchModel
from lossatlas.torch.refinement import Split

#: The largest relative difference between the losses of the compiled and of the plain model.
_ALIKE = 1e-5
#: The number of times that both are timed.
_ROUNDS = 3


class CompileWarning(UserWarning):
    """A model that should be compiled is evaluated without. The message gives the reason."""


def compile_where_it_pays(model: TorchModel, recording: Recording, statistics: dict[Split, Statistics]) -> bool:
    """Compile a model if this does not change its losses and saves time. Otherwise warn, and leave it as it is.

    Its losses are compared at the first frame, at the last one, and halfway between them.

    Parameters
    ----------
    model
        The model, which is evaluated compiled from now on if the result is True.
    recording
        The recording that its thetas come from.
    statistics
        The statistics that BatchNorm uses in each split.

    Returns
    -------
    bool
        Whether the model is compiled.
    """
    first, last = (np.asarray(recording.theta(frame), np.float32) for frame in (0, -1))
    thetas = np.stack([first, (first + last) / 2, last])
    splits: list[Split] = ["train", "test"] if model.test else ["train"]
    model.set_buffers(recording.buffers_at(-1))

    def losses() -> Float32:
        return np.concatenate([TorchLosses(model, split, statistics[split]).losses(thetas) for split in splits])

    expected, plain = _time(losses)
    try:
        model.compiled = torch.compile(model.module)  # type: ignore[assignment]
        found, compiled = _time(losses)
        fault = _compare(expected, found)
    except Exception as error:  # the compiler, and code that it cannot compile, raise many kinds of errors
        fault, compiled = f"it failed ({type(error).__name__}: {str(error).strip().splitlines()[0][:200]})", 0.0
    if fault is None and compiled >= plain:
        fault = f"it takes {compiled:.3g} s in place of {plain:.3g} s"
    if fault is not None:
        model.compiled = None
        warnings.warn(f"torch.compile is not used: {fault}", CompileWarning, stacklevel=2)
    return fault is None


def _time(losses: Callable[[], Float32]) -> tuple[Float32, float]:
    """Compute losses, and return the shortest time of several rounds after a first one, which prepares the others."""
    found, seconds = losses(), []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        losses()
        seconds.append(time.perf_counter() - began)
    return found, min(seconds)


def _compare(expected: Float32, found: Float32) -> str | None:
    """Return a sentence about the largest difference if it is too large, and otherwise None."""
    if np.allclose(found, expected, rtol=_ALIKE, atol=1e-9):
        return None
    worst = int(np.argmax(np.abs(found - expected) / np.maximum(np.abs(expected), 1e-9)))
    return f"its loss is {found[worst]:.7g} where that of the plain model is {expected[worst]:.7g}"
