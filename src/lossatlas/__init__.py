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

if TYPE_CHECKING:  # type checkers read these lines; tests/test_public.py compares them with the table
    from lossatlas.building import build_gallery as build_gallery
    from lossatlas.curvature import Curvature as Curvature
    from lossatlas.curvature import CurvatureConfig as CurvatureConfig
    from lossatlas.curvature import TrainingCurvature as TrainingCurvature
    from lossatlas.curvature import curvature_of as curvature_of
    from lossatlas.datasets import Dataset as Dataset
    from lossatlas.datasets import DatasetConfig as DatasetConfig
    from lossatlas.datasets import load_dataset as load_dataset
    from lossatlas.engine import Evaluator as Evaluator
    from lossatlas.errors import LossAtlasError as LossAtlasError
    from lossatlas.landscape import BoundaryConfig as BoundaryConfig
    from lossatlas.landscape import Cut as Cut
    from lossatlas.landscape import DecisionBoundary as DecisionBoundary
    from lossatlas.landscape import InputGrid as InputGrid
    from lossatlas.landscape import LossSurface as LossSurface
    from lossatlas.landscape import boundary_evaluator as boundary_evaluator
    from lossatlas.landscape import decision_boundary as decision_boundary
    from lossatlas.landscape import input_grid as input_grid
    from lossatlas.landscape import loss_surfaces as loss_surfaces
    from lossatlas.networks import ModelConfig as ModelConfig
    from lossatlas.networks import Network as Network
    from lossatlas.planes import Directions as Directions
    from lossatlas.planes import FilePlane as FilePlane
    from lossatlas.planes import FreshPlane as FreshPlane
    from lossatlas.planes import GaussianPlane as GaussianPlane
    from lossatlas.planes import HessianPlane as HessianPlane
    from lossatlas.planes import PcaPlane as PcaPlane
    from lossatlas.planes import Plane as Plane
    from lossatlas.planes import ThroughPlane as ThroughPlane
    from lossatlas.planes import Trained as Trained
    from lossatlas.runs import Run as Run
    from lossatlas.runs import RunConfig as RunConfig
    from lossatlas.runs import compute_run as compute_run
    from lossatlas.server import Viewer as Viewer
    from lossatlas.server import show as show
    from lossatlas.showcase import gallery_configs as gallery_configs
    from lossatlas.store import Gallery as Gallery
    from lossatlas.store import open_run as open_run
    from lossatlas.store import save_run as save_run
    from lossatlas.training import TrainingConfig as TrainingConfig
    from lossatlas.training import Trajectory as Trajectory
    from lossatlas.training import train as train

#: Every public name, and the package that it is imported from.
_HOMES = {
    # configurations
    "BoundaryConfig": "landscape",
    "CurvatureConfig": "curvature",
    "DatasetConfig": "datasets",
    "ModelConfig": "networks",
    "RunConfig": "runs",
    "TrainingConfig": "training",
    # kinds of planes
    "FilePlane": "planes",
    "FreshPlane": "planes",
    "GaussianPlane": "planes",
    "HessianPlane": "planes",
    "PcaPlane": "planes",
    "ThroughPlane": "planes",
    # one step at a time
    "Curvature": "curvature",
    "Cut": "landscape",
    "Dataset": "datasets",
    "DecisionBoundary": "landscape",
    "Directions": "planes",
    "Evaluator": "engine",
    "InputGrid": "landscape",
    "LossSurface": "landscape",
    "Network": "networks",
    "Plane": "planes",
    "Trained": "planes",
    "TrainingCurvature": "curvature",
    "Trajectory": "training",
    "boundary_evaluator": "landscape",
    "curvature_of": "curvature",
    "decision_boundary": "landscape",
    "input_grid": "landscape",
    "load_dataset": "datasets",
    "loss_surfaces": "landscape",
    "train": "training",
    # whole runs
    "Gallery": "store",
    "Run": "runs",
    "Viewer": "server",
    "build_gallery": "building",
    "compute_run": "runs",
    "gallery_configs": "showcase",
    "open_run": "store",
    "save_run": "store",
    "show": "server",
    # what can go wrong
    "LossAtlasError": "errors",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("lossatlas")
    if name in _HOMES:
        return getattr(import_module(f"lossatlas.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
