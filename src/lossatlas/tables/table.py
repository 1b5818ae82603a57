"""Turning a table into points with a class each, with warnings about what was left out (docs/tables.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.errors import DataError
from lossatlas.tables.columns import MAX_CLASSES, Chosen, Column, Columns, choose_columns, columns_of
from lossatlas.tables.decoding import decode, refuse_other_text
from lossatlas.tables.labels import Classes, classes_of
from lossatlas.tables.numbers import Way, number_in
from lossatlas.tables.points import Point, find_outliers, read_points
from lossatlas.tables.rows import Row, Rows, rows_of
from lossatlas.tables.sampling import thin_rows
from lossatlas.tables.words import clean_name, number_text, shorten_cell

#: Points of a table that are taken where nobody says otherwise.
MOST_POINTS = 2000
_MAX_ERRORS = 20


@dataclass(frozen=True)
class Choice:
    """What a person says of a table; None: as it is recognised.

    Attributes
    ----------
    x, y, label
        Columns: by name, or by number from 1.
    separator, header, encoding
        Between cells; whether the first row holds names; of the file.
    decimal
        How numbers are written: ``point`` is 1,234.5 and ``comma`` is 1.234,5.
    join
        Labels that differ in case, blanks or spelling only are one.
    without_outliers
        Values far from all others are left out.
    limit, seed
        Of more points, some of each class are drawn with this seed.
    """

    x: str | int | None = None
    y: str | int | None = None
    label: str | int | None = None
    separator: str | None = None
    header: bool | None = None
    encoding: str | None = None
    decimal: Way | None = None
    join: bool = False
    without_outliers: bool = False
    limit: int = MOST_POINTS
    seed: int = 0


@dataclass(frozen=True)
class Table:
    """Points of a table, and what was understood of it.

    Attributes
    ----------
    points, labels
        ``[N, 2]`` float64, as they are written; ``[N]`` int64, classes from 0.
    features, classes
        Two names, and K.
    notices
        What was understood, and what was left out on purpose.
    thinned
        What is said where only some of the points were taken, else empty.
    errors
        What is wrong with rows that are left out.
    alike
        Groups of labels that differ in case, blanks or spelling only.
    outliers
        Sentences about values far from all others.
    separator, header, encoding, x, y, label
        What was taken; the columns as places in a row, from 0.
    """

    points: Float64
    labels: Integers
    features: tuple[str, str]
    classes: tuple[str, ...]
    x: int
    y: int
    label: int
    separator: str
    header: bool
    encoding: str = ""
    notices: list[str] = field(default_factory=list)
    thinned: str = ""
    errors: list[str] = field(default_factory=list)
    alike: list[list[str]] = field(default_factory=list)
    outliers: list[str] = field(default_factory=list)

    @property
    def warnings(self) -> list[str]:
        """What may not be as it was meant: rows left out, labels alike, outliers. One sentence each."""
        alike = [f"Labels that look alike are classes of their own: {', '.join(group)}." for group in self.alike]
        drawn = [self.thinned] if self.thinned else []
        return [*self.notices[1:], *drawn, *self.errors, *alike, *self.outliers]


def read_bytes(data: bytes, choice: Choice | None = None) -> Table:
    """Read the bytes of a file.

    Raises
    ------
    DataError
        If no dataset can be made of it; the message says why, and what to do.
    """
    choice = choice or Choice()
    text, encoding = decode(data, choice.encoding)
    table = replace(read_text(text, choice), encoding=encoding)
    if encoding == "windows-1252" and not choice.encoding:
        table.notices.append("The file does not say how its letters are written: it is read as windows-1252.")
    return table


def read_text(text: str, choice: Choice | None = None) -> Table:
    """Read text, as :func:`read_bytes` reads a file."""
    choice = choice or Choice()
    refuse_other_text(text)
    if choice.separator is not None and (len(choice.separator) != 1 or choice.separator in '"\n\r'):
        raise DataError(f"{choice.separator!r} is no separator; give one character, as ; or ,")
    rows = rows_of(text, choice.separator)
    if not rows.rows:
        raise _fault("No row could be read.", _unclosed(rows))
    return _table(rows, columns_of(rows, choice.header, choice.decimal), choice)


def read_columns(columns: Mapping[str, Iterable[Any]], choice: Choice | None = None) -> Table:
    """Read named columns of equal length, as a data frame has them: numbers as they are, everything else as text."""
    choice = replace(choice or Choice(), decimal="point")
    cells = {str(name): [_cell_text(value) for value in values] for name, values in columns.items()}
    lengths = {name: len(column) for name, column in cells.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"The columns have different lengths: {told}.")
    body = [Row(number, list(row)) for number, row in enumerate(zip(*cells.values(), strict=True))]
    if not body:
        raise DataError("There is nothing to read: the table has no rows.")
    rows = Rows("", [Row(-1, list(cells)), *body], len(cells), counted="row")
    return _table(rows, columns_of(rows, True, "point"), choice)


def _cell_text(value: Any) -> str:
    """A value of a data frame as a cell; what pandas calls missing is empty."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return "" if str(value) in ("NaT", "<NA>") else str(value).strip()


def _table(rows: Rows, found: Columns, choice: Choice) -> Table:
    unclosed = _unclosed(rows)
    if found.problem:
        raise _fault(found.problem, unclosed)
    places = [_place_of(name, found, role) for role, name in _wanted(choice).items()]
    chosen = choose_columns(found, *places)
    if chosen.x is None or chosen.y is None:
        raise DataError("Two columns of numbers are needed beside the labels.")
    _refuse_twice(chosen)
    for column in (chosen.x, chosen.y):
        if column.reading.doubt:
            raise DataError(_question(column))
    read, errors, missing = read_points(rows, found.body, chosen.x, chosen.y, chosen.label)
    errors += unclosed
    notices = [_describe_choice(chosen, found.header), *_asides(rows), *_readings(chosen.x, chosen.y), *missing]
    sound, outliers = find_outliers(rows, read, chosen.x, chosen.y, choice.without_outliers)
    classes = classes_of([row.label for row in sound], chosen.label.name if found.header else "", choice.join)
    if problem := _problem(sound, classes, chosen):
        raise _fault(problem, errors)
    kept, drawn = _choose_points(classes, choice)
    return Table(
        points=np.array([(sound[i].x, sound[i].y) for i in kept]) + 0.0,  # −0 is 0
        labels=np.array([classes.labels[i] for i in kept]),
        features=(_feature(chosen.x, 0, found.header), _feature(chosen.y, 1, found.header)),
        classes=tuple(classes.names),
        x=chosen.x.place,
        y=chosen.y.place,
        label=chosen.label.place,
        separator=rows.separator,
        header=found.header,
        notices=notices,
        thinned=drawn,
        errors=_shorten(errors),
        alike=classes.alike,
        outliers=outliers,
    )


def _choose_points(classes: Classes, choice: Choice) -> tuple[list[int], str]:
    """The places of the points that are taken, and what is said where these are not all."""
    count = len(classes.labels)
    if count <= choice.limit:
        return list(range(count)), ""
    kept = thin_rows(classes.labels, len(classes.names), choice.limit, choice.seed)
    return kept, (
        f"Of {count:,} points, {len(kept):,} were taken at random from the whole table, each class in proportion."
    )


# Columns that are named


def _wanted(choice: Choice) -> dict[str, str | int | None]:
    return {"x": choice.x, "y": choice.y, "label": choice.label}


def _place_of(name: str | int | None, found: Columns, role: str) -> int | None:
    """The place of a column, from 0, by its name or by its number from 1."""
    if name is None:
        return None
    text = str(name).strip()
    exact = [column for column in found.columns if column.name.strip() == text]
    alike = [column for column in found.columns if column.name.strip().lower() == text.lower()]
    named = exact or alike
    if not named and text.isdecimal():
        named = [column for column in found.columns if column.place == int(text) - 1]
    if len(named) == 1:
        return named[0].place
    if named:
        numbers = ", ".join(str(column.place + 1) for column in named)
        raise DataError(f"{role}: {len(named)} columns are called {text!r}; give a number: {numbers}.")
    there = ", ".join(column.text for column in found.columns)
    raise DataError(f"{role}: there is no column {text!r}; there are {there}.")


def _refuse_twice(chosen: Chosen) -> None:
    roles = {"x": chosen.x, "y": chosen.y, "label": chosen.label}
    for first, second in (("x", "y"), ("x", "label"), ("y", "label")):
        if (column := roles[first]) is roles[second] and column is not None:
            raise DataError(f"{column.text} is taken both for {first} and for {second}: give another for one of them.")


# What is told


def _fault(problem: str, more: list[str]) -> DataError:
    return DataError("\n".join([problem, *_shorten(more)]))


def _unclosed(rows: Rows) -> list[str]:
    return [f"line {rows.unclosed}: a quote is opened and never closed"] if rows.unclosed else []


def _shorten(errors: list[str]) -> list[str]:
    rest = len(errors) - _MAX_ERRORS
    return [*errors[:_MAX_ERRORS], f"… and {rest:,} more"] if rest > 0 else errors


def _describe_choice(chosen: Chosen, header: bool) -> str:
    assert chosen.x is not None
    assert chosen.y is not None
    none = "" if header else " There is no header."
    return f"Read as x: {chosen.x.text}; as y: {chosen.y.text}; as class: {chosen.label.text}.{none}"


def _asides(rows: Rows) -> list[str]:
    """What stands around the table."""
    notices = []
    if rows.comments:
        count = "One line is a comment" if rows.comments == 1 else f"{rows.comments} lines are comments"
        notices.append(f"{count} and left out.")
    if rows.titles:
        title = next(cell for cell in rows.titles[0].cells if cell)
        notices.append(f"Above the table stands “{shorten_cell(title)}”, which is left out.")
    return notices


def _readings(x: Column, y: Column) -> list[str]:
    """Cells that could be read otherwise, where what stands beside them has decided."""
    return [
        f"{column.text}: “{example}” is read as {number_text(found[0])}."
        for column in (x, y)
        if column.reading.told
        and (example := column.reading.example)
        and (found := number_in(example, column.reading.way))
    ]


def _question(column: Column) -> str:
    doubt = column.reading.doubt
    point, comma = (number_in(doubt, way) for way in ("point", "comma"))
    assert point is not None
    assert comma is not None
    return (
        f"{column.text}: is “{doubt}” {number_text(point[0])} or {number_text(comma[0])}? "
        "Choose how numbers are written: decimal point or comma."
    )


def _problem(rows: list[Point], classes: Classes, chosen: Chosen) -> str:
    if not rows:
        text = next((column for column in (chosen.x, chosen.y) if column and not column.reading.numeric), None)
        return f"{text.text} holds text, not numbers: choose another." if text else "No row could be read."
    label, count = chosen.label.text, len(classes.names)
    if count == 1:
        return f"Every row has the same label, “{classes.names[0]}”: two classes are needed. Is {label} the right one?"
    if count <= MAX_CLASSES:
        return ""
    return (
        f"{label} has {count:,} different labels, and at most {MAX_CLASSES} can be told apart by colour and shape. "
        "Is it the right one?"
    )


def _feature(column: Column, axis: int, header: bool) -> str:
    name, unit = clean_name(column.name), column.reading.unit
    if not name:
        return f"column {column.place + 1}" if header else ("x₁", "x₂")[axis]
    return clean_name(f"{name} ({unit})") if unit and unit not in name else name
