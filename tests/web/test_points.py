"""The datasets that the page makes: invented ones against Python's, a person's own, and what a spreadsheet gives."""

from __future__ import annotations

import csv
import io
import string
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from lossatlas.boundary import BoundaryConfig, input_grid
from lossatlas.datasets import SOURCES, DatasetConfig, Source, load_dataset
from lossatlas.datasets.source import drawn
from lossatlas.rng import Draws, Stream
from tests.web.conftest import Site, watched

pytestmark = pytest.mark.browser

INVENTED = [source for source in SOURCES.values() if not source.is_real]


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    for seen in watched(browser):
        yield seen.open(served.url)


def call(page: Page, module: str, body: str, argument: Any = None) -> Any:
    """Run ``body`` with the module's exports as ``m`` and the argument as ``a``."""
    script = f"async (a) => {{ const m = await import('/points/{module}.js'); return (() => {{ {body} }})(); }}"
    return page.evaluate(script, argument)


GENERATE = """
    const set = m.generate(a);
    return {...set, points: [...set.points], labels: [...set.labels], split: [...set.split]};
"""


@pytest.mark.parametrize("source", INVENTED, ids=lambda source: source.name)
def test_an_invented_dataset_is_pythons(page: Page, source: Source) -> None:
    for seed in (0, 1, 2**53 - 1):
        for noise in (None, 0.0, 0.7):
            for points, test_fraction in ((512, 0.5), (9, 0.5), (203, 0.3)):
                config = DatasetConfig(
                    name=source.name, points=points, noise=noise, test_fraction=test_fraction, seed=seed
                )
                found, expected = call(page, "generate", GENERATE, config.model_dump()), load_dataset(config)
                assert found["labels"] == expected.labels.tolist()
                assert found["split"] == expected.split.tolist()
                assert found["trainPoints"] == len(expected.train[1])
                np.testing.assert_allclose(np.reshape(found["points"], (-1, 2)), expected.points, rtol=0, atol=1e-12)
                for feature, mean, scale in zip(found["features"], expected.mean, expected.scale, strict=True):
                    assert (feature["mean"], feature["scale"]) == pytest.approx((mean, scale), abs=1e-13)
                assert (found["name"], found["title"]) == (expected.name, expected.title)
                assert found["classes"] == list(expected.class_names)
                assert [feature["name"] for feature in found["features"]] == list(expected.feature_names)


def test_what_a_configuration_leaves_out_takes_pythons_defaults(page: Page) -> None:
    for source in INVENTED:
        found, expected = call(page, "generate", GENERATE, {"name": source.name}), load_dataset(source.name)
        np.testing.assert_allclose(np.reshape(found["points"], (-1, 2)), expected.points, rtol=0, atol=1e-12)


def test_measured_data_are_not_invented(page: Page) -> None:
    for name in SOURCES:
        assert call(page, "generate", "return m.canGenerate(a)", name) == (not SOURCES[name].is_real)
    told = call(page, "generate", "try { m.generate(a) } catch (error) { return error.message }", {"name": "iris"})
    assert told == (
        "The points of “iris” cannot be drawn here, for they were measured: they come with a stored run only."
    )


@pytest.mark.parametrize("config", [BoundaryConfig(), BoundaryConfig(resolution=7, margin=0.35)])
def test_the_meshgrid_is_pythons(page: Page, config: BoundaryConfig) -> None:
    points = load_dataset("arms").points
    body = "const {x, y} = m.inputGrid(a[0], a[1]); return [[...x], [...y]]"
    found = call(page, "prepared", body, [points.ravel().tolist(), config.model_dump()])
    grid = input_grid(points, config)
    np.testing.assert_array_max_ulp(np.array(found, np.float32), np.array([grid.x, grid.y]), 1)


# A person's own dataset

coordinates = st.floats(-1e6, 1e6, width=32)
names = st.text(alphabet=string.ascii_letters + "éß中😀 ,;'\"-", min_size=1, max_size=50)


@st.composite
def own_datasets(draw: st.DrawFn, largest: int = 60) -> dict[str, Any]:
    """What `ownData` is given."""
    classes = draw(st.integers(1, 6))
    rows = draw(
        st.lists(st.tuples(coordinates, coordinates, st.integers(0, classes - 1)), min_size=classes, max_size=largest)
    )
    return {
        "name": draw(names),
        "points": [value for x, y, _ in rows for value in (x, y)],
        "labels": [label for *_, label in rows],
        "classes": draw(st.lists(names, min_size=classes, max_size=classes)),
        "features": draw(st.lists(names, min_size=2, max_size=2)),
    }


OWN = """
    const plain = (own) => own && {...own, points: [...own.points], labels: [...own.labels]};
    const own = m.ownData(a);
"""


@given(parts=own_datasets())
def test_a_link_gives_back_the_very_dataset(page: Page, parts: dict[str, Any]) -> None:
    body = OWN + "const text = m.encodeOwn(own); return {own: plain(own), text, back: plain(m.decodeOwn(text))}"
    found = call(page, "own", body, parts)
    assert found["back"] == found["own"]
    assert set(found["text"]) <= set(string.ascii_letters + string.digits + "-_")

    points, given_points = np.reshape(found["own"]["points"], (-1, 2)), np.reshape(parts["points"], (-1, 2))
    extent = np.ptp(given_points, axis=0)
    resolution = extent / 4095 / 2 + 1e-6 * np.abs(given_points).max(axis=0)
    assert (np.abs(points - given_points) <= resolution).all()
    used = sorted(set(parts["labels"]))  # classes without a point are dropped
    assert [used[label] for label in found["own"]["labels"]] == parts["labels"]
    assert len(found["own"]["classes"]) == len(used)


def test_a_link_with_300_points_is_short_enough_for_every_browser(page: Page) -> None:
    rng = np.random.default_rng(0)
    parts = {"points": rng.normal(size=600).tolist(), "labels": [i % 3 for i in range(300)]}
    assert len(call(page, "own", "return m.encodeOwn(m.ownData(a))", parts)) == 1394
    parts["labels"].append(0)
    parts["points"] += [0.5, 0.5]
    assert call(page, "own", "return m.encodeOwn(m.ownData(a))", parts) is None


@given(text=st.one_of(st.text(max_size=80), st.text(alphabet=string.ascii_letters + string.digits + "-_")))
def test_garbage_is_no_dataset(page: Page, text: str) -> None:
    assert call(page, "own", "return m.decodeOwn(a)", text) is None


@given(parts=own_datasets(largest=20), data=st.data())
def test_a_link_that_lost_or_changed_a_letter_is_no_dataset(
    page: Page, parts: dict[str, Any], data: st.DataObject
) -> None:
    text = call(page, "own", "return m.encodeOwn(m.ownData(a))", parts)
    at = data.draw(st.integers(0, len(text) - 2))  # the last letter may have bits that say nothing
    other = data.draw(st.sampled_from([letter for letter in "AbZ09-_" if letter != text[at]]))
    for broken in (text[:at] + other + text[at + 1 :], text[:at], text + "AAAA"):
        assert call(page, "own", "return m.decodeOwn(a)", broken) is None


@given(parts=own_datasets(), seed=st.integers(0, 2**53 - 1), test_fraction=st.sampled_from([0.25, 0.5]))
def test_own_points_are_split_and_standardised_as_pythons(
    page: Page, parts: dict[str, Any], seed: int, test_fraction: float
) -> None:
    count = len(parts["labels"])
    test_count = round(count * test_fraction)
    if count - test_count < 1:
        return
    options = {"seed": seed, "testFraction": test_fraction}
    body = (
        OWN
        + "const set = m.prepareOwn(own, a.options); return {own: plain(own), set: plain(set), split: [...set.split]}"
    )
    found = call(page, "own", body, {**parts, "options": options})
    raw, labels = np.reshape(found["own"]["points"], (-1, 2)), np.array(found["own"]["labels"])
    source = Source("own", "own", "", tuple(found["own"]["classes"]), lambda *_: (raw, labels))
    order = Draws(seed, Stream.SPLIT).permutation(count)
    expected = drawn(source, count, 0.0, test_count, Draws(seed, Stream.POINTS), order)
    assert found["set"]["labels"] == expected.labels.tolist()
    assert found["split"] == expected.split.tolist()
    scales = [feature["scale"] for feature in found["set"]["features"]]
    np.testing.assert_allclose(scales, expected.scale, rtol=1e-6)
    atol = 1e-9 * (1 + np.abs(raw / expected.scale).max())
    np.testing.assert_allclose(np.reshape(found["set"]["points"], (-1, 2)), expected.points, rtol=1e-6, atol=atol)


def test_the_dataset_on_show_is_a_start_in_its_own_units(page: Page) -> None:
    iris = load_dataset("iris")
    shown = {
        "title": iris.title,
        "classes": list(iris.class_names),
        "points": iris.points.ravel().tolist(),
        "labels": iris.labels.tolist(),
        "features": [
            {"name": name, "mean": mean, "scale": scale}
            for name, mean, scale in zip(iris.feature_names, iris.mean, iris.scale, strict=True)
        ],
    }
    own = call(page, "own", OWN + "return plain(m.ownFrom(a.shown))", {"shown": shown, "labels": []})
    np.testing.assert_allclose(np.reshape(own["points"], (-1, 2)), iris.points * iris.scale + iris.mean, atol=6 / 4095)
    assert own["features"] == list(iris.feature_names)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([], "There are no points yet: two classes with 4 points each are needed."),
        ([1] * 9, "There is one class only: a second with 4 points is needed."),
        ([0] * 4 + [1] * 3 + [2], "Each class needs 4 points: b has 3, c has 1. Add some, or erase them."),
        ([0] * 4 + [2] * 4, ""),
        ([0, 1] * 1001, "There are 2002 points, and at most 2000 can be trained on: erase some."),
    ],
)
def test_what_is_missing_is_said(page: Page, labels: list[int], told: str) -> None:
    assert call(page, "own", "return m.missing(a)", {"labels": labels, "classes": ["a", "b", "c"]}) == told


# What a spreadsheet gives

READ = """
    const {data, notices, errors} = m.readCsv(a.text, a.options);
    return {notices, errors, data: data && {...data, points: [...data.points], labels: [...data.labels]}};
"""


def read(page: Page, text: str, **options: Any) -> Any:
    return call(page, "csv", READ, {"text": text, "options": options})


@pytest.mark.parametrize("text", [
    "x,y,kind\n1,2.5,a\n-3,4e2,b\n",
    "\ufeffx;y;kind\r\n1;2,5;a\r\n\r\n-3;4e2;b\r\n",
    "x\ty\tkind\n1\t2,5\ta\n  \n−3\t400\tb",
    '"x","y","kind"\n"1","2.5","a"\n"-3","400","b"',
    ",x,y,kind\n0,1,2.5,a\n1,-3,400,b\n",
    "kind,x,y,class\nq,1,2.5,a\nr,-3,400,b\n",
    "id,x,y,remark,class\n1,1,2.5,\"long, wide\nand \"\"deep\"\"\",a\n2,-3,400,,b\n",
])  # fmt: skip
def test_the_usual_spellings_are_read(page: Page, text: str) -> None:
    found = read(page, text)
    assert found["errors"] == []
    assert found["data"]["points"] == [1, 2.5, -3, 400]
    assert found["data"]["labels"] == [0, 1]
    assert found["data"]["classes"] == ["a", "b"]
    assert found["data"]["features"] == ["x", "y"]


def test_which_columns_were_taken_is_told(page: Page) -> None:
    assert read(page, "id,petal,sepal,class\n1,1,2,a\n2,3,4,b")["notices"] == [
        "Read as x: “petal” (column 2); as y: “sepal” (column 3); as class: “class” (column 4)."
    ]
    assert read(page, "1,2,a\n3,4,b")["notices"] == [
        "Read as x: column 1; as y: column 2; as class: column 3. There is no header."
    ]


def test_labels_that_are_numbers_are_classes_in_their_order(page: Page) -> None:
    found = read(page, "1,2,10\n3,4,2\n5,6,2.0")
    assert found["data"]["classes"] == ["class 2", "class 10"]
    assert found["data"]["labels"] == [1, 0, 0]
    assert read(page, "x,y,survived\n1,2,1\n3,4,0")["data"]["classes"] == ["survived 0", "survived 1"]
    found = read(page, "a,1.5,2.5\nb,3,4\na,5,6\na,7,8\na,7,9\na,7,10\na,7,11\n")  # the label comes first
    assert found["data"]["labels"] == [0, 1, 0, 0, 0, 0, 0]


def test_what_cannot_be_read_is_told_by_line_and_the_rest_is_there(page: Page) -> None:
    text = 'x,y,class\n1,2,a\nabc,2,a\n"5\n6",2,b\n3,4\n1,,a\n1,2,\n1e31,0,a\n3,4,b\n'
    found = read(page, text)
    assert found["errors"] == [
        "line 3: “abc” is not a number (column 1)",
        "line 4: “5\n6” is not a number (column 1)",
        "line 6: there are 2 columns where 3 are needed",
        "line 7: a number is missing (column 2)",
        "line 8: the label is missing (column 3)",
        "line 9: 1e31 is too large (column 1)",
    ]
    assert found["data"]["points"] == [1, 2, 3, 4]
    many = read(page, "1,2,a\n3,4,b\n" * 100 + "1,b,c\n" * 27)["errors"]
    assert len(many) == 21
    assert many[-1] == "… and 7 more"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "There is nothing to read: paste some rows with two numbers and a label each."),
        (" \n\r\n", "There is nothing to read: paste some rows with two numbers and a label each."),
        ("1,a\n2,b", "Three columns are needed, two of numbers and one of labels; two were found. "
                     "Separate them by commas, semicolons or tabs."),
        ("a,b,c\nd,e,f", "Two columns of numbers are needed beside the labels; none was found."),
        ("1,2,a\n3,4,a", "Every row has the same label, “a”: two classes are needed. Is column 3 the right one?"),
        ("\n".join(f"{i},{i},{i}" for i in range(7)), "Column 3 has more than 6 different labels, and no more can be "
                                                      "told apart by colour and shape. Is it the right one?"),
        ('1,2,a\n3,4,"b', "Every row has the same label, “a”: two classes are needed. Is column 3 the right one?"),
    ],
)  # fmt: skip
def test_text_without_a_dataset_says_why(page: Page, text: str, told: str) -> None:
    found = read(page, text)
    assert found["data"] is None
    assert found["errors"][0] == told


def test_too_many_points_are_thinned_with_every_class_in_proportion(page: Page) -> None:
    rng = np.random.default_rng(1)
    labels = rng.choice(["a", "b", "c"], size=21_000, p=[0.7, 0.2995, 0.0005])
    labels[5000:5004] = "c"
    rows = [(i, -i, label) for i, label in enumerate(labels)]
    text = "\n".join(f"{x},{y},{label}" for x, y, label in rows)
    found = read(page, text)
    assert found["notices"][1:] == [
        "Only the first 20,000 rows were read.",
        "Of 20,000 points, 2,000 were taken at random, each class in proportion.",
    ]
    data = found["data"]
    points = np.reshape(data["points"], (-1, 2))
    assert len(points) == 2000
    assert (np.diff(points[:, 0]) > 0).all()  # no row twice
    assert (points[:, 1] == -points[:, 0]).all()
    assert [data["classes"][k] for k in data["labels"]] == [labels[int(x)] for x in points[:, 0]]
    taken, there = Counter(data["labels"]), Counter(labels[:20_000])
    for k, name in enumerate(data["classes"]):
        assert taken[k] == pytest.approx(max(4, there[name] / 10), abs=4)
    assert found == read(page, text)
    assert found["data"]["points"] != read(page, text, seed=1)["data"]["points"]
    assert len(read(page, text, limit=10)["data"]["labels"]) == 10


@given(text=st.text(max_size=300) | st.text(alphabet='01.,;\t\n\r"-eab ', max_size=300))
def test_no_text_breaks_the_reader(page: Page, text: str) -> None:
    found = read(page, text)
    assert found["errors"] or found["data"]
    if found["data"]:
        assert np.isfinite(found["data"]["points"]).all()
        assert len(found["data"]["points"]) == 2 * len(found["data"]["labels"])
        assert set(found["data"]["labels"]) == set(range(len(found["data"]["classes"])))
        assert len(found["data"]["classes"]) >= 2


@given(wild=st.binary(max_size=200))
def test_no_bytes_break_the_reader(page: Page, wild: bytes) -> None:
    body = "return new TextDecoder().decode(Uint8Array.from(a))"
    found = read(page, call(page, "csv", body, list(wild)))
    assert found["errors"] or found["data"]


@given(parts=own_datasets())
def test_what_is_written_reads_back(page: Page, parts: dict[str, Any]) -> None:
    kinds = set(parts["labels"])
    parts["classes"] = [f"{string.ascii_letters[k]} {name}" for k, name in enumerate(parts["classes"])]
    parts["features"] = [f"f {name}" for name in parts["features"]]
    own = call(page, "own", OWN + "return plain(own)", parts)
    text = call(page, "csv", "return m.writeCsv(a)", own)
    rows = list(csv.reader(io.StringIO(text)))  # Python's reader understands it the same
    assert [row[2] for row in rows[1:]] == [own["classes"][k] for k in own["labels"]]
    assert np.array(rows[1:])[:, :2].astype(np.float32).ravel().tolist() == own["points"]
    found = read(page, text)
    if len(kinds) == 1:
        assert found["data"] is None
        return
    assert found["errors"] == []
    assert found["data"]["points"] == own["points"]
    assert [found["data"]["classes"][k] for k in found["data"]["labels"]] == [own["classes"][k] for k in own["labels"]]
    assert found["data"]["features"] == own["features"]
