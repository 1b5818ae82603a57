"""Tests the start of the page: the order of its requests, and what it draws first."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import Browser

from tests.support.held import HeldRequests
from tests.support.pages import Watched, until, watched
from tests.web.conftest import Site

pytestmark = pytest.mark.browser


def test_a_first_visit_needs_few_requests(exported: Site, desktop: Watched) -> None:
    """A class of thirty that opens the page at once asks for a few hundred files, and not for ten thousand."""
    page = desktop.open(exported.url)
    until(page, "() => window.lossatlas.shown()")
    code = [url for url in desktop.requests if url.endswith((".js", ".css"))]
    assert len(code) == len(set(code)) <= 14
    assert len(set(desktop.requests)) <= 40
    modules = [url for url in code if url.endswith(".js") and "/bundles/" not in url]
    assert {url.rpartition("/")[2] for url in modules} == {"plotly-gl3d-4.1.1.min.js", "opened_as_file.js"}


def test_the_boundary_is_drawn_before_the_surface(exported: Site, browser: Browser) -> None:
    for seen in watched(browser, viewport={"width": 1100, "height": 620}, reduced_motion="reduce"):
        seen.page.add_init_script(
            """const mark = performance.mark.bind(performance);
            performance.mark = (name, ...rest) => {
                window[name] = [...document.querySelectorAll('#boundary-plot .point, #landscape-plot .drawing canvas')]
                    .map((part) => part.closest('#boundary-plot, #landscape-plot').id);
                return mark(name, ...rest);
            };"""
        )
        page = seen.open(exported.url + "?epoch=0")
        first, both = page.evaluate("() => [window['lossatlas:first-plot'], window['lossatlas:first-picture']]")
        assert first.count("boundary-plot") == both.count("boundary-plot") == 80
        assert "landscape-plot" not in first
        assert "landscape-plot" in both


def test_no_array_is_requested_before_plotly_has_arrived(exported: Site, desktop: Watched) -> None:
    asked = threading.Event()
    page = desktop.page
    held = HeldRequests(page, "**/vendor/*.js")
    page.on("request", lambda request: asked.set() if request.url.endswith("run.json") else None)
    page.goto(exported.url + "?epoch=0", wait_until="commit")
    until(
        page, "() => performance.getEntriesByType('resource').some(({name}) => name.includes('/pages/atlas/wiring.'))"
    )
    until(page, "() => performance.getEntriesByType('resource').some(({name}) => name.endsWith('run.json'))")
    assert asked.is_set()
    assert not [url for url in desktop.requests if url.endswith(".npy")]
    held.release()
    until(page, "() => document.body.dataset.pictured === 'true'")
    assert [url for url in desktop.requests if url.endswith(".npy")]
