"""Turns the rows of a table into points with a label each, and describes the rows that are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossatlas.checks import LARGEST
from lossatlas.tables.columns import Column
from lossatlas.tables.numbers import is_missing, is_no_label, parse_number
from lossatlas.tables.rows import Row, Rows
from lossatlas.tables.sampling import find_far_values
from lossatlas.tables.words import clean_name, format_number, shorten_cell

#: How many lines a message names if rows are left out.
_NAMED = 5


@dataclass(frozen=True)
class Point:
    """One row of a table: its line, its coordinates and its label."""

    line: int
    x: float
    y: float
    label: str


def read_points(
    table: Rows, body: list[Row], x: Column, y: Column, label: Column
) -> tuple[list[Point], list[str], list[str]]:
    """Read the rows of a table.

    Parameters
    ----------
    table
        The table.
    body
        The rows below the header.
    x, y, label
        The columns to read.

    Returns
    -------
    tuple
        The points that could be read; messages about rows with errors; messages about rows with missing values.
    """
    read: list[Point] = []
    errors: list[str] = []
    gaps: dict[int, list[int]] = {}
    most = max(table.width, x.place + 1, y.place + 1, label.place + 1)
    for row in body:
        cells = row.cells + [""] * (most - len(row.cells))
        beyond = max((place + 1 for place, cell in enumerate(cells) if cell != ""), default=0)
        where = f"{table.counted} {row.line}"
        if beyond > most:
            errors.append(f"{where}: there are {beyond} cells where the table has {table.width}")
        elif gap := next((column for column in (x, y) if is_missing(cells[column.place])), None) or (
            label if is_no_label(cells[label.place]) else None
        ):
            gaps.setdefault(gap.place, []).append(row.line)
        elif fault := _describe_fault(cells[x.place], x) or _describe_fault(cells[y.place], y):
            errors.append(f"{where}, {fault}")
        else:
            read.append(Point(row.line, _read_value(cells, x), _read_value(cells, y), cells[label.place]))
    columns = {column.place: column for column in (x, y, label)}
    missing = [
        _describe_missing(columns[place], lines, place == label.place, table.counted) for place, lines in gaps.items()
    ]
    return read, errors, missing


def _read_value(cells: list[str], column: Column) -> float:
    """Return the number in a cell that :func:`_describe_fault` has accepted."""
    number, _ = parse_number(cells[column.place], column.reading.way) or (float("nan"), "")
    return number


def _describe_fault(cell: str, column: Column) -> str:
    """Say what is wrong with a cell; empty if nothing is wrong."""
    name, unit = clean_name(column.name), column.reading.unit
    where = f"column {column.place + 1}{f' (“{name}”)' if name else ''}: “{shorten_cell(cell)}”"
    found = parse_number(cell, column.reading.way)
    if found is None:
        return f"{where} is not a number"
    if abs(found[0]) > LARGEST:
        return f"{where} is too large"
    if found[1].lower() == unit.lower() or (found[1] == "" and unit != "%"):
        return ""
    if unit:
        return f"{where} is not in {unit} as the others are"
    return f"{where} is in {found[1]}, and the others are not"


def find_outliers(table: Rows, rows: list[Point], x: Column, y: Column, without: bool) -> tuple[list[Point], list[str]]:
    """Find values that lie far from all others.

    Parameters
    ----------
    table
        The table.
    rows
        Its points.
    x, y
        Their columns.
    without
        Whether to leave out the points with such values.

    Returns
    -------
    tuple
        The points that are kept, and one message per column with such values.
    """
    far: set[int] = set()
    messages: list[str] = []
    for column, values in ((x, [row.x for row in rows]), (y, [row.y for row in rows])):
        found = find_far_values(np.array(values))
        far.update(found)
        if found:
            some = ", ".join(f"{format_number(values[i])} ({table.counted} {rows[i].line})" for i in found[:_NAMED])
            more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
            messages.append(f"{column.text}: far from all others {'is' if len(found) == 1 else 'are'} {some}{more}.")
    return [row for i, row in enumerate(rows) if not (without and i in far)], messages


def _describe_missing(column: Column, lines: list[int], is_label: bool, counted: str) -> str:
    what = f"no {'label' if is_label else 'number'} in {column.text}"
    if len(lines) == 1:
        return f"One row has {what} and is left out: {counted} {lines[0]}."
    more = f" and {len(lines) - _NAMED:,} more" if len(lines) > _NAMED else ""
    return f"{len(lines):,} rows have {what} and are left out: {counted}s {', '.join(map(str, lines[:_NAMED]))}{more}."
