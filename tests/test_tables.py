"""Tests Python's reader of tables, with the cases that the page's reader also passes."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.errors import DataError
from lossatlas.tables import Choice, Table, read_bytes, read_columns, read_text
from tests.support.long_cells import LONG_CELLS, make_table

DATA = Path(__file__).parent / "data" / "tables"
CASES = json.loads((DATA / "cases.json").read_text(encoding="utf-8"))["cases"]
RENAMED = {"way": "decimal", "without": "without_outliers"}


def bytes_of(case: dict[str, Any]) -> bytes:
    if "file" in case:
        return (DATA / str(case["file"])).read_bytes()
    return bytes.fromhex(str(case["bytes"])) if "bytes" in case else str(case["text"]).encode()


def choice_of(case: dict[str, Any]) -> Choice:
    """Return the choice of a case. Cases count columns from 0, and people count them from 1."""
    given = {RENAMED.get(name, name): value for name, value in case.get("choice", {}).items()}
    return Choice(**{k: v + 1 if k in ("x", "y", "label") else v for k, v in given.items()})


def describe_table(table: Table) -> dict[str, Any]:
    lines = [re.search(r"left out: lines? ([\d, ]+)", notice) for notice in table.notices]
    return {
        **{name: getattr(table, name) for name in ("separator", "header", "encoding", "errors", "alike")},
        **{name: getattr(table, name) for name in ("x", "y", "label")},
        "features": list(table.features),
        "classes": list(table.classes),
        "labels": table.labels.tolist(),
        "data": True,
        "points": len(table.points),
        "counts": np.bincount(table.labels).tolist(),
        "first": table.points.tolist(),
        "different": [len(set(column)) for column in table.points.T.tolist()],
        "missing": sorted(int(line) for found in lines if found for line in found.group(1).split(", ")),
        "outliers": [int(line) for text in table.outliers for line in re.findall(r"line (\d+)", text)],
    }


def read_or_refuse(data: bytes, choice: Choice | None = None) -> Table | str:
    try:
        return read_bytes(data, choice)
    except DataError as error:
        return str(error)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_table_is_read_by_the_rules(case: dict[str, Any]) -> None:
    expected = case["expect"]
    table = read_or_refuse(bytes_of(case), choice_of(case))
    if isinstance(table, Table):
        found = describe_table(table)
        found["first"] = found["first"][: len(expected.get("first", []))]
        assert {name: found.get(name) for name in expected} == expected
        return
    errors = table.split("\n")
    assert expected.keys() <= {"refused", "data", "errors", "doubt"}, table
    assert expected.get("refused", "") in table
    assert f"“{expected['doubt']}”" in errors[0] if "doubt" in expected else True
    assert expected.get("errors", errors) == errors


def test_the_messages_say_what_was_understood_and_left_out() -> None:
    found = read_text("Spring\n# by hand\nx;y;class\n1,613;1;a\n2,309;2;b\n859;3;a\nNA;1;a\n")
    assert found.notices == [
        "Read as x: “x” (column 1); as y: “y” (column 2); as class: “class” (column 3).",
        "One line is a comment and left out.",
        "Above the table stands “Spring”, which is left out.",
        "“x” (column 1): “1,613” is read as 1613.",
        "One row has no number in “x” (column 1) and is left out: line 7.",
    ]
    with pytest.raises(DataError, match=r"is “1,613” 1613 or 1\.613\? Choose how numbers are written"):
        read_text("x;y;class\n1,613;1;a\n2,309;2;b\n1,070;3;a\n")
    errors = read_text("1,2,a\n3,4,b\n" * 100 + "1,b,c\n" * 27).errors
    assert (len(errors), errors[-1]) == (21, "… and 7 more")


def test_a_long_table_is_sampled_over_its_whole_length_by_class() -> None:
    labels = ["a"] * 6_000 + ["b"] * 3_993 + ["c"] * 7
    table = read_text("\n".join(f"{i},{-i},{label}" for i, label in enumerate(labels)), Choice(limit=200))
    assert table.thinned == "Of 10,000 points, 200 were taken at random from the whole table, each class in proportion."
    assert (np.diff(table.points[:, 0]) > 0).all()  # no row occurs twice
    assert [table.classes[k] for k in table.labels] == [labels[int(x)] for x in table.points[:, 0]]
    taken = Counter(table.labels.tolist())
    assert [taken[k] for k in range(3)] == pytest.approx([120, 80, 4], abs=4)
    assert taken[2] == 4


@given(text=st.text(max_size=300) | st.text(alphabet='01.,;|%$#\t\n\r"-eab ', max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    check_any(text.encode("utf-8", "replace"))


@given(wild=st.binary(max_size=200))
def test_no_bytes_break_the_reader(wild: bytes) -> None:
    check_any(wild)


def check_any(data: bytes) -> None:
    table = read_or_refuse(data)
    if isinstance(table, str):
        assert table
        return
    assert np.isfinite(table.points).all()
    assert len(table.points) == len(table.labels)
    assert set(table.labels.tolist()) == set(range(len(table.classes)))
    assert 2 <= len(table.classes) <= 10


def test_a_quote_that_is_never_closed_takes_no_time() -> None:
    """Every doubled quote could be read in two ways: a pattern that tried them all would never end."""
    table = read_text('x,y,class\n1,2,a\n3,4,b\n5,6,"' + '""' * 50_000 + "x\n")
    assert table.errors == ["line 4: a quote is opened and never closed"]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"x": "c"}, "x: there is no column 'c'; there are “a” .column 1., “b” .column 2., “class” .column 3."),
        ({"label": 9}, "label: there is no column '9'"),
        ({"x": "a", "y": 1}, "“a” .column 1. is taken both for x and for y"),
        ({"x": "a", "y": "b", "label": "b"}, "“b” .column 2. is taken both for y and for label"),
        ({"separator": ""}, "'' is no separator; give one character"),
        ({"encoding": "klingon"}, "There is no encoding 'klingon'"),
    ],
)
def test_a_missing_column_is_reported_with_the_columns_that_exist(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_bytes(b"a,b,class\n1,2,p\n3,4,q\n", Choice(**chosen))


def test_columns_are_chosen_by_name_in_any_case_and_by_number() -> None:
    text = "a,b,1,class\n1,2,7,p\n3,4,8,q\n"
    for x, y in (("B", "a"), ("b", " A "), (2, "a")):
        table = read_text(text, Choice(x=x, y=y))
        assert (table.x, table.y, table.label) == (1, 0, 3)
    assert read_text(text, Choice(x=1, y="a")).x == 2  # a name goes before a number
    with pytest.raises(DataError, match="2 columns are called 'a'; give a number: 1, 2"):
        read_text("a,a,class\n1,2,p\n3,4,q\n", Choice(x="a"))


def test_columns_of_a_data_frame_are_read_by_the_same_rules() -> None:
    x = [0.1, 1 / 3, 1e-300, 5e22]
    table = read_columns(
        {"id": [1, 2, 3, 4], "x": np.array(x), "y": [1, None, 3, float("nan")], "z": [4, 5, 6, 7], "who": list("abab")},
        Choice(y="z"),
    )
    assert table.points.tolist() == [[a, float(b)] for a, b in zip(x, (4, 5, 6, 7), strict=True)]
    assert (table.features, table.classes, table.labels.tolist()) == (("x", "z"), ("a", "b"), [0, 1, 0, 1])
    gaps = read_columns({"x": x, "y": [1, None, 3, 4], "who": list("abab")})
    assert gaps.notices[1:] == ["One row has no number in “y” (column 2) and is left out: row 1."]
    with pytest.raises(DataError, match="The columns have different lengths: x 4, y 1"):
        read_columns({"x": x, "y": [1], "who": list("abab")})
    with pytest.raises(DataError, match="no rows"):
        read_columns({"x": [], "y": [], "who": []})


@pytest.mark.parametrize("name", LONG_CELLS)
def test_a_cell_of_a_hundred_thousand_characters_costs_little(name: str) -> None:
    began = time.process_time()
    for column in (0, 2):
        with suppress(DataError):
            read_text(make_table(LONG_CELLS[name], column))
    assert time.process_time() - began < 5  # it takes 0.1 s; with backtracking it would take minutes
