"""Named two-dimensional classification problems.

A dataset is added by writing a :class:`Source` and listing it in :data:`SOURCES`; nothing else changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from lossatlas.config import Config, Seed
from lossatlas.datasets.blobs import FOUR_CORNERS, TWO_BLOBS
from lossatlas.datasets.checkerboard import CHECKERBOARD
from lossatlas.datasets.circles import CONCENTRIC_CIRCLES
from lossatlas.datasets.moons import HALF_MOONS
from lossatlas.datasets.real import BREAST_CANCER, IRIS
from lossatlas.datasets.source import Dataset, Source, drawn
from lossatlas.datasets.spirals import SPIRALS, THREE_ARMS
from lossatlas.rng import Draws, Stream

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        HALF_MOONS,
        TWO_BLOBS,
        FOUR_CORNERS,
        SPIRALS,
        CONCENTRIC_CIRCLES,
        CHECKERBOARD,
        THREE_ARMS,
        IRIS,
        BREAST_CANCER,
    )
}


class DatasetConfig(Config):
    """Which points to learn from."""

    name: str = "moons"
    """One of :data:`SOURCES`."""
    points: Annotated[int, Field(ge=8, le=20_000)] = 512
    """How many points, train and test together; at most as many as there are, for real data."""
    noise: Annotated[float, Field(ge=0, le=10)] = 0.15
    """Spread of the points in the dataset's own units; left out, the dataset's own default."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the points kept for testing."""
    seed: Seed = 0
    """Of the points and of the split."""

    @model_validator(mode="before")
    @classmethod
    def _filled_in(cls, values: Any) -> Any:
        """Take noise and number of points from the source where they are left out, or cannot be had."""
        if not isinstance(values, dict):
            return values
        source = SOURCES.get(str(values.get("name", "moons")))
        if source is None:
            raise ValueError(f"there is no dataset {values.get('name')!r}; there are {', '.join(SOURCES)}")
        values = {**values}
        if values.get("noise") is None:
            values["noise"] = source.default_noise
        values.setdefault("points", min(512, source.available or 512))
        return values

    @model_validator(mode="after")
    def _possible(self) -> DatasetConfig:
        available = SOURCES[self.name].available
        if available is not None and self.points > available:
            raise ValueError(
                f"{self.points} points are not allowed: {self.name} has {available}; give {available} or fewer"
            )
        if SOURCES[self.name].is_real and self.noise:
            raise ValueError(f"noise {self.noise} is not allowed: {self.name} is measured data; leave noise out")
        if not 2 <= self.test_count <= self.points - 4:
            raise ValueError(
                f"test_fraction {self.test_fraction} of {self.points} points leaves {self.points - self.test_count} "
                f"to train on and {self.test_count} to test on; at least 4 and 2 are needed"
            )
        return self

    @property
    def test_count(self) -> int:
        """How many of the points are kept for testing."""
        return round(self.points * self.test_fraction)


def load_dataset(config: DatasetConfig | Mapping[str, Any] | str) -> Dataset:
    """Draw the points of a configuration, or of a named dataset with its defaults.

    Raises
    ------
    ConfigError
        If there is no dataset of that name.
    """
    config = DatasetConfig.from_mapping({"name": config} if isinstance(config, str) else config)
    order = Draws(config.seed, Stream.SPLIT).permutation(config.points)
    draws = Draws(config.seed, Stream.POINTS)
    return drawn(SOURCES[config.name], config.points, config.noise, config.test_count, draws, order)


__all__ = ["SOURCES", "Dataset", "DatasetConfig", "Source", "load_dataset"]
