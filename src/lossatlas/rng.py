"""Random numbers that any language can draw again.

Philox4x64-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), keyed by (seed, stream), gives
64-bit words; the upper 53 bits of each make a uniform double in [0, 1). Everything else is made of those doubles.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from lossatlas.arrays import Float64, Integers


class Stream(IntEnum):
    """What a number is drawn for. Streams of one seed are independent; the values are part of the run format."""

    POINTS = 0
    SPLIT = 1
    WEIGHTS = 2
    BATCHES = 3
    DIRECTION_A = 4
    DIRECTION_B = 5
    LANCZOS_START = 6
    TRACE_PROBES = 7


class Draws:
    """A reproducible sequence of random numbers: ``Draws(seed, Stream.POINTS)``."""

    def __init__(self, seed: int, stream: Stream) -> None:
        self._words = np.random.Philox(key=np.array([seed, stream], dtype=np.uint64))
        self._doubles = np.random.Generator(self._words)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Float64:
        """Doubles in [low, high), one word each, in C order."""
        return low + (high - low) * self._doubles.random(shape)

    def skip(self, count: int) -> None:
        """Go on as if ``count`` doubles had been drawn; only before the first one is. Philox gives them by fours."""
        self._words.advance(count // 4)
        self.uniform(count % 4)

    def normal(self, *shape: int) -> Float64:
        """Standard normals by Box and Muller (1958): radii from the first half of the draws, angles from the rest.

        Only the cosine branch is used: two uniforms a normal, no state between calls.
        """
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(*shape)))
        return radius * np.cos(2.0 * np.pi * self.uniform(*shape))

    def permutation(self, count: int) -> Integers:
        """Order of ``count`` items: the stable argsort of as many uniforms."""
        return np.argsort(self.uniform(count), kind="stable")
