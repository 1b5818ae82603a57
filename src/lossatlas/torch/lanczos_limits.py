"""Bounds the memory of a Lanczos iteration over the parameters of a large model."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Floats
from lossatlas.rng import Draws, Stream

#: How many bytes the vectors of an iteration may take. The space is copied while it grows, so a vector counts twice.
_BYTES = 2**30
#: The smallest number of vectors in a space, whatever they take, and the largest number.
_FEWEST, _MOST = 12, 160
#: If there is room for fewer vectors of float64 than this, they are float32: more restarts would take more products.
_FEW = 40


def limit_vectors(parameters: int) -> int:
    """Return how many vectors ``[P]`` a Lanczos iteration may hold before it is restarted."""
    return max(_FEWEST, min(_MOST, _BYTES // (2 * _precision(parameters).itemsize * parameters)))


def draw_start(parameters: int) -> Floats:
    """Draw the first vector ``[P]`` of an iteration, which is the same for every model of this size."""
    return Draws(0, Stream.LANCZOS_START).normal(parameters).astype(_precision(parameters), copy=False)


def _precision(parameters: int) -> np.dtype[np.floating]:
    return np.dtype(np.float64 if _BYTES // (16 * parameters) >= _FEW else np.float32)
