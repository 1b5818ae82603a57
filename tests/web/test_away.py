"""Tests that the page reports a server that does not answer, and reconnects by itself."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from lossatlas.store import Gallery
from tests.support.pages import Watched, until
from tests.web.conftest import ARMS, MOONS, Site, app_server

pytestmark = pytest.mark.browser
STOPPED = "The server was stopped. If it is being restarted, the page goes on by itself."
AWAY = "The server does not answer. You can look at what has loaded; the page tries again by itself."


def forgive(watched: Watched) -> None:
    """Remove the browser's own messages about requests that no server answered."""
    watched.complaints[:] = [text for text in watched.complaints if "ERR_" not in text]


def is_same_page(page: Page) -> bool:
    same: bool = page.evaluate("() => window.before === true")
    return same


def test_a_request_made_while_the_server_is_away_is_answered_when_it_is_back(
    gallery: Gallery, desktop: Watched
) -> None:
    with app_server(gallery, MOONS) as url:
        page = desktop.open(url + "?epoch=60&view=contours")
        page.evaluate("() => { window.before = true; }")
        server = url
    page.get_by_role("radio", name="Three arms").press("Space")
    expect(page.locator("#status-line")).to_have_text(AWAY)
    page.locator("#epoch").press("Home")  # the loaded run can still be viewed
    until(page, "() => window.lossatlas.shown().frame === 0")
    assert page.evaluate("() => window.lossatlas.shown().run") == MOONS.id
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    with app_server(gallery, MOONS, port=int(server.rstrip("/").rpartition(":")[2])), desktop:
        until(page, "run => window.lossatlas.shown().run === run", arg=ARMS.id)
        expect(page.locator("#status-line")).not_to_contain_text("answer")
        assert is_same_page(page)
        forgive(desktop)


def test_a_computation_continues_on_the_next_server(tmp_path: Path, desktop: Watched) -> None:
    gallery = Gallery(tmp_path / "data")
    first = app_server(gallery)
    computing = "() => /frame [0-9]+ of/.test(document.querySelector('#status-text').textContent)"
    with first as url:
        page = desktop.open(url)
        page.evaluate("() => { window.before = true; }")
        until(page, computing)
    expect(page.locator("#status-line")).to_have_text(STOPPED)  # it does not say that somebody has cancelled it
    assert page.evaluate("() => window.lossatlas.shown().frame") >= 0
    until(page, "() => performance.getEntriesByName(new URL('data/index.json', location.href).href).length > 2")
    expect(page.locator("#status-line")).to_have_text(STOPPED)  # also after it has tried again
    second = app_server(gallery, port=first.port)
    with second:
        until(page, computing)
        second.kill()
        expect(page.locator("#status-line")).to_have_text(AWAY)
    with app_server(gallery, port=first.port), desktop:
        until(page, computing)
        until(page, "() => window.lossatlas.shown().frame >= 1")
        assert is_same_page(page)
        forgive(desktop)


def test_a_page_that_lacks_a_part_reloads_when_the_server_answers(served: Site, desktop: Watched) -> None:
    page = desktop.page
    app = threading.Event()  # has the page requested it?
    back = threading.Event()

    def answer(route: Route) -> None:
        if "/pages/atlas/wiring." in route.request.url:
            app.set()
        if app.is_set() and not back.is_set():
            route.abort("connectionrefused")
        else:
            route.continue_()

    page.route("**/pages/atlas/wiring.*.js", answer)
    page.route("**/data/index.json", answer)
    page.goto(served.url + "?epoch=0")
    expect(page.locator("#status-line")).to_contain_text("The server does not answer.")
    back.set()
    expect(page.locator("body")).to_have_attribute("data-pictured", "true")
    forgive(desktop)


def test_pauses_grow_until_the_network_is_back(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=0&view=contours")
    pauses, tries = page.evaluate(
        """async () => {
            const {createRetry} = await import('./lib/retry.js');
            const pauses = [], later = [];
            const [set, clear] = [window.setTimeout, window.clearTimeout];
            window.setTimeout = (call, pause) => {
                if (pause <= 400) return set(call, pause);
                pauses.push(pause);
                return later.push(call);
            };
            let tries = 0;
            const retry = createRetry(() => { tries++; retry.retryLater(); });
            retry.retryLater();
            for (let i = 0; i < 9; i++) later.pop()();
            window.dispatchEvent(new Event('online'));
            retry.reset();
            window.dispatchEvent(new Event('online'));
            retry.retryLater();
            retry.reset();
            window.setTimeout = set;
            return [pauses, tries];
        }"""
    )
    assert pauses[:7] == [500, 1000, 2000, 4000, 8000, 16000, 30000]
    assert set(pauses[7:-1]) == {30000}
    assert (pauses[-1], tries) == (500, 10)


def test_requests_are_repeated_if_the_server_is_away_or_busy_and_not_if_it_refuses(
    exported: Site, desktop: Watched
) -> None:
    page = desktop.open(exported.url + "?epoch=0&view=contours")
    errors = page.evaluate(
        """async () => {
            const {Away, fetchJson} = await import('./loading/json.js');
            const real = window.fetch;
            const answer = (status) => new Response(JSON.stringify({title: 'T', detail: 'D'}), {status});
            const broken = () => new ReadableStream({start: (flow) => flow.error(new TypeError('network error'))});
            const answers = [
                () => Promise.reject(new TypeError('Failed to fetch')),
                ...[502, 503, 504, 404, 422].map((status) => () => answer(status)),
                () => new Response(broken()),
            ];
            const errors = [];
            for (const give of answers) {
                window.fetch = async () => give();
                await fetchJson('x').catch((error) => errors.push([error instanceof Away, error.title, error.detail]));
            }
            window.fetch = real;
            return errors;
        }"""
    )
    assert [away for away, _, _ in errors] == [True, True, True, True, False, False, True]
    assert errors[2][1:] == ["The server cannot do this now; the page tries again by itself.", "D"]
    assert errors[4][1:] == ["T", "D"]
