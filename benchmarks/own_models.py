"""Compares the time of surfaces and snapshots of PyTorch models with that of their forward passes, on one thread.

    OMP_NUM_THREADS=1 python -m benchmarks.own_models [ROUNDS] [NAME ...]      (torch.compile needs a C++ compiler)

The unit of a surface is a row of 21 points. A forward pass evaluates all samples and their loss. BatchNorm uses the
statistics of each batch in all of them. The names are mlp, transformer, resnet, snapshot and thread; all by default.
Times are those of the processor, because other programs on the machine lengthen those of the clock. As a snapshot also
waits for the disk, and a thread for a core, theirs are those of the clock.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from benchmarks.measure import describe_machine, format_ratio, format_table, time_interleaved
from benchmarks.own_networks import Case, make_mlp, make_resnet, make_transformer
from lossatlas.arrays import Float32
from lossatlas.landscape import unit_coordinates
from lossatlas.planes import GaussianPlane
from lossatlas.torch import Recorder, TorchLosses

POINTS = 21


def pass_forward(case: Case, count: int = POINTS, *, batch_statistics: bool = True) -> Callable[[], float]:
    """Make a function that only evaluates the model and its loss, as often as a row of the surface has points."""
    model = deepcopy(case.model).eval()
    for module in model.modules():
        if batch_statistics and isinstance(module, _BatchNorm):
            module.running_mean = module.running_var = None

    def work() -> float:
        total = 0.0
        with torch.no_grad():
            for _ in range(count):
                total = 0.0
                for inputs, targets in case.batches:
                    total += float(case.loss_fn(model(inputs), targets)) * len(inputs) / case.samples
        return total

    return work


def cut_row(case: Case, *, compiled: bool = False) -> Callable[[], Float32]:
    """Make a function that computes the middle row of a surface along random directions."""
    copy = case.copy()
    theta, plane = copy.follow(case.model), GaussianPlane(spans=(0.01,)).draw(copy)
    if compiled:
        copy.compiled = torch.compile(copy.module)  # type: ignore[assignment]
    losses = TorchLosses(copy, "train")
    a = plane.spans[0] * unit_coordinates(POINTS)
    return lambda: losses.losses_along(theta, plane.directions, a, np.zeros(POINTS))


def take_step(model: nn.Module, case: Case) -> Callable[[], None]:
    """Make a function that trains a model by one step, on the first batch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    inputs, targets = case.batches[0]

    def step() -> None:
        optimizer.zero_grad()
        case.loss_fn(model(inputs), targets).backward()
        optimizer.step()

    return step


def measure_snapshot(case: Case, rounds: int) -> None:
    """Compare what a snapshot takes with the evaluation of its samples, and a step with and without a recorder."""
    evaluated, copied, step = "evaluation of the samples", "copy of the parameters", "training step"
    waits, whole = "snapshot, for which the next step waits", "snapshot, and its losses measured later"
    plain, recorded, copy = deepcopy(case.model), case.model, case.copy()
    print(f"\na snapshot of {case.name}: {case.samples} samples to train on, as many to test, {rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        options: Any = {"data": folder, "measure": "later"}
        recorders = [Recorder(recorded, case.loss_fn, case.batches, case.batches, **options) for _ in range(2)]
        for recorder in recorders:
            recorder.begin()
        candidates: dict[str, Callable[[], object]] = {
            evaluated: pass_forward(case, 2, batch_statistics=False),  # the test samples are evaluated too
            copied: lambda: copy.follow(recorded),
            waits: recorders[0].snapshot,
            whole: lambda: (recorders[1].snapshot(), recorders[1].measure()),
            step: take_step(plain, case),
            f"{step}, recorded": take_step(recorded, case),
        }
        times = time_interleaved(candidates, rounds, clock=time.process_time)
        step_between = take_step(recorded, case)
        clocked = time_interleaved(
            {
                f"{waits}, by the clock": recorders[0].snapshot,
                "training step, by the clock": step_between,
                f"{waits}, until it is on the disk": lambda: (recorders[1].snapshot(), recorders[1].frames),
            },
            rounds,
        )
    print(format_table(times | clocked))
    for name in (copied, waits, whole):
        print(f"  {name} / {evaluated}".ljust(76), format_ratio(times, name, evaluated))
    print(f"  {step} with / without a recorder".ljust(76), format_ratio(times, f"{step}, recorded", step))


def measure_beside(case: Case, rounds: int) -> None:
    """Train while a thread measures losses. This is why the recorder measures later, and not in a thread.

    The threads of a process share its cores and the random generators, which a loss may draw from.
    """
    print(f"\na step of {case.name} beside a thread that measures losses, {rounds} steps")
    alone = train_beside(case, rounds, lambda _: None)
    for what, noise in (("draws nothing", 0.0), ("draws random numbers", 0.01)):
        found = train_beside(case, rounds, partial(evaluate_noisily, case, noise))
        same = "the same" if torch.equal(alone[0], found[0]) else "other"
        ratio = statistics.median(found[1]) / statistics.median(alone[1])
        print(f"  a loss that {what}: {same} bits at the end, and the median step takes {ratio:.2f} of its time alone")


def train_beside(case: Case, steps: int, measure: Callable[[nn.Module], object]) -> tuple[torch.Tensor, list[float]]:
    """Train with dropout while a thread measures a copy of the model, again and again.

    Returns
    -------
    The parameters at the end, and the time of each step.
    """
    torch.manual_seed(1)
    model, ended, times = deepcopy(case.model), threading.Event(), []
    copy, optimizer = deepcopy(model).eval(), torch.optim.SGD(model.parameters(), lr=1e-2)

    def measure_until_the_end() -> None:
        while not ended.wait(0.001):
            measure(copy)

    thread = threading.Thread(target=measure_until_the_end)
    thread.start()
    inputs, targets = case.batches[0]
    for _ in range(steps):
        began = time.perf_counter()
        optimizer.zero_grad()
        case.loss_fn(model(nn.functional.dropout(inputs, 0.1)), targets).backward()
        optimizer.step()
        times.append(time.perf_counter() - began)
    ended.set()
    thread.join()
    return nn.utils.parameters_to_vector(model.parameters()).detach(), times


def evaluate_noisily(case: Case, noise: float, model: nn.Module) -> None:
    """Evaluate the model at its samples, to which noise is added."""
    with torch.no_grad():
        for inputs, targets in case.batches:
            case.loss_fn(model(inputs + noise * torch.randn_like(inputs) if noise else inputs), targets)


def measure_surface(case: Case, rounds: int) -> None:
    """Compare a model's surface with its forward passes, and print the times."""
    print(f"\n{case.name}: {parameters_of(case.model):,} parameters, {case.samples:,} samples, {rounds} rounds")
    forward, passes, plain = "forward passes alone", pass_forward(case), cut_row(case)
    began = time.perf_counter()
    compiled = cut_row(case, compiled=True)
    found = compiled()
    print(f"  first row with torch.compile {time.perf_counter() - began:.0f} s, by the clock")
    np.testing.assert_allclose(found, plain(), rtol=1e-4)
    np.testing.assert_allclose(found[POINTS // 2], passes(), rtol=1e-5)
    candidates: dict[str, Callable[[], object]] = {
        forward: passes,
        "surface": plain,
        "surface, torch.compile": compiled,
    }
    times = time_interleaved(candidates, rounds, clock=time.process_time)
    print(format_table(times))
    print("  surface / forward passes alone         ", format_ratio(times, "surface", forward))
    print("  compiled surface / forward passes alone", format_ratio(times, "surface, torch.compile", forward))


def parameters_of(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def main(rounds: int, names: list[str]) -> None:
    torch.set_num_threads(1)
    print(describe_machine(), f"torch {torch.__version__}", sep="; ")
    makers = {"mlp": make_mlp, "transformer": make_transformer, "resnet": make_resnet}
    for name in names or [*makers, "snapshot", "thread"]:
        if name == "snapshot":
            measure_snapshot(make_resnet(), rounds)
        elif name == "thread":
            measure_beside(make_resnet(), 2 * rounds)
        else:
            measure_surface(makers[name](), rounds)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    main(numbers[0] if numbers else 7, [word for word in sys.argv[1:] if not word.isdigit()])
