"""Loss Atlas: see how neural networks learn, loss landscape and decision boundary side by side, epoch by epoch.

The steps are plain functions over frozen dataclasses::

    config = RunConfig(...)          what to train, and what to compute from it
    run = compute_run(config)        train it, cut its surfaces, map its boundaries
    save_run(run, "data")            store it; open_run reads it back

Names are imported when they are first used (PEP 562), so that ``import lossatlas`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lossatlas.boundary import (
        BoundaryConfig,
        DecisionBoundary,
        InputGrid,
        boundary_evaluator,
        decision_boundary,
        input_grid,
    )
    from lossatlas.building import build_gallery
    from lossatlas.datasets import Dataset, DatasetConfig, load_dataset
    from lossatlas.directions import Plane, PlaneConfig, make_plane
    from lossatlas.engine import Evaluator
    from lossatlas.errors import LossAtlasError
    from lossatlas.gallery import Gallery, gallery_configs
    from lossatlas.network import ModelConfig, Network
    from lossatlas.runs import Run, RunConfig, compute_run
    from lossatlas.store import open_run, save_run
    from lossatlas.surface import LossSurface, loss_surfaces
    from lossatlas.training import TrainingConfig, Trajectory, train

__all__ = [
    # configurations
    "BoundaryConfig",
    "DatasetConfig",
    "ModelConfig",
    "PlaneConfig",
    "RunConfig",
    "TrainingConfig",
    # one step at a time
    "Dataset",
    "DecisionBoundary",
    "Evaluator",
    "InputGrid",
    "LossSurface",
    "Network",
    "Plane",
    "Trajectory",
    "boundary_evaluator",
    "decision_boundary",
    "input_grid",
    "load_dataset",
    "loss_surfaces",
    "make_plane",
    "train",
    # whole runs
    "Gallery",
    "Run",
    "build_gallery",
    "compute_run",
    "gallery_configs",
    "open_run",
    "save_run",
    # what can go wrong
    "LossAtlasError",
]

_HOMES = {
    "boundary": (
        "BoundaryConfig",
        "DecisionBoundary",
        "InputGrid",
        "boundary_evaluator",
        "decision_boundary",
        "input_grid",
    ),
    "building": ("build_gallery",),
    "datasets": ("Dataset", "DatasetConfig", "load_dataset"),
    "directions": ("Plane", "PlaneConfig", "make_plane"),
    "engine": ("Evaluator",),
    "errors": ("LossAtlasError",),
    "gallery": ("Gallery", "gallery_configs"),
    "network": ("ModelConfig", "Network"),
    "runs": ("Run", "RunConfig", "compute_run"),
    "store": ("open_run", "save_run"),
    "surface": ("LossSurface", "loss_surfaces"),
    "training": ("TrainingConfig", "Trajectory", "train"),
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("lossatlas")
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"lossatlas.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
