"""How names, cells and numbers are written in messages to people."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

_LONGEST_NAME = 40
_LONGEST_CELL = 24


def clean_name(text: str) -> str:
    """Give a name without control characters or runs of blanks, and not too long."""
    visible = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in text)
    return " ".join(visible.split())[:_LONGEST_NAME].strip()


def shorten_cell(cell: str) -> str:
    """Give a cell, cut where it is long."""
    return cell if len(cell) <= _LONGEST_CELL else f"{cell[: _LONGEST_CELL - 1]}…"


def number_text(value: float) -> str:
    """Write a number with as many digits as it takes to read it back, and as a whole number where it is one."""
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return repr(value)
