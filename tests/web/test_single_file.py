"""Tests the export as a single file, opened from the disk: it draws, trains, and requests nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lossatlas.site import export_single_file, export_site
from lossatlas.store import Gallery
from tests.support.pages import Watched, until, watched
from tests.web.conftest import MOONS
from tests.web.test_controls import assert_readouts
from tests.web.test_other_browsers import READY, TRAINED

pytestmark = pytest.mark.browser

#: Storage as it is if a person or a frame forbids it.
WITHOUT_STORAGE = """for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches'])
    Object.defineProperty(window, name, {get() { throw new DOMException('forbidden', 'SecurityError'); }});"""


def test_the_file_draws_and_trains_offline_and_without_storage_in_two_windows(
    gallery: Gallery, tmp_path: Path, browser: Browser
) -> None:
    address = export_single_file(gallery, [MOONS.id], tmp_path / "atlas (1) ü.html").as_uri()
    for seen in watched(browser, alone=True, reduced_motion="reduce"):
        page = seen.page
        page.context.set_offline(True)
        page.add_init_script(WITHOUT_STORAGE)
        for window in (page, page.context.new_page()):
            window.goto(f"{address}?epoch=60")
            until(window, f"() => {READY}")
            assert_readouts(window, gallery.open(MOONS.id), 11)
        until(page, "() => document.querySelector('#announcement') !== null")  # what is loaded after the first picture
        page.locator("#epoch").fill("0")
        until(page, "() => window.lossatlas.shown().frame === 0")
        assert page.evaluate("() => document.querySelector('#compare').hidden")
        page.locator("#train-here").click()
        page.locator("#workshop .go").click()
        until(page, f"() => {TRAINED}")
        assert page.url.startswith(f"{address}?train=")
        assert {url for url in seen.requests if not url.startswith(("blob:", "data:"))} == {f"{address}?epoch=60"}
        seen.requests.clear()


def test_the_file_opens_with_its_story_and_has_the_tour(gallery: Gallery, tmp_path: Path, desktop: Watched) -> None:
    lesson = tmp_path / "lesson.json"
    stops = [{"title": "Größe", "view": "epoch=60&view=contours"}, {"title": "Start", "view": "epoch=0"}]
    lesson.write_text(
        json.dumps({"format": "lossatlas-story", "version": 1, "title": "Lesson", "stops": stops}, ensure_ascii=False),
        encoding="utf-8",
    )
    address = export_single_file(gallery, [MOONS.id], tmp_path / "atlas.html", stories=[lesson]).as_uri()
    page = desktop.page
    page.goto(address)  # as a double click does
    until(page, "() => document.querySelector('#tour .count')?.textContent === 'Lesson · 1 of 2'")
    assert page.locator("#tour").get_by_text("Größe").count() == 1
    until(page, "() => window.lossatlas.shown()?.epoch === 60 && window.lossatlas.slice().view === 'contours'")
    page.locator("#tour .steps .primary").click()
    until(page, "() => window.lossatlas.shown().epoch === 0")

    page.goto(f"{address}?tour=hidden-layer")  # a stop whose run the file lacks
    until(page, "() => document.querySelector('#tour .word') !== null && window.lossatlas.shown()?.epoch === 100")
    assert page.evaluate("() => window.lossatlas.shown().run").startswith("here-")
    assert {url for url in desktop.requests if url.startswith(("http:", "https:"))} == set()
    desktop.requests.clear()


def test_a_folder_that_is_opened_as_a_file_says_how_to_look_at_it(
    gallery: Gallery, tmp_path: Path, browser: Browser
) -> None:
    site = export_site(gallery, tmp_path / "my site").site
    with browser.new_context() as context:  # its page reports errors, since no module loads
        page = context.new_page()
        for name in ("index.html", "compare.html"):
            page.goto((site / name).as_uri())
            text = page.locator("body").inner_text()
            assert f'python3 -m http.server 8000 --directory "{site}"' in text
            assert "lossatlas export --single-file" in text
