"""The dataset ``moons``: two interleaving half circles."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.datasets.source import Source, classes_in_turn
from lossatlas.rng import Draws


def _half_moons(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
    """Draw t ~ U(0, π): class 0 at (cos t, sin t), class 1 at (1 - cos t, ½ - sin t), plus N(0, noise² I).

    The curves of scikit-learn's ``make_moons``, with random rather than evenly spaced angles.
    """
    labels = classes_in_turn(count, 2)
    angle = draws.uniform(count, high=np.pi)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return np.where(labels[:, None] == 0, upper, lower) + noise * draws.normal(count, 2), labels


HALF_MOONS = Source(
    name="moons",
    title="Half moons",
    summary="Two half circles, each reaching into the other: a boundary with one bend each way.",
    class_names=("upper moon", "lower moon"),
    sample=_half_moons,
    default_noise=0.15,
)
