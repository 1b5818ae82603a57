"""Loss Atlas shows how neural networks learn: loss landscape and decision boundary, side by side, epoch by epoch.

The steps are plain functions over frozen dataclasses::

    config = RunConfig(...)          what to train, and what to compute from it
    run = compute_run(config)        train it, cut its surfaces, map its boundaries
    run.surface("pca", span=0.5)     the loss along a plane, around any frame, as far and as finely as one likes
    show(run)                        open the page for it, in a notebook or in the browser
    save_run(run, "data")            store it; open_run reads it back

Names are imported when they are first used (PEP 562), so that ``import lossatlas`` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lossatlas.building import build_gallery
    from lossatlas.curvature import Curvature, CurvatureConfig, TrainingCurvature, curvature_of
    from lossatlas.datasets import Dataset, DatasetConfig, load_dataset
    from lossatlas.engine import Evaluator
    from lossatlas.errors import LossAtlasError
    from lossatlas.landscape import (
        BoundaryConfig,
        Cut,
        DecisionBoundary,
        InputGrid,
        LossSurface,
        boundary_evaluator,
        decision_boundary,
        input_grid,
        loss_surfaces,
    )
    from lossatlas.networks import ModelConfig, Network
    from lossatlas.planes import (
        Directions,
        FilePlane,
        FreshPlane,
        GaussianPlane,
        HessianPlane,
        PcaPlane,
        Plane,
        ThroughPlane,
        Trained,
    )
    from lossatlas.runs import Run, RunConfig, compute_run
    from lossatlas.server import Viewer, show
    from lossatlas.showcase import gallery_configs
    from lossatlas.store import Gallery, open_run, save_run
    from lossatlas.training import TrainingConfig, Trajectory, train

__all__ = [
    # configurations
    "BoundaryConfig",
    "CurvatureConfig",
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
    "Curvature",
    "Cut",
    "Dataset",
    "DecisionBoundary",
    "Directions",
    "Evaluator",
    "InputGrid",
    "LossSurface",
    "Network",
    "Plane",
    "Trained",
    "TrainingCurvature",
    "Trajectory",
    "boundary_evaluator",
    "curvature_of",
    "decision_boundary",
    "input_grid",
    "load_dataset",
    "loss_surfaces",
    "train",
    # whole runs
    "Gallery",
    "Run",
    "Viewer",
    "build_gallery",
    "compute_run",
    "gallery_configs",
    "open_run",
    "save_run",
    "show",
    # what can go wrong
    "LossAtlasError",
]

_HOMES = {
    "building": ("build_gallery",),
    "curvature": ("Curvature", "CurvatureConfig", "TrainingCurvature", "curvature_of"),
    "datasets": ("Dataset", "DatasetConfig", "load_dataset"),
    "engine": ("Evaluator",),
    "errors": ("LossAtlasError",),
    "landscape": (
        "BoundaryConfig",
        "Cut",
        "DecisionBoundary",
        "InputGrid",
        "LossSurface",
        "boundary_evaluator",
        "decision_boundary",
        "input_grid",
        "loss_surfaces",
    ),
    "networks": ("ModelConfig", "Network"),
    "planes": (
        "Directions",
        "FilePlane",
        "FreshPlane",
        "GaussianPlane",
        "HessianPlane",
        "PcaPlane",
        "Plane",
        "ThroughPlane",
        "Trained",
    ),
    "runs": ("Run", "RunConfig", "compute_run"),
    "server": ("Viewer", "show"),
    "showcase": ("gallery_configs",),
    "store": ("Gallery", "open_run", "save_run"),
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
