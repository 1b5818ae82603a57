"""Measures the CPU seconds of computing and storing the default run, and the size of its compressed arrays.

python -m benchmarks.default_run
"""

from __future__ import annotations

import gzip
import sys
import tempfile
import time
from pathlib import Path
from typing import Literal

from benchmarks.measure import describe_machine
from lossatlas.arrays import Float32
from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces
from lossatlas.runs import RunConfig, Setup, compute_run
from lossatlas.server.files import ENCODERS
from lossatlas.site import to_byte_planes
from lossatlas.store import save_run
from lossatlas.training import train

KERNELS: tuple[Literal["numpy", "wasm"], ...] = ("numpy", "wasm")
SHARE = 8


def main(threads: int) -> None:
    config = RunConfig()
    print(f"{describe_machine()}; {threads} thread(s)")
    with tempfile.TemporaryDirectory() as data:
        start = time.process_time()
        run = compute_run(config, threads=threads)
        folder = save_run(run, data)
        whole = time.process_time() - start
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.*"))
        wire = measure_sizes(Path(folder))
    setup = Setup.of(config)
    start = time.process_time()
    trajectory = train(setup.network, setup.dataset, config.training)
    training = time.process_time() - start
    print(f"{config.id}: {len(trajectory.epochs)} frames, {len(run.planes[0].spans)} spans, {size / 1e6:.1f} MB")
    print(f"  CPU seconds from nothing to stored {whole:6.2f}, of which training with its records {training:.2f}")
    for kernel in KERNELS:
        evaluator = Evaluator(setup.network, *setup.dataset.train, threads=threads, kernel=kernel)
        seconds = time_surfaces(setup, trajectory.weights[::SHARE], evaluator) * SHARE
        print(f"  CPU seconds of all surfaces, {kernel:<6} {seconds:6.2f}")
    for name, (sent, exported) in wire.items():
        print(f"  {name:<36} {sent / 1e3:6.0f} KB served, {exported / 1e3:6.0f} KB in a compact export")


def measure_sizes(folder: Path) -> dict[str, tuple[int, int]]:
    """Measure the bytes of the larger arrays of a run as the server sends them, and in a compact export."""
    found = {}
    for path in sorted(folder.rglob("*.npy")):
        data = to_byte_planes(path.read_bytes())
        if len(data) > 1e5:
            sent = len(ENCODERS["br"](data, "application/octet-stream"))
            found[str(path.relative_to(folder))] = sent, len(gzip.compress(data, 9, mtime=0))
    return found


def time_surfaces(setup: Setup, centres: Float32, evaluator: Evaluator) -> float:
    """Measure the CPU seconds of the surfaces around some centres ``[F, P]``."""
    [plane] = setup.directions
    start = time.process_time()
    for theta in centres:
        loss_surfaces(evaluator, plane, theta, plane.spans, setup.config.planes[0].grid)
    return time.process_time() - start


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
