"""Tests unusual states of the page: computing, cancelled, unavailable, diverged, without WebGL, and of any size."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, Route, expect

from lossatlas.runs import compute_run
from lossatlas.showcase import OPENING
from lossatlas.site import export_site
from lossatlas.store import Gallery
from tests.support.pages import Watched, until, watched
from tests.web.conftest import (
    DIVERGED,
    EITHER,
    FLAGS,
    MOONS,
    MOONS_FAST,
    PLANES,
    Silent,
    Site,
    app_in_thread,
    chromium,
    quick,
    static_server,
)
from tests.web.test_controls import assert_readouts, assert_surface, read_shown

pytestmark = pytest.mark.browser


def test_with_an_empty_data_folder_the_default_run_is_computed_and_shown_while_it_trains(
    empty_served: Site, desktop: Watched
) -> None:
    page = desktop.open(empty_served.url)
    assert read_shown(page)["run"] == OPENING.id
    progress = page.get_by_role("progressbar", name="Progress")
    expect(progress).to_be_visible()
    until(page, "() => window.lossatlas.shown().frame >= 2")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#status-line")).to_contain_text("Cancelled")
    assert empty_served.gallery.ids() == []
    page.locator("body").press("Home")
    until(page, "() => window.lossatlas.shown().frame === 0")
    assert page.locator("[data-readout=epoch]").inner_text() == "0"


def test_a_computation_that_was_left_does_not_delay_the_wanted_one(empty_served: Site, desktop: Watched) -> None:
    page = desktop.open(empty_served.url)
    for name in ("Two blobs", "Three arms", "Iris", "Half moons", "Three arms"):
        page.get_by_role("radio", name=name).press("Space")
    until(page, "() => window.lossatlas.shown()?.run.startsWith('arms-')")
    asked = {url.partition("?")[0] for url in desktop.requests if "/events?client=" in url}
    left = [url.removesuffix("/events") for url in asked if "/arms-" not in url]
    assert len(left) >= 2
    over = """urls => Promise.all(urls.map((url) => fetch(url).then((answer) => answer.json())))
        .then((jobs) => jobs.every(({state}) => state !== 'queued' && state !== 'running'))"""
    until(page, over, left)


def test_a_run_computed_on_demand_is_stored_and_is_what_was_shown(served: Site, desktop: Watched) -> None:
    page = desktop.show(served.url + "?dataset=blobs&hidden=none")
    until(page, "() => document.querySelector('#status-progress').hidden", patience=120_000)
    run_id = quick("blobs", ()).id  # the run is trained with the settings of the server's default
    assert run_id in Gallery(served.gallery.data).ids()
    assert read_shown(page)["run"] == run_id
    page.locator("body").press("End")
    until(page, "() => window.lossatlas.shown().epoch === 60")
    assert_readouts(page, served.gallery.open(run_id), -1)


def test_a_server_computes_the_default_training_where_only_another_is_stored(tmp_path: Path, desktop: Watched) -> None:
    gallery = Gallery(tmp_path / "data")
    gallery.save(compute_run(MOONS_FAST))
    with app_in_thread(gallery, MOONS) as url, desktop:
        page = desktop.show(f"{url}?run={MOONS_FAST.id}")
        assert read_shown(page)["run"] == MOONS_FAST.id
        training = page.get_by_role("combobox", name="Training")
        assert training.locator("option").all_inner_texts()[0] == "default"
        training.select_option(label="default")
        until(page, "run => window.lossatlas.shown().run === run", arg=MOONS.id)
        until(page, "() => document.querySelector('#status-progress').hidden")
    assert set(gallery.ids()) == {MOONS_FAST.id, MOONS.id}


def test_a_server_that_only_shows_says_so_and_offers_training_in_the_page(exported: Site, desktop: Watched) -> None:
    def answer(route: Route) -> None:
        catalog = route.fetch().json()
        route.fulfill(json={**catalog, "read_only": True})

    desktop.page.route("**/catalog.json", answer)
    page = desktop.open(exported.url + "?dataset=blobs&epoch=1&view=contours")
    expect(page.locator("#status-line")).to_contain_text("only shows stored runs, and has no recorded training of this")
    lacking = page.locator("label", has=page.get_by_role("radio", name="Spirals"))
    expect(lacking).to_have_attribute("title", re.compile("This server only shows stored runs, so it is trained in"))


@EITHER
def test_a_diverged_run_says_so_and_shows_its_frames(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + f"?dataset=corners&hidden=10&activation=linear&run={DIVERGED.id}")
    outcome = site.run(DIVERGED).trajectory.outcome
    expect(page.locator("#status-line")).to_contain_text(f"Training diverged at epoch {outcome.epoch}")
    assert_readouts(page, site.run(DIVERGED), read_shown(page)["frame"])


def test_a_run_that_an_export_lacks_is_trained_in_the_page_at_once(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    for name, title in (("Two blobs", "Two blobs"), ("Breast cancer", "Breast cancer")):
        lacking = page.get_by_role("radio", name=name)
        expect(lacking).to_have_attribute("data-recorded", "false")
        lacking.press("Space")
        until(page, "title => document.title.startsWith(title)", arg=title)
        until(page, "() => window.lossatlas.shown().epoch > 0")
        expect(page.locator("#status-line")).to_contain_text("no recorded training of this")
        expect(page.locator("#status-line")).to_contain_text("trained here, in your browser")
    assert "train=" not in page.url
    page.get_by_role("radio", name="Half moons").press("Space")  # this returns to the stored run
    until(page, "run => window.lossatlas.shown().run === run", arg=MOONS.id)
    expect(page.get_by_role("region", name="Training here")).to_be_hidden()
    desktop.show(exported.url + "?dataset=blobs&hidden=16-16&epoch=7")
    until(page, "() => window.lossatlas.shown()?.epoch === 7")


def test_a_compact_export_shows_the_same(gallery: Gallery, tmp_path: Path, desktop: Watched) -> None:
    site = export_site(gallery, tmp_path / "site", compact=True).site
    assert list(site.rglob("*.npy.gz"))
    with static_server(site) as origin, desktop:
        page = desktop.open(f"{origin}/?epoch=60")
        run = gallery.open(MOONS.id)
        assert_readouts(page, run, 11)
        assert_surface(page, run, 11, 0)
        page.locator("body").press("Home")
        until(page, "() => window.lossatlas.shown().frame === 0")
        assert_surface(page, run, 0, 0)


def test_an_empty_export_trains_in_the_page(tmp_path: Path, desktop: Watched) -> None:
    export_site(Gallery(tmp_path / "data"), tmp_path / "site")
    with static_server(tmp_path / "site") as origin, desktop:
        desktop.page.goto(f"{origin}/")
        expect(desktop.page.locator("#status-line")).to_contain_text("This gallery has no recorded training yet")
        until(desktop.page, "() => window.lossatlas?.shown()?.run.startsWith('here-')")


def test_it_plays_by_itself(exported: Site, browser: Browser) -> None:
    for moving in watched(browser, viewport={"width": 1280, "height": 720}):
        page = moving.open(exported.url)
        until(page, "() => window.lossatlas.shown().frame >= 3")


@pytest.fixture
def without_webgl(playwright: Playwright) -> Iterator[Watched]:
    browser = playwright.chromium.launch(
        executable_path=chromium(), args=[*FLAGS[:5], "--disable-gpu", "--disable-3d-apis"]
    )
    for seen in watched(browser, viewport={"width": 1280, "height": 720}, reduced_motion="reduce"):
        yield seen
        seen.complaints = [text for text in seen.complaints if "WebGL" not in text and "webgl" not in text]
    browser.close()


def test_without_webgl_the_landscape_is_drawn_flat_and_says_why(exported: Site, without_webgl: Watched) -> None:
    page = without_webgl.open(exported.url + "?epoch=60")
    expect(page.get_by_role("region", name="Loss landscape")).to_contain_text("WebGL")
    expect(page.locator("#landscape-map canvas")).to_be_visible()
    assert_readouts(page, exported.run(), 11)
    page.locator("body").press("Home")
    until(page, "() => window.lossatlas.shown().frame === 0")
    assert_readouts(page, exported.run(), 0)


SIZES = [(390, 844), (768, 1024), (1024, 768), (1280, 720), (1440, 900), (1920, 1080), (2560, 1440)]


CLIPPED = """() => [...document.querySelectorAll(
        'button, label, select, td, th, h2, .legend li, .panel span, .segment span, .key span, .slice p')]
    .filter((e) => e.checkVisibility() && !e.closest('.hidden'))
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1
        || (e.clientWidth && e.scrollWidth > e.clientWidth + 2))
    .map((e) => e.outerHTML.slice(0, 80))"""


FULL = f"?hidden=8&run={PLANES.id}&plane=pca&view=contours&set=gap&timeline=curvature"


@pytest.mark.parametrize("query", ["?epoch=60&view=surface", FULL], ids=["first view", "everything"])
def test_nothing_is_clipped_at_any_size(exported: Site, desktop: Watched, query: str) -> None:
    page = desktop.show(exported.url + query)
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        until(page, "width => innerWidth === width", width)
        assert_whole(page, width, height)
    page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    until(page, "width => innerWidth === width", SIZES[0][0])
    assert_whole(page, *SIZES[0])


def assert_whole(page: Page, width: int, height: int) -> None:
    """Assert that no text is cut off, and that the page fits a window of a computer, most of which is plots."""
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width, (width, height)
    assert page.evaluate(CLIPPED) == [], (width, height)
    if width >= 1280:
        assert page.evaluate("() => document.documentElement.scrollHeight") <= height, (width, height)
    if (width, height) == (1440, 900):
        plots = [page.get_by_role("region", name=name).bounding_box() for name in PLOTS]
        assert sum(box["width"] * box["height"] for box in plots if box) >= 0.6 * width * height


PLOTS = ["Loss landscape", "Decision boundary"]


def test_a_run_that_is_damaged_is_reported_and_the_others_still_open(
    gallery: Gallery, tmp_path: Path, desktop: Watched
) -> None:
    site = export_site(gallery, tmp_path / "site").site
    [surface] = (site / "data" / "runs" / MOONS.id / "planes" / "fresh").glob("loss_surface_*.npy")
    surface.write_bytes(surface.read_bytes()[:5000])
    with static_server(tmp_path / "site") as origin, desktop:
        page = desktop.page
        page.goto(f"{origin}/")
        expect(page.locator("#status-line")).to_contain_text(surface.name)
        page.get_by_role("radio", name="Three arms").press("Space")
        until(page, "() => window.lossatlas.shown()?.run.startsWith('arms-')")
        until(page, "() => document.querySelector('#status').dataset.kind === 'quiet'")


@pytest.mark.parametrize("file", ["run.json", "planes/fresh/loss_surface.npy"])
def test_a_server_computes_a_damaged_run_again(gallery: Gallery, tmp_path: Path, desktop: Watched, file: str) -> None:
    damaged = Gallery(tmp_path / "data")
    shutil.copytree(gallery.data, damaged.data)
    path = damaged.data / "runs" / MOONS.id / file
    with app_in_thread(damaged, MOONS) as url, desktop:
        path.write_bytes(path.read_bytes()[:1000])
        page = desktop.show(f"{url}?run={MOONS.id}")
        until(page, "() => document.querySelector('#status-progress').hidden")
        assert read_shown(page)["run"] == MOONS.id
        page.locator("body").press("End")
        until(page, "() => window.lossatlas.shown().frame === 11")
        assert_readouts(page, damaged.open(MOONS.id), 11)


def test_both_plots_are_drawn_before_the_last_byte_has_arrived(
    exported: Site, gallery: Gallery, tmp_path: Path, desktop: Watched
) -> None:
    site = export_site(gallery, tmp_path / "site").site
    release = threading.Event()

    class Stalling(Silent):
        """A handler that sends the end of the surfaces only when the test allows it."""

        def copyfile(self, source: Any, outputfile: Any) -> None:
            if "/loss_surface" in self.path:
                outputfile.write(source.read(6_000))  # these are the header and six frames of 15 × 15 floats
                outputfile.flush()
                release.wait()
            super().copyfile(source, outputfile)

    with static_server(site, Stalling) as origin, desktop:
        try:
            page = desktop.open(f"{origin}/?epoch=0&view=contours")
            assert read_shown(page)["frame"] == 0
            assert_readouts(page, exported.run(), 0)
            assert page.get_by_role("slider", name="Epoch").get_attribute("max") == "11"
        finally:
            release.set()
        page.locator("body").press("End")
        until(page, "() => window.lossatlas.shown().frame === 11")
        assert_readouts(page, exported.run(), 11)
