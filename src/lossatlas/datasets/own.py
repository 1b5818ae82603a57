"""Points that a person provides. They are a part of the configuration, so that a run contains its training data."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field, field_validator, model_validator

from lossatlas.arrays import AnyArray, Float64, Integers
from lossatlas.checks import LARGEST, check_points
from lossatlas.config import Config
from lossatlas.errors import ConfigError, DataError
from lossatlas.tables.columns import MAX_CLASSES
from lossatlas.tables.labels import number_classes
from lossatlas.tables.words import clean_name

#: The prefix of the names of own datasets. Eight hexadecimal digits of a hash of the content follow.
PREFIX = "own-"
FEATURES = ("x₁", "x₂")
#: A class needs one point to train on, and one to test on.
LEAST_PER_CLASS = 2

_Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]


class OwnPoints(Config):
    """Points with a class each, in their original units."""

    title: Annotated[str, Field(min_length=1)] = "Own points"
    """A title for headings."""
    features: tuple[str, str] = FEATURES
    """The names of x and y."""
    classes: Annotated[tuple[str, ...], Field(min_length=2, max_length=MAX_CLASSES)]
    """The name of each class."""
    x: tuple[_Number, ...]
    """The first coordinate of each point."""
    y: tuple[_Number, ...]
    """The second coordinate of each point."""
    label: tuple[Annotated[int, Field(ge=0, lt=MAX_CLASSES)], ...]
    """The class of each point, from 0."""

    @field_validator("title", "features", "classes")
    @classmethod
    def _clean_names(cls, names: Any) -> Any:
        """Remove control characters from names, and cut names that are too long to be shown."""
        cleaned = [clean_name(name) for name in ([names] if isinstance(names, str) else names)]
        if not all(cleaned):
            raise ValueError(f"{names!r} is not allowed: give a name that can be seen")
        return cleaned[0] if isinstance(names, str) else tuple(cleaned)

    @model_validator(mode="after")
    def _refuse_unequal_lengths(self) -> OwnPoints:
        lengths = {"x": len(self.x), "y": len(self.y), "label": len(self.label)}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise ValueError(f"every point needs x, y and a label, but the lengths are {listed}")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError(f"two classes have the same name: {', '.join(self.classes)}")
        if max(self.label, default=0) >= len(self.classes):
            raise ValueError(f"label {max(self.label)} is not allowed: there are {len(self.classes)} classes, from 0")
        for name, count in zip(self.classes, self.counts, strict=True):
            if count < LEAST_PER_CLASS:
                raise ValueError(f"the class {name!r} has {count} points, but needs {LEAST_PER_CLASS}: add some")
        return self

    @property
    def counts(self) -> list[int]:
        """The number of points of each class."""
        found = Counter(self.label)
        return [found[k] for k in range(len(self.classes))]

    @property
    def points(self) -> Float64:
        """The points ``[N, 2]`` float64, in their original units."""
        return np.stack([np.array(self.x, np.float64), np.array(self.y, np.float64)], axis=1)

    @property
    def labels(self) -> Integers:
        """The class of each point, ``[N]`` int64."""
        return np.array(self.label, np.int64)

    @property
    def name(self) -> str:
        """The name ``own-`` plus eight hexadecimal digits of a hash, so that equal points have equal names."""
        return PREFIX + hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]

    def test_counts(self, test_fraction: float) -> list[int]:
        """Return how many points of each class are used for testing: its share, but at least one and not all."""
        return [max(1, min(count - 1, round(count * test_fraction))) for count in self.counts]


def make_own_points(
    points: Any, labels: Any, *, features: Iterable[Any] | None, classes: Sequence[str] | None, title: str | None
) -> OwnPoints:
    """Make a dataset of arrays.

    Parameters
    ----------
    points
        ``[N, 2]`` real numbers; they are kept in float64.
    labels
        ``[N]`` numbers, text or truth values, or one-hot rows ``[N, K]``.
    features, classes, title
        Names of the two features and of the classes, and a title; None for the defaults.

    Returns
    -------
    OwnPoints
        The points and their classes.

    Raises
    ------
    DataError
        If points or labels cannot be used. The message says why.
    """
    array = check_points(points).astype(np.float64)
    numbers, names = _number_labels(labels, len(array), classes)
    named = None if features is None else [features] if isinstance(features, str) else list(features)
    if named is not None and len(named) != 2:
        raise DataError(f"features: give 2 names, not {', '.join(map(str, named)) or 'none'}")
    given = {"title": title, "features": named}
    try:
        return OwnPoints(
            **{name: value for name, value in given.items() if value is not None},
            classes=tuple(names),
            x=tuple(array[:, 0].tolist()),
            y=tuple(array[:, 1].tolist()),
            label=tuple(numbers),
        )
    except ConfigError as error:
        raise DataError(str(error)) from None


def _number_labels(labels: Any, count: int, names: Sequence[str] | None) -> tuple[list[int], list[str]]:
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] > 1:
        array = _decode_one_hot(array)
    array = array[:, 0] if array.ndim == 2 else array
    if array.shape != (count,):
        raise DataError(
            f"the labels have the shape {list(array.shape)}, but there are {count} points; give one label per point"
        )
    if missing := [place for place, value in enumerate(array.tolist()) if value is None or value != value]:
        raise DataError(
            f"{len(missing)} of {count} labels are missing, the first in row {missing[0]}; remove such rows"
        )
    texts = [str(value) for value in array.tolist()]
    found = number_classes(texts)
    if len(found.names) > MAX_CLASSES:
        limit = f"there are {len(found.names)} different labels, and at most {MAX_CLASSES} can be told apart"
        raise DataError(f"{limit} by colour and shape; are they classes?")
    if len(found.names) < 2:
        raise DataError(f"every point has the same label, {texts[0]!r}; give points of at least two classes")
    return (found.labels, found.names) if names is None else _name_classes(array, found.labels, list(names))


def _decode_one_hot(rows: AnyArray) -> Integers:
    if rows.dtype.kind not in "biuf" or not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
        raise DataError(
            f"the labels have the shape {list(rows.shape)}, but are not one-hot rows; give one label per point"
        )
    return np.asarray(np.argmax(rows, axis=1), np.int64)


def _name_classes(labels: AnyArray, found: list[int], names: list[str]) -> tuple[list[int], list[str]]:
    """Name the classes. Labels from 0 are indices into ``names``; other labels need one name for each."""
    different = len(set(found))
    if labels.dtype.kind in "biu" and labels.min() >= 0 and labels.max() < len(names):
        used = sorted(set(labels.tolist()))  # a class without points is left out
        return [used.index(label) for label in labels.tolist()], [names[int(k)] for k in used]
    if different != len(names):
        raise DataError(f"there are {len(names)} class names for {different} different labels; give one name per label")
    return found, names


def read_frame(frame: Any) -> dict[str, Any]:
    """Return the columns of a data frame, a mapping or a structured array, by name.

    Parameters
    ----------
    frame
        The table. A structured array has the shape ``[N]`` and one field per column.

    Returns
    -------
    dict
        The values of each column, by its name.

    Raises
    ------
    DataError
        If ``frame`` is something else.
    """
    if isinstance(frame, Mapping):
        return {str(name): values for name, values in frame.items()}
    if isinstance(frame, np.ndarray) and frame.dtype.names:
        return {name: frame[name] for name in frame.dtype.names}
    if hasattr(frame, "columns") and hasattr(frame, "__getitem__"):
        return {str(name): frame[name] for name in frame.columns}
    raise DataError(
        f"{type(frame).__name__} is not a table: give a data frame, a dict of columns, or a structured array; "
        "or use from_arrays"
    )
