"""Random numbers that a program in any language can reproduce.

The generator is Philox4x64-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") with the key
(seed, stream). It gives 64-bit words, and the upper 53 bits of each word make a uniform double in [0, 1). All other
distributions are computed from those doubles.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from lossatlas.arrays import Float64, Integers


class Stream(IntEnum):
    """The purposes that numbers are drawn for.

    The streams of one seed are independent of each other. The values are part of the run format.
    """

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
        """Draw doubles in [low, high), one word for each, in C order."""
        return low + (high - low) * self._doubles.random(shape)

    def skip(self, count: int) -> None:
        """Continue as if ``count`` doubles had been drawn. Call it only before the first number is drawn."""
        self._words.advance(count // 4)  # Philox computes four words at a time
        self.uniform(count % 4)

    def normal(self, *shape: int) -> Float64:
        """Draw standard normals by the method of Box and Muller (1958).

        The first half of the uniform numbers gives the radii, and the second half gives the angles. Only the cosine
        branch is used, so each normal takes two uniform numbers and there is no state between calls.

        Returns
        -------
        Float64
            Normals of the given shape, float64.
        """
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(*shape)))
        return radius * np.cos(2.0 * np.pi * self.uniform(*shape))

    def permutation(self, count: int) -> Integers:
        """Draw an order ``[count]`` of ``count`` items: the stable argsort of ``count`` uniform numbers."""
        return np.argsort(self.uniform(count), kind="stable")
