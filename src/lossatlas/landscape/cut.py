"""Computes all arrays of one plane: training and test surfaces, the path of the training, and the curvature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossatlas.arrays import Float32, Float64, Floats, Integers
from lossatlas.curvature import extreme_eigenvalues
from lossatlas.engine import LossEvaluator, one_blas_thread
from lossatlas.landscape.rounding import round_losses
from lossatlas.landscape.surface import loss_rows, unit_coordinates
from lossatlas.networks import Network
from lossatlas.planes import Directions, Path, Plane, project, split_frames

#: A point of a surface is non-convex where the Hessian has a negative eigenvalue beyond this share of the largest.
NONCONVEX = 0.05


@dataclass(frozen=True)
class Cut:
    """A plane with the arrays that were computed for it.

    Attributes
    ----------
    plane
        The plane.
    grid
        G, the number of samples along each axis of a surface.
    loss_surface
        ``[span, frame, b, a]`` float32: the training loss around every frame if the plane moves, else around its
        centre.
    test_loss_surface
        ``[span, frame, b, a]`` float32: the test loss, around the centre unless every frame was requested.
    path
        The trajectory, projected on the plane.
    path_loss
        ``[F]`` float64: the training loss at each projected point. Its difference from the recorded loss is what the
        plane hides.
    nonconvexity
        ``[n, n]`` float32: λ_min / λ_max of the Hessian on a grid over the first span; NaN where the Hessian is not
        finite. It is None if it was not requested.
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
        """The share of the grid where the Hessian has a negative eigenvalue beyond :data:`NONCONVEX` of the largest.

        Only points with a finite Hessian count. It is None if there are no such points.
        """
        if self.nonconvexity is None or np.isnan(self.nonconvexity).all():
            return None
        return float((self.nonconvexity[~np.isnan(self.nonconvexity)] < -NONCONVEX).mean())


def surfaces_around(evaluator: LossEvaluator, plane: Directions, centre: Floats, grid: int) -> Float32:
    """Compute stored surfaces ``[span, b, a]`` float32 around ``centre`` ``[P]``; all but the centre is rounded."""
    rows = range(len(plane.spans) * grid)
    return surface_rows(evaluator, plane, centre, grid, rows).reshape(-1, grid, grid)


def surface_rows(evaluator: LossEvaluator, plane: Directions, centre: Floats, grid: int, rows: range) -> Float32:
    """Compute rows ``[len(rows), a]`` of the stored surfaces; :func:`~.surface.loss_rows` says how rows are counted."""
    losses = loss_rows(evaluator, plane, centre, plane.spans, grid, rows)
    span = np.asarray(rows) // grid
    around = range(span[0], span[-1] + 1)
    at_centre, variation = _variation(evaluator, plane, centre, [plane.spans[number] for number in around])
    return round_losses(losses, at_centre, variation[span - span[0], None])


def _variation(
    evaluator: LossEvaluator, plane: Directions, centre: Floats, spans: list[float]
) -> tuple[np.float32, Float64]:
    """Measure how much the surfaces vary around a centre.

    The measure uses only the corners of each square, so that a process that computes a few rows can compute it, too.

    Parameters
    ----------
    evaluator, plane
        The evaluator with the points of the loss, and the plane.
    centre
        The centre ``[P]``.
    spans
        Half the side of each square.

    Returns
    -------
    tuple
        The loss at the centre, and the largest difference between it and the losses at the corners, ``[span]`` float64.
        The difference is inf if no corner has a finite loss.
    """
    scales = np.array(spans, np.float64)[:, None]
    a, b = (np.append(scales * signs, 0.0) for signs in ([-1, 1, -1, 1], [-1, -1, 1, 1]))
    losses = evaluator.losses_along(centre, plane.directions, a, b)
    return losses[-1], _compare_with_centre(losses[:-1].reshape(-1, 4), losses[-1])


def _compare_with_centre(corners: Float32, centre: np.float32) -> Float64:
    """Return the largest difference ``[span]`` between the losses at four corners ``[span, 4]`` and at the centre."""
    found = corners.astype(np.float64)
    known = np.where(np.isfinite(found), found, float(centre))
    with np.errstate(invalid="ignore"):  # the loss at the centre may not be finite
        difference = np.abs(known - float(centre)).max(axis=1)
    return np.where(np.isfinite(found).any(axis=1), difference, np.inf)


def round_surfaces(losses: Float32) -> Float32:
    """Round whole surfaces ``[span, b, a]`` around one centre, as :func:`surfaces_around` does."""
    grid = losses.shape[-1]
    centre = losses[0, grid // 2, grid // 2]
    corners = losses[:, :: grid - 1, :: grid - 1].reshape(-1, 4)
    return round_losses(losses, centre, _compare_with_centre(corners, centre)[:, None, None])


def path_on(evaluator: LossEvaluator, plane: Plane, weights: Floats) -> tuple[Path, Float64]:
    """Project a trajectory ``[F, P]`` on a plane. Return the path, and the loss ``[F]`` float64 along it."""
    with one_blas_thread:  # the last digits could depend on the number of threads
        path = project(plane.directions, weights, plane.centre)
    losses = np.empty(len(weights))
    for frames in split_frames(weights):
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
    """Compute λ_min / λ_max of the Hessian on a grid over the first span of a plane.

    The ratio is negative where the loss curves downwards in some direction, even if the plane does not contain that
    direction (Li et al. 2018, section 6 and figure 7). It is -1e6 where the loss curves upwards in no direction, and 0
    where it is flat.

    Parameters
    ----------
    network
        The network.
    plane
        The plane.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.
    samples
        n, the number of samples along each axis.
    rows
        The rows to compute; by default, all rows.

    Returns
    -------
    Float32
        Ratios ``[len(rows), n]`` float32; NaN where the Hessian is not finite.
    """
    unit = plane.spans[0] * unit_coordinates(samples)
    rows = range(samples) if rows is None else rows
    a, b = np.meshgrid(unit, unit[rows.start : rows.stop])
    models = plane.centre.astype(np.float64) + plane.offsets(a.ravel(), b.ravel())
    smallest, largest = extreme_eigenvalues(network, models, points, labels)
    ratio = np.where(smallest < 0, -np.inf, smallest)  # the values where nothing curves upwards; NaN stays NaN
    with np.errstate(over="ignore"):
        np.divide(smallest, largest, out=ratio, where=largest > 0)
    return np.clip(ratio, -1e6, 1.0).astype(np.float32).reshape(-1, samples)
