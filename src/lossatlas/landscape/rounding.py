"""Rounding losses before they are stored: they compress well, and show nothing that is not there.

Of all float32 numbers within the tolerance of a loss, the one with the most trailing zero bits is stored. A zeroed bit
compresses away while the array stays plain float32 (Zender 2016, "Bit Grooming", section 3); that the tolerance is a
width, and not a number of bits, lets it follow what a surface has to show.

Both ends of that width grow with the loss, and of two overlapping widths no one has a simplest number on the wrong side
of the other's: so rounding keeps order. Hence a region {loss ≤ t} of a stored surface is one of the exact surface, and
no minimum, maximum or level line appears where there was none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lossatlas.arrays import Float32, Float64, Floats

#: Error of a stored loss at most, as a share of the surface's variation around its centre …
OF_VARIATION = 1e-4
#: … and as a share of the loss itself, so that small losses keep their place on a logarithmic scale.
OF_LOSS = 2.0**-12
_Numbers = Floats | np.floating[Any]
_LARGEST = float(np.finfo(np.float32).max)


def round_losses(losses: Float32, centre: _Numbers, variation: _Numbers) -> Float32:
    """Round losses for storing, each within both tolerances and on its side of the centre's loss.

    Parameters
    ----------
    losses
        Of any shape, float32; infinities, NaN and what is negative stay as they are.
    centre
        The loss at the centre of the surface that each belongs to; broadcast. A loss equal to it stays as it is.
    variation
        How much that surface varies: the error is at most :data:`OF_VARIATION` of it. Where it is not finite,
        :data:`OF_LOSS` alone counts.
    """
    finite = np.isfinite(losses) & (losses >= 0)
    exact = np.where(finite, losses, 0).astype(np.float64)
    tolerance = np.minimum(OF_LOSS * exact, OF_VARIATION * np.where(np.isfinite(variation), variation, np.inf))
    kept = simplest_within(exact - tolerance, np.minimum(exact + tolerance, _LARGEST))
    kept = np.where(losses > centre, np.maximum(kept, centre), np.minimum(kept, centre)).astype(np.float32)
    return np.where(finite & (losses != centre), kept, losses)


def simplest_within(lowest: Float64, highest: Float64) -> Float32:
    """Of the float32 numbers from ``lowest`` to ``highest`` the one with the most trailing zero bits.

    There must be one in each of the closed intervals, and none may reach below 0. The simplest is unique: between two
    numbers with equally many zeros lies one with more. It is where the words of both ends first differ, from the left.
    """
    low, high = lowest.astype(np.float32), highest.astype(np.float32)
    low = np.where(low < lowest, np.nextafter(low, np.float32(np.inf)), low)
    high = np.where(high > highest, np.nextafter(high, np.float32(0)), high)
    word = high.view(np.uint32)
    differing = (low.view(np.uint32) - np.uint32(1)) ^ word
    for shift in (1, 2, 4, 8, 16):  # ones from the first bit that differs on
        differing |= differing >> np.uint32(shift)
    kept: Float32 = (word & ~(differing >> np.uint32(1))).view(np.float32)
    return kept
