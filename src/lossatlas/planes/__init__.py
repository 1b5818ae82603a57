"""Planes in parameter space: two directions and a centre, around which loss surfaces are computed.

Each kind of plane has its own module with a configuration class that makes the plane (:meth:`PlaneConfig.lay`). A kind
is known to the rest of the package if ``registry.py`` lists it.
"""

from lossatlas.planes.blocks import compute_gram_matrix, split_frames
from lossatlas.planes.from_file import FilePlane
from lossatlas.planes.gram import project_by_gram
from lossatlas.planes.hessian import HessianPlane
from lossatlas.planes.normalization import normalize
from lossatlas.planes.pca import PcaPlane, principal_coefficients, principal_directions
from lossatlas.planes.plane import Anchor, Directions, Plane, PlaneConfig, Span, Trained
from lossatlas.planes.projection import Path, compute_random_walk_variance, find_spans, project
from lossatlas.planes.random import FreshPlane, GaussianPlane, RandomPlane
from lossatlas.planes.registry import KINDS, AnyPlane, name_planes
from lossatlas.planes.through import ThroughPlane

__all__ = [
    "Anchor",
    "AnyPlane",
    "Directions",
    "FilePlane",
    "FreshPlane",
    "GaussianPlane",
    "HessianPlane",
    "KINDS",
    "Path",
    "PcaPlane",
    "Plane",
    "PlaneConfig",
    "RandomPlane",
    "Span",
    "ThroughPlane",
    "Trained",
    "find_spans",
    "split_frames",
    "compute_gram_matrix",
    "normalize",
    "name_planes",
    "principal_coefficients",
    "principal_directions",
    "project",
    "project_by_gram",
    "compute_random_walk_variance",
]
