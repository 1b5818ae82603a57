"""The surface of one frame: ours, a plain PyTorch loop, a published library, and the work that cannot be avoided.

    python -m benchmarks.surface [ROUNDS]      (pip install --group benchmarks)

MLP 2-16-16-2 tanh, 500 points, 51 × 51 grid = 2,601 models. All on one thread but the last. The unavoidable work is
the matrix products and the tanh alone, in the engine's own chunks and buffers. (Two classes need one row of logits,
relative to the true class: that is the single output of the network in DESIGN, 2-16-16-1.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import loss_landscapes
import loss_landscapes.metrics
import numpy as np
import torch

from benchmarks.measure import interleaved, machine, ratio, table
from lossatlas.arrays import Float32, Float64, Integers
from lossatlas.engine import Evaluator, one_blas_thread
from lossatlas.landscape import loss_surfaces, unit_coordinates
from lossatlas.networks import ACTIVATIONS, Network
from lossatlas.planes import FreshPlane, Plane

POINTS, GRID, SPAN = 500, 51, 1.0


def torch_loop(network: Network, theta: Float32, plane: Plane, points: Float32, labels: Integers) -> Float32:
    """The loop everybody writes first: set the parameters, evaluate, go on."""
    model = torch_model(network, theta)
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


def torch_model(network: Network, theta: Float64 | Float32) -> torch.nn.Sequential:
    """The network in PyTorch, with these parameters."""
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 16), torch.nn.Tanh(), torch.nn.Linear(16, 16), torch.nn.Tanh(), torch.nn.Linear(16, 2)
    )
    torch.nn.utils.vector_to_parameters(torch.tensor(theta, dtype=torch.float32), model.parameters())
    return model


def published(network: Network, theta: Float32, plane: Plane, points: Float32, labels: Integers) -> Float32:
    """loss-landscapes 3.0.6 along the same two directions, through its own function for a plane and its own loss.

    Its cells are one step off (it moves before it measures), so that it samples 51 × 51 models, though not ours.
    """
    d_a, d_b = (SPAN * plane.directions).astype(np.float64)
    corner = theta - d_a - d_b
    start, end_a, end_b = (torch_model(network, v) for v in (corner, corner + 2 * d_a, corner + 2 * d_b))
    loss = loss_landscapes.metrics.Loss(torch.nn.CrossEntropyLoss(), torch.tensor(points), torch.tensor(labels))
    with torch.no_grad():  # which the library leaves to its caller
        found: Float32 = loss_landscapes.planar_interpolation(start, end_a, end_b, loss, GRID)
    return found


def unavoidable(network: Network, evaluator: Evaluator, models: Float32) -> Callable[[], None]:
    """The matrix products and the tanh of all models, and nothing else."""
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
    plane = FreshPlane().lay("fresh", network, None)
    one, two = (Evaluator(network, points, labels, threads=threads) for threads in (1, 2))
    plain = Evaluator(network, points, labels, threads=1, kernel="numpy")
    a, b = np.meshgrid(*[SPAN * unit_coordinates(GRID)] * 2)
    models = (theta + plane.offsets(a.ravel(), b.ravel())).astype(np.float32)
    candidates = {
        "PyTorch loop": lambda: torch_loop(network, theta, plane, points, labels),
        "loss-landscapes 3.0.6": lambda: published(network, theta, plane, points, labels),
        "unavoidable": unavoidable(network, plain, models),
        "NumPy kernel, one thread": lambda: loss_surfaces(plain, plane, theta, [SPAN], GRID),
        "lossatlas, one thread": lambda: loss_surfaces(one, plane, theta, [SPAN], GRID),
        "lossatlas, two threads": lambda: loss_surfaces(two, plane, theta, [SPAN], GRID),
    }
    ours = loss_surfaces(one, plane, theta, [SPAN], GRID)[0].loss
    np.testing.assert_allclose(ours, torch_loop(network, theta, plane, points, labels), rtol=1e-5)
    times = interleaved(candidates, rounds)
    print(machine(), f"{rounds} interleaved rounds", sep="; ")
    print(table(times))
    print(f"kernel taken: {one.kernel}")
    print("PyTorch loop / NumPy kernel   ", ratio(times, "PyTorch loop", "NumPy kernel, one thread"))
    print("loss-landscapes / one thread   ", ratio(times, "loss-landscapes 3.0.6", "lossatlas, one thread"))
    print("NumPy kernel / unavoidable    ", ratio(times, "NumPy kernel, one thread", "unavoidable"))
    print("PyTorch loop / one thread     ", ratio(times, "PyTorch loop", "lossatlas, one thread"))
    print("one thread / unavoidable      ", ratio(times, "lossatlas, one thread", "unavoidable"))
    print("one thread / two threads      ", ratio(times, "lossatlas, one thread", "lossatlas, two threads"))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
