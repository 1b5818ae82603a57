"""Tests that batches are halved when a device has too little memory for them, and that the losses stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from lossatlas.errors import DataError
from lossatlas.torch import LossFunction, TorchHessian, TorchLosses, TorchModel, take_samples
from tests.own_models.trainings import convolutional, images

MOST = 7


class SmallMemory(torch.nn.Module):
    """A model that cannot take more than ``MOST`` samples at once, like one on a device with little memory."""

    def __init__(self, layers: torch.nn.Module, most: int) -> None:
        super().__init__()
        self.layers, self.most = layers, most

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if len(inputs) > self.most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore lines.")
        result: torch.Tensor = self.layers(inputs)
        return result


def copy_of(layers: torch.nn.Module, most: int, loss: Any) -> TorchModel:
    function = LossFunction.make(loss, None)
    samples = take_samples(DataLoader(images(), batch_size=16), 45, 45, function)
    return TorchModel(SmallMemory(layers, most), function, samples, samples)


@pytest.mark.parametrize(
    "loss",
    [
        torch.nn.CrossEntropyLoss(),
        torch.nn.CrossEntropyLoss(reduction="sum"),
        torch.nn.CrossEntropyLoss(ignore_index=1),
        torch.nn.CrossEntropyLoss(reduction="none"),
    ],
    ids=["mean", "sum", "ignored", "each"],
)
def test_losses_and_products_with_little_memory_are_those_with_much(loss: Any) -> None:
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 5), torch.nn.Tanh(), torch.nn.Linear(5, 3))
    small, large = copy_of(layers, MOST, loss), copy_of(layers, 48, loss)
    theta = large.follow(SmallMemory(layers, 48))
    draws = np.random.default_rng(0)
    directions = draws.normal(0, 0.3, (2, large.parameter_count)).astype(np.float32)
    a, b = draws.uniform(-1, 1, (2, 9))
    for split in ("train", "test"):
        surfaces = [TorchLosses(each, split).losses_along(theta, directions, a, b) for each in (small, large)]
        np.testing.assert_allclose(surfaces[0], surfaces[1], rtol=2e-6)
    if getattr(loss, "reduction", "") != "none":
        products = [TorchHessian(each, theta).products(directions) for each in (small, large)]
        np.testing.assert_allclose(products[0], products[1], rtol=1e-4, atol=1e-6)
    assert [batch.counted for batch in small.train] == [batch.counted for batch in large.train]


@pytest.mark.parametrize(
    ("layers", "most", "message"),
    [
        (torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 3)), 0, "too little memory for 1 samples at once"),
        (convolutional(), MOST, "record with a batch_size below 45"),
    ],
    ids=["one sample", "BatchNorm"],
)
def test_too_little_memory_for_any_division_is_an_error_that_says_so(
    layers: torch.nn.Module, most: int, message: str
) -> None:
    copy = copy_of(layers, most, torch.nn.CrossEntropyLoss())
    theta = np.zeros((1, copy.parameter_count), np.float32)
    with pytest.raises(DataError, match=message) as caught:
        TorchLosses(copy, "train").losses(theta)
    assert "Tried to allocate 2.00 GiB" in str(caught.value)
    assert "More lines" not in str(caught.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_with_little_memory_has_the_losses_of_a_cpu() -> None:
    torch.manual_seed(0)
    layers = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4096, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4096 * 36, 3)
    )
    function = LossFunction.make(torch.nn.CrossEntropyLoss(), None)
    samples = take_samples([images(4800).tensors], 4800, 4800, function)
    copies = [TorchModel(layers, function, samples, device=torch.device(name)) for name in ("cpu", "cuda")]
    thetas = np.stack([copies[0].follow(layers)] * 2) * np.array([[1], [0.9]], np.float32)
    whole = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(1e9 / whole)  # one layer's outputs for all samples take 2.8 GB
    try:
        found = [TorchLosses(copy, "train").losses(thetas) for copy in copies]
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    np.testing.assert_allclose(found[1], found[0], rtol=2e-5)
