"""Records grokking: a small transformer memorises sums modulo 31 first, and learns to add much later.

    pip install "lossatlas[torch]"
    python examples/grokking.py
    lossatlas serve

Power et al. (2022, arXiv 2201.02177) found that a network can fit all its training examples long before it answers any
other. Here half of the 961 sums are shown, in full batches with a large weight decay. All of them are answered after
some 150 steps, when the loss of the other half is at its greatest, 13 nats; 83 % of those are answered after 1,200
steps, and 99 % after 2,000. A frame is recorded every 25 steps at first, and every 50 later.

What to look at: the loss of each sample, where the training samples are learnt at once and the test samples one after
another; the plane of the path, where it turns; and the curvature, whose largest eigenvalue is 16 when everything is
memorised, and falls by a factor of ten thousand while the network learns to add. The training takes a minute on one
core, the pictures another, and nothing is downloaded.
"""

from __future__ import annotations

import argparse
from typing import Any

import torch
from torch import nn
from torch.nn import functional

import lossatlas.torch as lat

MODULUS = 31


class Transformer(nn.Module):
    """A transformer of one attention layer and one MLP, without normalisation (Nanda et al. 2023)."""

    def __init__(self, width: int = 128, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.embedding = nn.Embedding(MODULUS + 1, width)  # the tokens are the numbers and the sign "="
        self.position = nn.Parameter(torch.randn(3, width) / width**0.5)
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.mix = nn.Linear(width, width, bias=False)
        self.units = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
        self.output = nn.Linear(width, MODULUS, bias=False)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the logits ``[N, 31]`` of a + b for the tokens ``[N, 3]`` a, b, =."""
        count, length = tokens.shape
        x = self.embedding(tokens) + self.position
        split = self.queries_keys_values(x).reshape(count, length, 3, self.heads, -1)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(q[:, :, -1:], k, v)  # only the output of the last token counts
        last = x[:, -1] + self.mix(heard.transpose(1, 2).reshape(count, -1))
        logits: torch.Tensor = self.output(last + self.units(last))
        return logits


def make_sums() -> tuple[tuple[torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    """Make all sums a + b modulo 31, and split them at random into halves for training and testing."""
    numbers = torch.arange(MODULUS)
    pairs = torch.cartesian_prod(numbers, numbers)
    tokens = torch.cat([pairs, torch.full((len(pairs), 1), MODULUS)], dim=1)
    order = torch.randperm(len(pairs))
    tokens, labels = tokens[order], pairs.sum(dim=1)[order] % MODULUS
    half = len(pairs) // 2
    return (tokens[:half], labels[:half]), (tokens[half:], labels[half:])


def main() -> None:
    """Train the transformer until it can add, and record frames."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="the folder of the gallery; by default the one that lossatlas uses")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--every", type=int, default=50, help="steps between two frames; half as many at first")
    parser.add_argument("--samples", type=int, default=480)
    parser.add_argument("--curvature", type=int, default=20, help="number of frames at which the Hessian is measured")
    parser.add_argument("--budget", type=float, default=60, help="about how many seconds the surfaces may take")
    given = parser.parse_args()

    torch.manual_seed(0)
    (tokens, labels), test = make_sums()
    model, loss_fn = Transformer(), nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=5.0, betas=(0.9, 0.98))

    options: dict[str, Any] = {"data": given.data, "samples": given.samples, "budget": given.budget, "measure": "now"}
    options |= {"planes": ("pca", "gaussian-filter", "hessian"), "curvature": given.curvature}
    with lat.Recorder(model, loss_fn, [(tokens, labels)], [test], name="grokking", **options) as recorder:
        for step in range(1, given.steps + 1):
            optimizer.zero_grad()
            loss_fn(model(tokens), labels).backward()
            optimizer.step()
            if step % given.every == 0 or (step < 10 * given.every and 2 * step % given.every == 0):
                metrics = recorder.snapshot(epoch=step).metrics
                losses = f"train loss {metrics['train_loss']:.5f}, test loss {metrics['test_loss']:.3f}"
                print(f"step {step}: {losses}, test accuracy {metrics['test_accuracy']:.1%}", flush=True)
        print("computing surfaces and curvature …", flush=True)


if __name__ == "__main__":
    main()
