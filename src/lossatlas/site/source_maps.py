"""Writes source maps, by which the tools of a browser show the page's modules instead of its bundles."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def map_lines(lines: Iterable[tuple[str, int] | None]) -> dict[str, Any]:
    """Write a source map that leads from each line to the beginning of a line of a source.

    Parameters
    ----------
    lines
        For each line, its source and its line there, counted from 0; None if no source has it.

    Returns
    -------
    dict
        The source map (ECMA-426, revision 3 of the format).
    """
    sources: dict[str, int] = {}
    mappings, last_source, last_line = [], 0, 0
    for origin in lines:
        if origin is None:
            mappings.append("")
            continue
        source = sources.setdefault(origin[0], len(sources))
        steps = (0, source - last_source, origin[1] - last_line, 0)
        mappings.append("".join(_to_base64_vlq(step) for step in steps))
        last_source, last_line = source, origin[1]
    return {"version": 3, "sources": list(sources), "names": [], "mappings": ";".join(mappings)}


@cache  # the steps of most lines are 0 and 1
def _to_base64_vlq(number: int) -> str:
    """Write a number in groups of five bits, the lowest first; its lowest bit is the sign."""
    rest, text = abs(number) << 1 | (number < 0), ""
    while True:
        rest, digit = rest >> 5, rest & 31
        text += _DIGITS[digit | (32 if rest else 0)]
        if not rest:
            return text
