"""Which columns a table has, what they are called, and which are x, y and the label where nobody says.

docs/tables.md, sections 5 and 7.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lossatlas.tables.numbers import Reading, Way, is_missing, is_no_label, number_in, readings_of
from lossatlas.tables.rows import Row, Rows
from lossatlas.tables.words import clean_name

#: Each class has a colour and a shape of its own, and the page has this many.
MAX_CLASSES = 10
_LABEL_NAMES = re.compile(
    "label|labels|class|classes|target|category|species|group|kind|type|variety|outcome|diagnosis|y_true",
    re.IGNORECASE,
)
_INDEX_NAMES = re.compile(r"|#|unnamed: ?[0-9]+|(.*[\s_.-])?(id|index|idx|no|nr|row|number)", re.IGNORECASE)
_INDEX_HUMPS = re.compile(r"[a-z](Id|ID|Index|Idx|No|Nr|Row)$")
#: Rows that decide what a column is.
_JUDGED = 2000
_HOW_MANY = ("none was", "one was", "two were")


@dataclass(frozen=True)
class Column:
    """A column: how its cells are read, its place in a row from 0, its name, and how many different ones it has."""

    reading: Reading
    place: int
    name: str
    values: int
    labels: int

    @property
    def text(self) -> str:
        """The column in words: its name, and its number from 1."""
        shown = clean_name(self.name)
        return f"“{shown}” (column {self.place + 1})" if shown else f"column {self.place + 1}"


@dataclass(frozen=True)
class Columns:
    """The columns that are not empty, whether they have names, the rows below, and why they will not do."""

    columns: list[Column]
    header: bool
    body: list[Row]
    problem: str


@dataclass(frozen=True)
class Chosen:
    """Which columns are taken; None where there is none."""

    x: Column | None
    y: Column | None
    label: Column


def is_label_name(name: str) -> bool:
    """Whether a column of this name usually holds labels."""
    return _LABEL_NAMES.fullmatch(name.strip()) is not None


def columns_of(table: Rows, header: bool | None = None, way: Way | None = None) -> Columns:
    """Find the columns of a table; ``header`` and ``way`` instead of what is recognised."""
    rows, width = table.rows, table.width
    first = rows[0].cells
    later = _cells(_sample(rows[1:]), width)
    if header is None:
        header = len(rows) > 1 and _is_header(first, later, readings_of(later, way))
    judged = later if header else _cells(_sample(rows), width)
    readings = readings_of(judged, way)
    filled = [place for place in range(width) if any(judged[place])]
    names = _names_of(first, width) if header else _names_in(table.comment, len(filled))
    columns = [
        Column(
            reading=readings[place],
            place=place,
            name=names[place] if place < len(names) else "",
            values=_different(judged[place], readings[place].way),
            labels=len({cell for cell in judged[place] if not is_no_label(cell)}),
        )
        for place in filled
    ]
    return Columns(columns, header or bool(names), rows[1:] if header else rows, _problem_of(columns))


def choose_columns(found: Columns, x: int | None = None, y: int | None = None, label: int | None = None) -> Chosen:
    """Give the columns that are meant, as far as one can tell; x, y and the label are places in a row, from 0."""
    by_place = {column.place: column for column in found.columns}
    others = [column for column in found.columns if column.place not in (x, y)]
    labels = by_place.get(-1 if label is None else label) or _label_column(others, found.header) or found.columns[-1]
    numbers = [column for column in others if column.reading.numeric and column is not labels]
    meant = [column for column in numbers if not _is_index(column, found.header) and column.values > 1]
    wanted = [by_place.get(-1 if place is None else place) for place in (x, y)]
    left = iter(meant if len(meant) >= wanted.count(None) else numbers)
    first, second = (column or next(left, None) for column in wanted)
    return Chosen(first, second, labels)


def _cells(rows: Sequence[Row], width: int) -> list[list[str]]:
    """The cells of each column."""
    return [[row.cells[place] if place < len(row.cells) else "" for row in rows] for place in range(width)]


def _sample(rows: Sequence[Row]) -> Sequence[Row]:
    """All, or of many some over the whole length."""
    return rows if len(rows) <= _JUDGED else [rows[i * len(rows) // _JUDGED] for i in range(_JUDGED)]


def _different(cells: Sequence[str], way: Way) -> int:
    found = (number_in(cell, way) or (cell, "") for cell in cells if not is_missing(cell))
    return len({value for value, _ in found})


def _is_header(first: Sequence[str], later: Sequence[Sequence[str]], readings: Sequence[Reading]) -> bool:
    """Of what are columns of numbers below, most are text in the first row; or it holds a usual name for labels."""
    numeric = [place for place, reading in enumerate(readings) if reading.numeric]
    text = [
        place
        for place in numeric
        if place < len(first) and not is_missing(first[place]) and number_in(first[place], readings[place].way) is None
    ]
    if numeric and 2 * len(text) > len(numeric):
        return True
    return any(
        is_label_name(cell) and not (place < len(later) and cell in later[place]) for place, cell in enumerate(first)
    )


def _names_of(cells: list[str], width: int) -> list[str]:
    """A header over row names has one cell less."""
    return ["", *cells] if len(cells) == width - 1 and all(cells) else cells


def _names_in(comment: Row | None, width: int) -> list[str]:
    """What NumPy writes above its rows."""
    cells = comment.cells if comment else []
    named = len(cells) == width >= 3 and all(cell != "" and number_in(cell, "point") is None for cell in cells)
    return cells if named else []


def _problem_of(columns: Sequence[Column]) -> str:
    if len(columns) < 3:
        return (
            f"Three columns are needed, two of numbers and one of labels; {_HOW_MANY[len(columns)]} found. "
            "Separate them by commas, semicolons, tabs, blanks or “|”."
        )
    numeric = sum(column.reading.numeric for column in columns)
    if numeric < 2:
        return f"Two columns of numbers are needed beside the labels; {_HOW_MANY[numeric]} found."
    return ""


def _is_index(column: Column, header: bool) -> bool:
    name = column.name.strip()
    return header and (_INDEX_NAMES.fullmatch(name) is not None or _INDEX_HUMPS.search(name) is not None)


def _label_column(columns: Sequence[Column], header: bool) -> Column | None:
    named = next((column for column in reversed(columns) if header and is_label_name(column.name)), None)
    last = columns[-1] if columns else None
    if named or last is None or not last.reading.numeric or last.values <= MAX_CLASSES:
        return named or last
    text = (column for column in reversed(columns) if not column.reading.numeric and 2 <= column.labels <= MAX_CLASSES)
    return next(text, last)
