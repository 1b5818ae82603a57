"""Projects the path of a training on a plane, and measures how much of the path lies in the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lossatlas.arrays import Float64, Floats
from lossatlas.engine import one_blas_thread
from lossatlas.planes.blocks import split_columns

#: The first span of a plane is this many times the extent of the path.
_ROOM = 1.25
#: If the path is very short in a plane, its span is this share of the length of theta.
_LEAST = 0.05
#: The spans of a plane as shares of the first one.
_ZOOMS = (1.0, 0.3, 0.1)


@dataclass(frozen=True)
class Path:
    """A trajectory that is projected on a plane.

    Attributes
    ----------
    coordinates
        ``[F, 2]`` float64: (a, b) of the point of the plane that is nearest to theta at each frame.
    residual
        ``[F]`` float64: the distance between theta and that point, in parameter space.
    explained_variance
        The share of the trajectory's variance about its mean that lies along the plane. It is 1 if the trajectory lies
        in the plane, and 0 if nothing moves.
    """

    coordinates: Float64
    residual: Float64
    explained_variance: float


def project(directions: Floats, weights: Floats, centre: Floats) -> Path:
    """Project a trajectory on a plane by least squares: ``(a, b) = (D Dᵀ)⁻¹ D (θ - centre)``.

    Plain products with d_a and d_b would be right only for an orthonormal pair. All is computed in blocks of columns,
    so that the memory grows neither with F nor with P.

    Parameters
    ----------
    directions
        d_a and d_b, ``[2, P]`` of any real dtype.
    weights
        The trajectory ``[F, P]``, of any real dtype.
    centre
        The centre of the plane ``[P]``, of any real dtype.

    Returns
    -------
    Path
        The projected trajectory.
    """
    along, squares, total = np.zeros((len(weights), 2)), np.zeros(len(weights)), 0.0
    columns = list(split_columns(weights))
    with one_blas_thread:  # so that the bits are the same everywhere
        lengths = _measure_lengths(directions, columns)
        q, r = _orthonormalize(directions, lengths, columns)
        for part in columns:
            steps = np.asarray(weights[:, part]) - np.asarray(centre[part], np.float64)
            along += steps @ q(part)
            total += float(((steps - steps.sum(axis=0) / len(weights)) ** 2).sum())
        for part in columns:
            steps = np.asarray(weights[:, part]) - np.asarray(centre[part], np.float64)
            squares += ((steps - along @ q(part).T) ** 2).sum(axis=1)
        coordinates: Float64 = np.linalg.solve(r, along.T).T / lengths
    share = float(((along - along.mean(axis=0)) ** 2).sum()) / total if total > 0 else 0.0
    return Path(coordinates, np.sqrt(squares), min(share, 1.0))


def _measure_lengths(directions: Floats, columns: Sequence[slice]) -> Float64:
    squares = np.zeros(len(directions))
    for part in columns:
        squares += (np.asarray(directions[:, part], np.float64) ** 2).sum(axis=1)
    return np.sqrt(squares)


def _orthonormalize(
    directions: Floats, lengths: Float64, columns: Sequence[slice]
) -> tuple[Callable[[slice], Float64], Float64]:
    """Compute the QR decomposition of two directions, divided by their lengths, so that a much shorter one counts too.

    The R of the whole is the R of the stacked Rs of the blocks (Demmel et al. 2012, "Communication-optimal parallel and
    sequential QR", section 3). The Q of a block follows from its own decomposition again.

    Returns
    -------
    tuple
        A function that computes Q ``[n, 2]`` at some columns, and R ``[2, 2]``.
    """

    def decompose(part: slice) -> tuple[Float64, Float64]:
        unit = np.asarray(directions[:, part], np.float64) / lengths[:, None]
        padded = unit.T if unit.shape[1] > 1 else np.vstack([unit.T, np.zeros(2)])
        q, r = np.linalg.qr(padded)
        return q[: unit.shape[1]], r

    among, r = np.linalg.qr(np.concatenate([decompose(part)[1] for part in columns]))
    rows = {part.start: among[2 * number : 2 * number + 2] for number, part in enumerate(columns)}
    return (lambda part: decompose(part)[0] @ rows[part.start]), r


def compute_random_walk_variance(epochs: Sequence[int]) -> float:
    """Compute the share of variance of a random walk in its first two principal components, in many dimensions.

    A walk of independent steps has the covariance ``min(s, t)`` between epochs s and t. In the limit of many
    dimensions, the shares are the eigenvalues of the centred matrix over their sum. For many evenly spaced epochs,
    they tend to 6 / (π² k²): 60.8 %, 15.2 %, 6.8 %, … (Antognini and Sohl-Dickstein 2018, "PCA of high dimensional
    random walks with comparison to neural network training", section 2).

    Parameters
    ----------
    epochs
        The recorded epochs.

    Returns
    -------
    float
        The share, from 0 to 1.
    """
    times = np.asarray(epochs, np.float64)
    covariance = np.minimum.outer(times, times)
    centring = np.eye(len(times)) - 1.0 / len(times)
    eigenvalues = np.linalg.eigvalsh(centring @ covariance @ centring)
    total = float(eigenvalues.sum())
    return float(eigenvalues[-2:].sum()) / total if total > 0 else 0.0


def find_spans(directions: Floats, shown: Sequence[Floats], centre: Floats) -> tuple[float, ...]:
    """Find spans for a plane with centre ``[P]`` so that the widest one shows all of some points, each ``[n, P]``."""
    return fit_spans(
        directions, np.concatenate([project(directions, points, centre).coordinates for points in shown]), centre
    )


def fit_spans(directions: Floats, coordinates: Floats, centre: Floats) -> tuple[float, ...]:
    """Find spans for a plane with centre ``[P]``, so that the widest one shows points with coordinates ``[n, 2]``."""
    reach = _ROOM * float(np.abs(coordinates).max())
    lengths = np.linalg.norm(np.asarray(directions, np.float64), axis=1)
    widest = max(reach, _LEAST * float(np.linalg.norm(centre)) / float(lengths.max()), 1e-6)
    return tuple(_round_to_two_digits(zoom * widest) for zoom in _ZOOMS)


def _round_to_two_digits(value: float) -> float:
    return float(f"{value:.2g}")
