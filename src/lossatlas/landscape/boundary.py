"""Computes decision boundaries: the predicted class and its probability on a grid of inputs. It plots nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from lossatlas.arrays import Float32, Floats, UInt8
from lossatlas.checks import check_points, check_theta
from lossatlas.config import Config
from lossatlas.engine import Evaluator
from lossatlas.errors import DataError
from lossatlas.networks import Network


class BoundaryConfig(Config):
    """The settings of the grid of inputs."""

    resolution: Annotated[int, Field(ge=2, le=1000)] = 100
    """The number of samples along each axis."""
    margin: Annotated[float, Field(ge=0, le=2)] = 0.1
    """The margin around the data, as a share of its extent."""


@dataclass(frozen=True)
class InputGrid:
    """A rectangular grid of inputs.

    Attributes
    ----------
    x, y
        ``[W]`` and ``[H]`` float32: the coordinates of the columns and of the rows, ascending.
    """

    x: Float32
    y: Float32

    @property
    def points(self) -> Float32:
        """All points of the grid, ``[H·W, 2]`` float32, row by row."""
        return np.stack([values.ravel() for values in np.meshgrid(self.x, self.y)], axis=1)

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and columns, (H, W)."""
        return len(self.y), len(self.x)


@dataclass(frozen=True)
class DecisionBoundary:
    """The predictions of one model on a grid of inputs.

    Attributes
    ----------
    grid
        The grid.
    predicted_class
        ``[H, W]`` uint8: the most probable class at ``(grid.x[x], grid.y[y])``.
    confidence
        ``[H, W]`` float32: the probability of this class, from 1/K to 1.
    """

    grid: InputGrid
    predicted_class: UInt8
    confidence: Float32


def input_grid(points: Floats, config: BoundaryConfig | Mapping[str, Any] | None = None) -> InputGrid:
    """Make a grid that covers points ``[N, 2]`` of any real dtype and a margin around them."""
    config = BoundaryConfig.from_mapping({} if config is None else config)
    points = check_points(points)
    low, high = points.min(axis=0), points.max(axis=0)
    room = config.margin * (high - low)
    x, y = np.linspace(low - room, high + room, config.resolution, axis=1).astype(np.float32)
    return InputGrid(x, y)


def boundary_evaluator(network: Network, grid: InputGrid, threads: int | None = None) -> Evaluator:
    """Make the evaluator for any number of decision boundaries of this network on this grid."""
    return Evaluator(network, grid.points, threads=threads)


def decision_boundary(evaluator: Evaluator, grid: InputGrid, theta: Floats) -> DecisionBoundary:
    """Predict the classes on the whole grid with one model.

    Parameters
    ----------
    evaluator
        The evaluator that :func:`boundary_evaluator` made for this grid.
    grid
        The grid.
    theta
        One model ``[P]``, in theta's order, of any real dtype.

    Returns
    -------
    DecisionBoundary
        The predictions.

    Raises
    ------
    DataError
        If theta has another shape, or the evaluator has other points than the grid.
    """
    theta = check_theta(theta, evaluator.network.parameter_count)
    probabilities = evaluator.probabilities(theta[None])[0]
    if probabilities.shape[1] != grid.shape[0] * grid.shape[1]:
        raise DataError("this evaluator has other points than the grid; make it with boundary_evaluator(network, grid)")
    predicted = probabilities.argmax(axis=0)
    confidence = np.take_along_axis(probabilities, predicted[None], axis=0)[0]
    return DecisionBoundary(grid, predicted.astype(np.uint8).reshape(grid.shape), confidence.reshape(grid.shape))
