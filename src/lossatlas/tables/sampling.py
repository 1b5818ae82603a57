"""Chooses some of many rows, with each class in proportion, and finds outliers (docs/tables.md, section 9)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lossatlas.arrays import Floats
from lossatlas.rng import Draws, Stream

#: The smallest number of rows of each class that are kept.
_LEAST = 4
#: A value is an outlier if it is further from the median than this many times the distance between the quartiles, and
#: if at most this share of the values are so far away.
_FAR, _FEW = 20, 0.05


def thin_rows(labels: Sequence[int], classes: int, limit: int, seed: int = 0) -> list[int]:
    """Choose ``limit`` rows at random, with each class in proportion, and return their indices in ascending order."""
    members: list[list[int]] = [[] for _ in range(classes)]
    for place in Draws(seed, Stream.SPLIT).permutation(len(labels)).tolist():
        members[labels[place]].append(place)
    least = min(_LEAST, limit // classes)
    quotas = [min(len(own), max(least, limit * len(own) // len(labels))) for own in members]
    while sum(quotas) > limit:
        quotas[quotas.index(max(quotas))] -= 1
    k = 0
    while sum(quotas) < limit:
        quotas[k] += quotas[k] < len(members[k])
        k = (k + 1) % classes
    return sorted(place for own, quota in zip(members, quotas, strict=True) for place in own[:quota])


def find_far_values(values: Floats) -> list[int]:
    """Return the indices of the values ``[N]`` that lie far from all others, if they are few."""
    if not len(values):
        return []
    lower, middle, upper = np.quantile(values, [0.25, 0.5, 0.75])
    if not upper > lower:
        return []
    far = np.flatnonzero(np.abs(values - middle) > _FAR * (upper - lower)).tolist()
    return far if len(far) <= _FEW * len(values) else []
