"""Bounds the memory of a Lanczos iteration over the parameters of a large model."""

from __future__ import annotations

from lossatlas.arrays import Float64
from lossatlas.rng import Draws, Stream

#: The largest number of bytes for the vectors of an iteration. They count twice, because they are copied at times.
_BYTES = 2**30
#: The smallest and the largest number of vectors. The smallest holds for any size.
_FEWEST, _MOST = 12, 160


def most_vectors(parameters: int) -> int:
    """Return the number of vectors ``[P]`` that a Lanczos iteration may hold before it restarts."""
    return max(_FEWEST, min(_MOST, _BYTES // (16 * parameters)))


def draw_start(parameters: int) -> Float64:
    """Draw the first vector ``[P]`` of an iteration. It is the same for all models of this size."""
    return Draws(0, Stream.LANCZOS_START).normal(parameters)
