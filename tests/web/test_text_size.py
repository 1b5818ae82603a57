"""Tests that nothing overlaps at the text size of the reader, and at the smallest size that a browser allows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pytest
from playwright.sync_api import Playwright

from tests.support.pages import Watched, until, watched
from tests.web.conftest import FLAGS, PLAIN, PLANES, Site, chromium_without_windows
from tests.web.test_fitting import FAULTS

pytestmark = pytest.mark.browser

VIEW = f"?run={PLANES.id}&hidden=8&plane=pca&timeline=curvature&epoch=60"
SIZES = """() => ['body', '.slice', '.readouts td']
    .map((name) => getComputedStyle(document.querySelector(name)).fontSize)"""
#: JavaScript that returns the sizes of the labels in the plots: of Plotly's axes, of the surface and of the curves.
LABELS = """() => [
    document.querySelector('#boundary-plot').layout.xaxis.tickfont.size,
    Number.parseFloat(getComputedStyle(document.querySelector('#boundary-plot .ytick text')).fontSize),
    Number(document.querySelector('#landscape-plot .labels g').getAttribute('font-size')),
    Number.parseFloat(getComputedStyle(document.querySelector('#curves .axis text')).fontSize),
    Number.parseFloat(getComputedStyle(document.querySelector('#colourbar .ticks')).fontSize),
]"""
#: JavaScript that returns the boxes of the row at the bottom of a small window.
ROW = """() => ['#play', '#epoch', '.now-brief', '#tour-open'].map((name) => {
    const {left, right, top, bottom} = document.querySelector(name).getBoundingClientRect();
    return [name, left, right, top, bottom];
})"""


def opened(playwright: Playwright, setting: str) -> Iterator[Watched]:
    """Yield a page of a browser whose reader has set a text size."""
    flags = [*FLAGS, *PLAIN, f"--blink-settings={setting}"]
    browser = playwright.chromium.launch(executable_path=chromium_without_windows(), args=flags)
    yield from watched(browser, alone=True, viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    browser.close()


def test_everything_follows_the_readers_text_size(exported: Site, playwright: Playwright) -> None:
    for seen in opened(playwright, "defaultFontSize=24"):
        page = seen.open(exported.url + VIEW)
        assert page.evaluate(SIZES) == ["19.5px", "18px", "22.5px"]
        assert page.evaluate(LABELS) == [16.5] * 5
        for width, height in ((1440, 900), (390, 844)):
            page.set_viewport_size({"width": width, "height": height})
            until(page, f"() => innerWidth === {width}")
            assert page.evaluate("() => document.documentElement.scrollWidth") == width
            for (name, *one), (other, *two) in combinations(page.evaluate(ROW), 2):
                assert one[1] <= two[0] or two[1] <= one[0], f"{name} and {other} overlap at {width}"


def test_texts_fit_at_the_smallest_size_that_a_browser_allows(exported: Site, playwright: Playwright) -> None:
    for seen in opened(playwright, "minimumFontSize=18"):
        page = seen.open(exported.url + VIEW)
        until(page, "() => document.fonts.status === 'loaded'")
        assert page.evaluate(FAULTS) == []


def test_a_right_to_left_document_keeps_the_page_from_left_to_right(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60", view="surface")
    plots = "() => ['landscape', 'boundary'].map((id) => document.getElementById(id).getBoundingClientRect().left)"
    before = page.evaluate(plots)
    page.evaluate("() => { document.documentElement.dir = 'rtl'; }")
    turned = page.evaluate(plots)
    page.evaluate("() => document.documentElement.removeAttribute('dir')")
    assert turned == before
