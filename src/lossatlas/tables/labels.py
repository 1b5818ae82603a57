"""Turns labels into numbered classes, and finds labels that were probably meant to be equal (docs/tables.md, 8)."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lossatlas.tables.columns import is_label_name
from lossatlas.tables.numbers import parse_number
from lossatlas.tables.words import clean_name, format_number


@dataclass(frozen=True)
class Classes:
    """Numbered classes.

    Attributes
    ----------
    labels
        The class of each row, from 0.
    names
        The name of each class.
    alike
        Groups of labels that differ only in case, blanks or spelling.
    """

    labels: list[int]
    names: list[str]
    alike: list[list[str]]


def number_classes(given: Sequence[str], heading: str = "", join: bool = False) -> Classes:
    """Turn labels into class numbers. Equal labels get equal numbers.

    Parameters
    ----------
    given
        The labels as they are written in the table.
    heading
        The name of their column. It precedes labels that are numbers, as in ``species 1``.
    join
        Whether labels that look alike become one class, with the spelling that most rows have.

    Returns
    -------
    Classes
        The class of each row, and the names of the classes.
    """
    texts = [" ".join(label.split()) for label in given]
    groups: dict[str | float, Counter[str]] = {}
    for text in texts:
        groups.setdefault(_normalise_label(text), Counter())[text] += 1
    alike = [list(group) for group in groups.values() if len(group) > 1]
    usual = {text: max(group, key=lambda each: group[each]) for group in groups.values() for text in group}
    meant = [usual[text] for text in texts] if join else texts
    different = list(dict.fromkeys(meant))
    values = {text: number for text in different if (number := _parse_label(text)) is not None}
    numeric = len(values) == len(different)
    if numeric:
        different.sort(key=lambda text: values[text])
    place = {text: k for k, text in enumerate(different)}
    return Classes(
        [place[text] for text in meant], _name_classes(different, values if numeric else None, heading), alike
    )


def _parse_label(label: str) -> float | None:
    found = parse_number(label, "point")
    return None if found is None else found[0]


def _normalise_label(label: str) -> str | float:
    """Reduce a label to a form that is equal for all spellings of the label."""
    value = _parse_label(label)
    return "".join(unicodedata.normalize("NFKC", label).lower().split()) if value is None else value


def _name_classes(different: list[str], values: dict[str, float] | None, heading: str) -> list[str]:
    if values is None:
        return [clean_name(text) or f"class {k + 1}" for k, text in enumerate(different)]
    title = clean_name(heading) if heading and not is_label_name(heading) else "class"
    short = [format_number(values[text]) for text in different]
    distinct = len(set(short)) == len(short)
    return [clean_name(f"{title} {short[k] if distinct else text}") for k, text in enumerate(different)]
