"""Tests the presentation: type that the last row can read, plots without panels, and its keys."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.pages import Watched, until, watched
from tests.web.conftest import MOONS, Site
from tests.web.test_text_size import LABELS

pytestmark = pytest.mark.browser

#: JavaScript that returns the visible texts whose size is below a number of pixels.
SMALL = """(least) => [...document.querySelectorAll('body *')].filter((element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
        && !element.matches('option, title, noscript, .hidden, #play-text')
        && element.checkVisibility({visibilityProperty: true, opacityProperty: true})
        && !element.closest('.hidden')
        && Number.parseFloat(getComputedStyle(element).fontSize) < least
).map((element) => [element.textContent, getComputedStyle(element).fontSize])"""
#: JavaScript that returns the share of the window that both plots have, and whether anything is beyond its edge.
ROOM = """() => {
    const boxes = ['landscape', 'boundary'].map((id) => document.getElementById(id).getBoundingClientRect());
    const area = boxes.reduce((sum, {width, height}) => sum + width * height, 0);
    const row = document.getElementById('readouts').getBoundingClientRect();
    return [area / (innerWidth * innerHeight), row.right <= innerWidth && row.bottom <= innerHeight];
}"""
HIDDEN = """() => ['.bar h1', '.panel.model', '.panel.dataset', '.toolbar', '#compare', '.slice']
    .filter((name) => document.querySelector(name).checkVisibility())"""
PRESENTED = "() => document.documentElement.dataset.present !== undefined"

#: JavaScript that returns the width of the lines of equal loss on the surface, in pixels of the page.
EQUAL = """() => {
    const drawing = document.querySelector('#landscape .drawing');
    const {line} = drawing.data.find(({name}) => name === 'lines');
    return line.width * (drawing.style.transform ? Number.parseFloat(drawing.style.transform.slice(6)) : 1);
}"""


@pytest.fixture
def hall(browser: Browser) -> Iterator[Watched]:
    yield from watched(browser, alone=True, viewport={"width": 1280, "height": 720}, reduced_motion="reduce")


def test_a_presentation_has_large_type_and_its_keys(exported: Site, hall: Watched) -> None:
    page = hall.open(f"{exported.url}?run={MOONS.id}&epoch=0")
    before = page.evaluate(LABELS)
    assert before == [11] * 5
    assert page.evaluate(EQUAL) == 1
    page.keyboard.press("f")
    until(page, PRESENTED)
    page.set_viewport_size({"width": 1280, "height": 720})  # The full screen may have another size.
    until(page, f"() => ({LABELS})().every((size) => size >= 20 && size < 21)")
    assert page.evaluate(SMALL, 20) == []
    until(page, f"() => ({EQUAL})() > 2")
    assert page.evaluate(HIDDEN) == []
    share, fits = page.evaluate(ROOM)
    assert share > 0.7
    assert fits
    until(page, "() => location.search.includes('present=1')")

    page.keyboard.press("ArrowRight")
    until(page, "(epoch) => window.lossatlas.shown().epoch === epoch", exported.run().trajectory.epochs[1])
    page.keyboard.press(" ")
    until(page, "() => document.querySelector('#play-text').textContent === 'Pause'")
    page.keyboard.press("PageDown")
    until(page, "() => window.lossatlas.state().tour === 'two-plots'")
    until(page, "() => document.querySelector('#tour .words').checkVisibility()")
    assert page.evaluate(SMALL, 20) == []
    page.keyboard.press("n")
    until(page, "() => ![null, 'two-plots'].includes(window.lossatlas.state().tour)")
    page.keyboard.press("PageUp")
    until(page, "() => window.lossatlas.state().tour === 'two-plots'")

    page.keyboard.press("Escape")
    until(page, "() => document.documentElement.dataset.present === undefined")
    page.set_viewport_size({"width": 1280, "height": 720})
    until(page, "() => document.querySelector('.panel.dataset').checkVisibility()")
    until(page, f"(before) => JSON.stringify(({LABELS})()) === JSON.stringify(before)", before)


def test_a_link_opens_a_presentation_at_the_size_of_a_projector(exported: Site, hall: Watched) -> None:
    hall.page.set_viewport_size({"width": 1024, "height": 768})
    page = hall.open(f"{exported.url}?present=1&run={MOONS.id}&epoch=0&view=section")
    until(page, "() => document.querySelector('#landscape-section .ytick text') !== null")
    assert page.evaluate(PRESENTED)
    widths = page.evaluate("() => document.querySelector('#landscape-section .js-plotly-plot').data[0].line.width")
    assert widths == pytest.approx(2 * 0.0228 * 1024 / 16)
    least = 11 * 0.0228 * 1024 / 16  # The narrower side of the window decides.
    assert page.evaluate(SMALL, least) == []
    share, fits = page.evaluate(ROOM)
    assert share > 0.7
    assert fits
