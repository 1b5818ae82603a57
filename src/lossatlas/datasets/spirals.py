"""The datasets ``spirals`` (two spiral arms) and ``arms`` (three spiral arms)."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.datasets.source import Sample, Source, cycle_classes
from lossatlas.rng import Draws

_INNER_RADIUS = 0.1


def _make_sampler(arms: int, turns: float) -> Sample:
    def sample(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
        """Draw points on Archimedean spirals, after the two-spirals task of Lang and Witbrock (1988).

        With r ~ U(0.1, 1) and φ = 2π (turns · r + k / arms), the points of arm k are (r cos φ, r sin φ) plus
        N(0, noise² I).

        Returns
        -------
        tuple
            Points ``[count, 2]`` float64, and classes ``[count]`` int64.
        """
        labels = cycle_classes(count, arms)
        radius = draws.uniform(count, low=_INNER_RADIUS, high=1.0)
        angle = 2.0 * np.pi * (turns * radius + labels / arms)
        arm = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return arm + noise * draws.normal(count, 2), labels

    return sample


SPIRALS = Source(
    name="spirals",
    title="Spirals",
    summary="Two arms wound around each other: the classic hard problem for a small network.",
    class_names=("first arm", "second arm"),
    sample=_make_sampler(2, turns=1.25),
    default_noise=0.03,
)
THREE_ARMS = Source(
    name="arms",
    title="Three arms",
    summary="Three spiral arms, one class each: a problem with more than two classes.",
    class_names=("first arm", "second arm", "third arm"),
    sample=_make_sampler(3, turns=0.75),
    default_noise=0.05,
)
