"""Tests that axe finds no barrier for people with disabilities, in any view, part, size or colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from tests.support.first_use import LATER, OF_PLANES, VIEWS
from tests.support.pages import Watched, until, watched
from tests.web.conftest import Site, with_access
from tests.web.test_compare import SURFACES, link, show_comparison

pytestmark = pytest.mark.browser


#: The sizes, each with the colours in which the page is opened. The test then changes to the other colours.
SIZES: dict[str, tuple[int, int, Any]] = {"desktop": (1440, 900, "light"), "phone": (390, 844, "dark")}


DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
#: JavaScript that returns the violations, of any severity, with their elements.
RUN = """([part, options]) => axe.run(document.querySelector(part), options).then(({violations}) =>
    violations.map(({id, impact, nodes}) => `${id} (${impact}): ${JSON.stringify(nodes.map(({target}) => target))}`))"""
#: The rules of axe about colours, which take most of the time.
COLOURS = ["color-contrast", "link-in-text-block"]
ALL: dict[str, Any] = {"resultTypes": ["violations"]}
OF_COLOURS = {**ALL, "runOnly": COLOURS}
OTHERS = {**ALL, "rules": {rule: {"enabled": False} for rule in COLOURS}}


def violations(page: Page, options: dict[str, Any] = ALL, part: str = "html") -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(RUN, [part, options])
    return found


def violations_in_any_colours(page: Page, part: str = "html") -> list[str]:
    """Return the violations in a part of the page, of colours in its present and its other colours.

    On a desktop, the rules that are not about colours are those of the whole page, which a new part may break.
    """
    wide = page.evaluate("() => innerWidth > 1000")
    found = violations(page, OTHERS, "html" if wide else part) + violations(page, OF_COLOURS, part)
    dark = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    page.emulate_media(color_scheme="light" if dark else "dark")
    page.evaluate(DRAWN)
    found += violations(page, OF_COLOURS, part)
    page.emulate_media(color_scheme="dark" if dark else "light")
    return found


@pytest.fixture(params=list(SIZES))
def sized(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Watched]:
    width, height, scheme = SIZES[request.param]
    yield from watched(
        browser, viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )


def test_axe_finds_nothing_in_any_view(exported: Site, sized: Watched) -> None:
    for number, (name, query) in enumerate(VIEWS.items()):
        page = sized.show(exported.url + query)
        with_access(page)
        assert violations_in_any_colours(page, "main" if number else "html") == [], name


#: The part of the page that is new. The views are tested without it.
PARTS = {"training": "#workshop", "share": "dialog[open]", "editor": "dialog[open]", "tour": "#tour"}


@pytest.mark.parametrize("what", LATER)
def test_axe_finds_nothing_in_parts_that_load_at_their_first_use(exported: Site, sized: Watched, what: str) -> None:
    query, opening = LATER[what]
    page = sized.show(exported.url + query)
    with_access(page)
    opening(page)
    assert violations_in_any_colours(page, PARTS[what]) == []


def test_axe_finds_nothing_in_the_tables(exported: Site, sized: Watched) -> None:
    page = sized.show(exported.url + OF_PLANES)
    with_access(page)
    for table in ("loss landscape", "decision boundary", "training"):
        tab = page.locator(
            "#plots label", has_text=re.compile("curves" if table == "training" else table, re.IGNORECASE)
        )
        if tab.is_visible():  # a phone shows one plot at a time
            tab.click()
        page.get_by_role("button", name=f"Table of the {table}").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations_in_any_colours(page, "dialog[open]") == [], table
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_axe_finds_nothing_in_the_comparison(exported: Site, sized: Watched) -> None:
    page, _ = show_comparison(sized, link(exported, more=SURFACES))
    assert violations_in_any_colours(page) == []


def in_each_size(page: Page) -> Iterator[str]:
    """Give the page each of the sizes."""
    for name, (width, height, scheme) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        until(page, "(width) => innerWidth === width", width)
        page.evaluate(DRAWN)
        yield name


def test_axe_finds_nothing_while_a_run_is_computed(empty_served: Site, desktop: Watched) -> None:
    page = desktop.open(empty_served.url + "?dataset=spirals&hidden=100-100&view=contours")  # which takes long enough
    with_access(page)
    for name in in_each_size(page):
        expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
        assert violations(page) == [], name


def test_axe_finds_nothing_where_there_is_no_run(exported: Site, desktop: Watched) -> None:
    page = desktop.page
    page.goto(exported.url + "?dataset=moons&hidden=50&run=00ff00ff")
    expect(page.locator("#status-line")).to_contain_text("no run “00ff00ff”")
    for name in in_each_size(page):
        assert violations_in_any_colours(page) == [], name


def test_axe_finds_deliberate_faults(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60&view=contours")
    page.evaluate(
        """() => {
            const faint = Object.assign(document.createElement('p'), {textContent: 'faint'});
            Object.assign(faint.style, {color: '#777', background: '#666'});
            document.querySelector('main').append(document.createElement('button'), faint);
        }"""
    )
    found = [each.split(":")[0] for each in violations_in_any_colours(page)]
    assert sorted(found) == ["button-name (critical)", "color-contrast (serious)", "color-contrast (serious)"]


def test_the_pictures_have_names_even_while_they_play(exported: Site, browser: Browser) -> None:
    for moving in watched(browser, viewport={"width": 1100, "height": 620}):
        page = moving.show(exported.url + "?epoch=0")
        page.get_by_role("combobox", name="Speed").select_option("0.25")
        page.get_by_role("button", name="Play").click()
        for name in ("Loss landscape", "Decision boundary"):
            assert page.get_by_role("img", name=name).count() == 1
