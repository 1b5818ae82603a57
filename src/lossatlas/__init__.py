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
    from lossatlas.computing import compute_run
    from lossatlas.cuts import Cut
    from lossatlas.datasets import Dataset, DatasetConfig, load_dataset
    from lossatlas.directions import (
        FilePlane,
        FreshPlane,
        GaussianPlane,
        HessianPlane,
        PcaPlane,
        Plane,
        ThroughPlane,
        Trained,
    )
    from lossatlas.engine import Evaluator
    from lossatlas.errors import LossAtlasError
    from lossatlas.gallery import Gallery, gallery_configs
    from lossatlas.network import ModelConfig, Network
    from lossatlas.reading import open_run
    from lossatlas.runs import Run, RunConfig
    from lossatlas.store import save_run
    from lossatlas.surface import LossSurface, loss_surfaces
    from lossatlas.training import TrainingConfig, Trajectory, train

__all__ = [
    # configurations
    "BoundaryConfig",
    "DatasetConfig",
    "ModelConfig",
    "RunConfig",
    "TrainingConfig",
    # kinds of planes
    "FilePlane",
    "FreshPlane",
    "GaussianPlane",
    "HessianPlane",
    "PcaPlane",
    "ThroughPlane",
    # one step at a time
    "Cut",
    "Dataset",
    "DecisionBoundary",
    "Evaluator",
    "InputGrid",
    "LossSurface",
    "Network",
    "Plane",
    "Trained",
    "Trajectory",
    "boundary_evaluator",
    "decision_boundary",
    "input_grid",
    "load_dataset",
    "loss_surfaces",
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
    "computing": ("compute_run",),
    "cuts": ("Cut",),
    "directions": (
        "FilePlane",
        "FreshPlane",
        "GaussianPlane",
        "HessianPlane",
        "PcaPlane",
        "Plane",
        "ThroughPlane",
        "Trained",
    ),
    "engine": ("Evaluator",),
    "errors": ("LossAtlasError",),
    "gallery": ("Gallery", "gallery_configs"),
    "network": ("ModelConfig", "Network"),
    "runs": ("Run", "RunConfig"),
    "reading": ("open_run",),
    "store": ("save_run",),
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
