"""A network learns the digits 0 to 4, then 5 to 9, and forgets the first: shown from the checkpoints that it left.

    pip install "lossatlas[torch]"
    python examples/finetune_from_checkpoints.py
    lossatlas serve

The training knows nothing of Loss Atlas: it saves a checkpoint after each epoch. from_checkpoints then measures all of
them on the later digits, which are the training samples of the run, and on the earlier ones, which are its test
samples: so the test loss is what is forgotten, and the path turns where the fine-tuning begins. Nothing is downloaded.
The run stands in the page under Recorded runs.
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

#: Fine-tuning takes smaller steps.
LEARNING_RATES = {"pretrain": 0.05, "finetune": 0.02}


def make_model() -> nn.Module:
    """One convolution and two linear layers: 6,220 parameters."""
    return nn.Sequential(
        *(nn.Conv2d(1, 12, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(192, 30), nn.Tanh(), nn.Linear(30, 10)),
    )


def make_loader(first: int, last: int) -> DataLoader[tuple[torch.Tensor, ...]]:
    """All digits from one to another."""
    digits = load_digits()
    images, labels = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16, torch.tensor(digits.target)
    chosen = (labels >= first) & (labels <= last)
    return DataLoader(TensorDataset(images[chosen], labels[chosen]), batch_size=64, shuffle=True)


def train(model: nn.Module, loader: DataLoader[tuple[torch.Tensor, ...]], rate: float, paths: list[Path]) -> None:
    """Train for an epoch for each path, and save what the model is after it."""
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    for path in paths:
        for images, labels in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        torch.save(model.state_dict(), path)


def main() -> None:
    """Train twice, leaving checkpoints, and make a run of these."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="the gallery's folder; by default your own")
    parser.add_argument("--checkpoints", type=Path, help="where to save them; by default in a temporary folder")
    parser.add_argument("--epochs", type=int, default=10, help="of each of the two trainings")
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--budget", type=float, default=30, help="seconds that the surfaces may take, about")
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
