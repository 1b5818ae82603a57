"""Tests the start of the page: the order of its requests, and what it draws first."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from tests.support.pages import Watched, until, watched
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

WEB = Path(__file__).parents[2] / "src" / "lossatlas" / "web"
MODULE = re.compile(r'<link rel="modulepreload" href="([^"]+)">')


def find_reached(start: str) -> set[str]:
    """Find the modules that are loaded with a module, which are those that it imports statically."""
    found, waiting = set(), [WEB / start]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(WEB).as_posix()
        if name in found:
            continue
        found.add(name)
        text = path.read_text(encoding="utf-8")
        waiting += [(path.parent / each).resolve() for each in re.findall(r"^import [^;]*?'(\.[^']+)';", text, re.M)]
    return found


def test_the_files_that_are_preloaded_are_those_that_are_imported() -> None:
    page = (WEB / "index.html").read_text(encoding="utf-8")
    head, views = page.split('<template id="views">')
    first = MODULE.findall(head)
    then = MODULE.findall(views.split("</template>")[0])
    assert len(first) == len(set(first))
    assert len(then) == len(set(then))
    assert set(first) == find_reached("pages/atlas/main.js")
    assert set(then) == find_reached("pages/atlas/wiring.js") - find_reached("pages/atlas/main.js")


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
    held: list[Route] = []
    asked = threading.Event()

    def hold(route: Route) -> None:
        held.append(route)

    page = desktop.page
    page.route("**/vendor/*.js", hold)
    page.on("request", lambda request: asked.set() if request.url.endswith("run.json") else None)
    page.goto(exported.url + "?epoch=0", wait_until="commit")
    until(page, "() => performance.getEntriesByType('resource').some(({name}) => name.endsWith('views/dataset.js'))")
    until(page, "() => performance.getEntriesByType('resource').some(({name}) => name.endsWith('run.json'))")
    assert asked.is_set()
    assert not [url for url in desktop.requests if url.endswith(".npy")]
    for route in held:
        route.continue_()
    until(page, "() => document.body.dataset.pictured === 'true'")
    assert [url for url in desktop.requests if url.endswith(".npy")]
