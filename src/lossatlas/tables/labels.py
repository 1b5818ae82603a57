"""Turning labels into classes, and finding labels that look as if they were meant to be one (docs/tables.md, 8)."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lossatlas.tables.columns import is_label_name
from lossatlas.tables.numbers import number_in
from lossatlas.tables.words import clean_name, number_text


@dataclass(frozen=True)
class Classes:
    """The class of each row, their names, and groups of labels that differ in case, blanks or spelling only."""

    labels: list[int]
    names: list[str]
    alike: list[list[str]]


def classes_of(given: Sequence[str], heading: str = "", join: bool = False) -> Classes:
    """Number the labels.

    Parameters
    ----------
    given
        Labels, as they are written.
    heading
        The name of their column, which comes before labels that are numbers.
    join
        Whether labels that are alike are one, under the spelling that most rows have.
    """
    texts = [" ".join(label.split()) for label in given]
    groups: dict[str | float, Counter[str]] = {}
    for text in texts:
        groups.setdefault(_essence(text), Counter())[text] += 1
    alike = [list(group) for group in groups.values() if len(group) > 1]
    usual = {text: max(group, key=lambda each: group[each]) for group in groups.values() for text in group}
    meant = [usual[text] for text in texts] if join else texts
    different = list(dict.fromkeys(meant))
    values = {text: number for text in different if (number := _number(text)) is not None}
    numeric = len(values) == len(different)
    if numeric:
        different.sort(key=lambda text: values[text])
    place = {text: k for k, text in enumerate(different)}
    return Classes([place[text] for text in meant], _names_for(different, values if numeric else None, heading), alike)


def _number(label: str) -> float | None:
    found = number_in(label, "point")
    return None if found is None else found[0]


def _essence(label: str) -> str | float:
    """What two labels that mean the same have in common."""
    value = _number(label)
    return "".join(unicodedata.normalize("NFKC", label).lower().split()) if value is None else value


def _names_for(different: list[str], values: dict[str, float] | None, heading: str) -> list[str]:
    if values is None:
        return [clean_name(text) or f"class {k + 1}" for k, text in enumerate(different)]
    title = clean_name(heading) if heading and not is_label_name(heading) else "class"
    short = [number_text(values[text]) for text in different]
    distinct = len(set(short)) == len(short)
    return [clean_name(f"{title} {short[k] if distinct else text}") for k, text in enumerate(different)]
