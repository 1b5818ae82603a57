"""Tests that losses are measured in full float32 on every device, and that the training's settings are restored."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from lossatlas.torch import LossFunction, Recorder, TorchHessian, TorchLosses, TorchModel, take_samples
from lossatlas.torch.undisturbed import full_precision
from tests.own_models.trainings import convolutional, images, train

BACKENDS: Any = torch.backends
NEEDS_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")


def read_settings() -> list[Any]:
    """Read the precision of multiplications on GPUs. PyTorch 2.9 has one setting for each kind of operation."""
    if hasattr(BACKENDS.cudnn, "conv"):
        parts = (BACKENDS.cuda.matmul, BACKENDS.cudnn.conv, BACKENDS.cudnn.rnn)
        return [part.fp32_precision for part in parts]
    return [BACKENDS.cuda.matmul.allow_tf32, BACKENDS.cudnn.allow_tf32]


def set_newly(value: str) -> None:
    for part in (BACKENDS.cuda.matmul, BACKENDS.cudnn.conv, BACKENDS.cudnn.rnn):
        part.fp32_precision = value


def choose_one_kind() -> None:
    BACKENDS.cudnn.conv.fp32_precision = "ieee"


#: Settings that a training may have changed before, by the older interface and by that of PyTorch 2.9.
PREPARATIONS: list[Callable[[], None]] = [
    lambda: None,
    lambda: torch.set_float32_matmul_precision("medium"),
    lambda: setattr(BACKENDS.cudnn, "allow_tf32", False),
    *([lambda: set_newly("tf32"), choose_one_kind] if hasattr(BACKENDS.cudnn, "conv") else []),
]


def print_settings() -> None:
    """Print the settings inside a block, before it and after it, for each preparation."""
    found = []
    for prepare in PREPARATIONS:
        prepare()
        before = read_settings()
        with suppress(KeyError), full_precision():
            inside = read_settings()
            raise KeyError
        found.append([inside, before, read_settings()])
    print(json.dumps(found))


def test_nothing_is_multiplied_in_tf32_and_settings_are_restored_after_an_exception() -> None:
    # A separate process is used, because the newer settings hide the older ones for good.
    command = [sys.executable, "-c", "from tests.own_models import test_precision; test_precision.print_settings()"]
    found = json.loads(subprocess.check_output(command, text=True))
    assert len(found) == len(PREPARATIONS)
    for inside, before, after in found:
        assert not {"tf32", "bf16", True} & set(inside)
        assert after == before


def copy_to(model: torch.nn.Module, device: str, batch_size: int = 16) -> TorchModel:
    loss = LossFunction.make(torch.nn.CrossEntropyLoss(), None)
    loader = DataLoader(images(), batch_size=16)
    copy = TorchModel(model, loss, take_samples(loader, 48, batch_size, loss), device=torch.device(device))
    copy.follow(model)
    return copy


@NEEDS_GPU
@pytest.mark.parametrize("statistics", ["batch", "refreshed", "running"])
def test_a_gpu_has_the_surface_and_the_products_of_a_cpu(statistics: Any) -> None:
    torch.manual_seed(0)
    model = convolutional()
    train(model, DataLoader(images(), batch_size=16), 3)
    cpu, gpu = copy_to(model, "cpu"), copy_to(model, "cuda")
    theta = cpu.follow(model)
    draws = np.random.default_rng(0)
    directions = draws.normal(0, 0.1, (2, cpu.parameter_count)).astype(np.float32)
    a, b = draws.uniform(-1, 1, (2, 30))
    surfaces: list[Any] = [
        TorchLosses(each, "train", statistics).losses_along(theta, directions, a, b) for each in (cpu, gpu)
    ]
    np.testing.assert_allclose(surfaces[1], surfaces[0], rtol=2e-5)
    products = [TorchHessian(each, theta, statistics).products(directions[:1]) for each in (cpu, gpu)]
    np.testing.assert_allclose(products[1], products[0], rtol=1e-3, atol=1e-4 * np.abs(products[0]).max())


@NEEDS_GPU
def test_a_training_on_a_gpu_ends_with_the_same_bits_and_its_run_has_the_losses_of_a_cpu(tmp_path: Path) -> None:
    ends = []
    for recorded in (False, True):
        torch.manual_seed(0)
        model = convolutional().cuda()
        loader = [(inputs.cuda(), targets.cuda()) for inputs, targets in DataLoader(images(), batch_size=16)]
        if not recorded:
            ends.append(train(model, loader, 3))
            continue
        recorder = Recorder(
            model, torch.nn.CrossEntropyLoss(), loader, name="gpu", data=tmp_path, budget=20, planes=("pca",)
        )
        with recorder:
            ends.append(train(model, loader, 3, recorder.snapshot))
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[0])
    recording = recorder.recording
    cpu = copy_to(model.cpu(), "cpu", batch_size=48)  # the batches of the recorder are larger than those of the loader
    thetas = np.stack([recording.theta(frame) for frame in range(len(recording.frames))])
    np.testing.assert_allclose(
        TorchLosses(cpu, "train").losses(thetas),
        np.array([frame.metrics["train_loss"] for frame in recording.frames], float),
        rtol=2e-5,
    )
