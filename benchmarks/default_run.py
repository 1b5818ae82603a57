"""The default run from nothing to stored: CPU seconds, by part.

python -m benchmarks.default_run
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.measure import machine
from lossatlas.engine import Evaluator
from lossatlas.runs import RunConfig, Setup, compute_run
from lossatlas.store import save_run
from lossatlas.surface import loss_surfaces
from lossatlas.training import train


def main() -> None:
    config = RunConfig()
    start = time.process_time()
    with tempfile.TemporaryDirectory() as data:
        run = compute_run(config)
        folder = save_run(run, data)
        whole = time.process_time() - start
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.*"))
    setup = Setup.of(config)
    start = time.process_time()
    trajectory = train(setup.network, setup.dataset, config.training)
    training = time.process_time() - start
    evaluator = Evaluator(setup.network, *setup.dataset.train)
    plane = config.planes[0]
    start = time.process_time()
    for theta in trajectory.weights:
        loss_surfaces(evaluator, setup.planes[0], theta, plane.spans, plane.grid)
    surfaces = time.process_time() - start
    print(machine())
    print(f"{config.id}: {len(trajectory.epochs)} frames, {len(plane.spans)} spans, {size / 1e6:.1f} MB stored")
    print(f"CPU seconds: {whole:.2f} in all; training with its records {training:.2f}, surfaces {surfaces:.2f}")


if __name__ == "__main__":
    main()
