"""Computes the two pictures of a network: its loss over a plane of parameters, and its classes over its inputs."""

from lossatlas.landscape.boundary import (
    BoundaryConfig,
    DecisionBoundary,
    InputGrid,
    boundary_evaluator,
    decision_boundary,
    input_grid,
)
from lossatlas.landscape.cut import (
    NONCONVEX,
    Cut,
    nonconvexity_over,
    path_on,
    round_surfaces,
    surface_rows,
    surfaces_around,
)
from lossatlas.landscape.surface import LossSurface, loss_surfaces, unit_coordinates

__all__ = [
    "BoundaryConfig",
    "Cut",
    "DecisionBoundary",
    "InputGrid",
    "LossSurface",
    "NONCONVEX",
    "boundary_evaluator",
    "decision_boundary",
    "input_grid",
    "loss_surfaces",
    "nonconvexity_over",
    "path_on",
    "round_surfaces",
    "surface_rows",
    "surfaces_around",
    "unit_coordinates",
]
