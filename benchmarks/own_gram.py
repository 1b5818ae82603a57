"""Measures time and memory for the path of a long training: 12 frames of a model of 11.2 million parameters.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.own_gram [FRAMES] [PARAMETERS]

The frames are files that are mapped into memory, as in a recording. Memory is what the process allocates; pages of
mapped files belong to the system, which can reclaim them.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import describe_machine
from lossatlas.planes import compute_gram_matrix, principal_coefficients, project, project_by_gram
from lossatlas.planes.blocks import combine_frames
from lossatlas.store import StackedThetas


def measure(work: Callable[[], object]) -> tuple[float, float]:
    """Return the processor time of some work in seconds, and by how many megabytes its memory grew at most."""
    base, most, done = allocated(), 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.002):
            most = max(most, allocated() - base)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.process_time()
    work()
    seconds = time.process_time() - began
    done.set()
    watcher.join()
    return seconds, most


def allocated() -> float:
    """Return the memory of this process in megabytes, without the pages of mapped files."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024 / 1e6


def main(frames: int, parameters: int) -> None:
    print(describe_machine(), f"{frames} frames of {parameters:,} parameters", sep="; ")
    with tempfile.TemporaryDirectory() as folder:
        rng, theta = np.random.default_rng(0), np.zeros(parameters, np.float32)
        for frame in range(frames):
            theta += rng.standard_normal(parameters, np.float32)
            np.save(Path(folder) / f"{frame}.npy", theta)
        files = [Path(folder) / f"{frame}.npy" for frame in range(frames)]
        # The memory map is used like an array.
        weights: Any = StackedThetas([np.load(file, mmap_mode="r") for file in files])
        found = {}

        def path_by_gram() -> None:
            gram = compute_gram_matrix(weights)
            found["gram"] = project_by_gram(gram, principal_coefficients(gram), frames - 1)

        seconds, most = measure(path_by_gram)
        print(f"  Gram matrix, path, explained variance: {seconds:.2f} s of the processor, {most:.0f} MB")
        directions = np.asarray(
            combine_frames(weights, principal_coefficients(compute_gram_matrix(weights))), np.float32
        )
        seconds, most = measure(lambda: found.update(directions=project(directions, weights, weights[-1])))
        print(f"  the same path by projection on the plane: {seconds:.2f} s of the processor, {most:.0f} MB")
        reach = np.abs(found["gram"].coordinates).max()
        apart = np.abs(found["gram"].coordinates - found["directions"].coordinates).max() / reach
        print(
            f"  both paths are apart by {apart:.1e} of their reach, and their explained variances by "
            f"{abs(found['gram'].explained_variance - found['directions'].explained_variance):.1e}"
        )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    main(*(numbers + [12, 11_200_000][len(numbers) :]))
