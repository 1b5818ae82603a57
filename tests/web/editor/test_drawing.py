"""Tests the editor of own data: people draw points, or start from other points, and use the result."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lossatlas.datasets import SOURCES, Source
from lossatlas.rng import Draws, Stream
from tests.support.editor_pages import (
    FIRST,
    SECOND,
    click,
    count,
    drag,
    open_editor,
    points_of,
    position,
    single_points,
    state,
    tool,
    use,
)
from tests.support.modules import TAKE_CONSTANTS
from tests.support.pages import Watched, until, watched
from tests.web.conftest import Site

pytestmark = pytest.mark.browser


INVENTED = [source for source in SOURCES.values() if not source.is_real]


def test_points_that_are_clicked_are_the_dataset(dialog: Locator) -> None:
    single_points(dialog)
    taken = dialog.get_by_role("button", name="Use this data")
    expect(taken).to_be_disabled()
    expect(state(dialog)).to_have_text("There are no points yet: two classes with 2 points each are needed.")
    click(dialog, *FIRST)
    expect(state(dialog)).to_have_text("There is only one class: a second one with 2 points is needed.")
    tool(dialog, "class 3").check()
    click(dialog, SECOND[0])
    expect(state(dialog)).to_have_text("Each class needs 2 points: class 3 has 1. Add some, or erase them.")
    expect(taken).to_be_disabled()
    click(dialog, *SECOND[1:])
    assert [count(dialog, f"class {k}") for k in (1, 2, 3)] == [4, 0, 4]
    expect(state(dialog)).to_have_text("8 points.")
    own = use(dialog)
    np.testing.assert_allclose(points_of(own), 2 * np.array([*FIRST, *SECOND]) - 1, atol=0.01)
    assert own["labels"] == [0] * 4 + [1] * 4
    assert own["classes"] == ["class 1", "class 3"]
    assert own["features"] == ["x₁", "x₂"]
    assert own["name"] == "Your own data"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_point_is_drawn_where_it_is_in_its_class_colour(dialog: Locator, scheme: str) -> None:
    dialog.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    single_points(dialog)
    tool(dialog, "class 2").check()
    click(dialog, (0.31, 0.82))
    until(
        dialog.page,
        """async (dark) => {
            const {choosePointColour} = await import('./figures/colours.js');
            const canvas = document.querySelector('dialog canvas');
            const pixels = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true});
            pixels.drawImage(canvas, -Math.round(0.31 * canvas.width), -Math.round(0.18 * canvas.height));
            const pixel = pixels.getImageData(0, 0, 1, 1).data;
            return choosePointColour(1, dark).every((part, i) => Math.abs(part - pixel[i]) < 4) && pixel[3] === 255;
        }""",
        scheme == "dark",
    )
    dialog.page.emulate_media(color_scheme="light")


def test_a_stroke_sprays_along_its_path_and_is_a_single_step(dialog: Locator) -> None:
    dialog.get_by_role("slider", name="Density").fill("5")
    drag(dialog, (0.2, 0.3), (0.8, 0.3))
    upper = count(dialog, "class 1")
    assert upper >= 50
    tool(dialog, "class 2").check()
    drag(dialog, (0.5, 0.6), (0.5, 0.9))
    lower = count(dialog, "class 2")
    assert lower >= 25
    keyboard = dialog.page.keyboard
    keyboard.press("Control+z")
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (upper, 0)
    keyboard.press("Control+z")
    assert count(dialog, "class 1") == 0
    expect(dialog.get_by_role("button", name="Undo")).to_be_disabled()
    keyboard.press("Control+Shift+z")
    dialog.get_by_role("button", name="Redo").click()
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (upper, lower)
    dialog.get_by_role("button", name="Clear").click()
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (0, 0)
    # The button is disabled now, and keys must still not reach the page.
    expect(dialog.locator("canvas")).to_be_focused()
    keyboard.press("Control+z")
    own = use(dialog)
    points, labels = (points_of(own) + 1) / 2, np.array(own["labels"])
    # The tolerance is the radius of the brush and the rounding of a link.
    assert (np.abs(points[labels == 0][:, 1] - 0.3) <= 0.061).all()
    assert (np.abs(points[labels == 1][:, 0] - 0.5) <= 0.061).all()
    x = np.sort(points[labels == 0][:, 0])
    assert x[0] <= 0.2 + 0.061  # the first dab is at the start, and the last one at most 0.035 from the end
    assert x[-1] >= 0.8 - 0.035 - 0.061
    assert np.diff(x).max() < 0.1  # the stroke has no gaps


def test_the_eraser_removes_the_points_that_it_passes(dialog: Locator) -> None:
    single_points(dialog)
    click(dialog, *FIRST, (0.5, 0.5))
    tool(dialog, "class 2").check()
    click(dialog, *SECOND, (0.52, 0.7))
    tool(dialog, "Eraser").check()
    drag(dialog, (0.5, 0.4), (0.52, 0.8))
    click(dialog, (0.05, 0.05))  # there are no points at this place
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (4, 4)
    dialog.page.keyboard.press("Control+z")
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (5, 5)
    dialog.page.keyboard.press("Control+y")
    np.testing.assert_allclose(points_of(use(dialog)), 2 * np.array([*FIRST, *SECOND]) - 1, atol=0.01)


@pytest.mark.parametrize("source", INVENTED, ids=lambda source: source.name)
def test_a_synthetic_dataset_is_a_start(dialog: Locator, source: Source) -> None:
    dialog.get_by_label("Start from").select_option(label=source.title)
    own = use(dialog)
    points, labels = source.sample(200, source.default_noise, Draws(0, Stream.POINTS))
    assert own["labels"] == labels.tolist()
    assert own["classes"] == list(source.class_names)
    np.testing.assert_allclose(points_of(own), points, atol=float(np.ptp(points)) * 5e-5)


def test_the_data_that_the_page_shows_are_a_start(page: Page) -> None:
    points = [float(value) for value in np.random.default_rng(3).normal(50, 20, 40)]
    start = {
        "name": "Mine",
        "points": points,
        "labels": [i % 2 for i in range(20)],
        "classes": ["cat", "dog"],
        "features": ["age", "weight"],
    }
    dialog = open_editor(page, start)
    assert (count(dialog, "cat"), count(dialog, "dog"), count(dialog, "class 3")) == (10, 10, 0)
    dialog.get_by_label("Start from").select_option("An empty plane")
    expect(state(dialog)).to_have_text("There are no points yet: two classes with 2 points each are needed.")
    dialog.get_by_label("Start from").select_option("The data shown")
    single_points(dialog)
    click(dialog, (0.5, 0.5))
    own = use(dialog)
    drawn, given = points_of(own), np.reshape(points, (-1, 2))
    assert drawn[:-1].tolist() == given.tolist()
    middle = (given.min(axis=0) + given.max(axis=0)) / 2
    assert (np.abs(drawn[-1] - middle) <= 0.01 * np.ptp(given, axis=0)).all()
    assert own["labels"] == [*start["labels"], 0]
    assert (own["classes"], own["features"]) == (["cat", "dog"], ["age", "weight"])


def test_everything_can_be_done_by_keyboard(dialog: Locator) -> None:
    page, place = dialog.page, dialog.locator(".place")
    before = page.evaluate("() => window.lossatlas.state()")
    expect(dialog.get_by_role("application", name="Points")).to_be_focused()

    def press(*keys: str) -> None:
        for key in keys:
            page.keyboard.press(key)

    press("ArrowRight", "ArrowUp", "ArrowUp")
    expect(place).to_have_text("x₁ 0.10, x₂ 0.20")
    press("Shift+ArrowLeft", " ")
    expect(place).to_have_text("x₁ 0.08, x₂ 0.20: a point of class 1")
    press("ArrowDown", "Enter", "ArrowDown", " ", "ArrowDown", " ", "ArrowDown", " ", "Delete")
    expect(place).to_have_text("x₁ 0.08, x₂ −0.20")
    press("2")
    expect(tool(dialog, "class 2")).to_be_checked()
    press(*["ArrowLeft", " "] * 5, "Control+z")
    assert (count(dialog, "class 1"), count(dialog, "class 2")) == (4, 4)
    for _ in range(20):
        if dialog.get_by_role("button", name="Use this data").evaluate("(b) => b === document.activeElement"):
            break
        press("Tab")
    press("Enter")
    expect(page.locator("dialog.editor")).to_have_count(0)
    [own] = page.evaluate("() => window.used")
    first = [(0.08, 0.2), (0.08, 0.1), (0.08, 0.0), (0.08, -0.1)]
    second = [(-0.02, -0.2), (-0.12, -0.2), (-0.22, -0.2), (-0.32, -0.2)]
    np.testing.assert_allclose(points_of(own), first + second, atol=1e-3)
    assert page.evaluate("() => window.lossatlas.state()") == before  # the page's own keys did nothing


def test_the_pages_own_keys_rest_while_the_dialog_is_open(dialog: Locator) -> None:
    page = dialog.page
    before = page.evaluate("() => window.lossatlas.state()")
    single_points(dialog)
    click(dialog, (0.5, 0.5))
    dialog.get_by_role("heading", name="Your own data").click()  # nothing can be focused there
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    page.keyboard.press("Control+z")
    assert count(dialog, "class 1") == 0
    assert page.evaluate("() => window.lossatlas.state()") == before


def test_a_dismissed_drawing_is_kept(page: Page) -> None:
    dialog = open_editor(page)
    single_points(dialog)
    click(dialog, *FIRST)
    page.keyboard.press("Escape")
    expect(page.locator("dialog.editor")).to_have_count(0)
    assert page.evaluate("() => window.used") == []
    dialog = open_editor(page)
    assert count(dialog, "class 1") == 4
    tool(dialog, "class 2").check()
    single_points(dialog)
    click(dialog, *SECOND)
    use(dialog)
    assert count(open_editor(page), "class 1") == 0  # data that were used are not kept as a drawing


def test_no_more_points_than_can_be_trained_on(page: Page) -> None:
    points = [float(value) for value in np.random.default_rng(0).normal(size=2 * 1995)]
    dialog = open_editor(page, {"points": points, "labels": [i % 2 for i in range(1995)]})
    expect(state(dialog)).to_have_text("1995 points; a link can carry 300.")
    dialog.get_by_role("slider", name="Density").fill("8")
    click(dialog, (0.5, 0.5), (0.4, 0.4))
    expect(state(dialog)).to_have_text("2,000 points: no more can be trained on.")
    assert len(use(dialog)["labels"]) == 2000


def test_the_drawing_is_saved_as_rows_that_read_back(dialog: Locator, tmp_path: Path) -> None:
    dialog.get_by_label("Start from").select_option("moons")
    with dialog.page.expect_download() as download:
        dialog.get_by_role("button", name="Save").click()
    path = tmp_path / download.value.suggested_filename
    assert path.name == "Your own data.csv"
    download.value.save_as(path)
    dialog.get_by_role("button", name="Clear").click()
    dialog.get_by_text("From a spreadsheet").click()
    dialog.get_by_label("Open a file").set_input_files(path)
    expect(dialog.locator(".messages")).to_contain_text("200 points in 2 classes.")
    points, labels = SOURCES["moons"].sample(200, 0.15, Draws(0, Stream.POINTS))
    own = use(dialog)
    assert own["labels"] == labels.tolist()
    np.testing.assert_allclose(points_of(own), points, atol=float(np.ptp(points)) * 5e-5)


def test_a_finger_draws_on_a_phone_and_all_controls_fit(exported: Site, browser: Browser) -> None:
    for seen in watched(browser, viewport={"width": 390, "height": 844}, has_touch=True, reduced_motion="reduce"):
        page = seen.open(exported.url + "?view=contours")
        dialog = open_editor(page)
        box = dialog.bounding_box()
        assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
        assert page.evaluate("() => document.querySelector('dialog .body').scrollWidth") <= 390
        single_points(dialog)
        for name, places in (("class 1", FIRST), ("class 2", SECOND)):
            tool(dialog, name).tap()
            for u, v in places:
                page.touchscreen.tap(*position(dialog, u, v))
        assert (count(dialog, "class 1"), count(dialog, "class 2")) == (4, 4)
        assert dialog.locator("canvas").evaluate("(c) => getComputedStyle(c).touchAction") == "none"
        for control in dialog.locator("button, .brush, select, summary, .file").all():
            size = control.evaluate("(e) => { const b = e.getBoundingClientRect(); return b.height || 44; }")
            assert size >= 44, control
        np.testing.assert_allclose(points_of(use(dialog)), 2 * np.array([*FIRST, *SECOND]) - 1, atol=0.02)


def test_the_panels_button_fetches_the_editor_and_uses_its_dataset(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?view=contours")
    button = page.get_by_role("button", name="Your own data…")
    expect(button).to_be_visible()
    later = ("/datasets/", "papaparse")
    assert not [url for url in desktop.requests if any(name in url for name in later)]
    page.evaluate(TAKE_CONSTANTS)
    page.evaluate(
        """async () => {
            const {createDataset} = await import('./views/dataset.js');
            const catalog = await (await fetch('catalog.json')).json();
            document.querySelector('#dataset').replaceChildren();
            window.owned = [];
            createDataset({catalog, choose() {}, onOwn: (own) => window.owned.push(own.labels.length)});
        }"""
    )
    assert not [url for url in desktop.requests if "/datasets/" in url]
    button.click()
    dialog = page.get_by_role("dialog", name="Your own data")
    dialog.get_by_label("Start from").select_option("spirals")
    assert all(any(name in url for url in desktop.requests) for name in later)
    dialog.get_by_role("button", name="Use this data").click()
    until(page, "() => window.owned.length === 1")
    assert page.evaluate("() => window.owned") == [200]
    expect(button).to_be_focused()
