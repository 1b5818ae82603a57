"""Tests browsers that lack or forbid something: each feature works or says why not, and the rest continues."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.held import HeldRequests
from tests.support.pages import Watched, until
from tests.web.conftest import MOONS, Site

pytestmark = pytest.mark.browser

NO_WORKERS = "This browser has no workers"
#: Timers of half a minute end at once.
IMPATIENT = """
const wait = window.setTimeout;
window.setTimeout = (act, time, ...rest) => wait(act, time === 30000 ? 0 : time, ...rest);"""
FORBIDDEN = """
for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches'])
    Object.defineProperty(window, name, {get() { throw new DOMException('denied', 'SecurityError'); }});
delete Navigator.prototype.serviceWorker;"""
NO_WEBGL = """
const get = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...options) {
    return kind.includes('webgl') ? null : get.call(this, kind, ...options);
};"""


def take_tour(page: Page) -> None:
    page.get_by_role("button", name="Take the tour").click()
    expect(page.locator("#tour .news")).to_have_text(
        "The run of this stop cannot be trained here. The plots show what was there before."
    )


def test_without_workers_the_stored_run_is_shown_and_the_rest_says_why(exported: Site, desktop: Watched) -> None:
    desktop.page.add_init_script("delete window.Worker")
    page = desktop.open(exported.url + "?epoch=60&zoom=0.3&pick=0.1,0.1")
    status = page.locator("#status-line")
    expect(status).to_contain_text(NO_WORKERS)
    assert page.evaluate("() => [window.lossatlas.computed(), window.lossatlas.shown().run]") == [False, MOONS.id]
    assert page.evaluate("() => document.querySelector('#pick').disabled")
    page.get_by_role("button", name="Train here").click()
    expect(status).to_contain_text("Training in the page failed")
    expect(status).to_contain_text(NO_WORKERS)
    take_tour(page)
    assert page.evaluate("() => window.lossatlas.shown().run") == MOONS.id


def test_a_worker_that_is_never_there_is_not_waited_for(exported: Site, desktop: Watched) -> None:
    page = desktop.page
    page.add_init_script(IMPATIENT)
    held: list[Route] = []
    for name in ("worker", "trainer"):
        page.route(f"**/compute/engine/{name}.*.js", lambda route: held.append(route))
    desktop.open(exported.url + "?epoch=60&zoom=0.3")
    status = page.locator("#status-line")
    expect(status).to_contain_text("The worker has not started within 30 seconds")
    expect(status).to_contain_text("The stored data are shown instead.")
    until(page, "() => window.lossatlas.shown()?.epoch === 60")
    take_tour(page)
    for route in held:
        route.abort()


def test_without_storage_and_webassembly_everything_works(exported: Site, desktop: Watched) -> None:
    page = desktop.page
    page.add_init_script(FORBIDDEN)
    page.route(
        "**/compute/engine/*.js",
        lambda route: route.fulfill(response=(found := route.fetch()), body=f"delete self.WebAssembly; {found.text()}"),
    )
    desktop.open(exported.url + "?epoch=60&zoom=0.3&view=contours")
    until(page, "() => window.lossatlas.computed()")
    theme = "() => document.documentElement.dataset.theme"
    page.get_by_role("button", name="Theme").click()
    assert page.evaluate(theme) == "dark"
    page.get_by_role("button", name="Train here").click()
    page.get_by_role("button", name="Start", exact=True).click()
    until(page, "() => window.lossatlas.shown().run.startsWith('here-') && window.lossatlas.shown().epoch > 1")
    expect(page.locator("#status-line")).to_have_text("")


def test_without_webgl_nothing_waits_for_the_map_that_replaces_the_surface(exported: Site, desktop: Watched) -> None:
    page = desktop.page
    page.add_init_script(NO_WEBGL)
    held = HeldRequests(page, "**/views/flat.*.js")
    desktop.open(exported.url + "?epoch=60")
    until(page, "() => document.querySelector('#boundary-plot').data.length > 0")
    expect(page.locator("[data-readout=train_loss]")).to_have_text("0.2545")
    expect(page.locator("#flat-note")).to_contain_text("This browser has no WebGL")
    expect(page.locator(".camera")).to_be_hidden()
    assert page.locator("#landscape-map canvas").count() == 0
    held.release()
    expect(page.locator("#landscape-map canvas")).to_be_visible()
