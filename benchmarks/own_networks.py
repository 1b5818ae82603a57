"""Provides PyTorch models with samples, which stand for users' own models in the benchmarks of ``lossatlas.torch``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from examples.resnet20_skips import ResNet
from sklearn.datasets import load_digits
from torch import nn

from lossatlas.torch import LossFunction, TorchModel, take_samples

#: The number of samples in a batch on a processor.
BATCH = 128


@dataclass(frozen=True)
class Case:
    """A model, its loss, and its samples in batches."""

    name: str
    model: nn.Module
    loss_fn: nn.Module
    batches: list[tuple[torch.Tensor, torch.Tensor]]

    @property
    def samples(self) -> int:
        """Return the number of samples."""
        return sum(len(inputs) for inputs, _ in self.batches)

    def copy(self) -> TorchModel:
        """Return a copy of the model, which lossatlas evaluates."""
        loss = LossFunction.make(self.loss_fn, None)
        return TorchModel(self.model, loss, take_samples(self.batches, self.samples, len(self.batches[0][0]), loss))


class Transformer(nn.Module):
    """A causal transformer of two layers over 64 tokens: 110,400 parameters."""

    def __init__(self, tokens: int = 64, length: int = 32, width: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Embedding(tokens, width)
        self.position = nn.Parameter(torch.randn(length, width) / width**0.5)
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm, self.output = nn.LayerNorm(width), nn.Linear(width, tokens)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(length))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits ``[N, tokens, length]`` of the next tokens."""
        found = self.layers(self.embedding(x) + self.position, mask=self.mask, is_causal=True)
        logits: torch.Tensor = self.output(self.norm(found))
        return logits.transpose(1, 2)


def make_mlp() -> Case:
    """Make the network 64-128-64-10 with ReLU, and take all 1,797 digits as its samples."""
    torch.manual_seed(0)
    digits = load_digits()
    inputs, labels = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    return Case("MLP", model, nn.CrossEntropyLoss(), _cut(inputs, labels))


def make_transformer(samples: int = 256) -> Case:
    """Make the transformer, and random texts of 32 tokens as its samples."""
    torch.manual_seed(0)
    texts = torch.randint(64, (samples, 33))
    return Case("transformer", Transformer(), nn.CrossEntropyLoss(), _cut(texts[:, :-1], texts[:, 1:]))


def make_resnet(samples: int = 128, device: str = "cpu", batch: int = BATCH) -> Case:
    """Make ResNet-20, and random images with the shape of CIFAR's as its samples."""
    torch.manual_seed(0)
    images, labels = torch.randn(samples, 3, 32, 32), torch.randint(10, (samples,))
    batches = _cut(images.to(device), labels.to(device), batch)
    return Case("ResNet-20", ResNet().to(device), nn.CrossEntropyLoss(), batches)


def _cut(inputs: torch.Tensor, labels: torch.Tensor, batch: int = BATCH) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Cut samples into even batches, as the recorder does."""
    count = -(-len(inputs) // batch)
    return list(zip(inputs.tensor_split(count), labels.tensor_split(count), strict=True))
