"""What a dataset is: a named source of points, and the points drawn from it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lossatlas.arrays import Float64, Integers, UInt8
from lossatlas.rng import Draws

#: ``sample(count, noise, draws)`` gives points ``[count, 2]`` in the dataset's own units and classes ``[count]``.
Sample: TypeAlias = Callable[[int, float, Draws], tuple[Float64, Integers]]


@dataclass(frozen=True)
class Source:
    """A named 2-D classification problem.

    Attributes
    ----------
    name, title, summary
        For code; for a heading; one sentence for people.
    class_names, feature_names
        K and two names.
    sample
        Draws points, see :data:`Sample`.
    default_noise
        In the dataset's own units; what it does stands in the sampler's docstring.
    available
        How many points there are, for real data; None where any number can be drawn.
    """

    name: str
    title: str
    summary: str
    class_names: tuple[str, ...]
    sample: Sample
    default_noise: float = 0.0
    feature_names: tuple[str, str] = ("x₁", "x₂")
    available: int | None = None

    @property
    def is_real(self) -> bool:
        """Whether the points were measured rather than drawn; then noise is not a parameter."""
        return self.available is not None


@dataclass(frozen=True)
class Dataset:
    """Points drawn from a source, standardised and split.

    Attributes
    ----------
    name, title, feature_names, class_names
        As the source has them.
    points
        ``[N, 2]`` float64, each feature with mean 0 and standard deviation 1 over the training points;
        training points first.
    labels
        ``[N]`` int64, classes 0 to K-1.
    split
        ``[N]`` uint8, 0 for training and 1 for test.
    mean, scale
        ``[2]`` float64: ``points * scale + mean`` are the original units.
    """

    name: str
    title: str
    feature_names: tuple[str, str]
    class_names: tuple[str, ...]
    points: Float64
    labels: Integers
    split: UInt8
    mean: Float64
    scale: Float64

    @property
    def class_count(self) -> int:
        """K, the number of classes."""
        return len(self.class_names)

    @property
    def train(self) -> tuple[Float64, Integers]:
        """Points ``[n, 2]`` and labels ``[n]`` to train on."""
        return self.points[self.split == 0], self.labels[self.split == 0]

    @property
    def test(self) -> tuple[Float64, Integers]:
        """Points ``[n, 2]`` and labels ``[n]`` that training never sees."""
        return self.points[self.split == 1], self.labels[self.split == 1]


def draw_dataset(source: Source, count: int, noise: float, test_count: int, draws: Draws, order: Integers) -> Dataset:
    """Draw ``count`` points, put them in ``order``, keep the last ``test_count`` for testing, standardise."""
    points, labels = source.sample(count, noise, draws)
    names = source.name, source.title, source.feature_names, source.class_names
    return prepare_dataset(*names, points[order], labels[order], test_count)


def prepare_dataset(
    name: str,
    title: str,
    feature_names: tuple[str, str],
    class_names: tuple[str, ...],
    points: Float64,
    labels: Integers,
    test_count: int,
) -> Dataset:
    """Split points ``[N, 2]`` in their own units, the last ``test_count`` being for testing, and standardise them.

    Mean and standard deviation come from the training points alone, so that the test says nothing beforehand.
    """
    split = np.zeros(len(points), np.uint8)
    split[len(points) - test_count :] = 1
    train = points[split == 0]
    mean, scale = train.mean(axis=0), train.std(axis=0)
    extent = np.ptp(train, axis=0)
    scale = np.where(scale > 0, scale, extent)  # squares of tiny differences are 0
    scale[extent == 0] = 1.0  # a feature that never varies is only shifted
    return Dataset(
        name=name,
        title=title,
        feature_names=feature_names,
        class_names=class_names,
        points=(points - mean) / scale,
        labels=labels.astype(np.int64),
        split=split,
        mean=mean,
        scale=scale,
    )


def classes_in_turn(count: int, classes: int) -> Integers:
    """Labels 0, 1, …, K-1, 0, 1, …: classes as equal in size as ``count`` allows."""
    return np.arange(count) % classes
