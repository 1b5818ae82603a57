"""Provides factories of models, right ones and wrong ones. Tests copy this file as a user's own module."""

from __future__ import annotations

from typing import Any

import torch

from tests.own_models.trainings import convolutional, images


def make() -> Any:
    return convolutional(), torch.nn.CrossEntropyLoss()


def seeded() -> Any:
    torch.manual_seed(0)
    return make()


def alone() -> Any:
    return convolutional()


def whole(model: torch.nn.Module, batch: Any) -> torch.Tensor:
    return torch.nn.functional.cross_entropy(model(batch[0]), batch[1])


def named() -> Any:
    loader = [images().tensors]
    return {"model": convolutional(), "loss": whole, "train_loader": loader, "test_loader": loader}


def with_loaders() -> Any:
    return convolutional(), torch.nn.functional.cross_entropy, [images().tensors], [images().tensors]


def other_data() -> Any:
    inputs, labels = images().tensors
    return convolutional(), torch.nn.functional.cross_entropy, [(inputs.flip(0), labels)], [(inputs, labels)]


def other_model() -> Any:
    return torch.nn.Linear(2, 3), torch.nn.CrossEntropyLoss()


def doubled() -> Any:
    return convolutional(), lambda output, target: 2 * torch.nn.functional.cross_entropy(output, target)


class Swapped(torch.nn.Module):
    """The same modules under the same names, in another order."""

    def __init__(self) -> None:
        super().__init__()
        for number, module in reversed(list(enumerate(convolutional()))):
            self.add_module(str(number), module)


def other_order() -> Any:
    return Swapped(), torch.nn.CrossEntropyLoss()


def nothing() -> Any:
    return None


def fails() -> Any:
    raise FileNotFoundError("no weights here")


number = 3
