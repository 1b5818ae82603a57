"""Choosing some of many rows, each class in proportion, and finding outliers (docs/tables.md, section 9)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lossatlas.arrays import Floats
from lossatlas.rng import Draws, Stream

_LEAST = 4
_FAR = 20
_FEW = 0.05


def thin_rows(labels: Sequence[int], classes: int, limit: int, seed: int = 0) -> list[int]:
    """Give the places of the rows that are kept, in their order: of each class its share, at random."""
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


def outliers_of(values: Floats) -> list[int]:
    """Give the places of the few values that lie far from all others."""
    if not len(values):
        return []
    lower, middle, upper = np.quantile(values, [0.25, 0.5, 0.75])
    if not upper > lower:
        return []
    far = np.flatnonzero(np.abs(values - middle) > _FAR * (upper - lower)).tolist()
    return far if len(far) <= _FEW * len(values) else []
