"""Factories that workers import, as a person's own module."""

from __future__ import annotations

from typing import Any

import torch

from tests.own_models.trainings import convolutional


def make() -> Any:
    """The model and the loss of tests/own_models/test_cut.py."""
    return convolutional(), torch.nn.CrossEntropyLoss()
