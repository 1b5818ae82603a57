"""The dataset ``moons``: two interleaving half circles."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.datasets.source import Source, cycle_classes
from lossatlas.rng import Draws


def _draw_half_moons(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
    """Draw points on two half circles.

    With t ~ U(0, π), class 0 lies at (cos t, sin t) and class 1 lies at (1 - cos t, ½ - sin t), plus N(0, noise² I).
    These are the curves of scikit-learn's ``make_moons``, but the angles are random instead of evenly spaced.

    Returns
    -------
    tuple
        Points ``[count, 2]`` float64, and classes ``[count]`` int64.
    """
    labels = cycle_classes(count, 2)
    angle = draws.uniform(count, high=np.pi)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1.0 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return np.where(labels[:, None] == 0, upper, lower) + noise * draws.normal(count, 2), labels


HALF_MOONS = Source(
    name="moons",
    title="Half moons",
    summary="Two half circles, each reaching into the other: a boundary with one bend each way.",
    class_names=("upper moon", "lower moon"),
    sample=_draw_half_moons,
    default_noise=0.15,
)
