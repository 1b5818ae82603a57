"""Tests the page's reader of tables: with the cases that Python's reader also passes, any text, and long tables."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import string
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from tests.support.long_cells import LONG_CELLS, make_table
from tests.support.modules import open_modules
from tests.web.conftest import Site
from tests.web.test_points import OWN, call, own_datasets

pytestmark = pytest.mark.browser

DATA = Path(__file__).parent.parent / "data" / "tables"
CASES = json.loads((DATA / "cases.json").read_text(encoding="utf-8"))["cases"]
READ = """async ([bytes, choice]) => {
    const [{decodeBytes}, {readTable}] = await Promise.all(
        ['decode', 'read'].map((name) => import(`./features/datasets/tables/${name}.js`)));
    const {text, encoding, problem} = decodeBytes(Uint8Array.fromBase64(bytes));
    const table = problem ? {...readTable(''), errors: [problem]} : readTable(text, choice);
    const data = table.data && {...table.data, points: [...table.data.points], labels: [...table.data.labels]};
    return {...table, encoding, data};
}"""


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    yield from open_modules(browser, served.url)


def read(page: Page, text: str | bytes, **choice: Any) -> Any:
    return page.evaluate(READ, [base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode(), choice])


def bytes_of(case: dict[str, Any]) -> bytes:
    if "file" in case:
        return (DATA / str(case["file"])).read_bytes()
    return bytes.fromhex(str(case["bytes"])) if "bytes" in case else str(case["text"]).encode()


def describe_table(table: dict[str, Any]) -> dict[str, Any]:
    """Reduce the result of the reader to the properties that the cases state."""
    data, chosen = table["data"] or {}, table["chosen"]
    points = np.reshape(data.get("points", []), (-1, 2))
    lines = [re.search(r"left out: lines? ([\d, ]+)", notice) for notice in table["notices"]]
    return {
        **{name: table[name] for name in ("separator", "header", "encoding", "errors", "doubt", "alike")},
        **{role: chosen[role]["place"] for role in ("x", "y", "label") if chosen.get(role)},
        **{name: data.get(name) for name in ("features", "classes", "labels")},
        "data": bool(data),
        "points": len(points),
        "counts": [data["labels"].count(k) for k in range(len(data["classes"]))] if data else None,
        "first": points.tolist(),
        "different": [len(set(column)) for column in points.T],
        "missing": sorted(int(line) for found in lines if found for line in found.group(1).split(", ")),
        "outliers": [int(line) for message in table["outliers"] for line in re.findall(r"line (\d+)", message)],
        "refused": next(iter(table["errors"]), ""),
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_table_is_read_by_the_rules(page: Page, case: dict[str, Any]) -> None:
    expected = case["expect"]
    found = describe_table(read(page, bytes_of(case), **case.get("choice", {})))
    found["first"] = found["first"][: len(expected.get("first", []))]
    if "refused" in expected:
        assert expected["refused"] in found.pop("refused")
        assert not found["data"]
    assert {name: found[name] for name in expected if name in found} == {
        name: value for name, value in expected.items() if name in found
    }


def test_the_messages_say_what_was_understood_and_left_out(page: Page) -> None:
    assert read(page, "id,petal,sepal,class\n1,1,2,a\n2,3,4,b")["notices"] == [
        "Read as x: “petal” (column 2); as y: “sepal” (column 3); as class: “class” (column 4)."
    ]
    assert read(page, "1,2,a\n3,4,b")["notices"] == [
        "Read as x: column 1; as y: column 2; as class: column 3. There is no header."
    ]
    found = read(page, "Spring\n# by hand\nx;y;class\n1,613;1;a\n2,309;2;b\n859;3;a\nNA;1;a\n")
    assert found["notices"] == [
        "Read as x: “x” (column 1); as y: “y” (column 2); as class: “class” (column 3).",
        "One line is a comment and left out.",
        "Above the table stands “Spring”, which is left out.",
        "“x” (column 1): “1,613” is read as 1613.",
        "One row has no number in “x” (column 1) and is left out: line 7.",
    ]
    doubtful = read(page, "x;y;class\n1,613;1;a\n2,309;2;b\n1,070;3;a\n")
    assert doubtful["errors"] == ["“x” (column 1): is “1,613” 1613 or 1.613? Choose how numbers are written."]
    errors = read(page, "1,2,a\n3,4,b\n" * 100 + "1,b,c\n" * 27)["errors"]
    assert (len(errors), errors[-1]) == (21, "… and 7 more")


def test_a_long_table_is_sampled_over_its_whole_length_by_class(page: Page) -> None:
    """The table has 100,000 rows sorted by class, and one class is rare."""
    labels = ["a"] * 60_000 + ["b"] * 39_993 + ["c"] * 7
    text = "\n".join(f"{i},{-i},{label}" for i, label in enumerate(labels))
    found = read(page, text)
    assert found["notices"][1:] == [
        "Of 100,000 points, 2,000 were taken at random from the whole table, each class in proportion."
    ]
    data = found["data"]
    points = np.reshape(data["points"], (-1, 2))
    assert len(points) == 2000
    assert (np.diff(points[:, 0]) > 0).all()  # no row occurs twice
    assert [data["classes"][k] for k in data["labels"]] == [labels[int(x)] for x in points[:, 0]]
    taken = Counter(data["labels"])
    assert [taken[k] for k in range(3)] == pytest.approx([1200, 800, 4], abs=4)
    assert taken[2] == 4
    quarters = np.histogram(points[:, 0], bins=4, range=(0, 100_000))[0]
    assert (quarters > 400).all()
    some = "\n".join(text.split("\n")[::50])
    assert read(page, some, limit=30) == read(page, some, limit=30)
    assert read(page, some, limit=30)["data"] != read(page, some, limit=30, seed=1)["data"]


@given(text=st.text(max_size=300) | st.text(alphabet='01.,;|%$#\t\n\r"-eab ', max_size=300))
def test_no_text_breaks_the_reader(page: Page, text: str) -> None:
    found = read(page, text.encode("utf-8", "replace"))
    assert found["errors"] or found["data"]
    if found["data"]:
        assert np.isfinite(found["data"]["points"]).all()
        assert len(found["data"]["points"]) == 2 * len(found["data"]["labels"])
        assert set(found["data"]["labels"]) == set(range(len(found["data"]["classes"])))
        assert len(found["data"]["classes"]) >= 2


@given(wild=st.binary(max_size=200))
def test_no_bytes_break_the_reader(page: Page, wild: bytes) -> None:
    found = read(page, wild)
    assert found["errors"] or found["data"]


@given(parts=own_datasets())
def test_a_written_table_reads_back_to_the_last_bit(page: Page, parts: dict[str, Any]) -> None:
    kinds = set(parts["labels"])
    parts["classes"] = [f"{string.ascii_letters[k]} {name}" for k, name in enumerate(parts["classes"])]
    parts["features"] = [f"f {name}" for name in parts["features"]]
    own = call(page, "own", OWN + "return plain(own)", parts)
    text = call(page, "features/datasets/tables/write", "return m.writeTable(a)", own)
    rows = list(csv.reader(io.StringIO(text)))  # Python's reader gives the same result
    assert [row[2] for row in rows[1:]] == [own["classes"][k] for k in own["labels"]]
    assert np.array(rows[1:])[:, :2].astype(np.float64).ravel().tolist() == [*map(float, own["points"])]
    found = read(page, text, header=True)
    if len(kinds) == 1:
        assert found["data"] is None
        return
    assert found["errors"] == []
    assert found["data"]["points"] == own["points"]
    assert [found["data"]["classes"][k] for k in found["data"]["labels"]] == [own["classes"][k] for k in own["labels"]]
    assert found["data"]["features"] == own["features"]


# Ten classes

#: The colours seen without one kind of cone, as matrices on linear RGB (Machado, Oliveira and Fernandes 2009).
VISION = {
    "all": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.41246, 0.35758, 0.18044], [0.21267, 0.71515, 0.07217], [0.01933, 0.11919, 0.95030]])


def lab(colour: list[float], vision: Any) -> Any:
    """Convert an sRGB colour, as a person sees it, to CIE L*a*b*."""
    share = np.asarray(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.asarray(vision) @ linear, 0, 1) / [0.95047, 1, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def difference(a: Any, b: Any) -> float:
    """Return the difference of two colours, CIEDE2000 (Sharma, Wu and Dalal 2005). About 1 can just be seen."""
    (l1, a1, b1), (l2, a2, b2) = a, b
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1 + 0.5 * (1 - np.sqrt(mean**7 / (mean**7 + 25**7)))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(y, stretch * x)) % 360 for x, y in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180
    light, chroma, hue = (l1 + l2) / 2, (c1 + c2) / 2, np.radians(h1 + turn / 2)
    cosines = (-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.2, 4, -63)
    t = 1 + sum(share * np.cos(times * hue + np.radians(offset)) for share, times, offset in cosines)
    parts = np.array([l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))])
    parts /= [
        1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2),
        1 + 0.045 * chroma,
        1 + 0.015 * chroma * t,
    ]
    blue = np.radians(60 * np.exp(-(((np.degrees(hue) % 360 - 275) / 25) ** 2)))
    return float(
        np.sqrt(parts @ parts - 2 * np.sqrt(chroma**7 / (chroma**7 + 25**7)) * np.sin(blue) * parts[1] * parts[2])
    )


def test_differences_of_colours_are_those_of_the_published_table() -> None:
    for a, b, expected in (
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (58, 24, 15), 19.4535),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ):
        assert difference(a, b) == pytest.approx(expected, abs=1e-4)


def test_ten_classes_are_distinguished_by_colour_and_by_shape(page: Page) -> None:
    """All pairs are compared, on light and on dark backgrounds, for people who see all colours and who lack cones."""
    found = page.evaluate(
        """async () => {
            const {chooseClassSymbol, choosePointColour, createRegionTable} = await import('./figures/colours.js');
            const {glyph} = await import('./figures/glyphs.js');
            const {constants} = await import('./model/constants.js');
            const {readThemeIf} = await import('./lib/theme.js');
            const all = [...Array(constants().own_data.classes).keys()];
            const regions = [false, true].map((dark) => {
                const {neutral, depth} = readThemeIf(dark);
                const table = createRegionTable(all.length, neutral, depth);
                return all.map((k) => [0, 8, 16].map((bits) => (table[256 * k + 255] >> bits) & 255));
            });
            return {symbols: all.map(chooseClassSymbol), glyphs: all.map((k) => glyph(k, 5)), regions,
                points: [false, true].map((dark) => all.map((k) => choosePointColour(k, dark)))};
        }"""
    )
    assert len(set(found["symbols"])) == len(set(found["glyphs"])) == 10
    for what, least in (("points", 8), ("regions", 6)):
        for colours in found[what]:
            for vision in VISION.values():
                seen = [lab(colour, vision) for colour in colours]
                assert min(difference(a, b) for a, b in combinations(seen, 2)) > least


def test_a_cell_of_a_hundred_thousand_characters_does_not_freeze_the_page(page: Page) -> None:
    for name, cell in LONG_CELLS.items():
        for column in (0, 2):
            began = page.evaluate("() => performance.now()")
            table = read(page, make_table(cell, column))
            # It takes some tens of milliseconds; with backtracking it would take minutes.
            assert page.evaluate("() => performance.now()") - began < 20_000, name
            assert all(len(each) < 2000 for each in (*table["errors"], *table["notices"], *table["outliers"])), name
    typed = page.evaluate("async (text) => (await import('./lib/number_text.js')).readTyped(text)", "1" * 100_000 + "x")
    assert typed["value"] is None
