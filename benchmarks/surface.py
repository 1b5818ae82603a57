"""Measures a loss surface: lossatlas, a plain PyTorch loop, a published library, and the unavoidable work.

    python -m benchmarks.surface [ROUNDS]      (pip install --group benchmarks)

The network is 2-16-16-2 tanh with 500 points, and the grid of 51 × 51 has 2,601 models. All candidates but the last use
one thread. The unavoidable work is only the matrix products and the tanh, in the chunks and buffers of the engine. (Two
classes need only one row of logits relative to the true class, like a network 2-16-16-1.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import loss_landscapes
import loss_landscapes.metrics
import numpy as np
import torch

from benchmarks.measure import describe_machine, format_ratio, format_table, time_interleaved
from lossatlas.arrays import Float32, Float64, Integers
from lossatlas.engine import Evaluator, one_blas_thread
from lossatlas.landscape import loss_surfaces, unit_coordinates
from lossatlas.networks import ACTIVATIONS, Network
from lossatlas.planes import Directions, FreshPlane

POINTS, GRID, SPAN = 500, 51, 1.0


def loop_in_torch(network: Network, theta: Float32, plane: Directions, points: Float32, labels: Integers) -> Float32:
    """Compute the surface with the usual loop: set the parameters, evaluate, and repeat."""
    model = make_torch_model(network, theta)
    inputs, targets = torch.tensor(points), torch.tensor(labels)
    criterion = torch.nn.CrossEntropyLoss()
    centre, (d_a, d_b) = torch.tensor(theta), torch.tensor(plane.directions)
    losses = np.empty((GRID, GRID), np.float32)
    with torch.no_grad():
        for j, b in enumerate(SPAN * unit_coordinates(GRID)):
            for i, a in enumerate(SPAN * unit_coordinates(GRID)):
                torch.nn.utils.vector_to_parameters(centre + float(a) * d_a + float(b) * d_b, model.parameters())
                losses[j, i] = criterion(model(inputs), targets).item()
    return losses


def make_torch_model(network: Network, theta: Float64 | Float32) -> torch.nn.Sequential:
    """Make the network in PyTorch with parameters ``[P]``."""
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2)
    )
    torch.nn.utils.vector_to_parameters(torch.tensor(theta, dtype=torch.float32), model.parameters())
    return model


def run_published(network: Network, theta: Float32, plane: Directions, points: Float32, labels: Integers) -> Float32:
    """Compute the surface with loss-landscapes 3.0.6, along the same directions and with its own loss."""
    # Its cells are off by one step, because it moves before it measures. It still evaluates 51 × 51 models.
    d_a, d_b = (SPAN * plane.directions).astype(np.float64)
    corner = theta - d_a - d_b
    start, end_a, end_b = (make_torch_model(network, v) for v in (corner, corner + 2 * d_a, corner + 2 * d_b))
    loss = loss_landscapes.metrics.Loss(torch.nn.CrossEntropyLoss(), torch.tensor(points), torch.tensor(labels))
    with torch.no_grad():  # the library does not do this itself
        found: Float32 = loss_landscapes.planar_interpolation(start, end_a, end_b, loss, GRID)
    return found


def make_unavoidable(network: Network, evaluator: Evaluator, models: Float32) -> Callable[[], None]:
    """Make a function that computes only the matrix products and the tanh of all models."""
    matrices = network.matrices(network.pack(models))
    output = np.ascontiguousarray(matrices[-1][:, 1:] - matrices[-1][:, :1])
    chunk = evaluator.chunk
    inputs = np.ones((1, 3, POINTS), np.float32)
    hidden = [np.ones((chunk, 17, POINTS), np.float32) for _ in range(2)]
    logits = np.empty((chunk, 1, POINTS), np.float32)

    def work() -> None:
        with one_blas_thread:
            for start in range(0, len(models), chunk):
                part = slice(start, start + chunk)
                below = inputs
                for matrix, buffer in zip(matrices[:-1], hidden, strict=True):
                    units = buffer[: len(matrix[part]), :16]
                    np.matmul(matrix[part], below, out=units)
                    np.tanh(units, out=units)
                    below = buffer[: len(units)]
                np.matmul(output[part], below, out=logits[: len(below)])

    return work


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    network = Network((2, 16, 16, 2), ACTIVATIONS["tanh"])
    rng = np.random.default_rng(0)
    points = rng.normal(size=(POINTS, 2)).astype(np.float32)
    labels = (points[:, 0] * points[:, 1] > 0).astype(np.int64)
    theta = network.draw_initial_theta(0).astype(np.float32)
    plane = FreshPlane().draw(network)
    one, two = (Evaluator(network, points, labels, threads=threads) for threads in (1, 2))
    plain = Evaluator(network, points, labels, threads=1, kernel="numpy")
    a, b = np.meshgrid(*[SPAN * unit_coordinates(GRID)] * 2)
    models = (theta + plane.offsets(a.ravel(), b.ravel())).astype(np.float32)
    candidates = {
        "PyTorch loop": lambda: loop_in_torch(network, theta, plane, points, labels),
        "loss-landscapes 3.0.6": lambda: run_published(network, theta, plane, points, labels),
        "unavoidable": make_unavoidable(network, plain, models),
        "NumPy kernel, one thread": lambda: loss_surfaces(plain, plane, theta, [SPAN], GRID),
        "lossatlas, one thread": lambda: loss_surfaces(one, plane, theta, [SPAN], GRID),
        "lossatlas, two threads": lambda: loss_surfaces(two, plane, theta, [SPAN], GRID),
    }
    ours = loss_surfaces(one, plane, theta, [SPAN], GRID)[0].loss
    np.testing.assert_allclose(ours, loop_in_torch(network, theta, plane, points, labels), rtol=1e-5)
    times = time_interleaved(candidates, rounds)
    print(describe_machine(), f"{rounds} interleaved rounds", sep="; ")
    print(format_table(times))
    print(f"kernel taken: {one.kernel}")
    print("PyTorch loop / NumPy kernel   ", format_ratio(times, "PyTorch loop", "NumPy kernel, one thread"))
    print("loss-landscapes / one thread   ", format_ratio(times, "loss-landscapes 3.0.6", "lossatlas, one thread"))
    print("NumPy kernel / unavoidable    ", format_ratio(times, "NumPy kernel, one thread", "unavoidable"))
    print("PyTorch loop / one thread     ", format_ratio(times, "PyTorch loop", "lossatlas, one thread"))
    print("one thread / unavoidable      ", format_ratio(times, "lossatlas, one thread", "unavoidable"))
    print("one thread / two threads      ", format_ratio(times, "lossatlas, one thread", "lossatlas, two threads"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
