"""Loss Atlas: see how neural networks learn, loss landscape and decision boundary side by side, epoch by epoch.

The steps are plain functions over frozen dataclasses::

    config = RunConfig(...)          what to train, and what to compute from it
    run = compute_run(config)        train it, cut its surfaces, map its boundaries
    save_run(run, "data")            store it; open_run reads it back
"""

from __future__ import annotations

from importlib.metadata import version

from lossatlas.boundary import (
    BoundaryConfig,
    DecisionBoundary,
    InputGrid,
    boundary_evaluator,
    decision_boundary,
    input_grid,
)
from lossatlas.datasets import Dataset, DatasetConfig, load_dataset
from lossatlas.directions import Plane, PlaneConfig, make_plane
from lossatlas.engine import Evaluator
from lossatlas.errors import LossAtlasError
from lossatlas.gallery import Gallery, build_gallery, gallery_configs
from lossatlas.network import ModelConfig, Network
from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.store import open_run, save_run
from lossatlas.surface import LossSurface, loss_surfaces
from lossatlas.training import TrainingConfig, Trajectory, train

__version__ = version("lossatlas")

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
