"""Provides plain PyTorch trainings to record. Each is determined by one seed."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from lossatlas.torch import curvature_of_frames, plane_cutter, refinement


def images(count: int = 48, classes: int = 3) -> TensorDataset:
    """Draw small images whose class determines their brightness."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(count) % classes
    pictures = torch.randn(count, 1, 6, 6, generator=generator) + labels[:, None, None, None]
    return TensorDataset(pictures, labels)


def convolutional(classes: int = 3, bias: bool = True) -> torch.nn.Sequential:
    """Make a model with a convolution, BatchNorm, dropout and a linear layer."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3, bias=bias),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Dropout(0.3),
        torch.nn.Linear(64, classes),
    )


def train(
    model: torch.nn.Module, loader: Any, epochs: int, after_epoch: Callable[[], object] = lambda: None
) -> dict[str, torch.Tensor]:
    """Train a model, and return a copy of its state at the end, including buffers."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for _ in range(epochs):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs), targets).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        after_epoch()
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def shuffling(dataset: TensorDataset, sampler: Any = None, **options: Any) -> DataLoader[Any]:
    return DataLoader(dataset, batch_size=16, shuffle=sampler is None, sampler=sampler, **options)


def run_example(monkeypatch: pytest.MonkeyPatch, name: str, *options: str) -> None:
    """Run a script of ``examples/`` with these options in this process, which has imported all that it needs.

    The coarsest surfaces are coarser than otherwise, and eigenvectors less precise: all that is checked is the script.
    """
    monkeypatch.setattr(refinement, "_COARSEST", 3)
    monkeypatch.setattr(plane_cutter, "_PAIR_TOLERANCE", 0.1)
    monkeypatch.setattr(curvature_of_frames, "TOLERANCE", 0.1)
    script = Path(__file__).parents[2] / "examples" / f"{name}.py"
    monkeypatch.setattr(sys, "argv", [str(script), *options])
    runpy.run_path(str(script), run_name="__main__")
