"""Tests the three labels of a first visit: their places, that they block no pointer, and when they disappear."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.pages import Watched, until, watched
from tests.web.conftest import MOONS, Site, with_access

pytestmark = pytest.mark.browser

#: JavaScript that returns each label with its plot, its box, and the ends of its leader line, in window pixels.
LABELS = """() => [...document.querySelectorAll('.callouts')].flatMap((layer) => {
    const {left, top} = layer.getBoundingClientRect();
    const lines = [...layer.querySelectorAll('.leader')].reverse(); // the longer label is placed first
    const box = (element) => {
        const {left, top, right, bottom} = element.getBoundingClientRect();
        return [left, top, right, bottom];
    };
    return [...layer.querySelectorAll('p')].map((label, i) => ({
        text: label.firstChild.textContent,
        box: box(label), plot: box(layer.closest('.plot-body')), bar: box(document.querySelector('#colourbar')),
        from: [left + lines[i].x1.baseVal.value, top + lines[i].y1.baseVal.value],
        to: [left + lines[i].x2.baseVal.value, top + lines[i].y2.baseVal.value],
    }));
})"""
BALL = """() => {
    const ball = document.querySelector('.marks :is(.ball, .hidden-ball)');
    const {left, top, width, height} = ball.getBoundingClientRect();
    return [left + width / 2, top + height / 2];
}"""
#: JavaScript that returns the darkest pixel of the regions within two pixels of a place of the window.
INK_AT = """([x, y]) => {
    const canvas = document.querySelector('#boundary-canvas');
    const {left, top, width} = canvas.getBoundingClientRect();
    const scale = canvas.width / width;
    const from = [x - left - 2, y - top - 2].map((at) => at * scale);
    const {data} = canvas.getContext('2d').getImageData(...from, 4 * scale, 4 * scale);
    let least = 765;
    for (let i = 0; i < data.length; i += 4) least = Math.min(least, data[i] + data[i + 1] + data[i + 2]);
    return least;
}"""
TEXTS = ["This network, now", "Every point is another network; lower is better", "The predicted class changes here"]
ARE_THERE = "() => document.querySelectorAll('.callouts .leader').length === 3"


def overlap(one: list[float], other: list[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def labels(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(LABELS)
    return found


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 720)])
def test_they_are_beside_their_targets_and_do_not_overlap(
    exported: Site, browser: Browser, width: int, height: int
) -> None:
    for seen in watched(browser, viewport={"width": width, "height": height}, reduced_motion="reduce"):
        page = seen.open(exported.url)
        until(page, ARE_THERE)
        found = labels(page)
        assert [each["text"] for each in found] == TEXTS
        for each in found:
            box, plot = each["box"], each["plot"]
            assert plot[0] <= box[0], each
            assert plot[1] <= box[1], each
            assert box[2] <= plot[2], each
            assert box[3] <= plot[3], each
            assert not overlap(box, each["bar"]), each
            assert not any(overlap(box, other["box"]) for other in found if other is not each)
        ball, ground, border = found
        x, y = page.evaluate(BALL)
        away = ((ball["to"][0] - x) ** 2 + (ball["to"][1] - y) ** 2) ** 0.5
        assert away < 16, "the line ends at the ball"
        assert page.evaluate(INK_AT, border["to"]) < 250, "the line ends at the border, which is drawn in ink"
        assert page.evaluate("() => document.querySelectorAll('.callouts svg text').length") == 0, (
            "the labels are texts"
        )

        # A click passes through a label and picks the point below it, which is a use of the page.
        page.mouse.click(*ground["to"])
        until(page, "() => window.lossatlas.state().pick !== null")
        assert page.locator(".callouts").count() == 0
        seen.open(exported.url)
        with_access(page)
        assert page.locator(".callouts").count() == 0, "they do not appear a second time"


def test_their_button_escape_and_play_dismiss_them(exported: Site, browser: Browser) -> None:
    for seen in watched(browser, viewport={"width": 1100, "height": 620}, reduced_motion="reduce"):
        seen.page.add_init_script(
            "Object.defineProperty(window, 'localStorage', {get() { throw new Error('blocked') }})"
        )
        page = seen.page
        for way in ("button", "Escape", "Play"):
            seen.open(exported.url)  # storage is blocked, so each visit is the first
            until(page, ARE_THERE)
            page.keyboard.press("Tab")
            page.mouse.move(500, 300)
            expect(page.locator(".callouts")).to_have_count(2)  # scrolling and looking are not a use of the page
            if way == "Escape":
                page.keyboard.press(way)
            else:
                page.get_by_role("button", name="Dismiss the labels" if way == "button" else way).click()
            expect(page.locator(".callouts")).to_have_count(0)


def test_they_follow_a_playback_that_starts_by_itself(exported: Site, browser: Browser) -> None:
    for seen in watched(browser, viewport={"width": 1100, "height": 620}):
        page = seen.open(exported.url)
        until(page, "() => window.lossatlas.shown().frame === 11")
        until(page, ARE_THERE)
        x, y = page.evaluate(BALL)
        to = labels(page)[0]["to"]
        assert ((to[0] - x) ** 2 + (to[1] - y) ** 2) ** 0.5 < 16


def test_they_do_not_appear_after_a_link_in_a_comparison_or_in_print(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url)
    until(page, ARE_THERE)
    page.emulate_media(media="print")
    expect(page.locator(".callouts").first).to_be_hidden()
    page.emulate_media(media="screen")
    for link in (f"?run={MOONS.id}", "?bare", "?epoch=0"):
        desktop.open(exported.url + link)
        with_access(page)
        assert page.locator(".callouts").count() == 0
    assert len([url for url in desktop.requests if url.endswith(".js") and "/callouts/callouts." in url]) == 1, (
        "they appear only on a first visit"
    )
