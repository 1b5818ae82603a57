"""Cuts text into rows of cells. It handles comments, titles, separators and quotes (docs/tables.md, sections 3 and 4).

It does not use Python's csv module, because that module does not report a quote that is never closed, ends a cell at a
quote inside it, and does not say on which line a row begins.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache

from lossatlas.tables.numbers import can_be_number, is_missing

#: The separators in the order in which they are tried. The blank means one or more blanks.
SEPARATORS = ("\t", ";", "|", ",", " ")
_PROBE = 100
_SEP_LINE = re.compile(r'\s*"?sep=(\\t|.)"?\s*', re.IGNORECASE)
_COMMENT = re.compile(r"\s*[#%](?!\s*[,;|\t])")


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    line
        The line on which the row begins, from 1. For a data frame, it is the number of the row, from 0.
    cells
        The trimmed cells.
    """

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Rows:
    """A table cut into cells.

    Attributes
    ----------
    separator
        The separator between cells.
    rows
        The rows that are not blank.
    width
        The usual number of cells in a row.
    comment
        The last comment before the first row, cut into cells.
    titles
        Rows above the table. They are left out.
    comments
        How many lines are comments.
    unclosed
        The line of a quote that is never closed, or 0.
    counted
        What :attr:`Row.line` counts: ``line`` for text, and ``row`` for a data frame.
    """

    separator: str
    rows: list[Row]
    width: int
    comment: Row | None = None
    titles: list[Row] = field(default_factory=list)
    comments: int = 0
    unclosed: int = 0
    counted: str = "line"


def cut_rows(text: str, chosen: str | None = None) -> Rows:
    """Cut text into rows of cells. ``chosen`` overrides the separator that is recognised."""
    lines = re.sub(r"\r\n?", "\n", text.removeprefix("\ufeff")).split("\n")
    named = _SEP_LINE.fullmatch(lines[0])
    if named:
        lines[0] = ""
    comments = _blank_comments(lines)
    separator = chosen or (named[1].replace("\\t", "\t") if named else _recognise_separator(lines))
    rows, unclosed = _cut_lines(lines, separator)
    width = _find_usual_width(rows)
    first = next((place for place, row in enumerate(rows) if sum(cell != "" for cell in row.cells) > 1), 0)
    start = first if width >= 3 else 0
    comment = None
    for line, said, before in comments:
        if before:
            cut, _ = _cut_lines([said], separator)
            comment = Row(line, cut[0].cells if cut else [])
    return Rows(separator, rows[start:], width, comment, rows[:start], len(comments), unclosed)


def _blank_comments(lines: list[str]) -> list[tuple[int, str, bool]]:
    """Blank the comments in place, and return their lines, their texts, and whether each is above the first row."""
    found = [place for place, line in enumerate(lines) if _COMMENT.match(line)]
    if 2 * len(found) > sum(line.strip() != "" for line in lines):
        return []
    first = next((i for i, line in enumerate(lines) if line.strip() != "" and not _COMMENT.match(line)), -1)
    comments = [(place + 1, lines[place].strip()[1:], place < first) for place in found]
    for place in found:
        lines[place] = ""
    return comments


def _recognise_separator(lines: list[str]) -> str:
    start = next((place for place, line in enumerate(lines) if line.strip() != ""), 0)
    probe = lines[start : start + 4 * _PROBE]
    widest, most = ",", -1
    first_sound: str | None = None
    for separator in SEPARATORS:
        rows = _cut_lines(probe, separator)[0][:_PROBE]
        usual = _find_usual_width(rows)
        alike = [row.cells for row in rows if len(row.cells) == usual]
        even = 2 * len(alike) > len(rows)
        width = sum(any(cells[column] != "" for cells in alike) for column in range(usual))
        if width > most or (width == most and separator == ","):  # the comma wins a tie, else the first one does
            widest, most = separator, width
        if width < 3 or not even:
            continue
        body = alike[1:] if len(alike) > 1 else alike  # the first row may be a header
        if _count_numeric_columns(body, usual) >= 2:
            return separator
        first_sound = first_sound or separator
    return first_sound or widest


def _count_numeric_columns(rows: list[list[str]], width: int) -> int:
    count = 0
    for column in range(width):
        filled = [cells[column] for cells in rows if not is_missing(cells[column])]
        count += 2 * sum(map(can_be_number, filled)) > len(filled)
    return count


def _find_usual_width(rows: list[Row]) -> int:
    """Return the number of cells that most rows have. If two numbers are equally frequent, the smaller one wins."""
    counts = Counter(len(row.cells) for row in rows[:_PROBE])
    return max(counts, key=lambda width: (counts[width], -width), default=0)


def _cut_lines(lines: list[str], separator: str) -> tuple[list[Row], int]:
    """Cut lines into rows that are not blank. Return them with the line of a quote that is never closed, or 0."""
    text = "\n".join(map(_join_blanks, lines) if separator == " " else lines)
    pattern = _compile_cell_pattern(separator)
    rows: list[Row] = []
    cells: list[str] = []
    line = start = 1
    place = 0
    while place <= len(text):
        match = pattern.match(text, place)
        if match is None:  # a quote is never closed, and the text after it is not a row
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
def _compile_cell_pattern(separator: str) -> re.Pattern[str]:
    """Make the pattern of a cell. It ends at the separator or the end of the line, which may stand inside quotes."""
    between = re.escape(separator)
    blanks = "" if separator == " " else " *"
    end = rf"{blanks}(?:{between}|\n|\Z)"
    quoted = rf'{blanks}"((?>[^"]|""|"(?!{end}))*+)"(?={end}){blanks}'
    return re.compile(rf'{quoted}|(?!{blanks}")([^{between}\n]*)')


def _join_blanks(line: str) -> str:
    """Replace runs of blanks by single ones, except inside quotes."""
    parts = line.strip().split('"')
    return '"'.join(part if place % 2 else re.sub(r"\s+", " ", part) for place, part in enumerate(parts))
