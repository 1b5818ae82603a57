"""The dataset ``checkerboard``: a board of four by four squares."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.datasets.source import Source
from lossatlas.rng import Draws

_SQUARES = 4


def _draw_checkerboard(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
    """Draw (u, v) ~ U(0, 4)². The class is (⌊u⌋ + ⌊v⌋) mod 2, and the point is (u, v) plus N(0, noise² I)."""
    place = draws.uniform(count, 2, high=float(_SQUARES))
    labels = np.floor(place).astype(np.int64).sum(axis=1) % 2
    return place + noise * draws.normal(count, 2), labels


CHECKERBOARD = Source(
    name="checkerboard",
    title="Checkerboard",
    summary="Sixteen squares in alternating classes: many small regions, and a need for width.",
    class_names=("white square", "black square"),
    sample=_draw_checkerboard,
    default_noise=0.0,
)
