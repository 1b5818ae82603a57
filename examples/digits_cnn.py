"""Records the training of a convolutional network with BatchNorm on the digits of scikit-learn.

    pip install "lossatlas[torch]"
    python examples/digits_cnn.py
    lossatlas serve

One more plane can be cut later, in the folder of this file:

    lossatlas cut digits-cnn --plane through --model digits_cnn:make_model --loss torch.nn:CrossEntropyLoss

Nothing is downloaded. The training takes seconds, and --budget limits the time for the surfaces. The page lists the run
under Recorded runs.
"""

from __future__ import annotations

import argparse

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import lossatlas.torch as lat


def make_model() -> nn.Module:
    """Make a network of two convolutions with BatchNorm and a linear layer, with 5,226 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(32, 10)),
    )


def make_loaders() -> tuple[DataLoader[tuple[torch.Tensor, ...]], DataLoader[tuple[torch.Tensor, ...]]]:
    """Make the loaders of 1,200 digits for training and of the other 597 digits for testing."""
    digits = load_digits()
    images, labels = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16, torch.tensor(digits.target)
    train = TensorDataset(images[:1200], labels[:1200])
    test = TensorDataset(images[1200:], labels[1200:])
    return DataLoader(train, batch_size=64, shuffle=True), DataLoader(test, batch_size=64)


def main() -> None:
    """Train the network, and record one frame per epoch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the folder of the gallery; by default the one that lossatlas uses")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--budget", type=float, default=60, help="about how many seconds the surfaces may take")
    given = parser.parse_args()

    torch.manual_seed(0)
    model, (train_loader, test_loader) = make_model(), make_loaders()
    loss_fn, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)

    options = {"data": given.data, "samples": given.samples, "budget": given.budget, "measure": "now"}
    with lat.Recorder(model, loss_fn, train_loader, test_loader, name="digits CNN", **options) as recorder:
        for _ in range(given.epochs):
            model.train()
            for images, labels in train_loader:
                optimizer.zero_grad()
                loss_fn(model(images), labels).backward()
                optimizer.step()
            metrics = recorder.snapshot().metrics
            print(f"train loss {metrics['train_loss']:.4f}, test accuracy {metrics['test_accuracy']:.1%}")


if __name__ == "__main__":
    main()
