"""Provides a small run with a plane of every kind, two of which move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lossatlas.runs import Run, RunConfig, compute_run
from tests.conftest import SMALL, small_config

#: The names of the planes in the order of the configuration. The reference run differs only in its seed.
NAMES = ("fresh", "gaussian-filter", "pca", "hessian", "through", "through-2", "file")


def planar_config(vectors: Path) -> RunConfig:
    """Return the configuration, and write the vectors of its plane of kind ``file``."""
    np.save(vectors, np.random.default_rng(0).normal(size=(2, 49)))
    planes: list[dict[str, Any]] = [
        {"seed": 7, "spans": [1.0, 0.1], "grid": 9, "test_frames": True},
        {"kind": "gaussian", "normalization": "filter", "moving": False, "grid": 7},
        {"kind": "pca", "moving": True, "test_frames": True, "grid": 5},
        {"kind": "hessian", "frame": 3, "nonconvexity": 3, "grid": 11},
        {"kind": "through", "grid": 5},
        {"kind": "through", "points": [f"run:{other_config().id}", "end", "far"], "grid": 3},
        {"kind": "file", "file": str(vectors), "grid": 7, "moving": True},
    ]
    return RunConfig.from_mapping({**SMALL, "planes": planes})


def other_config() -> RunConfig:
    """Return the configuration of another training of the same network on the same points."""
    return small_config(training={"seed": 6})


def planar_run(vectors: Path, other: Run) -> Run:
    """Compute the run. One of its planes goes through the run ``other``."""
    return compute_run(planar_config(vectors), references={other.id: other.trajectory.weights[-1]})
