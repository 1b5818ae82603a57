"""Tests that a link opens what it names, or that the page says what it shows instead."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from lossatlas.datasets import load_dataset
from lossatlas.runs import RunConfig, compute_run
from lossatlas.site import export_site
from lossatlas.store import Gallery
from tests.support.pages import Watched, until, watched
from tests.web.conftest import ARMS, MOONS, PLANES, Site, static_server
from tests.web.test_own_data import count_points, spreadsheet, use

pytestmark = pytest.mark.browser
TRAIN = "train=adam,0.01,32,0,0"


def says(page: Page, url: str, words: str) -> None:
    """Open an address, with which nothing may be drawn, and wait for a text in the page's status."""
    page.goto("about:blank")  # the browser would not load the same page again for another fragment
    page.goto(url)
    expect(page.locator("#status-line")).to_contain_text(words)


def shows(page: Page, run: str) -> None:
    until(page, "(id) => window.lossatlas?.shown()?.run.startsWith(id) ?? false", run)


def test_a_link_with_nothing_but_a_run_marks_and_shares_and_trains_its_model_and_data(
    served: Site, desktop: Watched
) -> None:
    page = desktop.open(f"{served.url}?run={PLANES.id}&view=contours")
    page.evaluate("(id) => history.pushState(null, '', '?run=' + id)", ARMS.id)
    page.evaluate("() => history.pushState(null, '', '?dataset=moons')")
    page.go_back()  # the address is also a link
    shows(page, ARMS.id)
    page.go_back()
    shows(page, PLANES.id)
    expect(page.get_by_role("radio", name="Hidden 8", exact=True)).to_be_checked()
    page.go_forward()
    shows(page, ARMS.id)
    expect(page.get_by_role("radio", name="Hidden 2 × 16")).to_be_checked()
    expect(page.locator("input[name=dataset][value=arms]")).to_be_checked()
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_label("Link to this view")).to_have_value(re.compile("dataset=arms&hidden=16-16&"))
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Train here").click()
    shows(page, "here-")
    expect(page.locator("#run-title")).to_contain_text("Three arms")


COMPUTED = """() => document.querySelector('#status-progress').hidden
    && document.querySelector('#status').dataset.kind === 'quiet'"""
IS_AT = """([run, epoch]) => window.lossatlas.shown().run.startsWith(run) && window.lossatlas.shown().epoch === epoch
    && window.lossatlas.state().epoch === epoch"""


def test_a_link_to_an_epoch_of_a_run_that_is_yet_to_be_computed_opens_that_epoch(
    served: Site, desktop: Watched
) -> None:
    address = "?dataset=blobs&hidden=16-16-16&epoch=32&view=contours"
    page = desktop.open(served.url + address)
    until(page, COMPUTED)
    until(page, IS_AT, ["blobs-16x16x16-", 32])
    assert page.url.endswith(address)
    page.get_by_role("radio", name="Three arms").press("Space")  # the page follows what a panel chooses
    until(page, IS_AT, ["arms-16x16x16-", 60])
    page.go_back()
    until(page, IS_AT, ["blobs-16x16x16-", 32])


def test_going_back_to_a_training_in_the_page_trains_it_up_to_its_epoch(exported: Site, desktop: Watched) -> None:
    page = desktop.open(f"{exported.url}?hidden=4&{TRAIN}&epoch=9&view=contours")
    until(page, "() => window.lossatlas.shown().epoch === 9")
    first = page.evaluate("() => window.lossatlas.shown().run")
    page.get_by_role("radio", name="Hidden 8", exact=True).press("Space")
    until(page, "(first) => window.lossatlas.shown().run !== first", first)
    page.go_back()
    until(page, "() => window.lossatlas.shown().epoch === 9")
    assert page.evaluate("() => [window.lossatlas.state().hidden, window.lossatlas.state().epoch]") == [[4], 9]


PLAYED = "() => document.querySelector('#play').dataset.playing === 'false' && window.lossatlas.state().play === null"


def test_a_link_plays_from_one_epoch_to_another_at_its_speed(exported: Site, browser: Browser) -> None:
    for moving in watched(browser, viewport={"width": 1100, "height": 620}):
        for run in (
            f"?dataset=moons&run={MOONS.id}",
            f"?dataset=moons&hidden=4&{TRAIN}",
        ):  # stored; trained in the page
            page = moving.open(f"{exported.url}{run}&play=4-24&speed=4&view=contours")
            until(page, PLAYED)
            until(page, "() => window.lossatlas.shown().epoch === 24")
            assert page.get_by_role("combobox", name="Speed").input_value() == "4"
            until(page, "() => !location.search.includes('play=') && location.search.includes('epoch=24')")


def test_with_less_motion_a_link_that_plays_waits_for_play(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=8")
    page.get_by_role("button", name="Share", exact=True).click()
    link = page.get_by_label("Link to this view")
    dialog = page.get_by_role("dialog", name="Share and save")
    dialog.get_by_role("checkbox", name="Play", exact=True).press("Space")
    expect(link).to_have_value(re.compile("&epoch=8&.*&play=8-60$"))
    dialog.get_by_label("Plays to epoch").fill("24")
    dialog.get_by_label("Speed of the link").select_option("2")
    page = desktop.open(link.input_value())
    assert page.evaluate("() => [window.lossatlas.shown().epoch, window.lossatlas.state().play]") == [8, [8, 24]]
    assert page.url.endswith("&play=8-24&speed=2")
    page.locator("body").press("Space")
    until(page, PLAYED)
    assert page.evaluate("() => window.lossatlas.shown().epoch") == 24


def test_a_run_that_the_gallery_lacks_is_reported_when_another_one_is_shown(served: Site, desktop: Watched) -> None:
    page = desktop.page
    says(page, served.url + "?dataset=moons&hidden=16-16&run=00ff00ff", "no run “00ff00ff”")
    shows(page, MOONS.id)  # the default run of the marked model is shown, and the page says so
    expect(page.locator("#status-line")).to_contain_text("default training")
    says(page, served.url + "?dataset=iris&hidden=25&run=00ff00ff", "no run “00ff00ff”")
    assert page.evaluate("() => window.lossatlas.shown()") is None  # no training starts by itself
    assert not [url for url in desktop.requests if "/api/runs" in url]
    expect(page.get_by_role("button", name="Show it instead")).to_be_visible()
    says(page, served.url + "?dataset=moons&train=adam,x&scale=cubic", "could be read")
    expect(page.locator("#status-detail")).to_contain_text("“train=adam,x”, “scale=cubic”")


def test_the_marked_run_is_offered_instead_of_a_missing_one(exported: Site, desktop: Watched) -> None:
    page = desktop.page
    says(page, exported.url + "?dataset=moons&hidden=25&run=00ff00ff", "no run “00ff00ff”")
    page.get_by_role("button", name="Show it instead").click()
    expect(page.locator("#status-line")).not_to_contain_text("00ff00ff")
    assert page.evaluate("() => [window.lossatlas.state().run, window.lossatlas.state().hidden]") == [None, [25]]


def test_a_link_that_lost_its_own_points_is_reported(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=0&view=contours")
    use(page, spreadsheet(60))
    until(page, "() => location.hash.includes('own=')")
    query, fragment = page.evaluate("() => [location.href.replace(/#.*/, ''), location.hash.slice(1)]")
    says(page, query, "has lost its data points")
    assert page.evaluate("() => window.lossatlas.shown()") is None
    says(page, f"{query}#own=", "has lost its data points")
    says(page, f"{query}#{fragment[:-10]}", "damaged")
    desktop.page.goto("about:blank")
    desktop.open(f"{query}%23{fragment}")  # a messenger has encoded the mark “#”
    shows(page, "here-")
    assert count_points(page) == 60


def test_a_measured_dataset_is_trained_on_its_default_points(tmp_path: Path, desktop: Watched) -> None:
    few = RunConfig(
        dataset={"name": "iris", "points": 60, "seed": 3, "test_fraction": 0.25},
        model={"hidden": (4,)},
        training={"epochs": 4, "frames": 3},
        planes=({"grid": 5},),
        boundary={"resolution": 8},
    )
    gallery = Gallery(tmp_path / "data")
    gallery.save(compute_run(few))
    export_site(gallery, tmp_path / "site")
    with static_server(tmp_path) as origin, desktop:
        for name in ("iris", "cancer"):  # the gallery has other points of one of them, and none of the other
            page = desktop.open(f"{origin}/site/?dataset={name}&hidden=4&{TRAIN}&epoch=0&view=contours")
            drawn = page.evaluate(
                """() => document.querySelector('#boundary-plot').data.filter(({name}) => name.endsWith('train'))
                    .flatMap(({x, y}) => x.map((value, i) => [value, y[i]]))"""
            )
            train, _ = load_dataset(name).train
            assert count_points(page) == len(load_dataset(name).labels)
            np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(train, axis=0), rtol=1e-5, atol=1e-6)
