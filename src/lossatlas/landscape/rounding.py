"""Rounds losses before they are stored, so that they compress well, without changing the shape of a surface.

Of all float32 numbers within the tolerance of a loss, the one with the most trailing zero bits is stored. Zero bits
compress well, and the array is still plain float32 (Zender 2016, "Bit Grooming", section 3). The tolerance is an
interval and not a number of bits, so that it can depend on how much a surface varies.

Both ends of the interval grow with the loss, and if two intervals overlap, the simplest numbers in them are in the same
order as the losses. So rounding keeps the order of the losses. Therefore each region {loss ≤ t} of a stored surface is
also such a region of the exact surface, and rounding adds no minimum, maximum or level line.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lossatlas.arrays import Float32, Float64, Floats

#: The largest error of a stored loss as a share of the variation of its surface around the centre.
OF_VARIATION = 1e-4
#: The largest error as a share of the loss itself, so that small losses keep their place on a logarithmic scale.
OF_LOSS = 2.0**-12
_Numbers = Floats | np.floating[Any]
_LARGEST = float(np.finfo(np.float32).max)


def round_losses(losses: Float32, centre: _Numbers, variation: _Numbers) -> Float32:
    """Round losses within both tolerances. No loss moves to the other side of the loss at the centre.

    Parameters
    ----------
    losses
        Losses of any shape, float32. Infinities, NaN and negative losses are not changed.
    centre
        The loss at the centre of the surface of each loss; it is broadcast. Losses equal to it are not changed.
    variation
        The variation of that surface; it is broadcast. The error is at most :data:`OF_VARIATION` of it. If it is not
        finite, only :data:`OF_LOSS` applies.

    Returns
    -------
    Float32
        The rounded losses, of the same shape.
    """
    finite = np.isfinite(losses) & (losses >= 0)
    exact = np.where(finite, losses, 0).astype(np.float64)
    tolerance = np.minimum(OF_LOSS * exact, OF_VARIATION * np.where(np.isfinite(variation), variation, np.inf))
    kept = find_simplest_within(exact - tolerance, np.minimum(exact + tolerance, _LARGEST))
    kept = np.where(losses > centre, np.maximum(kept, centre), np.minimum(kept, centre)).astype(np.float32)
    return np.where(finite & (losses != centre), kept, losses)


def find_simplest_within(lowest: Float64, highest: Float64) -> Float32:
    """Find the float32 number with the most trailing zero bits in each interval.

    This number is unique, because between two numbers with equally many zeros lies one with more. Its bits agree with
    both ends of the interval up to the first bit in which the ends differ.

    Parameters
    ----------
    lowest, highest
        The ends of the closed intervals, of any shape, float64 and not negative. Each interval must contain a float32
        number.

    Returns
    -------
    Float32
        The numbers, of the same shape.
    """
    low, high = lowest.astype(np.float32), highest.astype(np.float32)
    low = np.where(low < lowest, np.nextafter(low, np.float32(np.inf)), low)
    high = np.where(high > highest, np.nextafter(high, np.float32(0)), high)
    word = high.view(np.uint32)
    differing = (low.view(np.uint32) - np.uint32(1)) ^ word
    for shift in (1, 2, 4, 8, 16):  # set all bits after the first one that differs
        differing |= differing >> np.uint32(shift)
    kept: Float32 = (word & ~(differing >> np.uint32(1))).view(np.float32)
    return kept
