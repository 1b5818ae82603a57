"""The list of all named datasets, and the configuration that names one of them or holds a person's own points."""

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
from lossatlas.datasets.own import PREFIX, OwnPoints, make_own_points, read_frame
from lossatlas.datasets.real import BREAST_CANCER, IRIS
from lossatlas.datasets.source import Dataset, Names, Source, prepare_dataset
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
    """The points to learn from: those of a named source, or own points.

    :meth:`from_arrays`, :meth:`from_table` and :meth:`from_file` make a configuration from own points. Own points are
    part of the configuration, and so they change the id of the run.
    """

    name: str = "moons"
    """One of :data:`SOURCES`. For own points, it is computed from the points."""
    points: Annotated[int, Field(ge=8, le=20_000)] = 512
    """The number of points, for training and testing together. A measured dataset has a limited number."""
    noise: Annotated[float, Field(ge=0, le=10)] = 0.15
    """The spread of the points, in the units of the dataset. Each dataset has its own default."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """The share of the points that is kept for testing. For own points, it is the share of each class."""
    seed: Seed = 0
    """The seed of the points and of the split."""
    own: OwnPoints | None = None
    """The own points, in their original units. It is left out if a source is named."""

    @classmethod
    def from_arrays(  # noqa: PLR0913 (each setting has a name and a default)
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
        """Make a configuration from own points.

        Parameters
        ----------
        points
            ``[N, 2]`` real numbers with N ≥ 8; they are kept in float64.
        labels
            ``[N]`` numbers, text or truth values, or one-hot rows ``[N, K]``. There can be 10 different labels.
        features
            The names of the two features.
        classes
            The names of the K classes: in the order of the labels if these are numbers, else in the order in which
            the labels first appear.
        title
            A title for headings; by default ``"Own points"``.
        test_fraction, seed
            The share of each class that is kept for testing, and the seed of the split.

        Returns
        -------
        DatasetConfig
            The configuration.

        Raises
        ------
        DataError
            If points or labels cannot be used. The message says why, and what to do.
        """
        own = make_own_points(points, labels, features=features, classes=classes, title=title)
        return cls(own=own, test_fraction=test_fraction, seed=seed)

    @classmethod
    def from_table(
        cls, frame: Any, /, *, title: str | None = None, points: int | None = None, **choice: Any
    ) -> DatasetConfig:
        """Make a configuration from a data frame, a dict of columns, or a structured array.

        Columns that are not named are found by the rules of docs/tables.md. A :class:`DataWarning` reports rows that
        are left out, and values that look like mistakes.

        Parameters
        ----------
        frame
            The table. A structured array has the shape ``[N]`` and one field per column.
        title
            A title for headings.
        points
            The largest number of points, with each class in proportion; by default 2,000.
        **choice
            ``x``, ``y`` and ``label`` are columns, by name or by number from 1. ``join`` merges labels that look alike,
            ``without_outliers`` leaves out values far from all others, and ``test_fraction`` and ``seed`` are the
            settings of this class.

        Returns
        -------
        DatasetConfig
            The configuration.

        Raises
        ------
        DataError
            If the table cannot be used. The message says why, and what to do.
        """
        return cls._read_table(lambda options: read_columns(read_frame(frame), options), title, points, choice)

    @classmethod
    def from_file(
        cls, path: Path | str, /, *, title: str | None = None, points: int | None = None, **choice: Any
    ) -> DatasetConfig:
        """Make a configuration from a text file of rows, such as CSV, by the rules of docs/tables.md.

        Parameters
        ----------
        path
            The file.
        title
            A title for headings; by default, the name of the file.
        points
            The largest number of points, with each class in proportion; by default 2,000.
        **choice
            The choices of :meth:`from_table`, and ``separator``, ``header``, ``encoding`` and ``decimal`` (``point`` or
            ``comma``).

        Returns
        -------
        DatasetConfig
            The configuration.

        Raises
        ------
        DataError
            If the table cannot be used. The message says why, and what to do.
        """
        heading = title or Path(path).stem
        return cls._read_table(lambda options: read_bytes(read_file(path), options), heading, points, choice)

    @classmethod
    def _read_table(
        cls, read: Callable[[Choice], Table], title: str | None, points: int | None, choice: dict[str, Any]
    ) -> DatasetConfig:
        options = {**choice}
        settings: dict[str, Any] = {}
        for name in ("test_fraction", "seed"):
            if name in options:
                settings[name] = options.pop(name)
        most = cls.from_mapping({**settings, **({} if points is None else {"points": points})})
        table = read(_make_choice(options, limit=points or MOST_POINTS, seed=most.seed))
        for message in table.warnings if points is None else replace(table, thinned="").warnings:
            warnings.warn(message, DataWarning, stacklevel=3)
        return cls.from_arrays(
            table.points, table.labels, features=table.features, classes=table.classes, title=title, **settings
        )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        """Take noise and number of points from the source if they are left out."""
        if not isinstance(values, dict):
            return values
        values = {**values}
        if values.get("own") is not None:
            return _fill_in_from_own(OwnPoints.from_mapping(values["own"]), values)
        source = SOURCES.get(str(values.get("name", "moons")))
        if source is None:
            raise ValueError(_describe_missing_source(values.get("name")))
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
            raise ValueError(f"noise {self.noise} is not allowed: {self.name} is measured data; remove noise")
        if self.own is None and not 2 <= self.test_count <= self.points - 4:
            raise ValueError(
                f"test_fraction {self.test_fraction} of {self.points} points leaves {self.points - self.test_count} "
                f"to train on and {self.test_count} to test on; leave at least 4 and 2"
            )
        return self

    @model_serializer(mode="wrap")
    def _leave_out_none(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave ``own`` out if it is None, so that runs of named sources keep the ids that they always had."""
        values: dict[str, Any] = handler(self)
        return {name: value for name, value in values.items() if name != "own" or value is not None}

    @property
    def test_count(self) -> int:
        """The number of points that are kept for testing."""
        return sum(self.own.test_counts(self.test_fraction)) if self.own else round(self.points * self.test_fraction)

    @property
    def class_count(self) -> int:
        """K, the number of classes."""
        return len(self.own.classes if self.own else SOURCES[self.name].class_names)


def _fill_in_from_own(own: OwnPoints, values: dict[str, Any]) -> dict[str, Any]:
    """Fill in the settings that follow from own points, and refuse other values of these settings."""
    said = {"name": own.name, "points": len(own.x), "noise": 0.0}
    for name, value in said.items():
        if values.get(name) not in (None, value):
            raise ValueError(
                f"{name} {values[name]!r} is not allowed: for these own points it is {value!r}; leave it out"
            )
    return {**values, **said, "own": own}


def _make_choice(options: dict[str, Any], **more: Any) -> Choice:
    known = [each.name for each in fields(Choice) if each.name not in more]
    for name in options:
        if name not in known:
            raise ConfigError([(name, f"there is no such setting; there are {', '.join(known)}, test_fraction, seed")])
    if options.get("decimal") not in (None, "point", "comma"):
        raise ConfigError(
            [("decimal", f"{options['decimal']!r} is not allowed: give point (1,234.5) or comma (1.234,5)")]
        )
    return Choice(**options, **more)


def _describe_missing_source(name: object) -> str:
    if str(name).startswith(PREFIX):
        return f"the points of {name!r} are stored in their run only; use run.setup.config.dataset of that run"
    return f"there is no dataset {name!r}; there are {', '.join(SOURCES)}"


def load_dataset(config: DatasetConfig | Mapping[str, Any] | str) -> Dataset:
    """Draw the points of a configuration, or of a named dataset with its default settings.

    Parameters
    ----------
    config
        The configuration, its settings, or the name of a dataset.

    Returns
    -------
    Dataset
        The points, standardised and split. Equal configurations give equal points.

    Raises
    ------
    ConfigError
        If there is no dataset with that name, or a setting is not valid.
    """
    config = DatasetConfig.from_mapping({"name": config} if isinstance(config, str) else config)
    order = Draws(config.seed, Stream.SPLIT).permutation(config.points)
    if config.own is not None:
        return _split_own_points(config.own, config, order)
    draws = Draws(config.seed, Stream.POINTS)
    source = SOURCES[config.name]
    points, labels = source.sample(config.points, config.noise, draws)
    names = Names(source.name, source.title, source.feature_names, source.class_names)
    return prepare_dataset(names, points[order], labels[order], config.test_count)


def _split_own_points(own: OwnPoints, config: DatasetConfig, order: Integers) -> Dataset:
    """Put the points in order, and split each class separately, so that both parts contain every class."""
    labels = own.labels[order]
    is_test = np.zeros(len(order), bool)
    for k, count in enumerate(own.test_counts(config.test_fraction)):
        is_test[np.flatnonzero(labels == k)[-count:]] = True
    order = np.concatenate([order[~is_test], order[is_test]])
    names = Names(config.name, own.title, own.features, own.classes)
    return prepare_dataset(names, own.points[order], own.labels[order], config.test_count)
