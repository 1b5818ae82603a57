"""Cutting text into rows of cells: comments, titles, separator and quotes (docs/tables.md, sections 3 and 4).

Python's csv module is not used: it reads over a quote that is never closed, ends a cell at a quote within it, and does
not say on which line a row begins.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache

from lossatlas.tables.numbers import can_be_number, is_missing

#: In the order in which they are tried; the blank stands for runs of blanks.
SEPARATORS = ("\t", ";", "|", ",", " ")
_PROBE = 100
_SEP_LINE = re.compile(r'\s*"?sep=(\\t|.)"?\s*', re.IGNORECASE)
_COMMENT = re.compile(r"\s*[#%](?!\s*[,;|\t])")


@dataclass(frozen=True)
class Row:
    """One row: the line on which it begins, from 1 (of a data frame the row, from 0), and its cells, trimmed."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Rows:
    """A table cut into cells.

    Attributes
    ----------
    separator
        Between cells.
    rows
        Without those that are blank.
    width
        The usual number of cells.
    comment
        The last before the first row, cut as a row is.
    titles
        Rows before the table, left out.
    comments
        How many lines were comments.
    unclosed
        The line of a quote that is never closed, or 0.
    counted
        What rows are counted by: lines of a text, or the rows of a data frame.
    """

    separator: str
    rows: list[Row]
    width: int
    comment: Row | None = None
    titles: list[Row] = field(default_factory=list)
    comments: int = 0
    unclosed: int = 0
    counted: str = "line"


def rows_of(text: str, chosen: str | None = None) -> Rows:
    """Cut a text; ``chosen`` is a separator."""
    lines = re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff")).split("\n")
    named = _SEP_LINE.fullmatch(lines[0])
    if named:
        lines[0] = ""
    comments = _blank_comments(lines)
    separator = chosen or (named[1].replace("\\t", "\t") if named else _separator_of(lines))
    rows, unclosed = _cut(lines, separator)
    width = _usual_width(rows)
    first = next((place for place, row in enumerate(rows) if sum(cell != "" for cell in row.cells) > 1), 0)
    start = first if width >= 3 else 0
    comment = None
    for line, said, before in comments:
        if before:
            cut, _ = _cut([said], separator)
            comment = Row(line, cut[0].cells if cut else [])
    return Rows(separator, rows[start:], width, comment, rows[:start], len(comments), unclosed)


def _blank_comments(lines: list[str]) -> list[tuple[int, str, bool]]:
    """Take the comments out, in place: line, text, and whether each stands before the first row."""
    found = [place for place, line in enumerate(lines) if _COMMENT.match(line)]
    if 2 * len(found) > sum(line.strip() != "" for line in lines):
        return []
    first = next((i for i, line in enumerate(lines) if line.strip() != "" and not _COMMENT.match(line)), -1)
    comments = [(place + 1, lines[place].strip()[1:], place < first) for place in found]
    for place in found:
        lines[place] = ""
    return comments


def _separator_of(lines: list[str]) -> str:
    start = next((place for place, line in enumerate(lines) if line.strip() != ""), 0)
    probe = lines[start : start + 4 * _PROBE]
    widest, most = ",", -1
    first_sound: str | None = None
    for separator in SEPARATORS:
        rows = _cut(probe, separator)[0][:_PROBE]
        usual = _usual_width(rows)
        alike = [row.cells for row in rows if len(row.cells) == usual]
        even = 2 * len(alike) > len(rows)
        width = sum(any(cells[column] != "" for cells in alike) for column in range(usual))
        if width > most or (width == most and separator == ","):  # of equally wide ones the comma, else the first
            widest, most = separator, width
        if width < 3 or not even:
            continue
        body = alike[1:] if len(alike) > 1 else alike  # the first may be a header
        if _numeric_columns(body, usual) >= 2:
            return separator
        first_sound = first_sound or separator
    return first_sound or widest


def _numeric_columns(rows: list[list[str]], width: int) -> int:
    count = 0
    for column in range(width):
        filled = [cells[column] for cells in rows if not is_missing(cells[column])]
        count += 2 * sum(map(can_be_number, filled)) > len(filled)
    return count


def _usual_width(rows: list[Row]) -> int:
    """The number of cells that most rows have, the smaller of two."""
    counts = Counter(len(row.cells) for row in rows[:_PROBE])
    return max(counts, key=lambda width: (counts[width], -width), default=0)


def _cut(lines: list[str], separator: str) -> tuple[list[Row], int]:
    """Rows that are not blank, and the line of a quote that is never closed, or 0."""
    text = "\n".join(map(_single_blanks, lines) if separator == " " else lines)
    pattern = _cell(separator)
    rows: list[Row] = []
    cells: list[str] = []
    line = start = 1
    place = 0
    while place <= len(text):
        match = pattern.match(text, place)
        if match is None:  # a quote is opened and never closed: what follows it is no row
            return rows, start
        cell = match[2] if match[1] is None else match[1].replace('""', '"')
        cells.append(cell.strip())
        line += cell.count("\n")
        place = match.end() + 1
        if match.end() == len(text) or text[match.end()] == "\n":
            if any(cells):
                rows.append(Row(start, cells))
            cells, line = [], line + 1
            start = line
    return rows, 0


@cache
def _cell(separator: str) -> re.Pattern[str]:
    """A cell up to the next separator or line's end. One that begins with a quote ends at the quote before these."""
    between = re.escape(separator)
    blanks = "" if separator == " " else " *"
    end = rf"{blanks}(?:{between}|\n|\Z)"
    quoted = rf'{blanks}"((?>[^"]|""|"(?!{end}))*+)"(?={end}){blanks}'
    return re.compile(rf'{quoted}|(?!{blanks}")([^{between}\n]*)')


def _single_blanks(line: str) -> str:
    """Runs of blanks as one, but for those within quotes."""
    parts = line.strip().split('"')
    return '"'.join(part if place % 2 else re.sub(r"\s+", " ", part) for place, part in enumerate(parts))
