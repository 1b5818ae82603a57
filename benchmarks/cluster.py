"""Compares two Dask workers with one on this machine, and measures the largest memory of a worker.

    python -m benchmarks.cluster [ROUNDS]

Each round builds the same eight small runs twice, on one worker and on two, in separate folders. The workers have one
thread each and are started before the measurement. The first round, which includes imports, does not count.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from distributed import Client
from tests.support.machines import machines

from benchmarks.measure import describe_machine
from lossatlas.building import build_gallery
from lossatlas.runs import RunConfig
from lossatlas.store import Gallery
from lossatlas.training import TrainingConfig

RUNS = 8


def main(rounds: int) -> None:
    print(describe_machine(), f"{rounds} interleaved rounds of {RUNS} runs", sep="; ")
    times: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds + 1):
            for workers in times:
                place = Path(folder) / f"{turn}-{workers}"
                place.mkdir()
                seconds = build_on(workers, place)
                if turn:
                    times[workers].append(seconds)
    ratios = sorted(one / two for one, two in zip(times[1], times[2], strict=True))
    for workers, seconds_of in times.items():
        print(f"  {workers} worker(s) {statistics.median(seconds_of):6.2f} s")
    print(f"  one / two   {statistics.median(ratios):6.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    print(f"  peak memory of a worker {peak / 1e6:.0f} MB")


def build_on(workers: int, place: Path) -> float:
    """Measure how many seconds a build of all runs takes on workers that have already computed a run."""
    configs = [RunConfig(training=TrainingConfig(seed=seed)) for seed in range(RUNS + workers)]
    connect: Any = Client  # Dask has no types
    with machines(place, workers) as here, connect(here.address, timeout="60s") as client:
        client.wait_for_workers(workers, timeout=60)
        executor = client.get_executor()
        build_gallery(Gallery(place / "warm"), configs[RUNS:], executor=executor, workers=workers)
        start = time.perf_counter()
        build_gallery(Gallery(place / "data"), configs[:RUNS], executor=executor, workers=workers)
        return time.perf_counter() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
