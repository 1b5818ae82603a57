"""Compares the loss surface of a wide network with plain matrix products on the same machine.

    python -m benchmarks.wide [ROUNDS]

The network is 2-100-100-100-100-2 tanh with 500 points, on a grid of 13 × 13 and one thread. The throughput of the
surface counts only the multiplications and additions of its matrix products, although it also computes 200,000 tanh per
model. It is compared with sgemm at the shape of the inner layers, [100, 101] @ [101, 500].
"""

from __future__ import annotations

import statistics
import sys

import numpy as np

from benchmarks.measure import describe_machine, format_table, time_interleaved
from lossatlas.engine import Evaluator, one_blas_thread
from lossatlas.landscape import loss_surfaces
from lossatlas.networks import ACTIVATIONS, Network
from lossatlas.planes import FreshPlane

POINTS, GRID, WIDTH = 500, 13, 100


def main(rounds: int) -> None:
    network = Network((2, WIDTH, WIDTH, WIDTH, WIDTH, 2), ACTIVATIONS["tanh"])
    rng = np.random.default_rng(0)
    points = rng.normal(size=(POINTS, 2)).astype(np.float32)
    evaluator = Evaluator(network, points, (points[:, 0] > 0).astype(np.int64), threads=1, kernel="numpy")
    theta, plane = network.draw_initial_theta(0).astype(np.float32), FreshPlane().draw(network)
    matrix = rng.normal(size=(WIDTH, WIDTH + 1)).astype(np.float32)
    inputs = rng.normal(size=(WIDTH + 1, POINTS)).astype(np.float32)
    output = np.empty((WIDTH, POINTS), np.float32)

    def products() -> None:
        with one_blas_thread:
            for _ in range(3 * GRID**2):
                np.matmul(matrix, inputs, out=output)

    times = time_interleaved(
        {"sgemm": products, "surface": lambda: loss_surfaces(evaluator, plane, theta, [1.0], GRID)}, rounds
    )
    alone = 2 * POINTS * 3 * WIDTH * (WIDTH + 1)
    whole = alone + 2 * POINTS * (3 * WIDTH + WIDTH + 1)
    shares = sorted(
        (whole / surface) / (alone / sgemm) for surface, sgemm in zip(times["surface"], times["sgemm"], strict=True)
    )
    print(describe_machine(), f"{rounds} interleaved rounds", sep="; ")
    print(format_table(times))
    print(f"sgemm {alone * GRID**2 / statistics.median(times['sgemm']) / 1e9:.0f} GFLOP/s")
    print(f"throughput / sgemm's {statistics.median(shares):.2f} ({shares[0]:.2f} to {shares[-1]:.2f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
