"""Computes loss surfaces: the loss on a grid of (a, b) around a centre. It plots nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossatlas.arrays import Float32, Float64, Floats
from lossatlas.checks import check_models, check_theta
from lossatlas.engine import LossEvaluator
from lossatlas.errors import ConfigError, DataError
from lossatlas.planes import Directions


@dataclass(frozen=True)
class LossSurface:
    """The loss ``L(centre + a·d_a + b·d_b)`` over the square ``[-span, span]²``.

    Attributes
    ----------
    span
        Half the side of the square.
    coordinates
        ``[G]`` float64: the sampled values of a, and of b; the middle one is 0.
    loss
        ``[G, G]`` float32: the mean cross-entropy in nats. ``loss[j, i]`` is at ``a = coordinates[i]`` and
        ``b = coordinates[j]``. It is inf where it overflows float32.
    """

    span: float
    coordinates: Float64
    loss: Float32

    @property
    def centre(self) -> float:
        """The loss at the centre."""
        middle = len(self.coordinates) // 2
        return float(self.loss[middle, middle])


def unit_coordinates(grid: int) -> Float64:
    """Return ``[grid]`` float64 values from -1 to 1. They are exactly symmetric, and the middle one is exactly 0."""
    half = grid // 2
    return np.arange(-half, half + 1) / half


def loss_surfaces(
    evaluator: LossEvaluator, plane: Directions, centre: Floats, spans: Sequence[float] | float, grid: int
) -> list[LossSurface]:
    """Compute the loss on a plane through a centre, once for each span.

    Parameters
    ----------
    evaluator
        The evaluator with the points and labels of the loss.
    plane
        The plane with the directions.
    centre
        The centre ``[P]``, in theta's order, of any real dtype.
    spans
        Half the side of each square.
    grid
        G, the number of samples along each axis.

    Returns
    -------
    list
        One surface per span.

    Raises
    ------
    ConfigError
        If the grid is even, or smaller than 3.
    DataError
        If the centre or the directions belong to another network, or a span is not a finite number.
    """
    spans = [spans] if isinstance(spans, int | float) else list(spans)
    if not spans or not np.isfinite(np.asarray(spans, np.float64)).all():
        raise DataError(f"spans are {spans}; give one or more finite numbers")
    parameters = evaluator.network.parameter_count
    centre = check_theta(centre, parameters, "the centre")
    check_models(plane.directions, parameters, "the directions")
    losses = loss_rows(evaluator, plane, centre, spans, grid, range(len(spans) * grid)).reshape(-1, grid, grid)
    unit = unit_coordinates(grid)
    return [LossSurface(float(span), span * unit, loss) for span, loss in zip(spans, losses, strict=True)]


def loss_rows(
    evaluator: LossEvaluator, plane: Directions, centre: Floats, spans: Sequence[float], grid: int, rows: range
) -> Float32:
    """Compute some rows of the surfaces of :func:`loss_surfaces`, with the same bits.

    All points of a row have the same b. Rows are counted through all surfaces: row ``s * grid + j`` is row j of span s.

    Parameters
    ----------
    evaluator, plane, centre, spans, grid
        The same as those of :func:`loss_surfaces`.
    rows
        The numbers of the rows.

    Returns
    -------
    Float32
        Losses ``[len(rows), grid]`` float32.

    Raises
    ------
    ConfigError
        If the grid is even, or smaller than 3.
    """
    if grid < 3 or grid % 2 == 0:
        raise ConfigError(
            [("grid", f"{grid} is not allowed: give an odd number from 3, so that the centre is sampled")]
        )
    unit = unit_coordinates(grid)
    span, j = np.divmod(np.asarray(rows), grid)
    scales = np.array(spans, np.float64)[span]
    a = (scales[:, None] * unit[None, :]).ravel()
    b = np.repeat(scales * unit[j], grid)
    return evaluator.losses_along(centre, plane.directions, a, b).reshape(-1, grid)
