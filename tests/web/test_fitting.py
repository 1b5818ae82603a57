"""Tests that no text is cut off, covers another or leaves its panel, in usual windows of desktops."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.support.pages import PATIENCE, Watched, until, watched

from .conftest import PLANES, Site, with_access
from .test_compare import SURFACES, frames, link

pytestmark = pytest.mark.browser

#: JavaScript that lists the faults of the texts of a page, each as a sentence.
FAULTS = (Path(__file__).parents[1] / "support" / "fitting.js").read_text()
WINDOWS = [(1440, 900), (1280, 720), (1100, 620)]
TEN_LAYERS = "16-15-14-13-12-11-10-9-8-7"
FEATURES = ("Petal length in centimetres, as measured", "Concentration of the second substance")
CLASSES = [f"Class number {k} that has a long name, {k}" for k in range(10)]


@pytest.fixture
def window(browser: Browser) -> Iterator[Watched]:
    yield from watched(browser, viewport={"width": 1440, "height": 900}, reduced_motion="reduce")


def fits(page: Page, *others: Frame) -> None:
    """Assert that all texts fit in each window, after the plots are drawn for it."""
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        for each in [page.main_frame, *others]:
            deadline = time.monotonic() + PATIENCE / 1000
            while found := each.evaluate(FAULTS):
                assert time.monotonic() < deadline, f"at {width} × {height}: " + "\n".join(found)
                page.wait_for_timeout(50)


def table() -> str:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([*FEATURES, "Kind of the plant"])
    writer.writerows([i % 10 + 0.1 * (7 * i % 5), 3 * i % 11 + 0.13 * (i % 4), CLASSES[i % 10]] for i in range(60))
    return file.getvalue()


#: JavaScript that returns the heights of the titles and of the captions of both plots.
ROWS = """() => ['#landscape-heading', '#boundary-heading', '.slice', '.meaning'].map(
    (selector) => Math.round(document.querySelector(selector).getBoundingClientRect().top))"""


def test_both_plots_have_their_titles_on_one_line_and_their_captions_as_well(exported: Site, window: Watched) -> None:
    page = window.open(exported.url)
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        until(page, f"() => innerWidth === {width}")
        title, other_title, caption, other_caption = page.evaluate(ROWS)
        assert (title, caption) == (other_title, other_caption), (width, height)


def test_texts_fit_with_curvature_the_slice_and_a_picked_point(exported: Site, window: Watched) -> None:
    page = window.show(
        f"{exported.url}?run={PLANES.id}&hidden=8&plane=pca&timeline=curvature&epoch=60&pick=0.3,0.2", view="surface"
    )
    with_access(page)
    fits(page)
    page.locator("#slice-about summary").click()
    expect(page.locator("#boundary-whose")).to_be_visible()
    fits(page)
    for view in ("Contours", "Section"):
        page.get_by_role("radio", name=view).check()
        fits(page)


def test_texts_fit_with_own_data_of_long_names_and_ten_layers_in_training(exported: Site, window: Watched) -> None:
    page = window.show(f"{exported.url}?hidden={TEN_LAYERS}&epoch=0")
    with_access(page)
    page.get_by_role("button", name="Your own data…").click()
    dialog = page.get_by_role("dialog", name="Your own data")
    dialog.get_by_text("From a spreadsheet").click()
    dialog.get_by_role("textbox", name="Rows").fill(table())
    dialog.get_by_role("button", name="Read these rows").click()
    expect(dialog.locator(".messages")).to_contain_text("60 points in 10 classes.")
    fits(page)
    dialog.get_by_role("button", name="Use this data").click()
    until(page, "() => document.querySelector('#legend').textContent.includes('Class number 9')")
    expect(page.get_by_role("region", name="Training here")).to_be_visible()
    page.locator("#slice-about summary").click()
    fits(page)
    # Shortened names are shown in full elsewhere, and ten names leave enough space for the plot.
    page.set_viewport_size({"width": 1280, "height": 720})
    page.locator("#legend li").nth(3).hover()
    expect(page.locator("#hint")).to_contain_text(CLASSES[3])
    plot, panel = (page.locator(each).bounding_box() for each in ("#boundary-plot", "section.boundary"))
    assert plot
    assert panel
    assert plot["height"] > 0.6 * panel["height"]


#: JavaScript that says whether no two labels beside the curves overlap, with a little space around the digits.
APART = """() => {
    const tops = [...document.querySelectorAll('#curves .axis text')].map((each) => each.getBoundingClientRect().top);
    return tops.length > 1 && tops.sort((a, b) => a - b).slice(1).every((top, i) => top - tops[i] > 10);
}"""


def test_texts_fit_in_the_comparison_and_its_frames(exported: Site, window: Watched) -> None:
    page = window.page
    page.goto(link(exported, more=SURFACES))
    fits(page, *frames(page))
    page.set_viewport_size({"width": 1280, "height": 720})
    until(page, APART)
    # The tooltips are the page's own here as well.
    page.get_by_role("button", name="Swap").hover()
    expect(page.locator("#hint")).to_have_text("Puts B at the left and A at the right.")
