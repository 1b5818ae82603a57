"""Reads cells as numbers, and decides for a whole column how its numbers are written (docs/tables.md, section 6)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

#: How numbers are written: with a decimal point (1,234.5) or with a decimal comma (1.234,5).
Way = Literal["point", "comma"]

_MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "n.a.", "missing", "?", "-", "--", "."}
_NO_LABEL = {"", "na", "n/a", "#n/a", "nan", "null", "?"}
_CURRENCY = "[$€£¥₹₩₽₺₪₫₴]|CHF|USD|EUR|GBP|kr|zł"
_BEFORE = re.compile(rf"([+-]?)\s*({_CURRENCY})\s*([+-]?)\s*(\S.*)", re.IGNORECASE)
_AFTER = re.compile(rf"(.*\S)\s*({_CURRENCY}|%)", re.IGNORECASE)
_SHORT = re.compile(r"[+-]?[0-9]{1,3}")


def _compile_pattern(thousands: str, decimal: str) -> re.Pattern[str]:
    groups = rf"[1-9][0-9]{{0,2}}(?:([{thousands}'’_ \u00A0\u202F\u2009])[0-9]{{3}})(?:\1[0-9]{{3}})*"
    return re.compile(
        rf"[+-]?(?:(?:{groups}|[0-9]+)(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE
    )


_PATTERNS: dict[Way, re.Pattern[str]] = {"point": _compile_pattern(",", r"\."), "comma": _compile_pattern(".", ",")}


@dataclass(frozen=True)
class Reading:
    """How the cells of one column are read.

    Attributes
    ----------
    numeric
        Whether most cells are numbers.
    unit
        The unit of the numbers: ``%``, a currency, or empty.
    way
        How the numbers are written.
    inferred
        Whether ``way`` was inferred from other columns, or from shorter numbers.
    doubt
        A cell that could be two different numbers, if nothing decides between them; else empty.
    example
        A cell that would be another number if it were read the other way; else empty.
    """

    numeric: bool
    unit: str
    way: Way
    inferred: bool = False
    doubt: str = ""
    example: str = ""


@dataclass(frozen=True)
class _Judgement:
    """How one column would be read if there were no other columns.

    Attributes
    ----------
    reading
        The reading that the cells of this column suggest.
    evidence
        Whether some cell can be read in one way only.
    open
        Whether cells can be read in both ways, and nothing in the column decides between them.
    commas
        Whether such a cell contains a comma.
    short
        Whether some cell is a whole number of at most three digits.
    """

    reading: Reading
    evidence: bool
    open: bool
    commas: bool
    short: bool


def is_missing(cell: str) -> bool:
    """Return whether a trimmed cell says that its number is missing."""
    return cell.lower() in _MISSING


def is_no_label(cell: str) -> bool:
    """Return whether a trimmed cell says that its label is missing."""
    return cell.lower() in _NO_LABEL


def parse_number(cell: str, way: Way) -> tuple[float, str] | None:
    """Read a cell as a finite number with a unit; None if it is anything else."""
    text, unit = _split_unit(cell)
    value = _parse_value(text, way)
    return None if value is None or not math.isfinite(value) else (value, unit)


def can_be_number(cell: str) -> bool:
    """Return whether a cell is a number, with a decimal point or with a decimal comma."""
    return parse_number(cell, "point") is not None or parse_number(cell, "comma") is not None


def judge_columns(columns: Sequence[Sequence[str]], chosen: Way | None = None) -> list[Reading]:
    """Decide how each column of a table is read. Columns that can be read in two ways follow the other columns."""
    found = [_judge(cells, chosen) for cells in columns]
    ways = {each.reading.way for each in found if each.reading.numeric and each.evidence}
    return [_settle(each, ways) for each in found]


def _settle(judgement: _Judgement, ways: set[Way]) -> Reading:
    reading = judgement.reading
    if not judgement.open:
        return reading
    if len(ways) == 1:
        return replace(reading, way=next(iter(ways)), inferred=True)
    if not judgement.commas:
        return reading
    return replace(reading, inferred=True) if judgement.short else replace(reading, doubt=reading.example)


def _judge(cells: Sequence[str], chosen: Way | None) -> _Judgement:
    filled = [cell for cell in cells if not is_missing(cell)]
    counts: Counter[Way] = Counter()
    units: Counter[str] = Counter()
    example, commas, short = "", False, False
    for cell in filled:
        text, unit = _split_unit(cell)
        point, comma = _parse_value(text, "point"), _parse_value(text, "comma")
        if point is None and comma is None:
            continue
        units[unit] += 1
        counts["point"] += point is not None
        counts["comma"] += comma is not None
        if point is not None and comma is not None and point != comma:
            example = example or cell
            commas = commas or "," in text
        elif _SHORT.fullmatch(text):
            short = True
    evidence = counts["point"] != counts["comma"]
    way: Way = chosen or ("comma" if counts["comma"] > counts["point"] else "point")
    unit = max(units, key=lambda each: units[each], default="")
    reading = Reading(2 * counts[way] > len(filled), unit, way, example=example)
    return _Judgement(reading, evidence, chosen is None and not evidence and example != "", commas, short)


def _split_unit(cell: str) -> tuple[str, str]:
    """Split a cell into the text of its number and its unit."""
    plain = cell.replace("−", "-", 1)
    if after := _AFTER.fullmatch(plain):
        return after[1], after[2]
    before = _BEFORE.fullmatch(plain)
    if before and not (before[1] and before[3]):
        return before[1] + before[3] + before[4], before[2]
    return plain, ""


def _parse_value(text: str, way: Way) -> float | None:
    if not _PATTERNS[way].fullmatch(text):
        return None
    if way == "point":
        return float(re.sub(r"[,'’_\s]", "", text))
    return float(re.sub(r"[.'’_\s]", "", text).replace(",", "."))
