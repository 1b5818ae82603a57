"""Everything that is computed of one plane: surfaces of training and test points, the path on it, its curvature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossatlas.arrays import Float32, Float64, Floats, Integers
from lossatlas.curvature import extreme_eigenvalues
from lossatlas.engine import LossEvaluator, one_blas_thread
from lossatlas.landscape.rounding import round_losses
from lossatlas.landscape.surface import loss_rows, unit_coordinates
from lossatlas.networks import Network
from lossatlas.planes import Path, Plane, frame_blocks, project

#: A point of a surface is non-convex where the Hessian has a negative eigenvalue beyond this share of the largest.
NONCONVEX = 0.05


@dataclass(frozen=True)
class Cut:
    """A plane, and what was computed of it.

    Attributes
    ----------
    plane
        Where.
    grid
        Samples G along each axis of a surface.
    loss_surface
        ``[span, frame, b, a]`` float32, training loss: around every frame where the plane moves, else the one centre.
    test_loss_surface
        The same of the test points, around the one centre unless every frame was asked for.
    path
        The trajectory projected on the plane.
    path_loss
        ``[F]`` float64: training loss at each projected point. What the recorded loss differs from it is what the slice
        hides.
    nonconvexity
        ``[n, n]`` float32: λ_min / λ_max of the Hessian on a grid over the first span, NaN where there is no finite
        Hessian; None where it was not asked for.
    """

    plane: Plane
    grid: int
    loss_surface: Float32
    test_loss_surface: Float32
    path: Path
    path_loss: Float64
    nonconvexity: Float32 | None = None

    @property
    def nonconvex_share(self) -> float | None:
        """Share of the grid where the Hessian has a negative eigenvalue beyond :data:`NONCONVEX` of the largest.

        Of the points where it is known; None where it is known nowhere.
        """
        if self.nonconvexity is None or np.isnan(self.nonconvexity).all():
            return None
        return float((self.nonconvexity[~np.isnan(self.nonconvexity)] < -NONCONVEX).mean())


def surfaces_around(evaluator: LossEvaluator, plane: Plane, centre: Floats, grid: int) -> Float32:
    """Loss surfaces ``[span, b, a]`` around ``centre`` ``[P]``, as they are stored: rounded, but for the centre."""
    rows = range(len(plane.spans) * grid)
    return surface_rows(evaluator, plane, centre, grid, rows).reshape(-1, grid, grid)


def surface_rows(evaluator: LossEvaluator, plane: Plane, centre: Floats, grid: int, rows: range) -> Float32:
    """Some rows of them ``[len(rows), a]``, counted as :func:`~.surface.loss_rows` counts them, to the same bits."""
    losses = loss_rows(evaluator, plane, centre, plane.spans, grid, rows)
    span = np.asarray(rows) // grid
    around = range(span[0], span[-1] + 1)
    at_centre, variation = _variation(evaluator, plane, centre, [plane.spans[number] for number in around])
    return round_losses(losses, at_centre, variation[span - span[0], None])


def _variation(
    evaluator: LossEvaluator, plane: Plane, centre: Floats, spans: list[float]
) -> tuple[np.float32, Float64]:
    """The loss at the centre, and how far it is from there to the corners of each square, ``[span]``.

    So much, at least, a surface varies around its centre; and whoever computes a few rows of it can know. Infinite
    where no corner has a finite loss.
    """
    scales = np.array(spans, np.float64)[:, None]
    a, b = (np.append(scales * signs, 0.0) for signs in ([-1, 1, -1, 1], [-1, -1, 1, 1]))
    losses = evaluator.losses_along(centre, plane.directions, a, b)
    corners = losses[:-1].reshape(-1, 4).astype(np.float64)
    known = np.where(np.isfinite(corners), corners, float(losses[-1]))
    with np.errstate(invalid="ignore"):  # where the centre itself is not finite
        difference = np.abs(known - float(losses[-1])).max(axis=1)
    return losses[-1], np.where(np.isfinite(corners).any(axis=1), difference, np.inf)


def path_on(evaluator: LossEvaluator, plane: Plane, weights: Floats) -> tuple[Path, Float64]:
    """Project a trajectory ``[F, P]`` on a plane that has a centre; gives the path, and the loss ``[F]`` along it."""
    assert plane.centre is not None
    with one_blas_thread:  # the last digits may depend on how many there are
        path = project(plane.directions, weights, plane.centre)
    losses = np.empty(len(weights))
    for frames in frame_blocks(weights):
        a, b = path.coordinates[frames].T
        losses[frames] = evaluator.losses((plane.centre + plane.offsets(a, b)).astype(np.float32))
    return path, losses


def nonconvexity_over(
    network: Network,
    plane: Plane,
    points: Floats,
    labels: Integers,
    samples: int,
    rows: range | None = None,
) -> Float32:
    """λ_min / λ_max of the Hessian on a grid ``[samples, samples]`` over the plane's first span, or on some rows of it.

    Negative where the loss curves downwards in some direction, whether the plane shows that direction or not (Li et
    al. 2018, section 6 and figure 7); -1e6 where it curves upwards in none, 0 where it is flat. NaN where there is no
    finite Hessian: what is not known is not convex, nor is it not.
    """
    assert plane.centre is not None
    unit = plane.spans[0] * unit_coordinates(samples)
    rows = range(samples) if rows is None else rows
    a, b = np.meshgrid(unit, unit[rows.start : rows.stop])
    models = plane.centre.astype(np.float64) + plane.offsets(a.ravel(), b.ravel())
    smallest, largest = extreme_eigenvalues(network, models, points, labels)
    ratio = np.where(smallest < 0, -np.inf, smallest)  # where nothing curves upwards; NaN stays
    with np.errstate(over="ignore"):
        np.divide(smallest, largest, out=ratio, where=largest > 0)
    return np.clip(ratio, -1e6, 1.0).astype(np.float32).reshape(-1, samples)
