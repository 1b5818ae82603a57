"""Reading cells as numbers, with one reading for a whole column (docs/tables.md, section 6)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

#: How numbers are written: 1,234.5 or 1.234,5.
Way = Literal["point", "comma"]

_MISSING = {"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "n.a.", "missing", "?", "-", "--", "."}
_NO_LABEL = {"", "na", "n/a", "#n/a", "nan", "null", "?"}
_CURRENCY = "[$€£¥₹₩₽₺₪₫₴]|CHF|USD|EUR|GBP|kr|zł"
_BEFORE = re.compile(rf"([+-]?)\s*({_CURRENCY})\s*([+-]?)\s*(\S.*)", re.IGNORECASE)
_AFTER = re.compile(rf"(.*\S)\s*({_CURRENCY}|%)", re.IGNORECASE)
_SHORT = re.compile(r"[+-]?[0-9]{1,3}")


def _grouping_pattern(thousands: str, decimal: str) -> re.Pattern[str]:
    groups = rf"[1-9][0-9]{{0,2}}(?:([{thousands}'’_ \u00A0\u202F\u2009])[0-9]{{3}})(?:\1[0-9]{{3}})*"
    return re.compile(
        rf"[+-]?(?:(?:{groups}|[0-9]+)(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE
    )


_PATTERNS: dict[Way, re.Pattern[str]] = {"point": _grouping_pattern(",", r"\."), "comma": _grouping_pattern(".", ",")}


@dataclass(frozen=True)
class Reading:
    """What a column's cells are.

    Attributes
    ----------
    numeric
        Most are numbers.
    unit
        ``%``, a currency, or empty.
    way
        How they are written.
    told
        The way was decided by what stands beside the column.
    doubt
        A cell that could be two numbers, where nothing decides; else empty.
    example
        A cell that the other way would read otherwise; else empty.
    """

    numeric: bool
    unit: str
    way: Way
    told: bool = False
    doubt: str = ""
    example: str = ""


@dataclass(frozen=True)
class _Judgement:
    """What the cells of one column say by themselves: is there evidence for one way, do they leave it open?"""

    reading: Reading
    evidence: bool
    open: bool
    commas: bool
    short: bool


def is_missing(cell: str) -> bool:
    """Whether a cell, trimmed, holds no number, and says so."""
    return cell.lower() in _MISSING


def is_no_label(cell: str) -> bool:
    """Whether a cell, trimmed, holds no label."""
    return cell.lower() in _NO_LABEL


def number_in(cell: str, way: Way) -> tuple[float, str] | None:
    """A finite number and its unit; None for anything else."""
    text, unit = _split_unit(cell)
    value = _value_of(text, way)
    return None if value is None or not math.isfinite(value) else (value, unit)


def can_be_number(cell: str) -> bool:
    """Whether a cell is a number in one way or the other."""
    return number_in(cell, "point") is not None or number_in(cell, "comma") is not None


def readings_of(columns: Sequence[Sequence[str]], chosen: Way | None = None) -> list[Reading]:
    """Judge the columns of a table: what one leaves open, the others may decide."""
    found = [_judge(cells, chosen) for cells in columns]
    ways = {each.reading.way for each in found if each.reading.numeric and each.evidence}
    return [_settle(each, ways) for each in found]


def _settle(judgement: _Judgement, ways: set[Way]) -> Reading:
    reading = judgement.reading
    if not judgement.open:
        return reading
    if len(ways) == 1:
        return replace(reading, way=next(iter(ways)), told=True)
    if not judgement.commas:
        return reading
    return replace(reading, told=True) if judgement.short else replace(reading, doubt=reading.example)


def _judge(cells: Sequence[str], chosen: Way | None) -> _Judgement:
    filled = [cell for cell in cells if not is_missing(cell)]
    counts: Counter[Way] = Counter()
    units: Counter[str] = Counter()
    example, commas, short = "", False, False
    for cell in filled:
        text, unit = _split_unit(cell)
        point, comma = _value_of(text, "point"), _value_of(text, "comma")
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
    """The number's text, and its unit."""
    plain = cell.replace("−", "-", 1)
    if after := _AFTER.fullmatch(plain):
        return after[1], after[2]
    before = _BEFORE.fullmatch(plain)
    if before and not (before[1] and before[3]):
        return before[1] + before[3] + before[4], before[2]
    return plain, ""


def _value_of(text: str, way: Way) -> float | None:
    if not _PATTERNS[way].fullmatch(text):
        return None
    if way == "point":
        return float(re.sub(r"[,'’_\s]", "", text))
    return float(re.sub(r"[.'’_\s]", "", text).replace(",", "."))
