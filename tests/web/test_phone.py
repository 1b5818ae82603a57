"""Tests the page on a phone: the sentence below the plot is in sight, and the first tap picks a point."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.pages import Watched, until, watched
from tests.web.conftest import MOONS, Site

pytestmark = pytest.mark.browser

#: JavaScript that returns how many pixels of the sentences are above the row of playback, and the height of a line.
SEEN = """() => ['.slice', '.meaning'].map((name) => {
    const element = document.querySelector(name);
    const row = document.getElementById('play').getBoundingClientRect().top;
    const text = document.createRange();
    text.selectNodeContents(element);
    return [row - text.getBoundingClientRect().top, Number.parseFloat(getComputedStyle(element).lineHeight)];
})"""

#: JavaScript that returns the distances between the baselines of the lines of the sentence, which ends with a button.
LINES = """() => {
    const text = document.createRange();
    text.setStart(document.querySelector('.slice'), 0);
    text.setEndAfter(document.querySelector('.slice summary').firstChild);
    const boxes = [...text.getClientRects()].filter(({width, height}) => width > 1 && height < 30);
    const bottoms = [...new Set(boxes.map(({bottom}) => Math.round(bottom)))].sort((a, b) => a - b);
    return bottoms.slice(1).map((bottom, i) => bottom - bottoms[i]);
}"""


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    options = {"has_touch": True, "is_mobile": True, "reduced_motion": "reduce"}
    yield from watched(browser, alone=True, viewport={"width": 390, "height": 844}, **options)


def tap(page: Page, name: str, across: float, down: float) -> None:
    """Touch a place of an element, given as shares of its size, as a finger does."""
    x, y = page.evaluate(
        """([name, across, down]) => {
            const {left, top, width, height} = document.querySelector(name).getBoundingClientRect();
            return [left + across * width, top + down * height];
        }""",
        [name, across, down],
    )
    session = page.context.new_cdp_session(page)
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


def test_the_sentence_below_the_plot_is_in_sight_and_the_first_tap_picks(exported: Site, phone: Watched) -> None:
    page = phone.open(f"{exported.url}?run={MOONS.id}&epoch=60")
    assert page.evaluate("() => scrollY") == 0
    for seen, line in page.evaluate(SEEN):
        assert seen >= 2 * line
    apart = page.evaluate(LINES)
    assert apart
    assert max(apart) - min(apart) <= 1
    assert page.evaluate("() => document.querySelector('.slice summary').getBoundingClientRect().height") >= 40
    assert page.evaluate("() => window.lossatlas.state().pick") is None
    tap(page, "#landscape-stage", 0.5, 0.55)
    until(page, "() => window.lossatlas.state().pick !== null")


def test_the_first_tap_on_the_map_picks_and_so_does_the_next(exported: Site, phone: Watched) -> None:
    page = phone.open(f"{exported.url}?run={MOONS.id}&epoch=60&view=contours")
    tap(page, "#landscape-map > canvas", 0.75, 0.25)
    until(page, "() => window.lossatlas.state().pick !== null")
    a, b = page.evaluate("() => window.lossatlas.state().pick")
    assert a == pytest.approx(b, rel=0.05)
    assert a > 0
    tap(page, "#landscape-map > canvas", 0.25, 0.75)
    until(page, "([a, b]) => window.lossatlas.state().pick[0] < 0 && window.lossatlas.state().pick[1] < 0", [a, b])
