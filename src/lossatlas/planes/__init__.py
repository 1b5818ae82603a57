"""Planes: a pair of directions in parameter space, along which a loss surface is cut.

Each kind is a configuration that knows how to lay its plane (:meth:`PlaneConfig.lay`), one module a kind. Listing it in
``registry.py`` is all that makes it known.
"""

from lossatlas.planes.blocks import compute_gram_matrix, split_frames
from lossatlas.planes.from_file import FilePlane
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
    "compute_random_walk_variance",
]
