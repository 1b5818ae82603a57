"""The two ends of the spectra of many symmetric operators at once, by the Lanczos method.

Lanczos (1950) projects an operator H on the space that v, Hv, H²v, … span; the extreme eigenvalues of the projection T
(its Ritz values) approach those of H from within. Here every new vector is made orthogonal to all others, twice
(Giraud et al. 2005, "The loss of orthogonality in the Gram-Schmidt orthogonalization process"), so that no eigenvalue
appears twice; and a space that is full keeps its outermost Ritz vectors and goes on (thick restart: Wu and Simon 2000,
"Thick-restart Lanczos method for large symmetric eigenvalue problems").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from lossatlas.arrays import AnyArray, Float64, Floats, Integers
from lossatlas.errors import LossAtlasError

#: Vectors in a space before it is restarted, and how many of them stay, half of them at each end.
MOST_VECTORS = 160
_KEPT = 40
#: Restarts before giving up: about 24,000 products.
_MOST_RESTARTS = 200
#: A remainder this small against the largest entry of T is rounding: the space is closed, its eigenvalues are H's own.
_CLOSED = 1e-12
#: Steps before the first look at T, and growth of the space between looks.
_FIRST_LOOK, _GROWTH = 8, 1.3


class Operators(Protocol):
    """A batch of symmetric operators on ``[P]``."""

    def products(self, vectors: Floats) -> Floats:
        """One product each, ``[B, P]`` of ``[B, P]``."""

    def select(self, models: AnyArray) -> Operators:
        """Those of a mask ``[B]``."""


def extremes(
    operators: Operators, count: int, start: Float64, tolerance: float, most: int = MOST_VECTORS
) -> tuple[Float64, Float64]:
    """Smallest and largest eigenvalue, ``[B]`` each, of B = ``count`` operators; NaN where a product is not finite.

    An operator is done when both of its outermost Ritz pairs have a residual |Hy - θy| of at most
    ``tolerance · max(|θ_min|, |θ_max|)``. Some eigenvalue lies no further from θ than that, and in practice θ is far
    closer: its error is about residual² / gap (Parlett 1998, "The symmetric eigenvalue problem", theorem 11.7.1).
    Everything is computed for each operator alone, so the others in the batch do not change a bit of the result.

    Parameters
    ----------
    operators
        The batch, in float64.
    count
        B.
    start
        Where all of them start, ``[P]``, with a part in every eigenvector: random.
    tolerance
        Relative, see above; at least 1e-10.
    most
        Vectors in a space before it is restarted: fewer where memory is short, and then more products.

    Raises
    ------
    LossAtlasError
        Some operator is not done after 200 restarts.
    """
    result = np.full((2, count), np.nan)
    left = np.arange(count)
    spaces, restarts = _Spaces.start(count, start), 0
    while len(left):
        most = min(most, len(start))
        spaces = spaces.grow(operators, min(most, max(_FIRST_LOOK, int(spaces.size * _GROWTH))))
        values, residuals = spaces.ends()
        # written so that what is not a number is done as well
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
            spaces = spaces.restart(_kept_of(most))
    return result[0], result[1]


def extreme_pairs(
    operator: Operators,
    start: Float64,
    tolerance: float,
    which: Literal["largest", "both"] = "both",
    most: int = MOST_VECTORS,
) -> tuple[Float64, Float64]:
    """Two extreme eigenvalues ``[2]``, the larger one first, and eigenvectors ``[2, P]`` of a single operator.

    ``"both"`` are the largest and the smallest, ``"largest"`` the two largest. The residual of each is at most
    ``tolerance`` of the largest in size.

    Raises
    ------
    LossAtlasError
        The operator is not finite, or zero; or it is not done after 200 restarts.
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
                raise LossAtlasError("the Hessian is zero here, so that no direction is special: choose another model")
            if (np.abs(spaces.remainders[0] * vectors[-1, ends]) <= tolerance * scale).all():
                return ritz[ends], vectors[:, ends].T @ spaces.basis[0, :size]
        if spaces.size == len(start):
            break
        spaces = spaces.restart(_kept_of(most))
    raise LossAtlasError(f"the Hessian's eigenvectors are not known to {tolerance:g}: ask for a larger tolerance")


def _kept_of(most: int) -> int:
    """How many vectors stay of a full space: an even number, a quarter of them."""
    return max(4, _KEPT * most // MOST_VECTORS // 2 * 2)


@dataclass(frozen=True)
class _Spaces:
    """One Krylov space for each operator.

    Attributes
    ----------
    basis
        ``[B, size + 1, P]``: orthonormal vectors; the last is where the space grows next.
    projections
        T, ``[B, size, size]``: basis · H · basisᵀ, without the last vector.
    remainders
        ``[B]``: length of what H leads to outside the space, along the last vector; 0 once the space is closed.
    sizes
        ``[B]``: how many vectors of the basis count: ``size``, or those there were when the space closed.
    """

    basis: Float64
    projections: Float64
    remainders: Float64
    sizes: Integers

    @classmethod
    def start(cls, count: int, start: Float64) -> _Spaces:
        basis = np.tile(start / np.linalg.norm(start), (count, 1, 1))
        return cls(basis, np.empty((count, 0, 0)), np.ones(count), np.zeros(count, np.int64))

    @property
    def size(self) -> int:
        return len(self.projections[0])

    def select(self, models: AnyArray) -> _Spaces:
        return _Spaces(self.basis[models], self.projections[models], self.remainders[models], self.sizes[models])

    def grow(self, operators: Operators, size: int) -> _Spaces:
        """The spaces with ``size`` vectors each, one product a vector."""
        basis = np.empty((len(self.basis), size + 1, self.basis.shape[2]))
        basis[:, : self.size + 1] = self.basis
        projections = np.zeros((len(basis), size, size))
        projections[:, : self.size, : self.size] = self.projections
        remainders, sizes = self.remainders.copy(), self.sizes.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(self.size, size):
                vectors = operators.products(basis[:, step])
                column = _orthogonalise(vectors, basis[:, : step + 1])
                projections[:, : step + 1, step] = projections[:, step, : step + 1] = column
                goes_on = np.isfinite(remainders) & (remainders > 0)
                sizes[goes_on] = step + 1
                remainders[goes_on] = _lengths(vectors)[goes_on]
                remainders[remainders <= _CLOSED * np.abs(projections).max(axis=(1, 2))] = 0.0
                basis[:, step + 1] = vectors / np.where(remainders > 0, remainders, np.inf)[:, None]
        return _Spaces(basis, projections, remainders, sizes)

    def ends(self) -> tuple[Float64, Float64]:
        """Smallest and largest Ritz value, ``[2, B]``, and the residuals of their vectors, ``[2, B]``."""
        values, residuals = np.full((2, 2, len(self.basis)), np.nan)
        for model, (projection, size) in enumerate(zip(self.projections, self.sizes, strict=True)):
            if np.isfinite(projection).all() and np.isfinite(self.remainders[model]):
                ritz, vectors = np.linalg.eigh(projection[:size, :size])
                values[:, model] = ritz[[0, -1]]
                residuals[:, model] = self.remainders[model] * np.abs(vectors[-1, [0, -1]])
        return values, residuals

    def restart(self, stay: int) -> _Spaces:
        """Spaces of the outermost Ritz vectors alone, which go on where these would have; none of them is closed."""
        count, _, parameters = self.basis.shape
        basis, projections = np.empty((count, stay + 1, parameters)), np.zeros((count, stay, stay))
        for model in range(count):
            ritz, vectors = np.linalg.eigh(self.projections[model])
            kept = np.r_[: stay // 2, len(ritz) - stay // 2 : len(ritz)]
            basis[model, :-1] = vectors[:, kept].T @ self.basis[model, :-1]
            np.fill_diagonal(projections[model], ritz[kept])
        basis[:, -1] = self.basis[:, -1]
        return _Spaces(basis, projections, self.remainders, np.full(count, stay))


def _orthogonalise(vectors: Floats, basis: Float64) -> Float64:
    """Take from vectors ``[B, P]``, in place, what lies in the span of ``[B, k, P]``; gives how much, ``[B, k]``."""
    total = np.zeros(basis.shape[:2])
    for _ in range(2):
        parts = basis @ vectors[..., None]
        vectors -= (basis.swapaxes(1, 2) @ parts)[..., 0]
        total += parts[..., 0]
    return total


def _lengths(vectors: Floats) -> Float64:
    lengths: Float64 = np.sqrt((vectors[:, None, :] @ vectors[..., None])[:, 0, 0])
    return lengths
