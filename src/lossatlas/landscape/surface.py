"""Loss surfaces: the training loss on a grid of (a, b) around a centre. No plotting here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossatlas.arrays import Float32, Float64, Floats
from lossatlas.checks import check_models, check_theta
from lossatlas.engine import LossEvaluator
from lossatlas.errors import ConfigError, DataError
from lossatlas.planes import Plane


@dataclass(frozen=True)
class LossSurface:
    """``L(centre + a·d_a + b·d_b)`` over the square ``[-span, span]²``.

    Attributes
    ----------
    span
        Half the side of the square.
    coordinates
        ``[G]`` float64: the sampled values of a, and of b; the middle one is 0.
    loss
        ``[G, G]`` float32, mean cross-entropy in nats: ``loss[j, i]`` is at ``a = coordinates[i]``,
        ``b = coordinates[j]``. Infinite where it overflows float32.
    """

    span: float
    coordinates: Float64
    loss: Float32

    @property
    def centre(self) -> float:
        """The loss of the centre itself."""
        middle = len(self.coordinates) // 2
        return float(self.loss[middle, middle])


def unit_coordinates(grid: int) -> Float64:
    """``[grid]`` values from -1 to 1, symmetric to the last bit, the middle one exactly 0."""
    half = grid // 2
    return np.arange(-half, half + 1) / half


def loss_surfaces(
    evaluator: LossEvaluator, plane: Plane, centre: Floats, spans: Sequence[float] | float, grid: int
) -> list[LossSurface]:
    """Cut the loss along a plane through ``centre`` ``[P]``, once for each span.

    The evaluator holds the points whose loss is meant; all spans go through it in one call.

    Raises
    ------
    ConfigError
        If the grid is even, or smaller than 3.
    DataError
        If the centre or the directions are those of another network, or a span is not a finite number.
    """
    spans = [spans] if isinstance(spans, int | float) else list(spans)
    if not spans or not np.isfinite(np.asarray(spans, np.float64)).all():
        raise DataError(f"spans are {spans}; give one finite number or more")
    parameters = evaluator.network.parameter_count
    centre = check_theta(centre, parameters, "the centre")
    check_models(plane.directions, parameters, "the directions")
    losses = loss_rows(evaluator, plane, centre, spans, grid, range(len(spans) * grid)).reshape(-1, grid, grid)
    unit = unit_coordinates(grid)
    return [LossSurface(float(span), span * unit, loss) for span, loss in zip(spans, losses, strict=True)]


def loss_rows(
    evaluator: LossEvaluator, plane: Plane, centre: Floats, spans: Sequence[float], grid: int, rows: range
) -> Float32:
    """Some rows of those surfaces, ``[len(rows), G]``, to the same bits.

    A row has one b; they are counted through all surfaces, so that row ``s * grid + j`` is the j-th of span s.

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
