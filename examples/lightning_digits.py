"""Records a Lightning training with a callback: a small network learns the digits of scikit-learn.

    pip install "lossatlas[torch]" lightning
    python examples/lightning_digits.py
    lossatlas serve

Nothing is downloaded. The training takes seconds, and --budget limits the time for the surfaces. The page lists the run
under Recorded runs.
"""

from __future__ import annotations

import argparse
import logging

import lightning
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import lossatlas.torch as lat


class Digits(lightning.LightningModule):
    """A network with two hidden layers of 48 and 24 units and GELU. It has 4,546 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Sequential(
            *(nn.Flatten(), nn.Linear(64, 48), nn.GELU(), nn.Linear(48, 24), nn.GELU(), nn.Linear(24, 10))
        )
        self.loss_fn = nn.CrossEntropyLoss()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Compute ten logits for each image."""
        return self.network(images)

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> torch.Tensor:
        """Compute the loss that is minimised."""
        images, labels = batch
        return self.loss_fn(self(images), labels)

    def validation_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> None:
        """Log the share of images that are classified correctly."""
        images, labels = batch
        self.log("accuracy", (self(images).argmax(dim=1) == labels).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Choose AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=2e-3)


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
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--samples", type=int, default=512)
    parser.add_argument("--budget", type=float, default=30, help="about how many seconds the surfaces may take")
    given = parser.parse_args()

    lightning.seed_everything(0, verbose=False)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    model, (train_loader, test_loader) = Digits(), make_loaders()
    options = {"data": given.data, "samples": given.samples, "budget": given.budget}
    callback = lat.LightningCallback(model.loss_fn, name="digits Lightning", **options)
    trainer = lightning.Trainer(
        max_epochs=given.epochs,
        callbacks=[callback],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, train_loader, test_loader)
    for frame in callback.recorder.frames:
        loss, accuracy = frame.metrics["train_loss"], frame.metrics["test_accuracy"]
        print(f"epoch {frame.epoch}: train loss {loss:.4f}, test accuracy {accuracy:.1%}")


if __name__ == "__main__":
    main()
