"""Every named dataset, and the configuration that chooses one of them or holds a person's own points."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from lossatlas.arrays import Integers
from lossatlas.config import Config, Seed
from lossatlas.datasets.blobs import FOUR_CORNERS, TWO_BLOBS
from lossatlas.datasets.checkerboard import CHECKERBOARD
from lossatlas.datasets.circles import CONCENTRIC_CIRCLES
from lossatlas.datasets.moons import HALF_MOONS
from lossatlas.datasets.own import PREFIX, OwnPoints, columns_of_frame, own_points
from lossatlas.datasets.real import BREAST_CANCER, IRIS
from lossatlas.datasets.source import Dataset, Source, draw_dataset, prepare_dataset
from lossatlas.datasets.spirals import SPIRALS, THREE_ARMS
from lossatlas.errors import ConfigError, DataWarning
from lossatlas.input_files import read_file
from lossatlas.rng import Draws, Stream
from lossatlas.tables import Choice, Table, read_bytes, read_columns
from lossatlas.tables.table import MOST_POINTS

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
    """Which points to learn from: those of a named source, or one's own.

    Own points come from :meth:`from_arrays`, :meth:`from_table` or :meth:`from_file`; they are part of the
    configuration, and so of the run's id.
    """

    name: str = "moons"
    """One of :data:`SOURCES`; of own points what they are called by themselves."""
    points: Annotated[int, Field(ge=8, le=20_000)] = 512
    """How many points, train and test together; a measured dataset has no more than it has."""
    noise: Annotated[float, Field(ge=0, le=10)] = 0.15
    """Spread of the points in the dataset's own units; left out, the dataset's own default."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of the points kept for testing; of own points, of each class."""
    seed: Seed = 0
    """Of the points and of the split."""
    own: OwnPoints | None = None
    """Own points, in their own units; not there where a source is named."""

    @classmethod
    def from_arrays(
        cls,
        points: Any,
        labels: Any,
        *,
        features: Iterable[str] | None = None,
        classes: Sequence[str] | None = None,
        title: str | None = None,
        test_fraction: float = 0.5,
        seed: int = 0,
    ) -> DatasetConfig:
        """Take own points.

        Parameters
        ----------
        points
            ``[N, 2]`` real numbers, of at least 8 points; they are kept in float64.
        labels
            ``[N]``: numbers, text or truth values, in any numbering; or one-hot ``[N, K]``. At most 10 different.
        features, classes
            Two names, and K: of labels 0 to K-1 in this order, of others in the order of numbers, or as they come.
        title
            For headings; ``"Own points"`` if not given.
        test_fraction, seed
            Share of each class that is kept for testing, and the seed of the split.

        Raises
        ------
        DataError
            If points or labels cannot be used; the message says why, and what to do.
        """
        own = own_points(points, labels, features=features, classes=classes, title=title)
        return cls(own=own, test_fraction=test_fraction, seed=seed)

    @classmethod
    def from_table(
        cls, frame: Any, /, *, title: str | None = None, points: int | None = None, **choice: Any
    ) -> DatasetConfig:
        """Take own points from a data frame, a dict of columns, or a structured array.

        Columns are found by the rules of docs/tables.md where they are not named. What is left out, or looks as if it
        were not meant, is told by a :class:`DataWarning`.

        Parameters
        ----------
        frame
            The table.
        title
            For headings.
        points
            How many points at most, of each class its share; 2,000 if not given.
        **choice
            ``x``, ``y`` and ``label``, columns by name or by number from 1; ``join`` labels that look alike;
            ``without_outliers``; and the settings ``test_fraction`` and ``seed``.

        Raises
        ------
        DataError
            If no dataset can be made of it; the message says why, and what to do.
        """
        return cls._of_table(lambda options: read_columns(columns_of_frame(frame), options), title, points, choice)

    @classmethod
    def from_file(
        cls, path: Path | str, /, *, title: str | None = None, points: int | None = None, **choice: Any
    ) -> DatasetConfig:
        """Take own points from a text file of rows: CSV and its relatives, by the rules of docs/tables.md.

        Parameters
        ----------
        path
            The file.
        title
            For headings; the file's name if not given.
        points
            How many points at most, of each class its share; 2,000 if not given.
        **choice
            As of :meth:`from_table`, and ``separator``, ``header``, ``encoding``, ``decimal`` (``point`` or ``comma``).

        Raises
        ------
        DataError
            If no dataset can be made of it; the message says why, and what to do.
        """
        heading = title or Path(path).stem
        return cls._of_table(lambda options: read_bytes(read_file(path), options), heading, points, choice)

    @classmethod
    def _of_table(
        cls, read: Callable[[Choice], Table], title: str | None, points: int | None, choice: dict[str, Any]
    ) -> DatasetConfig:
        options = {**choice}
        settings: dict[str, Any] = {}
        for name in ("test_fraction", "seed"):
            if name in options:
                settings[name] = options.pop(name)
        most = cls.from_mapping({**settings, **({} if points is None else {"points": points})})
        table = read(_choice(options, limit=points or MOST_POINTS, seed=most.seed))
        for told in table.warnings if points is None else replace(table, thinned="").warnings:
            warnings.warn(told, DataWarning, stacklevel=3)
        return cls.from_arrays(
            table.points, table.labels, features=table.features, classes=table.classes, title=title, **settings
        )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        """Take noise and number of points from the source where they are left out, or cannot be had."""
        if not isinstance(values, dict):
            return values
        values = {**values}
        if values.get("own") is not None:
            return _fill_in_from_own(OwnPoints.from_mapping(values["own"]), values)
        source = SOURCES.get(str(values.get("name", "moons")))
        if source is None:
            raise ValueError(_no_source(values.get("name")))
        if values.get("noise") is None:
            values["noise"] = source.default_noise
        values.setdefault("points", min(512, source.available or 512))
        return values

    @model_validator(mode="after")
    def _refuse_impossible(self) -> DatasetConfig:
        source = SOURCES.get(self.name)
        if source and source.available is not None and self.points > source.available:
            fault = f"{self.points} points are not allowed: {self.name} has {source.available}"
            raise ValueError(f"{fault}; give {source.available} or fewer")
        if source and source.is_real and self.noise:
            raise ValueError(f"noise {self.noise} is not allowed: {self.name} is measured data; leave noise out")
        if self.own is None and not 2 <= self.test_count <= self.points - 4:
            raise ValueError(
                f"test_fraction {self.test_fraction} of {self.points} points leaves {self.points - self.test_count} "
                f"to train on and {self.test_count} to test on; at least 4 and 2 are needed"
            )
        return self

    @model_serializer(mode="wrap")
    def _leave_out_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave ``own`` out where there is none: runs of named sources keep the ids that they always had."""
        values: dict[str, Any] = handler(self)
        return {name: value for name, value in values.items() if name != "own" or value is not None}

    @property
    def test_count(self) -> int:
        """How many of the points are kept for testing."""
        return sum(self.own.test_counts(self.test_fraction)) if self.own else round(self.points * self.test_fraction)

    @property
    def class_count(self) -> int:
        """K, the number of classes."""
        return len(self.own.classes if self.own else SOURCES[self.name].class_names)


def _fill_in_from_own(own: OwnPoints, values: dict[str, Any]) -> dict[str, Any]:
    """What own points say by themselves; a configuration that says otherwise is not theirs."""
    said = {"name": own.name, "points": len(own.x), "noise": 0.0}
    for name, value in said.items():
        if values.get(name) not in (None, value):
            raise ValueError(
                f"{name} {values[name]!r} is not allowed: of these own points it is {value!r}; leave it out"
            )
    return {**values, **said, "own": own}


def _choice(options: dict[str, Any], **more: Any) -> Choice:
    known = [each.name for each in fields(Choice) if each.name not in more]
    for name in options:
        if name not in known:
            raise ConfigError([(name, f"there is no such setting; there are {', '.join(known)}, test_fraction, seed")])
    if options.get("decimal") not in (None, "point", "comma"):
        raise ConfigError(
            [("decimal", f"{options['decimal']!r} is not allowed: give point (1,234.5) or comma (1.234,5)")]
        )
    return Choice(**options, **more)


def _no_source(name: object) -> str:
    if str(name).startswith(PREFIX):
        return f"the points of {name!r} are in its own run, not here; take run.setup.config.dataset of that run"
    return f"there is no dataset {name!r}; there are {', '.join(SOURCES)}"


def load_dataset(config: DatasetConfig | Mapping[str, Any] | str) -> Dataset:
    """Draw the points of a configuration, or of a named dataset with its defaults.

    Raises
    ------
    ConfigError
        If there is no dataset of that name.
    """
    config = DatasetConfig.from_mapping({"name": config} if isinstance(config, str) else config)
    order = Draws(config.seed, Stream.SPLIT).permutation(config.points)
    if config.own is not None:
        return _own_dataset(config.own, config, order)
    draws = Draws(config.seed, Stream.POINTS)
    return draw_dataset(SOURCES[config.name], config.points, config.noise, config.test_count, draws, order)


def _own_dataset(own: OwnPoints, config: DatasetConfig, order: Integers) -> Dataset:
    """Split each class by itself, so that none is missing from either part: its last in the order are for testing."""
    labels = own.labels[order]
    is_test = np.zeros(len(order), bool)
    for k, count in enumerate(own.test_counts(config.test_fraction)):
        is_test[np.flatnonzero(labels == k)[-count:]] = True
    order = np.concatenate([order[~is_test], order[is_test]])
    return prepare_dataset(
        config.name,
        own.title,
        own.features,
        own.classes,
        own.points[order],
        own.labels[order],
        config.test_count,
    )
