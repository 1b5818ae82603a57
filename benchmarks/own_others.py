"""Compares time and memory of a surface in lossatlas, in loss-landscapes 3.0.6 and in Landscaper 1.3.1.

    OMP_NUM_THREADS=1 python -m benchmarks.own_others [ROUNDS] [NAME ...]      (pip install --group benchmarks)

All three evaluate the same model on the same batches at the points of a grid of 11 × 11, on one thread. BatchNorm uses
its running statistics, because the other two offer nothing else. Times are those of the processor, measured in turns in
one process. Memory is measured in a process for each: its peak, and the growth since a first forward pass. The names
are mlp, transformer and resnet.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.measure import describe_machine, format_ratio, format_table, time_interleaved
from benchmarks.own_networks import Case, make_mlp, make_resnet, make_transformer
from lossatlas.arrays import Floats
from lossatlas.planes import GaussianPlane
from lossatlas.torch import TorchLosses

GRID, SPAN = 11, 0.01
CASES: dict[str, Callable[[], Case]] = {
    "mlp": make_mlp,
    "transformer": partial(make_transformer, 64),
    "resnet": partial(make_resnet, 32),
}
Work = Callable[[], Floats]


def prepare_plain(case: Case) -> Work:
    """Prepare the plain loop of tutorials. The losses of the others are compared with those of the loop."""
    model, (theta, steps) = deepcopy(case.model).eval(), _directions(case)

    def cut() -> Floats:
        with torch.no_grad():
            found = [[_mean(model, case, theta + a * steps[0] + b * steps[1]) for a in _axis()] for b in _axis()]
        return np.array(found)

    return cut


def prepare_ours(case: Case) -> Work:
    """Prepare lossatlas."""
    copy = case.copy()
    theta, losses = copy.follow(case.model), TorchLosses(copy, "train", "running")
    plane = GaussianPlane(spans=(SPAN,)).draw(copy)
    a, b = np.meshgrid(_axis(), _axis())
    return lambda: losses.losses_along(theta, plane.directions, a.ravel(), b.ravel()).reshape(GRID, GRID)


def prepare_loss_landscapes(case: Case) -> Work:
    """Prepare loss-landscapes, whose own function computes a plane."""
    import loss_landscapes
    from loss_landscapes.metrics.metric import Metric

    class Loss(Metric):  # type: ignore[misc]
        def __call__(self, model_wrapper: Any) -> float:
            return _mean_of(model_wrapper.forward, case)

    theta, steps = _directions(case)
    start, end_a, end_b = (deepcopy(case.model).eval() for _ in range(3))
    step = 2 * SPAN / (GRID - 1)
    corner = theta - SPAN * (steps[0] + steps[1]) - step * steps[0]

    def cut() -> Floats:
        _put(start, corner)  # the library moves the model and does not move it back
        _put(end_a, corner + GRID * step * steps[1])
        _put(end_b, corner + GRID * step * steps[0])
        with torch.no_grad():  # the library does not do this itself
            found: Floats = loss_landscapes.planar_interpolation(start, end_a, end_b, Loss(), GRID)
        return found

    return cut


def prepare_landscaper(case: Case) -> Work:
    """Prepare Landscaper, which scales directions differently: tensor by tensor."""
    from landscaper.compute import compute_loss_landscape

    model, (_, steps) = deepcopy(case.model).eval(), _directions(case)
    sizes = [p.numel() for p in model.parameters()]
    directions = [
        [part.view_as(p) for part, p in zip(torch.split(step, sizes), model.parameters(), strict=True)]
        for step in steps
    ]

    def cut() -> Floats:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):  # this hides its progress bar
            found, _ = compute_loss_landscape(model, case, directions, _mean_of, GRID, SPAN, dim=2, device="cpu")
        surface: Floats = found
        return surface

    return cut


PREPARE = {
    "a plain loop": prepare_plain,
    "loss-landscapes 3.0.6": prepare_loss_landscapes,
    "Landscaper 1.3.1": prepare_landscaper,
    "lossatlas": prepare_ours,
}


def _axis() -> list[float]:
    return [float(a) for a in np.linspace(-SPAN, SPAN, GRID)]


def _directions(case: Case) -> tuple[torch.Tensor, list[torch.Tensor]]:
    copy = case.copy()
    plane = GaussianPlane(spans=(SPAN,)).draw(copy)
    return torch.from_numpy(copy.follow(case.model)), list(torch.from_numpy(plane.directions))


def _put(model: nn.Module, theta: torch.Tensor) -> None:
    nn.utils.vector_to_parameters(theta, model.parameters())


def _mean(model: nn.Module, case: Case, theta: torch.Tensor) -> float:
    _put(model, theta)
    return _mean_of(model, case)


def _mean_of(model: Callable[[torch.Tensor], torch.Tensor], case: Case) -> float:
    parts = [float(case.loss_fn(model(inputs), targets)) * len(inputs) for inputs, targets in case.batches]
    return sum(parts) / case.samples


def compare_times(name: str, rounds: int) -> None:
    """Check that all but Landscaper find the same surface, and print their times and ratios."""
    case = CASES[name]()
    print(f"\n{case.name}, {case.samples:,} samples, {GRID} × {GRID}, {rounds} rounds")
    candidates = {library: prepare(case) for library, prepare in PREPARE.items()}
    plain = candidates["a plain loop"]()
    np.testing.assert_allclose(candidates["lossatlas"](), plain, rtol=1e-4)
    # loss-landscapes goes through rows in alternating directions and moves before it measures: every second row is off.
    published = candidates["loss-landscapes 3.0.6"]()
    np.testing.assert_allclose(published[::2], plain[::2], rtol=1e-3)
    np.testing.assert_allclose(published[1::2, 1:], plain[1::2, :-1], rtol=1e-3)
    times = time_interleaved(candidates, rounds, clock=time.process_time)
    print(format_table(times))
    for other in list(PREPARE)[:-1]:
        print(f"  {other + ' / lossatlas':<40}", format_ratio(times, other, "lossatlas"))


def compare_memory(name: str) -> None:
    """Measure the peak memory of each library in a separate process, and print it."""
    for library in PREPARE:
        command = [sys.executable, "-m", "benchmarks.own_others", "--memory", name, library]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        peak, more = (float(word) for word in output.split())
        print(f"  {library:<40} peak {peak:5.0f} MB, {more:5.1f} MB of it after a forward pass")


def measure_memory(name: str, library: str) -> None:
    """Print the peak memory of this process in MB, and by how much the surface increased it."""
    case = CASES[name]()
    work = PREPARE[library](case)
    with torch.no_grad():
        _mean_of(deepcopy(case.model).eval(), case)
    before = _peak()
    work()
    print(_peak(), _peak() - before)


def _peak() -> float:
    # getrusage would also count the peak of the parent process.
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


def main(words: list[str]) -> None:
    torch.set_num_threads(1)
    if "--memory" in words:
        measure_memory(*words[1:])
        return
    rounds = [int(word) for word in words if word.isdigit()]
    print(describe_machine(), f"torch {torch.__version__}", sep="; ")
    for name in [word for word in words if not word.isdigit()] or CASES:
        compare_times(name, rounds[0] if rounds else 5)
        compare_memory(name)


if __name__ == "__main__":
    main(sys.argv[1:])
