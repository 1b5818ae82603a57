"""Restores the random generators and other state of a training, so that recording does not change the training."""

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
def full_precision() -> Iterator[None]:
    """Multiply float32 in float32 inside the block.

    By default, GPUs of NVIDIA compute convolutions in TF32, which has 10 bits of mantissa: the losses of one network
    would differ between a GPU and a CPU in the fourth digit.
    """
    try:
        before, full, choose = _read_precision(), ["highest", False], _choose_precision
    except RuntimeError:  # the training chose by the settings of PyTorch 2.9, and the older ones cannot be read then
        before, full, choose = _read_precisions(), ["ieee"] * 3, _choose_precisions
    choose(full)
    try:
        yield
    finally:
        choose(before)


def _read_precision() -> list[Any]:
    return [torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32]


def _choose_precision(values: Sequence[Any]) -> None:
    if values[0] != torch.get_float32_matmul_precision():
        torch.set_float32_matmul_precision(values[0])
    torch.backends.cudnn.allow_tf32 = values[1]


def _kinds() -> list[Any]:
    backends: Any = torch.backends
    return [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn]


def _read_precisions() -> list[Any]:
    return [kind.fp32_precision for kind in _kinds()]


def _choose_precisions(values: Sequence[Any]) -> None:
    for kind, value in zip(_kinds(), values, strict=True):
        kind.fp32_precision = value


@contextmanager
def measuring() -> Iterator[None]:
    """Compute in full precision inside the block, and restore the random generators after it."""
    with same_random_state(), full_precision():
        yield


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
