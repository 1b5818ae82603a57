"""Tests failures: if a part fails to load, dies or cannot be shown, the page says so, goes on, and tries again."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.pages import Watched, until
from tests.web.conftest import MOONS, Site

pytestmark = pytest.mark.browser
NOT_COMPUTED = "This could not be computed in the page"
LACKING = "A part of the page is missing. The server does not answer, or has a newer page: then reload this one."


def forgive(watched: Watched) -> None:
    """Remove the browser's own messages about requests that no server answered."""
    watched.complaints[:] = [text for text in watched.complaints if "ERR_" not in text]


def test_workers_that_cannot_be_started_are_reported_and_stored_data_are_shown(
    exported: Site, desktop: Watched
) -> None:
    page = desktop.page
    page.route("**/compute/engine/worker.*.js", lambda route: route.abort("connectionrefused"))
    desktop.open(exported.url + "?epoch=60&zoom=0.3&pick=0.1,0.1")  # everything in this view must be computed
    status = page.locator("#status-line")
    expect(status).to_contain_text(NOT_COMPUTED)
    expect(status).to_contain_text("The worker could not be started")
    assert page.evaluate("() => [window.lossatlas.computed(), window.lossatlas.slice().pick]") == [False, None]
    page.locator("#epoch").press("Home")  # the page can still be used
    until(page, "() => window.lossatlas.shown().frame === 0")
    page.unroute("**/compute/engine/worker.*.js")
    page.get_by_role("button", name="Try again").click()
    until(page, "() => window.lossatlas.computed()")
    until(page, "() => !document.querySelector('#boundary-whose').hidden")
    expect(status).not_to_contain_text(NOT_COMPUTED)
    forgive(desktop)


def test_a_training_whose_worker_dies_is_reported_and_can_be_started_again(exported: Site, desktop: Watched) -> None:
    page = desktop.page
    dying = "setTimeout(() => { throw new RangeError('Array buffer allocation failed'); });"
    page.route(
        "**/compute/engine/trainer.*.js", lambda route: route.fulfill(content_type="text/javascript", body=dying)
    )
    desktop.open(exported.url + "?epoch=0&view=contours")
    page.get_by_role("button", name="Train here").click()
    status = page.locator("#status-line")
    expect(status).to_contain_text("Training in the page failed")
    expect(status).to_contain_text("There is not enough memory for it")
    assert page.evaluate("() => window.lossatlas.shown().run") == MOONS.id  # the epochs so far can still be viewed
    page.unroute("**/compute/engine/trainer.*.js")
    page.get_by_role("button", name="Try again").click()
    until(page, "run => window.lossatlas.shown().run !== run", arg=MOONS.id)


def test_parts_that_fail_to_load_are_reported_and_load_at_the_next_use(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    status = page.locator("#status-line")
    for part, button, there, message in [
        ("**/features/share/share.css", "Share", "dialog.keep[open]", "This view could not be shared"),
        (
            "**/features/accessibility/table.*.js",
            "Table of the training",
            "dialog.numbers[open]",
            "The table could not be loaded",
        ),
        ("**/features/datasets/editor.*.js", "Your own data…", "dialog.editor[open]", "The editor could not be loaded"),
        ("**/features/tour/tour.css", "Take the tour", "#tour:not([hidden])", "The tour could not be loaded"),
    ]:
        page.route(part, lambda route: route.abort("connectionrefused"))
        one = page.get_by_role("button", name=button).first.element_handle()
        one.click()
        expect(status).to_contain_text(f"{message} {LACKING}")
        assert page.locator(there).count() == 0
        page.unroute(part)
        one.click()
        expect(page.locator(there)).to_be_visible()
        page.keyboard.press("Escape")
    view = page.locator("input[name=view][value=contours]")
    page.route("**/views/flat.*.js", lambda route: route.abort("connectionrefused"))
    view.press("Space")
    expect(status).to_contain_text(f"This view could not be loaded {LACKING}")
    page.unroute("**/views/flat.*.js")
    page.get_by_role("button", name="Try again").click()
    until(page, "() => window.lossatlas.slice().view === 'contours'")
    forgive(desktop)


def without_weights(route: Route) -> None:
    """Remove the parameters from a manifest, as in a compact export of a large network."""
    manifest = route.fetch().json()
    del manifest["arrays"]["weights"]
    for plane in manifest["planes"]:
        plane["arrays"].pop("directions", None)
    route.fulfill(body=json.dumps(manifest), content_type="application/json")


def test_parts_of_a_link_that_a_run_cannot_show_are_reported(exported: Site, desktop: Watched) -> None:
    page = desktop.page
    page.route("**/run.json", without_weights)
    desktop.open(exported.url + "?epoch=60&plane=nowhere&pick=0.5,-0.25&zoom=0.4")
    status = page.locator("#status-line")
    span, title = page.evaluate(
        """async () => {
            const {fetchManifest} = await import('./loading/json.js');
            const {planes: [plane]} = await fetchManifest(window.lossatlas.shown().run);
            return [window.lossatlas.shown().span, plane.title];
        }"""
    )
    expect(status).to_have_text(
        "Not everything that this link asks for can be shown"
        f" This run has no plane “nowhere”; “{title}” is shown instead."
        f" The network at a 0.5, b −0.25 is not shown. The zoom nearest to 0.4 is {text(page, span)}."
        " This run was published without its weights."
    )
    pick_middle(page)
    expect(status).to_have_text("The network there cannot be shown This run was published without its weights.")
    # Without a link, the controls say what is not available.
    page.get_by_role("radio", name="Three arms").press("Space")
    until(page, "run => window.lossatlas.shown().run !== run", arg=MOONS.id)
    expect(status).to_have_text("")


HERE = "?dataset=moons&hidden=8&sample=120,0.2,1&train=adam,0.01,32,0,0&epoch=0"


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("&plane=nowhere", "Not everything that this link asks for can be shown This run has no plane “nowhere”;"),
        ("&zoom=wide", "Not all of this link could be read These parts were ignored: “zoom=wide”."),
    ],
)
def test_parts_of_a_link_that_a_training_in_the_page_cannot_show_are_reported(
    part: str, message: str, exported: Site, desktop: Watched
) -> None:
    page = desktop.open(exported.url + HERE + "&view=contours" + part)
    status = page.locator("#status-line")
    expect(status).to_contain_text(message)
    page.get_by_role("radio", name="Three arms").press("Space")
    until(page, "() => window.lossatlas.shown().run.startsWith('here-') && window.lossatlas.state().dataset === 'arms'")
    expect(status).to_have_text("")


def text(page: Page, number: float) -> str:
    written: str = page.evaluate("n => String(n)", number)
    return written


def pick_middle(page: Page) -> None:
    """Click in the middle of the surface."""
    box = page.locator("#landscape-plot").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
