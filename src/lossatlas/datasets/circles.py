"""The dataset ``circles``: one circle inside another."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.datasets.source import Source, cycle_classes
from lossatlas.rng import Draws

_RADII = np.array([1.0, 0.5])


def _draw_circles(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
    """Draw angles t ~ U(0, 2π). Class 0 has radius 1 and class 1 has radius ½, plus N(0, noise² I)."""
    labels = cycle_classes(count, 2)
    angle = draws.uniform(count, high=2.0 * np.pi)
    circle = _RADII[labels][:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return circle + noise * draws.normal(count, 2), labels


CONCENTRIC_CIRCLES = Source(
    name="circles",
    title="Concentric circles",
    summary="A ring around a ring: the boundary must close upon itself.",
    class_names=("outer ring", "inner ring"),
    sample=_draw_circles,
    default_noise=0.1,
)
