"""The dataset ``circles``: one circle inside another."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.datasets.source import Source, classes_in_turn
from lossatlas.rng import Draws

_RADII = np.array([1.0, 0.5])


def _concentric_circles(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
    """Draw t ~ U(0, 2π): class 0 at radius 1, class 1 at radius ½, plus N(0, noise² I)."""
    labels = classes_in_turn(count, 2)
    angle = draws.uniform(count, high=2.0 * np.pi)
    circle = _RADII[labels][:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return circle + noise * draws.normal(count, 2), labels


CONCENTRIC_CIRCLES = Source(
    name="circles",
    title="Concentric circles",
    summary="A ring around a ring: the boundary must close upon itself.",
    class_names=("outer ring", "inner ring"),
    sample=_concentric_circles,
    default_noise=0.1,
)
