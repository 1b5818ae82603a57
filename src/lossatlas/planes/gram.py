"""Projects the path of a training onto a plane with the Gram matrix of its frames alone, without the parameters.

The directions of some planes are sums over the frames, ``d_i = Σ_f c_if theta_f``, with coefficients of sum 0. Then
every product in a projection is a sum of entries of the Gram matrix, which has F × F numbers and not F × P.
"""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Float64
from lossatlas.errors import PlaneError
from lossatlas.planes.projection import Path

_LINE = "the three points lie on one line and do not span a plane"


def project_by_gram(gram: Float64, coefficients: Float64, centre: int) -> Path:
    """Project a trajectory onto a plane by least squares, as :func:`~lossatlas.planes.projection.project` does.

    A residual is the root of a difference of squares. Therefore its error is about 1e-8 of the distance between the
    frame and the centre, even if the residual is smaller.

    Parameters
    ----------
    gram
        ``[F, F]`` float64: the products of ``theta_f - theta_last``.
    coefficients
        ``[2, F]`` float64: the coefficients of d_a and d_b, each with the sum 0.
    centre
        The frame that is the centre of the plane.

    Returns
    -------
    Path
        The projected trajectory.
    """
    inner = coefficients @ gram @ coefficients.T
    products = coefficients @ (gram - gram[:, [centre]])
    lengths = np.sqrt(np.diag(inner))
    unit = inner / np.outer(lengths, lengths)  # unit lengths, so that a much shorter direction is not taken for 0
    coordinates: Float64 = (np.linalg.solve(unit, products / lengths[:, None]) / lengths[:, None]).T
    squares = np.diag(gram) - 2 * gram[:, centre] + gram[centre, centre]
    along = (coordinates * products.T).sum(axis=1)
    residual: Float64 = np.sqrt(np.maximum(squares - along, 0))
    residual[centre] = 0.0
    total = float(np.trace(gram) - gram.mean(axis=0).sum())
    away = coordinates - coordinates.mean(axis=0)
    share = float(((away @ inner) * away).sum()) / total if total > 0 else 0.0
    return Path(coordinates, residual, min(share, 1.0))


def find_farthest_by_gram(gram: Float64, centre: int, second: int) -> int:
    """Return the frame that is farthest from the line through two frames."""
    steps = gram - gram[:, [centre]] - gram[[centre]] + gram[centre, centre]  # products of theta_f - theta_centre
    along = steps[:, second] ** 2 / max(float(steps[second, second]), np.finfo(float).tiny)
    return int((np.diag(steps) - along).argmax())


def make_orthonormal_by_gram(gram: Float64, frames: tuple[int, int, int]) -> Float64:
    """Make coefficients ``[2, F]`` of orthonormal directions in the plane of three frames.

    Returns
    -------
    Float64
        The coefficients, each with the sum 0. The first direction points from the first frame to the second.

    Raises
    ------
    PlaneError
        If the frames do not span a plane.
    """
    centre, second, third = np.eye(len(gram))[list(frames)]
    first, towards = second - centre, third - centre
    length = np.sqrt(first @ gram @ first)
    if not length > 0:
        raise PlaneError("the first two points are equal, so the points do not span a plane")
    a = first / length
    b = towards
    for _ in range(2):  # once would leave the directions not orthogonal if they are nearly parallel
        b = b - (b @ gram @ a) * a
    rest = b @ gram @ b
    if not rest > 1e-12 * (towards @ gram @ towards):
        raise PlaneError(_LINE)
    return np.stack([a, b / np.sqrt(rest)])
