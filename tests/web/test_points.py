"""Tests the datasets that the page makes: synthetic ones are Python's, and own data follow the rules."""

from __future__ import annotations

import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from lossatlas.datasets import SOURCES, DatasetConfig, Source, load_dataset
from lossatlas.landscape import BoundaryConfig, input_grid
from lossatlas.rng import Draws, Stream
from lossatlas.site.catalog import list_measured_points
from tests.support.modules import open_modules
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

WEB = Path(__file__).parents[2] / "src" / "lossatlas" / "web"
INVENTED = [source for source in SOURCES.values() if not source.is_real]


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    yield from open_modules(browser, served.url)


def call(page: Page, module: str, body: str, argument: Any = None) -> Any:
    """Run ``body`` with a module's exports as ``m``, those of ``own.js`` as ``o``, and the argument as ``a``."""
    modules = json.dumps([f"/{name}.js" if "/" in name else f"/compute/datasets/{name}.js" for name in (module, "own")])
    load = f"await Promise.all({modules}.map((path) => import(path)))"
    script = f"async (a) => {{ const [m, o] = {load}; return (() => {{ {body} }})(); }}"
    return page.evaluate(script, argument)


GENERATE = """
    const set = m.generate(a);
    return {...set, points: [...set.points], labels: [...set.labels], split: [...set.split]};
"""


@pytest.mark.parametrize("source", INVENTED, ids=lambda source: source.name)
def test_a_synthetic_dataset_is_pythons(page: Page, source: Source) -> None:
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


def test_settings_that_are_left_out_take_pythons_defaults(page: Page) -> None:
    for source in INVENTED:
        found, expected = call(page, "generate", GENERATE, {"name": source.name}), load_dataset(source.name)
        np.testing.assert_allclose(np.reshape(found["points"], (-1, 2)), expected.points, rtol=0, atol=1e-12)


def test_measured_data_are_not_generated(page: Page) -> None:
    for name in SOURCES:
        assert call(page, "generate", "return m.canGenerate(a)", name) == (not SOURCES[name].is_real)
    message = call(page, "generate", "try { m.generate(a) } catch (error) { return error.message }", {"name": "iris"})
    assert message == ("The points of “iris” cannot be generated, since they were measured: measured.js reads them.")


@pytest.mark.parametrize("name", [source.name for source in SOURCES.values() if source.is_real])
def test_measured_data_are_chosen_and_split_as_python_has_it(page: Page, name: str) -> None:
    for settings in ({}, {"points": 60, "seed": 3, "test_fraction": 0.25}):
        config = DatasetConfig(name=name, **settings)
        load = "return m.loadMeasured(a).then((d) => ({...d, points: [...d.points], labels: [...d.labels]}))"
        found = call(page, "measured", load, config.model_dump())
        expected = load_dataset(config)
        np.testing.assert_allclose(np.reshape(found["points"], (-1, 2)), expected.points, rtol=0, atol=1e-12)
        assert found["labels"] == expected.labels.tolist()
        assert found["trainPoints"] == len(expected.train[1])
        assert found["classes"] == list(expected.class_names)
        assert [feature["name"] for feature in found["features"]] == list(expected.feature_names)


def test_the_measured_points_that_the_page_has_are_the_packages() -> None:
    known = json.loads((WEB / "compute" / "datasets" / "measured.json").read_text(encoding="utf-8"))
    assert known == list_measured_points(), "run scripts/make_measured.py"


@pytest.mark.parametrize("config", [BoundaryConfig(), BoundaryConfig(resolution=7, margin=0.35)])
def test_the_meshgrid_is_pythons(page: Page, config: BoundaryConfig) -> None:
    points = load_dataset("arms").points
    body = "const {x, y} = m.inputGrid(a[0], a[1]); return [[...x], [...y]]"
    found = call(page, "prepared", body, [points.ravel().tolist(), config.model_dump()])
    grid = input_grid(points, config)
    np.testing.assert_array_max_ulp(np.array(found, np.float32), np.array([grid.x, grid.y]), 1)


# A person's own dataset

coordinates = st.one_of(
    st.floats(-1e30, 1e30), st.integers(-99_999, 10**9).map(float), st.integers(-(10**9), 10**9).map(lambda i: i / 1000)
)
names = st.text(alphabet=string.ascii_letters + "éß中😀 ,;'\"-", min_size=1, max_size=50)


@st.composite
def own_datasets(
    draw: st.DrawFn, largest: int = 60, coordinates: st.SearchStrategy[float] = coordinates
) -> dict[str, Any]:
    """Draw arguments for `createOwn`."""
    classes = draw(st.integers(1, 10))
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


PLAIN = "const plain = (own) => own && {...own, points: [...own.points], labels: [...own.labels]};"
OWN = PLAIN + "const own = o.createOwn(a);"
#: A link of the first version of the format, with x, y and the class of four points.
FIRST_LINK = "AQIAAIA-AADgQAAAgMAAAABBBAABbgF4AXkBYQFiHHgAPaAAQAGAH___8Nbf"


@given(parts=own_datasets())
def test_a_link_returns_exactly_the_same_dataset(page: Page, parts: dict[str, Any]) -> None:
    body = OWN + "const text = m.encodeOwn(own); return {own: plain(own), text, back: plain(m.decodeOwn(text))}"
    found = call(page, "link", body, parts)
    assert found["back"] == found["own"]
    assert set(found["text"]) <= set(string.ascii_letters + string.digits + "-_")
    assert [*map(float, found["own"]["points"])] == parts["points"]  # the points are equal to the last bit
    used = sorted(set(parts["labels"]))  # classes without a point are dropped
    assert [used[label] for label in found["own"]["labels"]] == parts["labels"]
    assert len(found["own"]["classes"]) == len(used)


def test_a_link_with_300_points_is_short_enough_for_every_browser(page: Page) -> None:
    rng = np.random.default_rng(0)
    parts = {"points": rng.normal(size=600).tolist(), "labels": [i % 3 for i in range(300)]}
    body = OWN + "return m.encodeOwn(own)"
    assert len(call(page, "link", body, parts)) < 6700  # these numbers need all their bits
    parts["points"] = np.round(parts["points"], 3).tolist()
    assert len(call(page, "link", body, parts)) < 1500  # these numbers are written with few digits
    parts["labels"].append(0)
    parts["points"] += [0.5, 0.5]
    assert call(page, "link", body, parts) is None


def test_a_link_of_the_first_version_is_still_read(page: Page) -> None:
    """In version 1 of the format, an axis had 4,096 places."""
    found = call(page, "link", PLAIN + "return plain(m.decodeOwn(a))", FIRST_LINK)
    assert found["classes"] == ["a", "b"]
    assert found["labels"] == [0, 1, 0, 1]
    np.testing.assert_allclose(found["points"], [1, 2, 3.5, -4, 0.25, 0.5, 7, 8], atol=12 / 4095)


@given(text=st.one_of(st.text(max_size=80), st.text(alphabet=string.ascii_letters + string.digits + "-_")))
def test_garbage_is_no_dataset(page: Page, text: str) -> None:
    assert call(page, "link", "return m.decodeOwn(a)", text) is None


@given(parts=own_datasets(largest=20), data=st.data())
def test_a_link_that_lost_or_changed_a_letter_is_no_dataset(
    page: Page, parts: dict[str, Any], data: st.DataObject
) -> None:
    text = call(page, "link", OWN + "return m.encodeOwn(own)", parts)
    at = data.draw(st.integers(0, len(text) - 2))  # the last letter may have bits without a meaning
    other = data.draw(st.sampled_from([letter for letter in "AbZ09-_" if letter != text[at]]))
    for broken in (text[:at] + other + text[at + 1 :], text[:at], text + "AAAA"):
        assert call(page, "link", "return m.decodeOwn(a)", broken) is None


@given(
    parts=own_datasets(coordinates=st.floats(-1e6, 1e6, width=32)),
    seed=st.integers(0, 2**53 - 1),
    test_fraction=st.sampled_from([0.25, 0.5]),
)
def test_own_points_are_split_by_class_and_standardised(
    page: Page, parts: dict[str, Any], seed: int, test_fraction: float
) -> None:
    count = len(parts["labels"])
    options = {"seed": seed, "testFraction": test_fraction}
    body = (
        OWN
        + "const set = m.prepareOwn(own, a.options); return {own: plain(own), set: plain(set), split: [...set.split]}"
    )
    found = call(page, "own", body, {**parts, "options": options})
    raw, labels = np.reshape(found["own"]["points"], (-1, 2)), np.array(found["own"]["labels"])
    drawn_order = Draws(seed, Stream.SPLIT).permutation(count)
    train, test = [], []
    for k in range(len(found["own"]["classes"])):  # docs/tables.md, section 9
        own = [i for i in drawn_order if labels[i] == k]
        held = min(max(round(len(own) * test_fraction), 1), len(own) - 1)
        train += own[: len(own) - held]
        test += own[len(own) - held :]
    place = np.argsort(drawn_order)
    order = np.array(sorted(train, key=lambda i: place[i]) + sorted(test, key=lambda i: place[i]))
    assert found["set"]["labels"] == labels[order].tolist()
    assert found["split"] == [0] * len(train) + [1] * len(test)
    learnt = raw[order[: len(train)]]
    scale = learnt.std(axis=0)
    scale[np.ptp(learnt, axis=0) == 0] = 1
    expected = (raw[order] - learnt.mean(axis=0)) / scale
    scales = [feature["scale"] for feature in found["set"]["features"]]
    np.testing.assert_allclose(scales, scale, rtol=1e-6)
    atol = 1e-9 * (1 + np.abs(raw / scale).max())
    np.testing.assert_allclose(np.reshape(found["set"]["points"], (-1, 2)), expected, rtol=1e-6, atol=atol)


def test_the_dataset_that_is_shown_is_a_start_in_its_own_units(page: Page) -> None:
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
    own = call(page, "own", OWN + "return plain(o.createOwnFrom(a.shown))", {"shown": shown, "labels": []})
    np.testing.assert_allclose(np.reshape(own["points"], (-1, 2)), iris.points * iris.scale + iris.mean, atol=1e-5)
    assert own["features"] == list(iris.feature_names)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "There are no points yet: two classes with 2 points each are needed."),
        ([1] * 9, "There is only one class: a second one with 2 points is needed."),
        ([0] * 4 + [1] * 2 + [2], "Each class needs 2 points: c has 1. Add some, or erase them."),
        ([0] * 4 + [2] * 4, ""),
        ([0, 1] * 1001, "There are 2002 points; training takes at most 2000. Erase some."),
    ],
)
def test_the_message_says_what_is_missing(page: Page, labels: list[int], message: str) -> None:
    assert call(page, "own", "return m.describeMissing(a)", {"labels": labels, "classes": ["a", "b", "c"]}) == message
