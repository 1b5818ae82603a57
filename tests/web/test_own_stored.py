"""Tests runs that Python trained on own points: their names in the page, and what the page can do with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from lossatlas.datasets import DatasetConfig, load_dataset
from lossatlas.runs import RunConfig, compute_run
from lossatlas.site import export_site
from lossatlas.store import Gallery
from tests.support.modules import TAKE_CONSTANTS
from tests.support.pages import Watched, until, watched
from tests.support.sharing import open_dialog
from tests.web.conftest import MOONS, Site, app_in_thread, static_server
from tests.web.test_saved_numbers import numbers

pytestmark = pytest.mark.browser

RANDOM = np.random.default_rng(1)
CLASSES = np.arange(45) % 3
POINTS = RANDOM.normal(size=(45, 2)) * [2, 30] + np.stack([1.7e9 + 5 * CLASSES, 60.0 * (CLASSES == 1)], axis=1)
DATASET = DatasetConfig.from_arrays(
    POINTS,
    CLASSES,
    features=["seconds", "height"],
    classes=["cat", "dog", "owl"],
    title="My animals",
    test_fraction=0.3,
)


def mine(rate: float) -> RunConfig:
    training = {"epochs": 30, "frames": 6, "learning_rate": rate}
    planes = ({"grid": 9},)
    return RunConfig(
        dataset=DATASET, model={"hidden": (4,)}, training=training, planes=planes, boundary={"resolution": 12}
    )


@pytest.fixture(scope="module")
def own_gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    gallery = Gallery(tmp_path_factory.mktemp("mine") / "data")
    for config in (MOONS, mine(0.01), mine(0.1)):
        gallery.save(compute_run(config))
    return gallery


@pytest.fixture(scope="module")
def own_served(own_gallery: Gallery) -> Iterator[Site]:
    with app_in_thread(own_gallery, MOONS) as url:
        yield Site(url, own_gallery, computes=True)


@pytest.fixture(scope="module")
def own_exported(own_gallery: Gallery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("static")
    export_site(own_gallery, root / "site")
    with static_server(root) as origin:
        yield Site(f"{origin}/site/", own_gallery, computes=False)


@pytest.fixture(scope="module")
def page(own_exported: Site, browser: Browser) -> Iterator[Page]:
    for seen in watched(browser, viewport={"width": 1100, "height": 620}, reduced_motion="reduce"):
        opened = seen.open(own_exported.url)
        opened.evaluate(TAKE_CONSTANTS)
        yield opened


def go(page: Page, query: str, shown: str) -> None:
    page.evaluate(
        "(query) => { history.pushState(null, '', query); dispatchEvent(new PopStateEvent('popstate')); }", query
    )
    until(page, "(title) => document.querySelector('#run-title').textContent.includes(title)", shown)


def test_its_dataset_can_be_chosen_by_its_name(page: Page) -> None:
    go(page, "?epoch=0", "Half moons")
    assert page.get_by_role("radio", name="My animals").count() == 1
    page.evaluate("(name) => document.querySelector(`input[value='${name}']`).click()", DATASET.name)
    until(page, "() => document.querySelector('#run-title').textContent.startsWith('My animals')")
    assert f"dataset={DATASET.name}" in page.url
    assert page.locator("input[name=dataset]:checked").get_attribute("value") == DATASET.name
    marks = page.evaluate(f"() => document.querySelectorAll('label:has(input[value=\"{DATASET.name}\"]) path').length")
    assert marks == 3  # the picture of its points has one path per class


def test_a_link_to_the_run_alone_marks_its_dataset_and_names_its_classes(page: Page) -> None:
    go(page, f"?run={mine(0.1).id}", "My animals")
    assert page.locator("input[name=dataset]:checked").get_attribute("value") == DATASET.name
    assert "moons" not in page.locator("main").inner_text().lower().replace("half moons", "", 1)
    until(page, "() => document.querySelector('main').textContent.includes('height')")
    said = page.evaluate("() => document.querySelector('main').textContent")
    assert all(name in said for name in ("cat", "dog", "owl", "seconds", "height"))


DATA = """async ([run, config]) => {
    const {loadStored} = await import('./compute/datasets/stored.js');
    const set = await loadStored(run, config);
    return {...set, points: [...set.points], given: [...set.given], labels: [...set.labels], split: [...set.split]};
}"""


@pytest.mark.parametrize(("test_fraction", "seed"), [(0.3, 0), (0.5, 7), (0.9, 1)])
def test_the_page_has_exactly_the_points_and_the_split_of_python(page: Page, test_fraction: float, seed: int) -> None:
    config = {"test_fraction": test_fraction, "seed": seed}
    found = page.evaluate(DATA, [mine(0.1).id, config])
    expected = load_dataset(DATASET.with_values(**config))
    assert (found["name"], found["title"], found["classes"]) == (DATASET.name, "My animals", ["cat", "dog", "owl"])
    assert found["labels"] == expected.labels.tolist()
    assert found["split"] == expected.split.tolist()
    np.testing.assert_allclose(np.reshape(found["points"], (-1, 2)), expected.points, rtol=1e-9, atol=1e-9)
    given = {tuple(row) for row in np.reshape(found["given"], (-1, 2)).tolist()}
    assert given == {tuple(row) for row in POINTS.tolist()}  # the points are equal to the last bit


def test_train_here_trains_on_these_points(own_exported: Site, desktop: Watched) -> None:
    query = f"?dataset={DATASET.name}&hidden=5&train=adam,0.01,32,0,0&epoch=8"
    page = desktop.open(own_exported.url + query)
    until(page, "() => window.lossatlas.shown()?.epoch === 8")
    assert page.locator("#run-title").inner_text().startswith("My animals · 1 × 5 tanh · trained here")
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    found, _ = numbers(page)
    training = {"epochs": 8, "frames": 9}
    expected = compute_run(
        {"dataset": DATASET, "model": {"hidden": (5,)}, "training": training, "planes": [{"grid": 5}]}
    )
    np.testing.assert_allclose(found["weights"], expected.trajectory.weights[-1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found["points"], expected.setup.dataset.points, rtol=1e-5, atol=1e-6)
    assert f'la.open_run("data/runs/{mine(0.01).id}")' in lines or f'la.open_run("data/runs/{mine(0.1).id}")' in lines


def test_the_lines_of_python_take_the_points_from_the_run(
    page: Page, own_gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(own_gallery.data.parent)
    run = own_gallery.open(mine(0.1).id)
    go(page, f"?run={run.id}&epoch=30", "My animals")
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    page.keyboard.press("Escape")
    assert len(lines) < 2000  # the lines do not contain all points
    scope: dict[str, Any] = {}
    exec(lines, scope)
    np.testing.assert_array_equal(scope["surface"], run.loss_surface["fresh"][0, -1])


def test_two_runs_on_own_points_are_compared_by_their_differences(own_exported: Site, browser: Browser) -> None:
    for seen in watched(browser, viewport={"width": 1100, "height": 620}, reduced_motion="reduce"):
        sides = "&".join(f"{side}={quote(f'run={mine(rate).id}')}" for side, rate in (("a", 0.01), ("b", 0.1)))
        seen.page.goto(f"{own_exported.url}compare.html?{sides}")
        until(seen.page, "() => document.querySelector('#differences').textContent.includes('learning rate')")
        text = seen.page.locator("#differences").inner_text()
        assert "0.01" in text
        assert "0.1" in text
        assert "own" not in text
        assert "dataset" not in text


def test_another_network_on_own_points_is_trained_by_the_server(own_served: Site, desktop: Watched) -> None:
    """The page sends only the name of the points, and the server takes them from a run that contains them."""
    page = desktop.open(f"{own_served.url}?dataset={DATASET.name}&hidden=4")
    until(page, "() => document.querySelector('#run-title').textContent.startsWith('My animals')")
    answer = page.evaluate(
        """async (name) => {
            const config = {dataset: {name, test_fraction: 0.3}, model: {hidden: [3]}, training: {epochs: 2, frames: 2},
                planes: [{grid: 5}], boundary: {resolution: 5}, curvature: {frames: 0}};
            const headers = {'Content-Type': 'application/json'};
            const asked = await fetch('api/runs', {method: 'POST', headers, body: JSON.stringify(config)});
            return [asked.status, await asked.json()];
        }""",
        DATASET.name,
    )
    assert answer[0] == 202, answer
    run_id = answer[1]["id"]
    until(page, "async (id) => (await (await fetch(`api/runs/${id}`)).json()).state === 'stored'", run_id)
    assert own_served.gallery.open(run_id).setup.config.dataset == DATASET
