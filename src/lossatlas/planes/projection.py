"""Projects the path of a training on a plane, and measures how much of the path lies in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossatlas.arrays import Float64, Floats
from lossatlas.engine import one_blas_thread
from lossatlas.planes.blocks import split_frames

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

    Plain products with d_a and d_b would be right only for an orthonormal pair. The memory does not grow with F.

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
    basis = np.asarray(directions, np.float64)
    lengths = np.linalg.norm(basis, axis=1)
    origin = np.asarray(centre, np.float64)
    along, residual, total = np.empty((len(weights), 2)), np.empty(len(weights)), 0.0
    mean = np.zeros_like(origin)
    with one_blas_thread:  # so that the bits are the same everywhere
        # D = (QR)ᵀ for unit directions, so that a much shorter direction does not look like 0. Q spans the plane.
        q, r = np.linalg.qr((basis / lengths[:, None]).T)
        for frames in split_frames(weights):
            steps = weights[frames] - origin
            along[frames] = steps @ q
            residual[frames] = np.linalg.norm(steps - along[frames] @ q.T, axis=1)
            mean += steps.sum(axis=0) / len(weights)
        for frames in split_frames(weights):
            total += float(((weights[frames] - origin - mean) ** 2).sum())
        coordinates: Float64 = np.linalg.solve(r, along.T).T / lengths
    share = float(((along - along.mean(axis=0)) ** 2).sum()) / total if total > 0 else 0.0
    return Path(coordinates, residual, min(share, 1.0))


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
