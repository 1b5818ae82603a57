"""Shows from saved checkpoints how a network that learns the digits 5 to 9 forgets the digits 0 to 4.

    pip install "lossatlas[torch]"
    python examples/finetune_from_checkpoints.py
    lossatlas serve

The training does not use Loss Atlas: it saves a checkpoint after each epoch. Then from_checkpoints measures all of
them on the later digits, which are the training samples of the run, and on the earlier ones, which are its test
samples. So the test loss rises while the network forgets, and the path turns where the fine-tuning begins. Nothing is
downloaded. The page lists the run under Recorded runs.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import lossatlas
import lossatlas.torch as lat

#: The learning rates of training and fine-tuning.
LEARNING_RATES = {"pretrain": 0.05, "finetune": 0.02}


def make_model() -> nn.Module:
    """Make a network of one convolution and two linear layers, with 6,220 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(1, 12, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(192, 30), nn.Tanh(), nn.Linear(30, 10)),
    )


def make_loader(first: int, last: int) -> DataLoader[tuple[torch.Tensor, ...]]:
    """Make the loader of all digits between two, inclusive."""
    digits = load_digits()
    images, labels = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16, torch.tensor(digits.target)
    chosen = (labels >= first) & (labels <= last)
    return DataLoader(TensorDataset(images[chosen], labels[chosen]), batch_size=64, shuffle=True)


def train(model: nn.Module, loader: DataLoader[tuple[torch.Tensor, ...]], rate: float, paths: list[Path]) -> None:
    """Train one epoch per path, and save the model there."""
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for path in paths:
        for images, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        torch.save(model.state_dict(), path)


def main() -> None:
    """Train and fine-tune the network with checkpoints, and make a run from these."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the folder of the gallery; by default the one that lossatlas uses")
    parser.add_argument("--checkpoints", type=Path, help="the folder of the checkpoints; by default a temporary one")
    parser.add_argument("--epochs", type=int, default=10, help="number of epochs of each of the two trainings")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--budget", type=float, default=30, help="about how many seconds the surfaces may take")
    given = parser.parse_args()

    torch.manual_seed(0)
    model, earlier, later = make_model(), make_loader(0, 4), make_loader(5, 9)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.checkpoints or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"epoch-{epoch}.pt" for epoch in range(2 * given.epochs + 1)]
        torch.save(model.state_dict(), paths[0])
        train(model, earlier, LEARNING_RATES["pretrain"], paths[1 : given.epochs + 1])
        train(model, later, LEARNING_RATES["finetune"], paths[given.epochs + 1 :])

        options = {"data": given.data, "samples": given.samples, "budget": given.budget, "name": "digits fine-tuned"}
        options["planes"] = ("pca", "gaussian-filter", "hessian")  # the first one is shown first
        made = lat.from_checkpoints(paths, make_model(), nn.CrossEntropyLoss(), later, earlier, **options)
    metrics = lossatlas.open_run(made).metrics
    for epoch, losses in enumerate(zip(metrics["test_loss"], metrics["train_loss"], strict=True)):
        print("epoch {}: loss on 0 to 4 {:.3f}, on 5 to 9 {:.3f}".format(epoch, *losses))


if __name__ == "__main__":
    main()
