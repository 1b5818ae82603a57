"""Computes the smallest and largest eigenvalues of Hessians, and their eigenvectors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from lossatlas.arrays import AnyArray, Float64, Floats, Integers
from lossatlas.curvature.lanczos import MOST_VECTORS, find_extremes
from lossatlas.derivatives import Hessians, choose_chunk, dense_hessian, find_chunk_edges
from lossatlas.engine import one_blas_thread
from lossatlas.errors import LossAtlasError
from lossatlas.networks import Network
from lossatlas.rng import Draws, Stream

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator  # type: ignore[import-untyped]

#: Up to this many parameters, the whole matrix is computed, because that is faster than many products.
DENSE_LIMIT = 1_000
#: How many models are iterated together: limits of their memory in bytes, which fits the cache, and of their number.
_CHUNK_BYTES = 6 * 1024 * 1024
_MOST_MODELS = 16
#: The tolerance of eigsh, relative to the largest |eigenvalue|.
_PAIR_TOLERANCE = 1e-10


def hessian_operator(network: Network, theta: Floats, points: Floats, labels: Integers) -> LinearOperator:
    """Make the Hessian of one model as a linear operator of SciPy.

    Forward and backward passes are computed once, here. Each product then takes about as long as a gradient.

    Parameters
    ----------
    network
        The network.
    theta
        One model ``[P]``, in theta's order, of any real dtype.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.

    Returns
    -------
    LinearOperator
        The operator ``[P, P]``, float64, in theta's order.
    """
    from scipy.sparse.linalg import LinearOperator

    hessian = _make_hessians(network, np.asarray(theta)[None], points, labels)
    at_once = choose_chunk(network, len(points))

    def multiply(vectors: Floats) -> Floats:
        columns = network.pack(vectors.reshape(len(theta), -1).T.astype(np.float64))
        parts = [
            hessian.products(columns[start:stop]) for start, stop in pairwise(find_chunk_edges(len(columns), at_once))
        ]
        return network.unpack(np.concatenate(parts)).T.reshape(vectors.shape)

    shape = (network.parameter_count, network.parameter_count)
    return LinearOperator(shape, matvec=multiply, rmatvec=multiply, matmat=multiply, rmatmat=multiply, dtype=np.float64)


def extreme_eigenpairs(
    network: Network,
    theta: Floats,
    points: Floats,
    labels: Integers,
    count: int = 2,
    which: Literal["largest", "both"] = "largest",
) -> tuple[Float64, Float64]:
    """Compute extreme eigenvalues of the Hessian of one model, and their eigenvectors.

    Parameters
    ----------
    network
        The network.
    theta
        One model ``[P]``, in theta's order, of any real dtype.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.
    count
        The number of pairs, at most P.
    which
        ``"largest"`` means the largest eigenvalues. ``"both"`` means that one half is the largest (with one more if
        ``count`` is odd) and the other half is the smallest, both with their signs. Two are λ_max and λ_min.

    Returns
    -------
    tuple
        Eigenvalues ``[count]`` float64, descending, and eigenvectors ``[count, P]`` float64 in theta's order. The
        eigenvectors have length 1, and their component of largest magnitude is positive. Up to 1,000 parameters, they
        are computed from the whole matrix. Beyond that, they come from the implicitly restarted Lanczos method (ARPACK)
        with a fixed start, to 1e-10 of the largest |eigenvalue|.

    Raises
    ------
    LossAtlasError
        If ``count`` does not fit, the Hessian is not finite or is zero, or the Lanczos method does not converge.
    """
    parameters = network.parameter_count
    if not 1 <= count <= parameters:
        raise LossAtlasError(f"{count} eigenvectors of a Hessian [{parameters}, {parameters}]: take 1 to {parameters}")
    high = count if which == "largest" else count - count // 2
    low = count - high
    # eigsh cannot compute all pairs, and is not faster if it has to compute many of them.
    if parameters <= DENSE_LIMIT or 10 * count > parameters:
        values, vectors = _compute_dense_pairs(network, theta, points, labels)
        chosen = [*range(parameters - 1, parameters - high - 1, -1), *range(low - 1, -1, -1)]
        values, vectors = values[chosen], vectors[chosen]
    else:
        values, vectors = _compute_lanczos_pairs(network, theta, points, labels, high, low)
    largest = np.abs(vectors).argmax(axis=1)
    vectors *= np.sign(vectors[np.arange(count), largest])[:, None]
    return values, vectors


def extreme_eigenvalues(
    network: Network,
    models: Floats,
    points: Floats,
    labels: Integers,
    tolerance: float = 1e-6,
) -> tuple[Float64, Float64]:
    """Compute the smallest and largest eigenvalue of the Hessian of each model (Li et al. 2018, section 6).

    Parameters
    ----------
    network
        The network that all models share.
    models
        ``[B, P]``, in theta's order, of any real dtype. The computation uses float64.
    points, labels
        Inputs ``[N, features]`` of any real dtype, and true classes ``[N]``, integers.
    tolerance
        The largest allowed residual |Hv - λv|, relative to the larger |λ| of the model. The error of an eigenvalue is
        about its square: see :func:`lossatlas.curvature.lanczos.find_extremes`.

    Returns
    -------
    tuple
        ``(smallest, largest)``, ``[B]`` float64 each; NaN if a model is not finite or overflows. The results of a model
        do not depend on the other models, to the last bit. The memory that is needed does not grow with B.

    Raises
    ------
    LossAtlasError
        If the models do not fit, the tolerance is not within [1e-10, 0.1], or the Lanczos method does not converge.
    """
    _check(network, models, tolerance)
    start = draw_lanczos_start(network)
    state = 6 * sum(network.layers) * len(points) + 2 * min(MOST_VECTORS, len(start)) * len(start)
    at_once = int(np.clip(_CHUNK_BYTES // (8 * state), 1, _MOST_MODELS))
    smallest, largest = np.empty(len(models)), np.empty(len(models))
    with one_blas_thread:
        for first, last in pairwise(find_chunk_edges(len(models), at_once)):
            hessians = _make_hessians(network, models[first:last], points, labels)
            smallest[first:last], largest[first:last] = find_extremes(hessians, last - first, start, tolerance)
    return smallest, largest


def draw_lanczos_start(network: Network) -> Float64:
    """Draw the vector ``[P]`` float64 of normals, in packed order, from which every Lanczos iteration starts."""
    return network.pack(Draws(0, Stream.LANCZOS_START).normal(network.parameter_count)).astype(np.float64, copy=False)


@dataclass(frozen=True)
class Scaled:
    """The operators diag(s) H diag(s), with scales s ``[B, P]`` in packed order."""

    hessians: Hessians
    scales: Floats

    def products(self, vectors: Floats) -> Floats:
        """Compute one product for each operator, ``[B, P]`` from vectors ``[B, P]``."""
        return self.scales * self.hessians.products(self.scales * vectors)

    def select(self, models: AnyArray) -> Scaled:
        """Return the operators that a mask ``[B]`` bool selects."""
        return Scaled(self.hessians.select(models), self.scales[models])


def _make_hessians(network: Network, models: Floats, points: Floats, labels: Integers) -> Hessians:
    return Hessians(network, network.pack(np.asarray(models, np.float64)), points, labels)


def _check(network: Network, models: Floats, tolerance: float) -> None:
    if models.shape != (len(models), network.parameter_count) or not len(models):
        raise LossAtlasError(f"models of this network are [B ≥ 1, {network.parameter_count}], not {list(models.shape)}")
    if not 1e-10 <= tolerance <= 0.1:
        raise LossAtlasError(f"tolerance {tolerance:g} is not allowed; give a number from 1e-10 to 0.1")


def _compute_dense_pairs(network: Network, theta: Floats, points: Floats, labels: Integers) -> tuple[Float64, Float64]:
    """Compute all eigenvalues ``[P]``, ascending, and the eigenvectors ``[P, P]``, one per row."""
    with one_blas_thread:
        hessian = dense_hessian(network, theta, points, labels)
        _refuse_degenerate(np.abs(hessian).max())
        values, vectors = np.linalg.eigh(hessian)
    return values, np.ascontiguousarray(vectors.T)


def _compute_lanczos_pairs(
    network: Network, theta: Floats, points: Floats, labels: Integers, high: int, low: int
) -> tuple[Float64, Float64]:
    """Compute the ``high`` largest and the ``low`` smallest eigenvalues by the Lanczos method, descending.

    ARPACK's tolerance is relative to each eigenvalue, and eigenvalues near 0 would never reach it. With s = max |λ|,
    the largest eigenvalues of H + sI and of sI - H lie between s and 2s, so the tolerance is relative to s for both.

    Returns
    -------
    tuple
        Eigenvalues ``[high + low]`` and eigenvectors ``[high + low, P]``, float64, in theta's order.

    Raises
    ------
    LossAtlasError
        If the Hessian is not finite or is zero, or if ARPACK does not converge.
    """
    from scipy.sparse.linalg import ArpackError, eigsh

    operator = hessian_operator(network, theta, points, labels)
    start = network.unpack(draw_lanczos_start(network))
    with one_blas_thread:
        shift = max(map(abs, extreme_eigenvalues(network, np.asarray(theta)[None], points, labels, 1e-3)))[0]
        _refuse_degenerate(shift)
        pairs: list[tuple[Float64, Float64]] = []
        for sign, count in ((1.0, high), (-1.0, low)):
            if not count:
                continue
            shifted = _shift(operator, sign, shift)
            try:
                values, vectors = eigsh(shifted, k=count, which="LA", v0=start, tol=_PAIR_TOLERANCE, maxiter=500)
            except ArpackError as fault:
                raise LossAtlasError(f"the Hessian's eigenvectors could not be found: {fault}") from fault
            order = np.argsort(sign * (values - shift))[::-1]
            pairs.append((sign * (values - shift)[order], vectors.T[order]))
    return np.concatenate([values for values, _ in pairs]), np.concatenate([vectors for _, vectors in pairs])


def _shift(operator: LinearOperator, sign: float, shift: float) -> LinearOperator:
    from scipy.sparse.linalg import LinearOperator

    def product(vector: Floats) -> Floats:
        moved: Floats = sign * (operator @ vector) + shift * vector
        return moved

    return LinearOperator(operator.shape, matvec=product, dtype=np.float64)


def _refuse_degenerate(largest: float) -> None:
    """Refuse a Hessian without eigenvectors, given the largest absolute value of its elements."""
    if not np.isfinite(largest):
        raise LossAtlasError("the Hessian is not finite here: choose a model whose loss is")
    if largest == 0:
        raise LossAtlasError("the Hessian is zero here, so it has no special directions: choose another model")
