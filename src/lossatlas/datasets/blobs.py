"""The datasets ``blobs`` and ``corners``: two Gaussian blobs, and four in the corners of a square, classed as XOR."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.datasets.source import Source, classes_in_turn
from lossatlas.rng import Draws

_TWO_CENTRES = np.array([[-1.0, -1.0], [1.0, 1.0]])
#: Opposite corners share a class: Minsky and Papert (1969), "Perceptrons", the XOR problem.
_CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [1.0, -1.0]])


def _around(centres: Float64, which: Integers, noise: float, draws: Draws) -> Float64:
    return centres[which] + noise * draws.normal(len(which), 2)


def _two_blobs(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
    """Draw class k from N(c_k, noise² I), c₀ = (-1, -1), c₁ = (1, 1)."""
    labels = classes_in_turn(count, 2)
    return _around(_TWO_CENTRES, labels, noise, draws), labels


def _four_corners(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
    """Draw around the four corners (±1, ±1) with standard deviation ``noise``; class 1 where the signs differ."""
    corner = classes_in_turn(count, 4)
    return _around(_CORNERS, corner, noise, draws), corner % 2


TWO_BLOBS = Source(
    name="blobs",
    title="Two blobs",
    summary="Two Gaussian clouds that a straight line separates almost perfectly.",
    class_names=("lower left", "upper right"),
    sample=_two_blobs,
    default_noise=0.6,
)
FOUR_CORNERS = Source(
    name="corners",
    title="Four corners",
    summary="Four Gaussian clouds, opposite corners in one class: XOR, which no straight line can solve.",
    class_names=("same signs", "different signs"),
    sample=_four_corners,
    default_noise=0.35,
)
