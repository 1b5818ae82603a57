"""The classes of datasets: ``Source`` is a named problem that points are drawn from, ``Dataset`` is the points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lossatlas.arrays import Float64, Integers, UInt8
from lossatlas.rng import Draws

#: ``sample(count, noise, draws)`` returns points ``[count, 2]`` in the units of the dataset, and classes ``[count]``.
Sample: TypeAlias = Callable[[int, float, Draws], tuple[Float64, Integers]]


@dataclass(frozen=True)
class Source:
    """A named 2-D classification problem.

    Attributes
    ----------
    name, title, summary
        The name in code, a title for headings, and one sentence for people.
    class_names, feature_names
        The names of the K classes and of the two features.
    sample
        The function that draws points; see :data:`Sample`.
    default_noise
        The default noise, in the units of the dataset. The docstring of the sampler says what it does.
    available
        The number of points, for real data; None if any number of points can be drawn.
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
        """Whether the points were measured instead of drawn. Measured points have no noise setting."""
        return self.available is not None


@dataclass(frozen=True)
class Dataset:
    """Points that were drawn from a source, standardised and split.

    Attributes
    ----------
    name, title, feature_names, class_names
        The same as those of the source.
    points
        ``[N, 2]`` float64. Over the training points, each feature has mean 0 and standard deviation 1. Training points
        come first.
    labels
        ``[N]`` int64, classes 0 to K-1.
    split
        ``[N]`` uint8, 0 for training and 1 for testing.
    mean, scale
        ``[2]`` float64. ``points * scale + mean`` gives the original units.
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


@dataclass(frozen=True)
class Names:
    """The names that a dataset has: see :class:`Dataset`."""

    name: str
    title: str
    feature_names: tuple[str, str]
    class_names: tuple[str, ...]


def prepare_dataset(names: Names, points: Float64, labels: Integers, test_count: int) -> Dataset:
    """Split and standardise points.

    Mean and standard deviation are computed from the training points only, so that training sees nothing of the test
    points.

    Parameters
    ----------
    names
        The names of the dataset, its features and its classes.
    points
        ``[N, 2]`` float64 in their original units; the last ``test_count`` are for testing.
    labels
        ``[N]`` integers: the class of each point, from 0.
    test_count
        The number of points for testing.

    Returns
    -------
    Dataset
        The points, standardised and split.
    """
    split = np.zeros(len(points), np.uint8)
    split[len(points) - test_count :] = 1
    train = points[split == 0]
    mean, scale = train.mean(axis=0), train.std(axis=0)
    extent = np.ptp(train, axis=0)
    scale = np.where(scale > 0, scale, extent)  # the squares of tiny differences underflow to 0
    scale[extent == 0] = 1.0  # a constant feature is only shifted
    return Dataset(
        **vars(names),
        points=(points - mean) / scale,
        labels=labels.astype(np.int64),
        split=split,
        mean=mean,
        scale=scale,
    )


def cycle_classes(count: int, classes: int) -> Integers:
    """Return labels ``[count]`` 0, 1, …, K-1, 0, 1, …, so that classes are as equal in size as possible."""
    return np.arange(count) % classes
