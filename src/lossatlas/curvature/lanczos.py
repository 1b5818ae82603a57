"""Computes the smallest and largest eigenvalues of many symmetric operators at once, by the Lanczos method.

Lanczos (1950) projects an operator H on the space that v, Hv, H²v, … span. The extreme eigenvalues of the projection T
(its Ritz values) approach those of H from inside. Here every new vector is made orthogonal to all others twice (Giraud
et al. 2005, "The loss of orthogonality in the Gram-Schmidt orthogonalization process"), so that no eigenvalue appears
twice. A space that is full keeps its outermost Ritz vectors and continues from them (thick restart: Wu and Simon 2000,
"Thick-restart Lanczos method for large symmetric eigenvalue problems").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from lossatlas.arrays import AnyArray, Float64, Floats, Integers
from lossatlas.errors import LossAtlasError

#: The number of vectors in a space before it is restarted, and how many of them are kept, half of them at each end.
MOST_VECTORS = 160
_KEPT = 40
#: The largest number of restarts, which is about 24,000 products.
_MOST_RESTARTS = 200
#: A remainder that is this small relative to the largest entry of T is only rounding. Then the space is closed, and its
#: eigenvalues are eigenvalues of H.
_CLOSED = 1e-12
_CLOSED_FLOAT32 = 1e-6
#: The number of steps before T is first examined, and the growth of the space until it is examined again.
_FIRST_LOOK, _GROWTH = 8, 1.3


class Operators(Protocol):
    """A batch of symmetric operators on ``[P]``."""

    def products(self, vectors: Floats) -> Floats:
        """Compute one product for each operator, ``[B, P]`` float64 from vectors ``[B, P]`` float64."""

    def select(self, models: AnyArray) -> Operators:
        """Return the operators that a mask ``[B]`` bool selects."""


def find_extremes(
    operators: Operators, count: int, start: Floats, tolerance: float, most: int = MOST_VECTORS
) -> tuple[Float64, Float64]:
    """Compute the smallest and the largest eigenvalue of each operator.

    An operator is done when both of its outermost Ritz pairs have a residual |Hy - θy| of at most
    ``tolerance · max(|θ_min|, |θ_max|)``. Some eigenvalue lies no further from θ than that, and in practice θ is much
    closer: its error is about residual² / gap (Parlett 1998, "The symmetric eigenvalue problem", theorem 11.7.1).
    Every operator is computed separately, so the results do not depend on the other operators of the batch.

    Parameters
    ----------
    operators
        The batch of operators, in float64.
    count
        B, the number of operators.
    start
        The first vector for all operators, ``[P]``. It must have a component along every eigenvector, so it should be
        random. All vectors have its precision: float32 halves the memory, for tolerances from 1e-5.
    tolerance
        The relative tolerance, at least 1e-10.
    most
        The number of vectors in a space before it is restarted. A smaller number takes less memory, but more products.

    Returns
    -------
    tuple
        The smallest and the largest eigenvalues, ``[B]`` float64 each; NaN if a product is not finite.

    Raises
    ------
    LossAtlasError
        If some operator is not done after 200 restarts.
    """
    result = np.full((2, count), np.nan)
    left = np.arange(count)
    spaces, restarts = _Spaces.start(count, start), 0
    while len(left):
        most = min(most, len(start))
        spaces = spaces.grow(operators, min(most, max(_FIRST_LOOK, int(spaces.size * _GROWTH))))
        values, residuals = spaces.find_ends()
        # An operator with NaN is done, too, because its comparison is false.
        done = ~(residuals > tolerance * np.abs(values).max(axis=0)).any(axis=0)
        result[:, left[done]] = values[:, done]
        if done.any():
            left, operators, spaces = left[~done], operators.select(~done), spaces.select(~done)
        if len(left) and spaces.size == most:
            restarts += 1
            if restarts > _MOST_RESTARTS:
                raise LossAtlasError(
                    f"the extreme eigenvalues of {len(left)} of {count} Hessians are not known to {tolerance:g} "
                    f"after {_MOST_RESTARTS} restarts of the Lanczos method: ask for a larger tolerance"
                )
            spaces = spaces.restart(_choose_kept(most))
    return result[0], result[1]


def extreme_pairs(
    operator: Operators,
    start: Floats,
    tolerance: float,
    which: Literal["largest", "both"] = "both",
    most: int = MOST_VECTORS,
) -> tuple[Float64, Float64]:
    """Compute two extreme eigenvalues of a single operator, and their eigenvectors.

    Parameters
    ----------
    operator
        A batch of one operator, in float64.
    start
        The first vector ``[P]``, which should be random. All vectors have its precision, float64 or float32.
    tolerance
        The largest residual, as a share of the largest |eigenvalue|.
    which
        ``"both"`` means the largest and the smallest eigenvalue, and ``"largest"`` means the two largest.
    most
        The number of vectors in the space before it is restarted.

    Returns
    -------
    tuple
        Eigenvalues ``[2]``, the larger one first, and eigenvectors ``[2, P]``, float64.

    Raises
    ------
    LossAtlasError
        If the operator is not finite or is zero, or if it is not done after 200 restarts.
    """
    ends = [-1, 0] if which == "both" else [-1, -2]
    spaces = _Spaces.start(1, start)
    most = min(most, len(start))
    for _ in range(_MOST_RESTARTS):
        while spaces.size < most:
            spaces = spaces.grow(operator, min(most, max(_FIRST_LOOK, int(spaces.size * _GROWTH))))
            size = int(spaces.sizes[0])
            projection = spaces.projections[0, :size, :size]
            if not (np.isfinite(projection).all() and np.isfinite(spaces.remainders[0])):
                raise LossAtlasError("the Hessian is not finite here: choose a model whose loss is")
            ritz, vectors = np.linalg.eigh(projection)
            scale = np.abs(ritz).max()
            if scale == 0 or size < 2:
                raise LossAtlasError("the Hessian is zero here, so it has no special directions: choose another model")
            if (np.abs(spaces.remainders[0] * vectors[-1, ends]) <= tolerance * scale).all():
                outer = vectors[:, ends].T.astype(start.dtype) @ spaces.basis[0, :size]
                return ritz[ends], outer.astype(np.float64)
        if spaces.size == len(start):
            break
        spaces = spaces.restart(_choose_kept(most))
    raise LossAtlasError(f"the Hessian's eigenvectors are not known to {tolerance:g}: ask for a larger tolerance")


def _choose_kept(most: int) -> int:
    """Return how many vectors of a full space are kept: a quarter of them, and an even number."""
    return max(4, _KEPT * most // MOST_VECTORS // 2 * 2)


@dataclass(frozen=True)
class _Spaces:
    """One Krylov space for each operator.

    Attributes
    ----------
    basis
        ``[B, size + 1, P]``: orthonormal vectors. The last one is the next direction of the space.
    projections
        ``[B, size, size]`` float64: T = basis · H · basisᵀ, without the last vector.
    remainders
        ``[B]`` float64: the length of the part of H's image that lies outside the space, along the last vector; 0 once
        the space is closed.
    sizes
        ``[B]`` int64: how many vectors of the basis are used: ``size``, or fewer if the space closed earlier.
    """

    basis: Floats
    projections: Float64
    remainders: Float64
    sizes: Integers

    @classmethod
    def start(cls, count: int, start: Floats) -> _Spaces:
        basis = np.tile(start / start.dtype.type(np.linalg.norm(start)), (count, 1, 1))
        return cls(basis, np.empty((count, 0, 0)), np.ones(count), np.zeros(count, np.int64))

    @property
    def size(self) -> int:
        return len(self.projections[0])

    def select(self, models: AnyArray) -> _Spaces:
        return _Spaces(self.basis[models], self.projections[models], self.remainders[models], self.sizes[models])

    def grow(self, operators: Operators, size: int) -> _Spaces:
        """Return the spaces grown to ``size`` vectors each. Each new vector takes one product."""
        kind = self.basis.dtype
        basis = np.empty((len(self.basis), size + 1, self.basis.shape[2]), kind)
        closed = _CLOSED if kind == np.float64 else _CLOSED_FLOAT32
        basis[:, : self.size + 1] = self.basis
        projections = np.zeros((len(basis), size, size))
        projections[:, : self.size, : self.size] = self.projections
        remainders, sizes = self.remainders.copy(), self.sizes.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(self.size, size):
                vectors = operators.products(basis[:, step]).astype(kind, copy=False)
                column = _orthogonalise(vectors, basis[:, : step + 1])
                projections[:, : step + 1, step] = projections[:, step, : step + 1] = column
                goes_on = np.isfinite(remainders) & (remainders > 0)
                sizes[goes_on] = step + 1
                remainders[goes_on] = _compute_lengths(vectors)[goes_on]
                remainders[remainders <= closed * np.abs(projections).max(axis=(1, 2))] = 0.0
                basis[:, step + 1] = vectors / np.where(remainders > 0, remainders, np.inf).astype(kind)[:, None]
        return _Spaces(basis, projections, remainders, sizes)

    def find_ends(self) -> tuple[Float64, Float64]:
        """Compute the smallest and largest Ritz values ``[2, B]``, and the residuals of their vectors ``[2, B]``."""
        values, residuals = np.full((2, 2, len(self.basis)), np.nan)
        for model, (projection, size) in enumerate(zip(self.projections, self.sizes, strict=True)):
            if np.isfinite(projection).all() and np.isfinite(self.remainders[model]):
                ritz, vectors = np.linalg.eigh(projection[:size, :size])
                values[:, model] = ritz[[0, -1]]
                residuals[:, model] = self.remainders[model] * np.abs(vectors[-1, [0, -1]])
        return values, residuals

    def restart(self, stay: int) -> _Spaces:
        """Return spaces of the ``stay`` outermost Ritz vectors, which can grow further. No space may be closed."""
        count, _, parameters = self.basis.shape
        basis, projections = np.empty((count, stay + 1, parameters), self.basis.dtype), np.zeros((count, stay, stay))
        for model in range(count):
            ritz, vectors = np.linalg.eigh(self.projections[model])
            kept = np.r_[: stay // 2, len(ritz) - stay // 2 : len(ritz)]
            basis[model, :-1] = vectors[:, kept].T.astype(basis.dtype) @ self.basis[model, :-1]
            np.fill_diagonal(projections[model], ritz[kept])
        basis[:, -1] = self.basis[:, -1]
        return _Spaces(basis, projections, self.remainders, np.full(count, stay))


def _orthogonalise(vectors: Floats, basis: Floats) -> Float64:
    """Make vectors ``[B, P]`` orthogonal to a basis ``[B, k, P]`` in place; return their components ``[B, k]``."""
    total = np.zeros(basis.shape[:2])
    for _ in range(2):
        parts = basis @ vectors[..., None]
        vectors -= (basis.swapaxes(1, 2) @ parts)[..., 0]
        total += parts[..., 0]
    return total


def _compute_lengths(vectors: Floats) -> Float64:
    lengths: Float64 = np.sqrt((vectors[:, None, :] @ vectors[..., None])[:, 0, 0])
    return lengths
