"""The training's path projected on a plane: where it lies, how much of it lies there, how much would by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossatlas.arrays import Float64, Floats
from lossatlas.engine import one_blas_thread
from lossatlas.planes.blocks import frame_blocks

#: A span leaves this much room around the path.
_ROOM = 1.25
#: Where the path hardly shows in a plane, its span is this share of the length of theta.
_LEAST = 0.05
#: The further spans of a plane, as shares of the first.
_ZOOMS = (1.0, 0.3, 0.1)


@dataclass(frozen=True)
class Path:
    """The trajectory projected on a plane.

    Attributes
    ----------
    coordinates
        ``[F, 2]`` float64: (a, b) of the point of the plane nearest to each frame's theta.
    residual
        ``[F]`` float64: how far theta is from that point, in parameter space.
    explained_variance
        Share of the trajectory's variance about its mean that lies along the plane: 1 where it lies in it wholly, 0
        where nothing moves.
    """

    coordinates: Float64
    residual: Float64
    explained_variance: float


def project(directions: Floats, weights: Floats, centre: Floats) -> Path:
    """Project a trajectory ``[F, P]`` on the plane through ``centre`` ``[P]`` along ``directions`` ``[2, P]``.

    The nearest point of ``centre + a·d_a + b·d_b`` is found by least squares, ``(a, b) = (D Dᵀ)⁻¹ D (θ - centre)``:
    products with d_a and d_b alone would be right for an orthonormal pair only. Memory does not grow with F.
    """
    basis = np.asarray(directions, np.float64)
    lengths = np.linalg.norm(basis, axis=1)
    origin = np.asarray(centre, np.float64)
    along, residual, total = np.empty((len(weights), 2)), np.empty(len(weights)), 0.0
    mean = np.zeros_like(origin)
    with one_blas_thread:  # the same bits wherever it runs
        # D = (QR)ᵀ, for unit directions, lest one much shorter than the other pass for none: Q spans the plane
        q, r = np.linalg.qr((basis / lengths[:, None]).T)
        for frames in frame_blocks(weights):
            steps = weights[frames] - origin
            along[frames] = steps @ q
            residual[frames] = np.linalg.norm(steps - along[frames] @ q.T, axis=1)
            mean += steps.sum(axis=0) / len(weights)
        for frames in frame_blocks(weights):
            total += float(((weights[frames] - origin - mean) ** 2).sum())
        coordinates: Float64 = np.linalg.solve(r, along.T).T / lengths
    share = float(((along - along.mean(axis=0)) ** 2).sum()) / total if total > 0 else 0.0
    return Path(coordinates, residual, min(share, 1.0))


def random_walk_variance(epochs: Sequence[int]) -> float:
    """Share of variance that PCA of a random walk puts into two components, in a space of many dimensions.

    A walk of independent steps, recorded at these epochs, has the covariance ``min(s, t)`` between any two of them; in
    the limit of many dimensions the shares are the eigenvalues of that matrix, centred, over their sum. For many evenly
    spaced epochs they tend to 6 / (π² k²): 60.8 %, 15.2 %, 6.8 %, … (Antognini and Sohl-Dickstein 2018, "PCA of high
    dimensional random walks with comparison to neural network training", section 2).
    """
    times = np.asarray(epochs, np.float64)
    covariance = np.minimum.outer(times, times)
    centring = np.eye(len(times)) - 1.0 / len(times)
    eigenvalues = np.linalg.eigvalsh(centring @ covariance @ centring)
    total = float(eigenvalues.sum())
    return float(eigenvalues[-2:].sum()) / total if total > 0 else 0.0


def fitting_spans(directions: Floats, shown: Sequence[Floats], centre: Floats) -> tuple[float, ...]:
    """Spans for a plane so that its widest shows all of some points, each ``[n, P]``, in two digits."""
    farthest = [np.abs(project(directions, points, centre).coordinates).max() for points in shown]
    reach = _ROOM * float(max(farthest))
    lengths = np.linalg.norm(np.asarray(directions, np.float64), axis=1)
    widest = max(reach, _LEAST * float(np.linalg.norm(centre)) / float(lengths.max()), 1e-6)
    return tuple(_two_digits(zoom * widest) for zoom in _ZOOMS)


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
