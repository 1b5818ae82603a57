"""Reads long trajectories block by block, so that only a small part of them is copied at a time.

A trajectory ``[F, P]`` may be a file that is mapped into memory. For any F and P, at most :data:`BLOCK` of its numbers
are copied in float64 at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lossatlas.arrays import Float64, Floats

#: How many numbers of a trajectory are copied at a time, which is 16 MB.
BLOCK = 2**21


def split_frames(weights: Floats) -> Iterator[slice]:
    """Divide the frames of a trajectory ``[F, P]`` into slices."""
    count, size = weights.shape
    step = max(1, BLOCK // size)
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def split_columns(weights: Floats) -> Iterator[slice]:
    """Divide the columns of a trajectory ``[F, P]`` into slices."""
    count, size = weights.shape
    step = max(1, BLOCK // count)
    return (slice(start, min(start + step, size)) for start in range(0, size, step))


def centre_columns(weights: Floats) -> Iterator[Float64]:
    """Yield blocks ``[F, n]`` float64 of a trajectory ``[F, P]``, minus the mean over its frames."""
    count, size = weights.shape
    step = max(1, BLOCK // count)
    for start in range(0, size, step):
        block = np.asarray(weights[:, start : start + step], np.float64)
        yield block - block.mean(axis=0)


def find_singular_values(weights: Floats) -> tuple[Float64, Float64]:
    """Compute left singular vectors and singular values of a trajectory minus its mean.

    Let Cᵀ = QR be the QR decomposition of the centred rows C. It is computed block by block: the R of stacked blocks is
    the R of their stacked Rs (Demmel et al. 2012, "Communication-optimal parallel and sequential QR", section 3). The
    singular values are those of Rᵀ, an F × F matrix. The product CCᵀ is avoided, because it would halve the digits.

    Parameters
    ----------
    weights
        The trajectory ``[F, P]``, of any real dtype.

    Returns
    -------
    tuple
        Vectors ``[F, k]`` and values ``[k]``, float64.
    """
    triangle: Float64 = np.empty((0, len(weights)))
    for block in centre_columns(weights):
        triangle = np.asarray(np.linalg.qr(np.concatenate([triangle, block.T]), mode="r"))
    u, lengths, _ = np.linalg.svd(triangle.T, full_matrices=False)
    return u, lengths


def find_right_vectors(weights: Floats, u: Floats, lengths: Floats) -> Float64:
    """Compute right singular vectors ``[n, P]`` ``uᵀC / s`` from left ones ``[F, n]`` and singular values s ``[n]``."""
    scaled = (u / lengths).T
    return np.concatenate([scaled @ block for block in centre_columns(weights)], axis=1)


def compute_gram_matrix(weights: Floats) -> Float64:
    """Compute all products of the vectors ``theta_f - theta_last`` with one another, in one pass.

    Path, residuals, explained variance and principal components follow from these products. Products of the differences
    keep digits that products of theta itself would lose.

    Parameters
    ----------
    weights
        The trajectory ``[F, P]``, of any real dtype.

    Returns
    -------
    Float64
        The products ``[F, F]`` float64.
    """
    count, size = weights.shape
    gram = np.zeros((count, count))
    step = max(1, BLOCK // count)
    for start in range(0, size, step):
        block = np.asarray(weights[:, start : start + step], np.float64)
        block -= block[-1].copy()
        gram += block @ block.T
    return gram


def combine_frames(weights: Floats, coefficients: Float64) -> Float64:
    """Compute sums ``[n, P]`` of the frames of a trajectory ``[F, P]`` with coefficients ``[n, F]`` of sum 0."""
    count, size = weights.shape
    result = np.empty((len(coefficients), size))
    step = max(1, BLOCK // count)
    for start in range(0, size, step):
        block = np.asarray(weights[:, start : start + step], np.float64)
        result[:, start : start + step] = coefficients @ (block - block[-1])
    return result
