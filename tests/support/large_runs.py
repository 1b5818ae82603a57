"""Provides configurations that tests treat as large. It imports nothing heavy, because new processes import it."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from lossatlas.building import build_gallery
from lossatlas.building.estimate import Sizes
from lossatlas.runs import RunConfig
from lossatlas.store import Gallery
from tests.test_processes import note

#: With these sizes every run is large, and its parts are tiny: one frame of the training, some rows of a surface.
TINY = Sizes(large_work=0, part_work=12_000, part_bytes=400)
WHOLE = Sizes(large_work=float("inf"))

PLANES: list[dict[str, Any]] = [
    {"kind": "fresh", "grid": 7, "spans": [1.0, 0.1], "test_frames": True, "moving": True},
    {"kind": "pca", "grid": 5, "nonconvexity": 3},
    {"kind": "hessian", "grid": 5},
    {"kind": "through", "grid": 3},
]


def config_of(optimizer: str = "adam", seed: int = 0, planes: list[dict[str, Any]] = PLANES) -> RunConfig:
    return RunConfig.from_mapping(
        {
            "dataset": {"name": "moons", "points": 40, "seed": 3},
            "model": {"hidden": [5, 4]},
            "training": {"epochs": 12, "frames": 6, "batch_size": 8, "seed": seed, "optimizer": optimizer},
            "boundary": {"resolution": 13},
            "planes": planes,
            "curvature": {"frames": 3},
        }
    )


#: The configurations of a gallery that several tests build.
SEVERAL = [config_of(seed=seed) for seed in range(3)]


class InTurn(Executor):
    """An executor that calls each function at once in this process, counts the calls, and can stop before a call."""

    def __init__(self, breaks_at: int | None = None) -> None:
        self.calls: Counter[str] = Counter()
        self.breaks_at = breaks_at

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.breaks_at is not None and self.calls.total() == self.breaks_at:
            raise KeyboardInterrupt
        self.calls[fn.__name__] += 1
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def run_bytes(data: Path) -> dict[str, bytes]:
    return {str(path.relative_to(data)): path.read_bytes() for path in sorted((data / "runs").rglob("*.*"))}


def built(data: Path, configs: list[RunConfig], sizes: Sizes, **how: Any) -> dict[str, bytes]:
    """Build a gallery, and return its files. No other files may be left."""
    gallery = Gallery(data)
    build_gallery(gallery, configs, sizes=sizes, **how)
    assert [verdict.fault for verdict in gallery.verify()] == [None] * len(configs)
    assert sorted(path.name for path in (data / "runs").iterdir()) == sorted(config.id for config in configs)
    return run_bytes(data)


def parts_of(data: Path, config: RunConfig) -> list[str]:
    record = data / "runs" / f".partial-{config.id}" / "parts.jsonl"
    return [line["part"] for line in map(json.loads, record.read_text().splitlines()) if "part" in line]


def noted(folder: str, name: str, deaths: int, function: Callable[..., Any], *args: Any) -> Any:
    before = note(folder, name)
    result = function(*args)
    if before < deaths:
        os.kill(os.getpid(), signal.SIGKILL)  # the work is done, but not reported
    return result
