"""Restores the random generators and the counters of a training, so that recording does not change the training."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def same_random_state(generators: Sequence[torch.Generator] = ()) -> Iterator[None]:
    """Restore the state of the generators of torch, Python and NumPy, and of the given ones, at the end of the block.

    A ``DataLoader`` that shuffles draws from torch's generator in every pass. After one additional pass, the training
    would see its batches in another order, and end with other parameters.
    """
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 (the legacy state is what is kept)
    of_these = [generator.get_state() for generator in generators]
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices))
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002
            for generator, state in zip(generators, of_these, strict=True):
                generator.set_state(state)


@contextmanager
def same_attributes(parts: Sequence[Any]) -> Iterator[None]:
    """Restore the attributes of these objects after the block, also after an exception.

    A sampler may count how often it was iterated, and seed its generator with that number.
    """
    kept = [(vars(part), dict(vars(part))) for part in parts if hasattr(part, "__dict__")]
    try:
        yield
    finally:
        for attributes, before in kept:
            attributes.update(before)
            for name in attributes.keys() - before.keys():
                del attributes[name]
