"""Records ResNet-20 with and without skip connections, to show how these change the loss landscape.

    pip install "lossatlas[torch]"
    python examples/resnet20_skips.py
    lossatlas serve

Li et al. (2018, arXiv 1712.09913) removed the skips from residual networks and showed that the landscape of a deep one
then becomes chaotic. This is their experiment with the ResNet-20 of He et al. (2016), 269,722 parameters, on
scikit-learn's digits as images of 3 × 32 × 32 pixels. Nothing is downloaded. Both networks start from the same
parameters, see the same batches, and are cut along the same random directions, scaled filter by filter to each.

Li et al. saw the chaos at --depth 56, which takes three times as long. ``--skips with`` trains one network only.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import lossatlas.torch as lat

#: Two random directions at every frame, and the plane of the path.
RANDOM: dict[str, Any] = {"kind": "gaussian", "normalization": "filter", "spans": (1.0,)}
PCA: dict[str, Any] = {"kind": "pca"}


class Block(nn.Module):
    """Two convolutions of 3 × 3, each with BatchNorm, and a skip connection around both, if there are skips."""

    def __init__(self, inputs: int, channels: int, stride: int, skip: bool) -> None:
        super().__init__()
        self.skip = skip
        self.conv1 = nn.Conv2d(inputs, channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.stride, self.more = stride, channels - inputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute the block. Its skip has no parameters: it drops every second pixel and appends channels of zeros."""
        found = self.norm2(self.conv2(functional.relu(self.norm1(self.conv1(x)))))
        if self.skip:
            beside = x[:, :, :: self.stride, :: self.stride]
            found = found + functional.pad(beside, (0, 0, 0, 0, self.more // 2, self.more - self.more // 2))
        return functional.relu(found)


class ResNet(nn.Module):
    """The network of He et al. (2016, section 4.2) for small images, of depth 6n + 2."""

    def __init__(self, depth: int = 20, skips: bool = True, classes: int = 10) -> None:
        stages = [(16, 16, 1), (16, 32, 2), (32, 64, 2)]
        blocks = [
            Block(inputs if first else channels, channels, stride if first else 1, skips)
            for inputs, channels, stride in stages
            for first in [True] + [False] * ((depth - 2) // 6 - 1)
        ]
        start = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
        super().__init__()
        self.start, self.blocks = nn.Sequential(*start), nn.Sequential(*blocks)
        self.end = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits ``[N, classes]`` of images ``[N, 3, 32, 32]``."""
        logits: torch.Tensor = self.end(self.blocks(self.start(x)))
        return logits


def make_loaders(
    count: int = 1200,
) -> tuple[DataLoader[tuple[torch.Tensor, ...]], DataLoader[tuple[torch.Tensor, ...]]]:
    """Enlarge the digits to the size of CIFAR's images. The last 597 are for testing."""
    digits = load_digits()
    small = torch.tensor(digits.images, dtype=torch.float32)[:, None] / 16
    images = functional.interpolate(small, size=(32, 32), mode="bilinear").repeat(1, 3, 1, 1) - 0.5
    labels = torch.tensor(digits.target)
    train, test = TensorDataset(images[:count], labels[:count]), TensorDataset(images[1200:], labels[1200:])
    return DataLoader(train, batch_size=64, shuffle=True), DataLoader(test, batch_size=64)


def train_recorded(skips: bool, given: argparse.Namespace) -> str:
    """Train one of the networks, record one frame per epoch, and return the id of its run."""
    torch.manual_seed(0)
    model, (train_loader, test_loader) = ResNet(given.depth, skips), make_loaders(given.images)
    loss_fn = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, given.epochs * len(train_loader))
    name = f"ResNet-{given.depth} {'with' if skips else 'without'} skips"
    names = ("data", "samples", "budget", "planes", "boundary", "curvature")
    options: dict[str, Any] = {"measure": "now", **{name: getattr(given, name) for name in names}}
    with lat.Recorder(model, loss_fn, train_loader, test_loader, name=name, **options) as recorder:
        for epoch in range(given.epochs):
            model.train()
            for images, labels in train_loader:
                optimizer.zero_grad()
                loss_fn(model(images), labels).backward()
                optimizer.step()
                schedule.step()
            metrics = recorder.snapshot().metrics
            print(f"{name}, epoch {epoch + 1}: loss {metrics['train_loss']:.4f}, test {metrics['test_accuracy']:.1%}")
        print("cutting planes …", flush=True)
    return recorder.recording.id


def main() -> None:
    """Train both networks, and print how to compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="the folder of the gallery; by default the one that lossatlas uses")
    parser.add_argument("--depth", type=int, default=20, help="number of layers: 6n + 2")
    parser.add_argument("--skips", choices=("with", "without", "both"), default="both")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--fast", action="store_true", help="try it in seconds: ResNet-8, 64 images, and grids of 3")
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--curvature", type=int, default=2, help="number of frames at which the Hessian is measured")
    parser.add_argument(
        "--budget", type=float, default=60, help="about how many seconds the surfaces of each network may take"
    )
    given = parser.parse_args()
    given.images, given.planes, given.boundary = 1200, (RANDOM, PCA), "auto"
    if given.fast:
        given.depth, given.epochs, given.images, given.samples, given.curvature = 8, 2, 64, 16, 0
        given.planes, given.boundary = ({**RANDOM, "grid": 3}, {**PCA, "grid": 3}), "none"
    if given.depth < 8 or given.depth % 6 != 2:
        parser.error(f"--depth is {given.depth}; give 6n + 2, as 20, 32 or 56")

    runs = [train_recorded(name == "with", given) for name in ("with", "without") if given.skips in (name, "both")]
    print(f"\nlossatlas serve{f' --data {given.data}' if given.data else ''}")
    if len(runs) == 2:
        print(f"then, side by side: http://127.0.0.1:8642/compare.html?a=run%3D{runs[0]}&b=run%3D{runs[1]}")


if __name__ == "__main__":
    main()
