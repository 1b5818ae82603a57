"""Planes: a pair of directions in parameter space, along which a loss surface is cut.

Each kind is a configuration that knows how to lay its plane (:meth:`PlaneConfig.lay`), one module a kind. Listing it in
``registry.py`` is all that makes it known.
"""

from lossatlas.planes.blocks import frame_blocks, gram_matrix
from lossatlas.planes.from_file import FilePlane
from lossatlas.planes.hessian import HessianPlane
from lossatlas.planes.normalization import normalize
from lossatlas.planes.pca import PcaPlane, principal_coefficients, principal_directions
from lossatlas.planes.plane import Anchor, Directions, Plane, PlaneConfig, Span, Trained
from lossatlas.planes.projection import Path, fitting_spans, project, random_walk_variance
from lossatlas.planes.random import FreshPlane, GaussianPlane, RandomPlane
from lossatlas.planes.registry import KINDS, AnyPlane, plane_names
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
    "fitting_spans",
    "frame_blocks",
    "gram_matrix",
    "normalize",
    "plane_names",
    "principal_coefficients",
    "principal_directions",
    "project",
    "random_walk_variance",
]
