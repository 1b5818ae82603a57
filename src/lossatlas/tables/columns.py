"""Finds the columns of a table and their names, and chooses x, y and the label (docs/tables.md, sections 5 and 7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lossatlas.tables.numbers import Reading, Way, is_missing, is_no_label, judge_columns, parse_number
from lossatlas.tables.rows import Row, Rows
from lossatlas.tables.words import clean_name

#: The page has this many colours and shapes, and each class needs its own.
MAX_CLASSES = 10
_LABEL_NAMES = re.compile(
    "label|labels|class|classes|target|category|species|group|kind|type|variety|outcome|diagnosis|y_true",
    re.IGNORECASE,
)
_INDEX_NAMES = re.compile(r"|#|unnamed: ?[0-9]+|(.*[\s_.-])?(id|index|idx|no|nr|row|number)", re.IGNORECASE)
_INDEX_HUMPS = re.compile(r"[a-z](Id|ID|Index|Idx|No|Nr|Row)$")
#: How many rows are looked at to decide what a column holds.
_JUDGED = 2000
_HOW_MANY = ("none was", "one was", "two were")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    reading
        How its cells are read.
    place
        Its index in a row, from 0.
    name
        Its name; empty if it has none.
    values, labels
        How many different values, and how many different labels, its cells hold.
    """

    reading: Reading
    place: int
    name: str
    values: int
    labels: int

    @property
    def text(self) -> str:
        """A description for messages: the name of the column, and its number from 1."""
        shown = clean_name(self.name)
        return f"“{shown}” (column {self.place + 1})" if shown else f"column {self.place + 1}"


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Attributes
    ----------
    columns
        The columns that are not empty.
    header
        Whether the columns have names.
    body
        The rows below the header.
    problem
        Why these columns cannot be used; empty if they can.
    """

    columns: list[Column]
    header: bool
    body: list[Row]
    problem: str


@dataclass(frozen=True)
class Chosen:
    """The columns that were chosen for x, y and the label; None where no column was found."""

    x: Column | None
    y: Column | None
    label: Column


def is_label_name(name: str) -> bool:
    """Return whether a column with this name usually holds labels."""
    return _LABEL_NAMES.fullmatch(name.strip()) is not None


def find_columns(table: Rows, header: bool | None = None, way: Way | None = None) -> Columns:
    """Find the columns of a table. ``header`` and ``way`` override what is recognised."""
    rows, width = table.rows, table.width
    first = rows[0].cells
    later = _list_cells(_sample_rows(rows[1:]), width)
    if header is None:
        header = len(rows) > 1 and _is_header(first, later, judge_columns(later, way))
    judged = later if header else _list_cells(_sample_rows(rows), width)
    readings = judge_columns(judged, way)
    filled = [place for place in range(width) if any(judged[place])]
    names = _read_header(first, width) if header else _read_comment(table.comment, len(filled))
    columns = [
        Column(
            reading=readings[place],
            place=place,
            name=names[place] if place < len(names) else "",
            values=_count_values(judged[place], readings[place].way),
            labels=len({cell for cell in judged[place] if not is_no_label(cell)}),
        )
        for place in filled
    ]
    return Columns(columns, header or bool(names), rows[1:] if header else rows, _describe_problem(columns))


def choose_columns(found: Columns, x: int | None = None, y: int | None = None, label: int | None = None) -> Chosen:
    """Choose the columns for x, y and the label. The arguments override the choice; they count columns from 0."""
    by_place = {column.place: column for column in found.columns}
    others = [column for column in found.columns if column.place not in (x, y)]
    labels = by_place.get(-1 if label is None else label) or _choose_label(others, found.header) or found.columns[-1]
    numbers = [column for column in others if column.reading.numeric and column is not labels]
    meant = [column for column in numbers if not _is_index(column, found.header) and column.values > 1]
    wanted = [by_place.get(-1 if place is None else place) for place in (x, y)]
    left = iter(meant if len(meant) >= wanted.count(None) else numbers)
    first, second = (column or next(left, None) for column in wanted)
    return Chosen(first, second, labels)


def _list_cells(rows: Sequence[Row], width: int) -> list[list[str]]:
    """Return the cells of each column."""
    return [[row.cells[place] if place < len(row.cells) else "" for row in rows] for place in range(width)]


def _sample_rows(rows: Sequence[Row]) -> Sequence[Row]:
    """Return all rows, or a sample that is spread over the table if there are many."""
    return rows if len(rows) <= _JUDGED else [rows[i * len(rows) // _JUDGED] for i in range(_JUDGED)]


def _count_values(cells: Sequence[str], way: Way) -> int:
    found = (parse_number(cell, way) or (cell, "") for cell in cells if not is_missing(cell))
    return len({value for value, _ in found})


def _is_header(first: Sequence[str], later: Sequence[Sequence[str]], readings: Sequence[Reading]) -> bool:
    """Return whether the first row has text in most columns of numbers, or holds a usual name for labels."""
    numeric = [place for place, reading in enumerate(readings) if reading.numeric]
    text = [
        place
        for place in numeric
        if place < len(first)
        and not is_missing(first[place])
        and parse_number(first[place], readings[place].way) is None
    ]
    if numeric and 2 * len(text) > len(numeric):
        return True
    return any(
        is_label_name(cell) and not (place < len(later) and cell in later[place]) for place, cell in enumerate(first)
    )


def _read_header(cells: list[str], width: int) -> list[str]:
    """Return the names in a header. If the rows begin with row names, the header has one cell less than they have."""
    return ["", *cells] if len(cells) == width - 1 and all(cells) else cells


def _read_comment(comment: Row | None, width: int) -> list[str]:
    """Return the names in a comment above the rows, as NumPy writes it; empty if it holds no names."""
    cells = comment.cells if comment else []
    named = len(cells) == width >= 3 and all(cell != "" and parse_number(cell, "point") is None for cell in cells)
    return cells if named else []


def _describe_problem(columns: Sequence[Column]) -> str:
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


def _choose_label(columns: Sequence[Column], header: bool) -> Column | None:
    named = next((column for column in reversed(columns) if header and is_label_name(column.name)), None)
    last = columns[-1] if columns else None
    if named or last is None or not last.reading.numeric or last.values <= MAX_CLASSES:
        return named or last
    text = (column for column in reversed(columns) if not column.reading.numeric and 2 <= column.labels <= MAX_CLASSES)
    return next(text, last)
