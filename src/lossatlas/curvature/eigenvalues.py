"""Eigenvalues and eigenvectors at the two ends of a Hessian's spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from lossatlas.arrays import AnyArray, Float64, Floats, Integers
from lossatlas.curvature.lanczos import MOST_VECTORS, extremes
from lossatlas.derivatives import Hessians, choose_chunk, dense_hessian, find_chunk_edges
from lossatlas.engine import one_blas_thread
from lossatlas.errors import LossAtlasError
from lossatlas.networks import Network
from lossatlas.rng import Draws, Stream

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator  # type: ignore[import-untyped]

#: Up to this many parameters the whole matrix is taken: it is quicker then than many products.
DENSE_LIMIT = 1_000
#: Models that are iterated together: in bytes, so that they stay in cache, and in number.
_CHUNK_BYTES = 6 * 1024 * 1024
_MOST_MODELS = 16
#: Of eigsh, relative to the largest |eigenvalue|.
_PAIR_TOLERANCE = 1e-10


def hessian_operator(network: Network, theta: Floats, points: Floats, labels: Integers) -> LinearOperator:
    """The Hessian of one model ``[P]`` as SciPy's linear operator ``[P, P]``, float64, in theta's order.

    Forward and backward passes are done here, once; each product then takes about as long as a gradient.
    """
    from scipy.sparse.linalg import LinearOperator

    hessian = _hessians(network, np.asarray(theta)[None], points, labels)
    at_once = choose_chunk(network, len(points))

    def products(vectors: Floats) -> Floats:
        columns = network.pack(vectors.reshape(len(theta), -1).T.astype(np.float64))
        parts = [
            hessian.products(columns[start:stop]) for start, stop in pairwise(find_chunk_edges(len(columns), at_once))
        ]
        return network.unpack(np.concatenate(parts)).T.reshape(vectors.shape)

    shape = (network.parameter_count, network.parameter_count)
    return LinearOperator(shape, matvec=products, rmatvec=products, matmat=products, rmatmat=products, dtype=np.float64)


def extreme_eigenpairs(
    network: Network,
    theta: Floats,
    points: Floats,
    labels: Integers,
    count: int = 2,
    which: Literal["largest", "both"] = "largest",
) -> tuple[Float64, Float64]:
    """Extreme eigenvalues of the Hessian of one model ``[P]``, and their eigenvectors.

    Parameters
    ----------
    network, theta, points, labels
        The model, its inputs ``[N, features]`` and their true classes ``[N]``.
    count
        How many pairs, at most P.
    which
        ``"largest"``: the largest eigenvalues. ``"both"``: half of them (and one more, if ``count`` is odd) the
        largest, the other half the smallest, both algebraically; with two, λ_max and λ_min.

    Returns
    -------
    Eigenvalues ``[count]``, descending, and eigenvectors ``[count, P]`` in theta's order, of length 1, each with its
    component of largest magnitude positive. Up to 1,000 parameters they are those of the whole matrix; beyond they come
    from implicitly restarted Lanczos (ARPACK), to 1e-10 of the largest |eigenvalue|, from a fixed start.

    Raises
    ------
    LossAtlasError
        ``count`` does not fit; the Hessian is not finite, or zero, and has no such directions; Lanczos does not end.
    """
    parameters = network.parameter_count
    if not 1 <= count <= parameters:
        raise LossAtlasError(f"{count} eigenvectors of a Hessian [{parameters}, {parameters}]: take 1 to {parameters}")
    high = count if which == "largest" else count - count // 2
    low = count - high
    # eigsh wants fewer pairs than there are, and is no gain where it wants many of them
    if parameters <= DENSE_LIMIT or 10 * count > parameters:
        values, vectors = _dense_pairs(network, theta, points, labels)
        chosen = [*range(parameters - 1, parameters - high - 1, -1), *range(low - 1, -1, -1)]
        values, vectors = values[chosen], vectors[chosen]
    else:
        values, vectors = _lanczos_pairs(network, theta, points, labels, high, low)
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
    """Smallest and largest eigenvalue of the Hessian of each of many models, as Li et al. (2018, section 6) map them.

    Parameters
    ----------
    network
        The network all models share.
    models
        ``[B, P]``, in theta's order, of any floating dtype; computed in float64.
    points, labels
        Inputs ``[N, features]`` and true classes ``[N]``.
    tolerance
        A bound of both residuals |Hv - λv|, relative to the larger |λ| of the model. The error of an eigenvalue is
        about its square: see :func:`lossatlas.curvature.lanczos.extremes`.

    Returns
    -------
    ``(smallest [B], largest [B])``, float64; NaN where a model is not finite or overflows. Equal to the last bit
    whatever other models there are; what is in memory at a time does not grow with B.

    Raises
    ------
    LossAtlasError
        The models do not fit, the tolerance is not within [1e-10, 0.1], or Lanczos does not end.
    """
    _check(network, models, tolerance)
    start = lanczos_start(network)
    state = 6 * sum(network.layers) * len(points) + 2 * min(MOST_VECTORS, len(start)) * len(start)
    at_once = int(np.clip(_CHUNK_BYTES // (8 * state), 1, _MOST_MODELS))
    smallest, largest = np.empty(len(models)), np.empty(len(models))
    with one_blas_thread:
        for first, last in pairwise(find_chunk_edges(len(models), at_once)):
            hessians = _hessians(network, models[first:last], points, labels)
            smallest[first:last], largest[first:last] = extremes(hessians, last - first, start, tolerance)
    return smallest, largest


def lanczos_start(network: Network) -> Float64:
    """Where every Lanczos iteration starts: one fixed vector ``[P]`` of normals, in packed order."""
    return network.pack(Draws(0, Stream.LANCZOS_START).normal(network.parameter_count)).astype(np.float64, copy=False)


@dataclass(frozen=True)
class Scaled:
    """The operators diag(s) H diag(s), for scales ``[B, P]`` in packed order."""

    hessians: Hessians
    scales: Floats

    def products(self, vectors: Floats) -> Floats:
        """One product each, ``[B, P]``."""
        return self.scales * self.hessians.products(self.scales * vectors)

    def select(self, models: AnyArray) -> Scaled:
        """Those of a mask ``[B]``."""
        return Scaled(self.hessians.select(models), self.scales[models])


def _hessians(network: Network, models: Floats, points: Floats, labels: Integers) -> Hessians:
    return Hessians(network, network.pack(np.asarray(models, np.float64)), points, labels)


def _check(network: Network, models: Floats, tolerance: float) -> None:
    if models.shape != (len(models), network.parameter_count) or not len(models):
        raise LossAtlasError(f"models of this network are [B ≥ 1, {network.parameter_count}], not {list(models.shape)}")
    if not 1e-10 <= tolerance <= 0.1:
        raise LossAtlasError(f"tolerance {tolerance:g} is out of reach or no tolerance; take one from 1e-10 to 0.1")


def _dense_pairs(network: Network, theta: Floats, points: Floats, labels: Integers) -> tuple[Float64, Float64]:
    """All eigenvalues ``[P]``, ascending, and eigenvectors ``[P, P]``, one a row."""
    with one_blas_thread:
        hessian = dense_hessian(network, theta, points, labels)
        _refuse(np.abs(hessian).max())
        values, vectors = np.linalg.eigh(hessian)
    return values, np.ascontiguousarray(vectors.T)


def _lanczos_pairs(
    network: Network, theta: Floats, points: Floats, labels: Integers, high: int, low: int
) -> tuple[Float64, Float64]:
    """The ``high`` largest and the ``low`` smallest, descending.

    ARPACK's tolerance is relative to each eigenvalue, and those near 0 would never reach it. With s = max |λ|, the
    upper ends of H + sI and of sI - H lie between s and 2s, so that it is relative to s for either end of H.
    """
    from scipy.sparse.linalg import ArpackError, eigsh

    operator = hessian_operator(network, theta, points, labels)
    start = network.unpack(lanczos_start(network))
    with one_blas_thread:
        shift = max(map(abs, extreme_eigenvalues(network, np.asarray(theta)[None], points, labels, 1e-3)))[0]
        _refuse(shift)
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


def _refuse(largest: float) -> None:
    """Say why a Hessian whose largest absolute number is this has no directions worth following."""
    if not np.isfinite(largest):
        raise LossAtlasError("the Hessian is not finite here: choose a model whose loss is")
    if largest == 0:
        raise LossAtlasError("the Hessian is zero here, so that no direction is special: choose another model")
