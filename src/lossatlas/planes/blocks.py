"""Reading a long trajectory some frames, or some parameters, at a time, so that it is not in memory twice.

A trajectory ``[F, P]`` may be a file that is mapped. What is copied of it, in float64, is :data:`BLOCK` numbers at a
time, whatever F and P are.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lossatlas.arrays import Float64, Floats

#: Numbers of a trajectory that are copied at a time: 16 MB of them.
BLOCK = 2**21


def frame_blocks(weights: Floats) -> Iterator[slice]:
    """Slices of the frames of ``weights`` ``[F, P]``."""
    count, size = weights.shape
    step = max(1, BLOCK // size)
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def centre_columns(weights: Floats) -> Iterator[Float64]:
    """All parameters of ``weights`` ``[F, P]`` less their mean over the frames, as blocks ``[F, some]``."""
    count, size = weights.shape
    step = max(1, BLOCK // count)
    for start in range(0, size, step):
        block = np.asarray(weights[:, start : start + step], np.float64)
        yield block - block.mean(axis=0)


def singular_values(weights: Floats) -> tuple[Float64, Float64]:
    """Left singular vectors ``[F, k]`` and singular values ``[k]`` of a trajectory ``[F, P]`` less its mean.

    With the QR decomposition ``Cᵀ = QR`` of the centred rows C, found block by block (the R of stacked blocks is the R
    of their stacked Rs: Demmel et al. 2012, "Communication-optimal parallel and sequential QR", section 3), they are
    those of Rᵀ, an F × F matrix. No product CCᵀ, which would halve the digits.
    """
    triangle: Float64 = np.empty((0, len(weights)))
    for block in centre_columns(weights):
        triangle = np.asarray(np.linalg.qr(np.concatenate([triangle, block.T]), mode="r"))
    u, lengths, _ = np.linalg.svd(triangle.T, full_matrices=False)
    return u, lengths


def right_vectors(weights: Floats, u: Floats, lengths: Floats) -> Float64:
    """Right singular vectors ``[n, P]``, ``uᵀC / s``, of some of these values ``[n]``, none of them 0."""
    scaled = (u / lengths).T
    return np.concatenate([scaled @ block for block in centre_columns(weights)], axis=1)


def gram_matrix(weights: Floats) -> Float64:
    """Products ``[F, F]`` of ``theta_f - theta_last`` with one another, for a trajectory ``[F, P]``.

    In one pass. Path, residuals, explained variance and principal components follow from them alone, and the
    differences from where training ended keep the digits that products of theta itself would lose.
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
    """Sums over the frames ``[n, P]``, of coefficients ``[n, F]`` that add up to 0, of a trajectory ``[F, P]``."""
    count, size = weights.shape
    result = np.empty((len(coefficients), size))
    step = max(1, BLOCK // count)
    for start in range(0, size, step):
        block = np.asarray(weights[:, start : start + step], np.float64)
        result[:, start : start + step] = coefficients @ (block - block[-1])
    return result
