"""The datasets ``blobs`` (two Gaussian blobs) and ``corners`` (four blobs with the classes of XOR)."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.datasets.source import Source, cycle_classes
from lossatlas.rng import Draws

_TWO_CENTRES = np.array([[-1.0, -1.0], [1.0, 1.0]])
#: Opposite corners have the same class. This is the XOR problem of Minsky and Papert (1969), "Perceptrons".
_CORNERS = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, 1.0], [1.0, -1.0]])


def _draw_around(centres: Float64, which: Integers, noise: float, draws: Draws) -> Float64:
    return centres[which] + noise * draws.normal(len(which), 2)


def _draw_two_blobs(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
    """Draw class k from N(c_k, noise² I) with c₀ = (-1, -1) and c₁ = (1, 1)."""
    labels = cycle_classes(count, 2)
    return _draw_around(_TWO_CENTRES, labels, noise, draws), labels


def _draw_four_corners(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
    """Draw around the corners (±1, ±1) with standard deviation ``noise``. The class is 1 where the signs differ."""
    corner = cycle_classes(count, 4)
    return _draw_around(_CORNERS, corner, noise, draws), corner % 2


TWO_BLOBS = Source(
    name="blobs",
    title="Two blobs",
    summary="Two Gaussian clouds that a straight line separates almost perfectly.",
    class_names=("lower left", "upper right"),
    sample=_draw_two_blobs,
    default_noise=0.6,
)
FOUR_CORNERS = Source(
    name="corners",
    title="Four corners",
    summary="Four Gaussian clouds, opposite corners in one class: XOR, which no straight line can solve.",
    class_names=("same signs", "different signs"),
    sample=_draw_four_corners,
    default_noise=0.35,
)
