"""Measures the surface of ResNet-20 on a GPU against its forward passes alone.

    python -m benchmarks.own_gpu [ROUNDS]

51 × 51 points, 10,000 images with the shape of CIFAR's in batches of 1,000, float32 without TF32, and the statistics of
each batch. Without a GPU the script says so and measures nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.measure import format_ratio, format_table, time_interleaved
from benchmarks.own_models import pass_forward
from benchmarks.own_networks import make_resnet
from lossatlas.landscape import unit_coordinates
from lossatlas.planes import GaussianPlane
from lossatlas.torch import TorchLosses
from lossatlas.torch.undisturbed import full_precision

GRID, SAMPLES, BATCH = 51, 10_000, 1_000


def main(rounds: int) -> None:
    if not torch.cuda.is_available():
        print("there is no GPU here that PyTorch can use, so nothing was measured")
        return
    torch.backends.cudnn.allow_tf32 = False  # the forward passes alone, as lossatlas computes them
    case = make_resnet(SAMPLES, "cuda", BATCH)
    copy = case.copy()
    theta, plane, losses = copy.follow(case.model), GaussianPlane(spans=(0.01,)).draw(copy), TorchLosses(copy, "train")
    unit = plane.spans[0] * unit_coordinates(GRID)

    def cut(rows: int) -> Callable[[], object]:
        a, b = np.meshgrid(unit, unit[:rows])
        return lambda: losses.losses_along(theta, plane.directions, a.ravel(), b.ravel())

    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}; {rounds} interleaved rounds of a row of {GRID}")
    with full_precision():
        times = time_interleaved({"forward passes alone": pass_forward(case, GRID), "surface": cut(1)}, rounds)
    print(format_table(times))
    print("  surface / forward passes alone", format_ratio(times, "surface", "forward passes alone"), flush=True)
    began = time.perf_counter()
    cut(GRID)()
    print(f"  the whole surface, {GRID} × {GRID}: {time.perf_counter() - began:.1f} s, by the clock")
    print(f"  memory of the GPU, at its peak: {torch.cuda.max_memory_allocated() / 1e6:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
