"""Tests that axe finds no barrier for people with disabilities, in any view, part, size or colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.support.first_use import LATER, OF_PLANES, VIEWS
from tests.support.pages import Watched, until, watched
from tests.web.conftest import Site, with_access
from tests.web.test_compare import PICTURED, link

pytestmark = pytest.mark.browser


#: The sizes, each with the colours in which the page is opened. The test then changes to the other colours.
SIZES: dict[str, tuple[int, int, Any]] = {"desktop": (1440, 900, "light"), "phone": (390, 844, "dark")}


DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def violations(page: Page) -> list[str]:
    """Return the violations that axe finds, of any severity, with their elements."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']} ({rule['impact']}): {[node['target'] for node in rule['nodes']]}" for rule in found]


def violations_in_any_colours(page: Page) -> list[str]:
    """Return the violations in the present colours of the page, and in the other colours."""
    found = violations(page)
    dark = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    page.emulate_media(color_scheme="light" if dark else "dark")
    page.evaluate(DRAWN)
    found += violations(page)
    page.emulate_media(color_scheme="dark" if dark else "light")
    return found


@pytest.fixture(params=list(SIZES))
def sized(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Watched]:
    width, height, scheme = SIZES[request.param]
    yield from watched(
        browser, viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )


def test_axe_finds_nothing_in_any_view(exported: Site, sized: Watched) -> None:
    for name, query in VIEWS.items():
        page = sized.show(exported.url + query)
        with_access(page)
        assert violations_in_any_colours(page) == [], name


@pytest.mark.parametrize("what", LATER)
def test_axe_finds_nothing_in_parts_that_load_at_their_first_use(exported: Site, sized: Watched, what: str) -> None:
    query, opening = LATER[what]
    page = sized.open(exported.url + query)
    with_access(page)
    opening(page)
    assert violations_in_any_colours(page) == []


def test_axe_finds_nothing_in_the_comparison(exported: Site, sized: Watched) -> None:
    page = sized.page
    page.goto(link(exported))
    until(page, PICTURED)
    assert violations_in_any_colours(page) == []


def test_axe_finds_nothing_in_the_tables(exported: Site, sized: Watched) -> None:
    page = sized.show(exported.url + OF_PLANES)
    for table in ("loss landscape", "decision boundary", "training"):
        tab = page.locator(
            "#plots label", has_text=re.compile("curves" if table == "training" else table, re.IGNORECASE)
        )
        if tab.is_visible():  # a phone shows one plot at a time
            tab.click()
        page.get_by_role("button", name=f"Table of the {table}").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations_in_any_colours(page) == [], table
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_axe_finds_nothing_while_a_run_is_computed_nor_where_there_is_none(
    empty_served: Site, exported: Site, sized: Watched
) -> None:
    page = sized.open(empty_served.url)
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
    assert violations(page) == []
    page.goto(exported.url + "?dataset=moons&hidden=50&run=00ff00ff")
    expect(page.locator("#status-line")).to_contain_text("no run “00ff00ff”")
    assert violations_in_any_colours(page) == []


def test_axe_finds_a_deliberate_fault(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url)
    page.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
    assert [found.split(":")[0] for found in violations(page)] == ["button-name (critical)"]


def test_the_pictures_have_names_even_while_they_play(exported: Site, browser: Browser) -> None:
    for moving in watched(browser, viewport={"width": 1100, "height": 620}):
        page = moving.open(exported.url + "?epoch=0")
        page.get_by_role("combobox", name="Speed").select_option("0.25")
        page.get_by_role("button", name="Play").click()
        for name in ("Loss landscape", "Decision boundary"):
            assert page.get_by_role("img", name=name).count() == 1
