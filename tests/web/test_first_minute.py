"""Tests what a new visitor sees: a sentence, plain words, a tour, and nothing that is cut off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.pages import Watched, until, watched

from .conftest import PLANES, Site, with_access

pytestmark = pytest.mark.browser

OF_PLANES = f"?run={PLANES.id}&hidden=8&plane=pca&epoch=60"

#: JavaScript that lists the texts of the first view that are cut off or lie outside the window.
CLIPPED = """() => [...document.querySelectorAll('.welcome, .meaning, .slice, .transport, button')]
    .filter((e) => e.closest('.bar, .buttons') || !e.matches('button'))
    .filter((e) => e.checkVisibility())
    .filter((e) => {
        const {left, right} = e.getBoundingClientRect();
        return e.scrollWidth > e.clientWidth + 1 || left < 0 || right > innerWidth;
    }).map((e) => e.outerHTML.slice(0, 80))"""

INSIDE = """(selector) => {
    const {left, top, right, bottom} = document.querySelector(selector).getBoundingClientRect();
    return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
}"""


def test_the_page_says_in_plain_words_what_its_pictures_are(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + OF_PLANES)
    manifest = json.loads((exported.gallery.data / "runs" / PLANES.id / "run.json").read_text())
    share = round(100 * manifest["planes"][1]["explained_variance"])
    expect(page.locator("#welcome")).to_contain_text("Learning is rolling downhill")
    land = page.get_by_role("region", name="Loss landscape")
    expect(land.get_by_text("Every point of this surface is a network.")).to_be_visible()
    said = page.locator("#slice-share").inner_text().replace("\u00a0", " ")
    assert abs(float(said.removeprefix("This picture holds ").split(" %")[0]) - share) <= 0.5
    for jargon in ("#slice-mode", "#slice-facts", "#slice-what", ".maths", "#curvature"):
        expect(page.locator(jargon)).to_be_hidden()
    page.locator("#slice-about summary").click()
    for jargon in ("#slice-mode", "#slice-facts", "#slice-what", ".maths"):
        expect(page.locator(jargon)).to_be_visible()
    page.get_by_role("radio", name="Curvature").check()
    expect(page.locator("#curvature")).to_be_visible()


def test_the_first_texts_fit_and_the_tour_is_beside_play(exported: Site, browser: Browser) -> None:
    for seen in watched(browser, viewport={"width": 1440, "height": 900}, reduced_motion="reduce"):
        page = seen.show(exported.url + OF_PLANES, view="surface")
        for width, height in [(1440, 900), (1280, 720), (1100, 620), (844, 390), (720, 450), (390, 844), (320, 640)]:
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width
            until(page, f"() => ({CLIPPED})().length === 0")  # the curves are drawn again in the new size
            assert page.evaluate(INSIDE, "#play"), (width, height)
            assert page.evaluate(INSIDE, "#tour-open"), (width, height)
            assert page.evaluate(INSIDE, "#epoch"), (width, height)
            gap = page.evaluate(
                "() => Math.abs(document.querySelector('#play').getBoundingClientRect().top"
                " - document.querySelector('#tour-open').getBoundingClientRect().top)"
            )
            assert gap < 8, (width, height)


#: JavaScript that says whether a plot, or the curves, are partly hidden or lie partly outside the window.
WHOLE = """(selector) => {
    const element = document.querySelector(selector);
    const {left, top, right, bottom} = element.getBoundingClientRect();
    return element.checkVisibility({checkVisibilityCSS: true}) && left >= 0 && top >= 0 && right <= innerWidth
        && bottom <= document.querySelector('#play').getBoundingClientRect().top
        && right - left > 250 && bottom - top > 100;
}"""
#: JavaScript that returns the visible parts of the playback, and the height of its top.
ROW = """() => {
    const boxes = ['#play', '#epoch', '#tour-open'].map((id) => document.querySelector(id).getBoundingClientRect());
    const isThere = ({left, top, right, bottom}) =>
        left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight;
    return boxes.every(isThere) ? innerHeight - Math.min(...boxes.map(({top}) => top)) : null;
}"""
#: JavaScript that counts the drawings of the plots while one after another is chosen.
CHANGED_OVER = """async plots => {
    const drawn = () => performance.getEntriesByName('lossatlas:draw').length;
    const before = drawn();
    for (const plot of plots) {
        document.querySelector(`#plots input[value=${plot}]`).click();
        for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    }
    return drawn() - before;
}"""


@pytest.mark.parametrize(("width", "height"), [(390, 844), (360, 640), (320, 640)])
def test_on_a_phone_one_plot_is_whole_beside_playback_and_the_other_one_tap_away(
    exported: Site, browser: Browser, width: int, height: int
) -> None:
    size: Any = {"width": width, "height": height}
    for seen in watched(browser, viewport=size, has_touch=True, is_mobile=True, reduced_motion="reduce"):
        page = seen.show(exported.url + OF_PLANES, view="surface")
        assert page.evaluate(WHOLE, "#landscape-plot")
        expect(page.get_by_role("radio", name="Contours")).to_be_hidden()
        page.get_by_role("button", name="Options").tap()
        expect(page.get_by_role("radio", name="Contours")).to_be_visible()
        page.get_by_role("button", name="Options").tap()
        # Changing the plot draws nothing. What arrives after the first picture may be drawn meanwhile, but not always.
        assert any(page.evaluate(CHANGED_OVER, ["boundary", "curves", "landscape"]) == 0 for _ in range(50))
        page.locator("#plots label", has_text="Decision boundary").tap()
        assert page.evaluate(WHOLE, "#boundary-plot")
        assert not page.evaluate(WHOLE, "#landscape-plot")
        page.locator("#plots label", has_text="Curves").tap()
        assert page.evaluate(WHOLE, "#curves")
        expect(page.locator("[data-readout=train_loss]")).to_be_in_viewport(ratio=1)
        assert not page.evaluate(WHOLE, "#boundary-plot")


@pytest.mark.parametrize(
    ("width", "height"), [(390, 844), (320, 256), (844, 390), (640, 360), (853, 480), (720, 450), (960, 600)]
)
def test_a_slim_playback_is_never_off_a_small_screen(exported: Site, browser: Browser, width: int, height: int) -> None:
    """The sizes are phones, and windows of 1280 × 720 and 1440 × 900 at 150 and 200 % zoom."""
    for seen in watched(browser, viewport={"width": width, "height": height}, reduced_motion="reduce"):
        page = seen.show(exported.url + OF_PLANES, view="surface")
        for share in (0, 0.5, 1):
            page.evaluate("(share) => scrollTo(0, share * document.documentElement.scrollHeight)", share)
            row = page.evaluate(ROW)
            assert row is not None
            assert row <= 56, "the playback is slim"


#: JavaScript that lists the names and labels of the plots' horizontal axes that are turned, under the fields of the
#: picked point, or under the playback.
HIDDEN_NAMES = """() => {
    const others = ['.pick', '#play', '#epoch'].map((each) => document.querySelector(each).getBoundingClientRect());
    const names = document.querySelectorAll('#landscape .xtitle, #boundary .xtitle, #landscape .xtick text');
    return [...names].filter((e) => {
        const {left, top, right, bottom} = e.getBoundingClientRect();
        return bottom > innerHeight || (e.getAttribute('transform') ?? '').match(/rotate\\((?!0)/)
            || others.some((each) => left < each.right && right > each.left && top < each.bottom && bottom > each.top);
    }).map((e) => e.textContent);
}"""


def test_the_names_of_axes_are_whole_in_the_first_view_of_a_low_window(exported: Site, browser: Browser) -> None:
    for seen in watched(browser, viewport={"width": 640, "height": 360}, reduced_motion="reduce"):
        page = seen.show(exported.url + OF_PLANES + "&view=contours")
        assert len(page.locator("#landscape .xtitle, #boundary .xtitle").all()) == 2
        assert page.evaluate(HIDDEN_NAMES) == []


@pytest.mark.parametrize(("width", "height"), [(844, 390), (853, 480), (960, 600), (640, 360)])
def test_a_low_window_shows_whole_plots_with_playback(
    exported: Site, browser: Browser, width: int, height: int
) -> None:
    size: Any = {"width": width, "height": height}
    for seen in watched(browser, viewport=size, has_touch=True, is_mobile=True, reduced_motion="reduce"):
        page = seen.show(exported.url + OF_PLANES, view="surface")
        if height < 390:  # in this window the head of the page leaves no room for them
            page.evaluate("() => document.querySelector('#landscape').scrollIntoView({block: 'start'})")
        assert page.evaluate(WHOLE, "#landscape-plot")
        assert page.evaluate(WHOLE, "#boundary-plot")


#: JavaScript that says whether Start is visible above the playback, and how much of the landscape is above it.
START = """() => {
    const start = document.querySelector('#workshop .go')?.getBoundingClientRect();
    const {bottom, height} = document.querySelector('#landscape-plot').getBoundingClientRect();
    const {top} = document.querySelector('#play').getBoundingClientRect();
    return start?.height && start.top >= 0 && start.bottom <= top ? Math.min(bottom, height) : null;
}"""


def test_train_here_scrolls_to_the_start_button(exported: Site, browser: Browser) -> None:
    for seen in watched(browser, viewport={"width": 390, "height": 844}, reduced_motion="reduce"):
        page = seen.open(exported.url + "?epoch=60")
        for width, height, least in ((390, 844, 300), (360, 640, 200), (640, 360, 0), (844, 390, 0), (768, 1024, 200)):
            page.set_viewport_size({"width": width, "height": height})
            page.get_by_role("button", name="Train here").click()
            until(page, f"(least) => (({START})() ?? -1) >= least", least)
            page.get_by_role("button", name="Train here").click()
            until(page, f"() => ({START})() === null")


def test_a_tap_in_a_field_shows_no_tooltip(exported: Site, browser: Browser) -> None:
    size: Any = {"width": 390, "height": 844}
    for seen in watched(browser, viewport=size, has_touch=True, is_mobile=True, reduced_motion="reduce"):
        page = seen.show(exported.url + "?epoch=60", view="surface")
        with_access(page)
        page.get_by_role("button", name="Train here").tap()
        # The page may still be scrolling to the first field, which hides tooltips.
        for name in (
            "Learning rate",
            "Weight decay",
        ):
            page.get_by_role("spinbutton", name=name).tap()
            expect(page.get_by_role("spinbutton", name=name)).to_be_focused()
            # This timer is set later than that of a tooltip, and is longer.
            page.evaluate("() => new Promise((done) => { setTimeout(done, 700); })")
            assert page.locator("#hint").count() == 0
        page.keyboard.press("Tab")
        expect(page.locator("#hint")).to_be_visible()  # the keyboard shows a tooltip
