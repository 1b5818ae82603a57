"""Writes names, cells and numbers for messages to people."""

from __future__ import annotations

import unicodedata
from decimal import Decimal

#: Letters of a name that are kept.
LONGEST_NAME = 40
_LONGEST_CELL = 24


def clean_name(text: str) -> str:
    """Remove control characters and runs of blanks from a name, and cut it if it is long."""
    visible = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in text)
    return " ".join(visible.split())[:LONGEST_NAME].strip()


def shorten_cell(cell: str) -> str:
    """Cut the text of a cell if it is long."""
    return cell if len(cell) <= _LONGEST_CELL else f"{cell[: _LONGEST_CELL - 1]}…"


def format_number(value: float) -> str:
    """Write a number with all digits that are needed to read it back. Whole numbers have no decimal point."""
    if value == 0:
        return "0"
    if 1e-6 <= abs(value) < 1e21:
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return repr(value)
