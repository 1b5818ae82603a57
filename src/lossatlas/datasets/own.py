"""A person's own points, as a part of a configuration: so a run says by itself what it was trained on."""

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

#: The name of a dataset of one's own begins so; eight hexadecimal digits of its content follow.
PREFIX = "own-"
FEATURES = ("x₁", "x₂")
#: One to train on, and one to test.
LEAST_PER_CLASS = 2

_Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]


class OwnPoints(Config):
    """Points with a class each, in their own units."""

    title: Annotated[str, Field(min_length=1)] = "Own points"
    """For a heading."""
    features: tuple[str, str] = FEATURES
    """What x and y are."""
    classes: Annotated[tuple[str, ...], Field(min_length=2, max_length=MAX_CLASSES)]
    """The name of each class."""
    x: tuple[_Number, ...]
    """First coordinates."""
    y: tuple[_Number, ...]
    """Second coordinates."""
    label: tuple[Annotated[int, Field(ge=0, lt=MAX_CLASSES)], ...]
    """The class of each point, from 0."""

    @field_validator("title", "features", "classes")
    @classmethod
    def _clean_names(cls, names: Any) -> Any:
        """Without control characters, and not too long to be shown."""
        cleaned = [clean_name(name) for name in ([names] if isinstance(names, str) else names)]
        if not all(cleaned):
            raise ValueError(f"{names!r} is not allowed: give a name that can be seen")
        return cleaned[0] if isinstance(names, str) else tuple(cleaned)

    @model_validator(mode="after")
    def _refuse_unequal_lengths(self) -> OwnPoints:
        lengths = {"x": len(self.x), "y": len(self.y), "label": len(self.label)}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise ValueError(f"every point has x, y and a label, but there are {told}")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError(f"two classes have one name: {', '.join(self.classes)}")
        if max(self.label, default=0) >= len(self.classes):
            raise ValueError(f"label {max(self.label)} is not allowed: there are {len(self.classes)} classes, from 0")
        for name, count in zip(self.classes, self.counts, strict=True):
            if count < LEAST_PER_CLASS:
                raise ValueError(f"the class {name!r} has {count} points, and needs {LEAST_PER_CLASS}: add some")
        return self

    @property
    def counts(self) -> list[int]:
        """How many points each class has."""
        found = Counter(self.label)
        return [found[k] for k in range(len(self.classes))]

    @property
    def points(self) -> Float64:
        """``[N, 2]`` float64, in their own units."""
        return np.stack([np.array(self.x, np.float64), np.array(self.y, np.float64)], axis=1)

    @property
    def labels(self) -> Integers:
        """``[N]`` int64."""
        return np.array(self.label, np.int64)

    @property
    def name(self) -> str:
        """``own-`` and eight hexadecimal digits of the content: the same points have the same name."""
        return PREFIX + hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:8]

    def test_counts(self, test_fraction: float) -> list[int]:
        """How many points of each class are for testing: its share, but neither none nor all."""
        return [max(1, min(count - 1, round(count * test_fraction))) for count in self.counts]


def own_points(
    points: Any, labels: Any, *, features: Iterable[Any] | None, classes: Sequence[str] | None, title: str | None
) -> OwnPoints:
    """Take points ``[N, 2]`` and a label each: numbers, text, truth values, or one-hot rows ``[N, K]``.

    Raises
    ------
    DataError
        If points or labels cannot be used; the message says why.
    """
    array = check_points(points).astype(np.float64)
    numbers, names = _classes(labels, len(array), classes)
    named = None if features is None else [features] if isinstance(features, str) else list(features)
    if named is not None and len(named) != 2:
        raise DataError(f"features: 2 names are needed, and {', '.join(map(str, named)) or 'none'} is given")
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


def _classes(labels: Any, count: int, names: Sequence[str] | None) -> tuple[list[int], list[str]]:
    array = np.asarray(labels)
    if array.ndim == 2 and array.shape[1] > 1:
        array = _of_one_hot(array)
    array = array[:, 0] if array.ndim == 2 else array
    if array.shape != (count,):
        raise DataError(f"there are labels {list(array.shape)} for {count} points; give one a point")
    if missing := [place for place, value in enumerate(array.tolist()) if value is None or value != value]:
        raise DataError(
            f"{len(missing)} of {count} labels are missing, the first in row {missing[0]}; leave such rows out"
        )
    texts = [str(value) for value in array.tolist()]
    found = number_classes(texts)
    if len(found.names) > MAX_CLASSES:
        told = f"there are {len(found.names)} different labels, and at most {MAX_CLASSES} can be told apart"
        raise DataError(f"{told} by colour and shape; are they classes?")
    if len(found.names) < 2:
        raise DataError(f"every point has the same label, {texts[0]!r}; two classes are needed")
    return (found.labels, found.names) if names is None else _name_classes(array, found.labels, list(names))


def _of_one_hot(rows: AnyArray) -> Integers:
    if rows.dtype.kind not in "biuf" or not (((rows == 0) | (rows == 1)).all() and (rows.sum(axis=1) == 1).all()):
        raise DataError(f"labels are rows {list(rows.shape)}, and not one-hot; give one label a point")
    return np.asarray(np.argmax(rows, axis=1), np.int64)


def _name_classes(labels: AnyArray, found: list[int], names: list[str]) -> tuple[list[int], list[str]]:
    """Classes with names: labels from 0 are places among them; of others there are as many as names."""
    different = len(set(found))
    if labels.dtype.kind in "biu" and labels.min() >= 0 and labels.max() < len(names):
        used = sorted(set(labels.tolist()))  # a class without points is none
        return [used.index(label) for label in labels.tolist()], [names[int(k)] for k in used]
    if different != len(names):
        raise DataError(f"there are {len(names)} names of classes for {different} different labels; give one for each")
    return found, names


def columns_of_frame(frame: Any) -> dict[str, Any]:
    """The columns of a table, by name: of a data frame, a mapping, or a structured array.

    Raises
    ------
    DataError
        If it is none of these.
    """
    if isinstance(frame, Mapping):
        return {str(name): values for name, values in frame.items()}
    if isinstance(frame, np.ndarray) and frame.dtype.names:
        return {name: frame[name] for name in frame.dtype.names}
    if hasattr(frame, "columns") and hasattr(frame, "__getitem__"):
        return {str(name): frame[name] for name in frame.columns}
    told = f"{type(frame).__name__} is no table"
    raise DataError(f"{told}: give a data frame, a dict of columns, or a structured array; or use from_arrays")
