"""The datasets ``spirals`` and ``arms``: two spiral arms, and three."""

from __future__ import annotations

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.datasets.source import Sample, Source, classes_in_turn
from lossatlas.rng import Draws

_INNER_RADIUS = 0.1


def _arms(arms: int, turns: float) -> Sample:
    def sample(count: int, noise: float, draws: Draws) -> tuple[Float64, Integers]:
        """Draw r ~ U(0.1, 1) and φ = 2π (turns · r + k / arms) for arm k: (r cos φ, r sin φ) plus N(0, noise² I).

        Archimedean arms, after the two-spirals task of Lang and Witbrock (1988).
        """
        labels = classes_in_turn(count, arms)
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
    sample=_arms(2, turns=1.25),
    default_noise=0.03,
)
THREE_ARMS = Source(
    name="arms",
    title="Three arms",
    summary="Three spiral arms, a class each: more than two classes, one softmax.",
    class_names=("first arm", "second arm", "third arm"),
    sample=_arms(3, turns=0.75),
    default_noise=0.05,
)
