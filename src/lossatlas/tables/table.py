"""Turns a table into points with a class each, and collects messages about what was left out (docs/tables.md)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lossatlas.arrays import Float64, Integers
from lossatlas.errors import DataError
from lossatlas.tables.columns import MAX_CLASSES, Chosen, Column, Columns, choose_columns, find_columns
from lossatlas.tables.decoding import decode, refuse_other_text
from lossatlas.tables.labels import Classes, number_classes
from lossatlas.tables.numbers import Way, parse_number
from lossatlas.tables.points import Point, find_outliers, read_points
from lossatlas.tables.rows import Row, Rows, cut_rows
from lossatlas.tables.sampling import thin_rows
from lossatlas.tables.words import clean_name, format_number, shorten_cell

#: How many points of a table are used by default.
MOST_POINTS = 2000
_MAX_ERRORS = 20


@dataclass(frozen=True)
class Choice:
    """The choices of a person about a table. None means that the choice is left to the rules of docs/tables.md.

    Attributes
    ----------
    x, y, label
        The columns, by name or by number from 1.
    separator
        The character between cells.
    header
        Whether the first row holds names.
    encoding
        The encoding of the file.
    decimal
        How numbers are written: ``point`` means 1,234.5 and ``comma`` means 1.234,5.
    join
        Whether labels become one class if they differ only in case, blanks or spelling.
    without_outliers
        Whether values that lie far from all others are left out.
    limit, seed
        The largest number of points. If there are more, points of each class are drawn with this seed.
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
    """The points of a table, and messages about how it was read.

    Attributes
    ----------
    points
        ``[N, 2]`` float64, in the units of the table.
    labels
        ``[N]`` int64, classes from 0.
    features, classes
        The names of the two features, and of the K classes.
    notices
        Messages about how the table was read, and about what was left out on purpose.
    thinned
        A message if only some of the points were used; else empty.
    errors
        What is wrong with rows that are left out.
    alike
        Groups of labels that differ only in case, blanks or spelling.
    outliers
        Messages about values that lie far from all others.
    separator, header, encoding, x, y, label
        The choices that were made; the columns are counted from 0.
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
        """Messages about possible mistakes: rows that are left out, labels that look alike, and outliers."""
        alike = [f"Labels that look alike are classes of their own: {', '.join(group)}." for group in self.alike]
        drawn = [self.thinned] if self.thinned else []
        return [*self.notices[1:], *drawn, *self.errors, *alike, *self.outliers]


def read_bytes(data: bytes, choice: Choice | None = None) -> Table:
    """Read the bytes of a file.

    Parameters
    ----------
    data
        The bytes.
    choice
        The choices of a person; by default, none.

    Returns
    -------
    Table
        The points, and messages about how the table was read.

    Raises
    ------
    DataError
        If the table cannot be used. The message says why, and what to do.
    """
    choice = choice or Choice()
    text, encoding = decode(data, choice.encoding)
    table = replace(read_text(text, choice), encoding=encoding)
    if encoding == "windows-1252" and not choice.encoding:
        table.notices.append("The file does not say how its letters are written: it is read as windows-1252.")
    return table


def read_text(text: str, choice: Choice | None = None) -> Table:
    """Read text as :func:`read_bytes` reads a file."""
    choice = choice or Choice()
    refuse_other_text(text)
    if choice.separator is not None and (len(choice.separator) != 1 or choice.separator in '"\n\r'):
        raise DataError(f"{choice.separator!r} is no separator; give one character, as ; or ,")
    rows = cut_rows(text, choice.separator)
    if not rows.rows:
        raise DataError(_list_lines("No row could be read.", _describe_unclosed(rows)))
    return _make_table(rows, find_columns(rows, choice.header, choice.decimal), choice)


def read_columns(columns: Mapping[str, Iterable[Any]], choice: Choice | None = None) -> Table:
    """Read named columns of equal length, such as those of a data frame. All values but numbers are read as text."""
    choice = replace(choice or Choice(), decimal="point")
    cells = {str(name): [_write_cell(value) for value in values] for name, values in columns.items()}
    lengths = {name: len(column) for name, column in cells.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"The columns have different lengths: {listed}.")
    body = [Row(number, list(row)) for number, row in enumerate(zip(*cells.values(), strict=True))]
    if not body:
        raise DataError("There is nothing to read: the table has no rows.")
    rows = Rows("", [Row(-1, list(cells)), *body], len(cells), counted="row")
    return _make_table(rows, find_columns(rows, True, "point"), choice)


def _write_cell(value: Any) -> str:
    """Write a value of a data frame as a cell. Values that pandas calls missing become empty."""
    if value is None or (isinstance(value, float | np.floating) and np.isnan(value)):
        return ""
    if isinstance(value, float | np.floating):
        return repr(float(value))
    return "" if str(value) in ("NaT", "<NA>") else str(value).strip()


def _make_table(rows: Rows, found: Columns, choice: Choice) -> Table:
    unclosed = _describe_unclosed(rows)
    if found.problem:
        raise DataError(_list_lines(found.problem, unclosed))
    columns = {"x": choice.x, "y": choice.y, "label": choice.label}
    places = [_find_place(name, found, role) for role, name in columns.items()]
    chosen = choose_columns(found, *places)
    if chosen.x is None or chosen.y is None:
        raise DataError("Two columns of numbers are needed beside the labels.")
    _refuse_column_with_two_roles(chosen)
    for column in (chosen.x, chosen.y):
        if column.reading.doubt:
            raise DataError(_ask_for_decimal(column))
    read, errors, missing = read_points(rows, found.body, chosen.x, chosen.y, chosen.label)
    errors += unclosed
    notices = [*_describe_columns(rows, chosen.x, chosen.y, chosen.label, found.header), *missing]
    sound, outliers = find_outliers(rows, read, chosen.x, chosen.y, choice.without_outliers)
    classes = number_classes([row.label for row in sound], chosen.label.name if found.header else "", choice.join)
    if problem := _find_problem(sound, classes, chosen):
        raise DataError(_list_lines(problem, errors))
    kept, thinned = _choose_points(classes, choice)
    return Table(
        points=np.array([(sound[i].x, sound[i].y) for i in kept]) + 0.0,  # turns −0 into 0
        labels=np.array([classes.labels[i] for i in kept]),
        features=(_name_feature(chosen.x, 0, found.header), _name_feature(chosen.y, 1, found.header)),
        classes=tuple(classes.names),
        x=chosen.x.place,
        y=chosen.y.place,
        label=chosen.label.place,
        separator=rows.separator,
        header=found.header,
        notices=notices,
        thinned=thinned,
        errors=_shorten(errors),
        alike=classes.alike,
        outliers=outliers,
    )


def _describe_columns(rows: Rows, x: Column, y: Column, label: Column, header: bool) -> list[str]:
    return [_describe_choice(x, y, label, header), *_describe_surroundings(rows), *_describe_readings(x, y)]


def _choose_points(classes: Classes, choice: Choice) -> tuple[list[int], str]:
    """Choose at most ``choice.limit`` points. Return their indices, and a message if these are not all points."""
    count = len(classes.labels)
    if count <= choice.limit:
        return list(range(count)), ""
    kept = thin_rows(classes.labels, len(classes.names), choice.limit, choice.seed)
    return kept, (
        f"Of {count:,} points, {len(kept):,} were taken at random from the whole table, each class in proportion."
    )


# Finding the columns that a person named


def _find_place(name: str | int | None, found: Columns, role: str) -> int | None:
    """Find a column by its name or by its number from 1, and return its index from 0."""
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


def _refuse_column_with_two_roles(chosen: Chosen) -> None:
    roles = {"x": chosen.x, "y": chosen.y, "label": chosen.label}
    for first, second in (("x", "y"), ("x", "label"), ("y", "label")):
        if (column := roles[first]) is roles[second] and column is not None:
            raise DataError(f"{column.text} is taken both for {first} and for {second}: give another for one of them.")


# Messages


def _list_lines(problem: str, more: list[str]) -> str:
    return "\n".join([problem, *_shorten(more)])


def _describe_unclosed(rows: Rows) -> list[str]:
    return [f"line {rows.unclosed}: a quote is opened and never closed"] if rows.unclosed else []


def _shorten(errors: list[str]) -> list[str]:
    rest = len(errors) - _MAX_ERRORS
    return [*errors[:_MAX_ERRORS], f"… and {rest:,} more"] if rest > 0 else errors


def _describe_choice(x: Column, y: Column, label: Column, header: bool) -> str:
    none = "" if header else " There is no header."
    return f"Read as x: {x.text}; as y: {y.text}; as class: {label.text}.{none}"


def _describe_surroundings(rows: Rows) -> list[str]:
    """Describe the comments and titles around the table."""
    notices = []
    if rows.comments:
        count = "One line is a comment" if rows.comments == 1 else f"{rows.comments} lines are comments"
        notices.append(f"{count} and left out.")
    if rows.titles:
        title = next(cell for cell in rows.titles[0].cells if cell)
        notices.append(f"Above the table stands “{shorten_cell(title)}”, which is left out.")
    return notices


def _describe_readings(x: Column, y: Column) -> list[str]:
    """Give an example for each column whose cells could also be read in another way."""
    return [
        f"{column.text}: “{example}” is read as {format_number(found[0])}."
        for column in (x, y)
        if column.reading.inferred
        and (example := column.reading.example)
        and (found := parse_number(example, column.reading.way))
    ]


def _ask_for_decimal(column: Column) -> str:
    doubt = column.reading.doubt
    ways: tuple[Way, Way] = ("point", "comma")
    meanings = " or ".join(format_number(found[0]) for way in ways if (found := parse_number(doubt, way)))
    return f"{column.text}: is “{doubt}” {meanings}? Choose how numbers are written: decimal point or comma."


def _find_problem(rows: list[Point], classes: Classes, chosen: Chosen) -> str:
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


def _name_feature(column: Column, axis: int, header: bool) -> str:
    name, unit = clean_name(column.name), column.reading.unit
    if not name:
        return f"column {column.place + 1}" if header else ("x₁", "x₂")[axis]
    return clean_name(f"{name} ({unit})") if unit and unit not in name else name
