"""Holds cells of a hundred thousand characters, for which a reader with backtracking would take minutes or years."""

from __future__ import annotations

_N = 100_000
LONG_CELLS = {
    "digits": "1" * _N,
    "zeros and a letter": "0" * _N + "x",
    "groups of thousands": "1" + " 000" * (_N // 4) + "x",
    "spaces in a number": "1" + " " * _N + "x",
    "spaces and a currency": " " * _N + "$",
    "currencies": "$" * _N + "x",
    "per cents": "1 %" * (_N // 3) + "x",
    "signs": "+" * _N,
    "letters": "a" * _N,
    "an exponent": "1e" + "1" * _N + "x",
    "points": "." * _N,
    "quotes": '"' * _N,
    "separators": ";" * _N,
    "tabs": "\t" * _N,
}
#: A table of forty rows, to which a row with a long cell is added.
ROWS = ["x,y,kind", *(f"{n % 7},{3 * n % 5},{'ab'[n % 2]}" for n in range(40))]


def make_table(cell: str, column: int) -> str:
    """Make a table with a cell in one column."""
    last = ["1", "2", "a"]
    last[column] = cell
    return "\n".join([*ROWS, ",".join(last)])
