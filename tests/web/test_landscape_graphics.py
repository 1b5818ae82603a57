"""Tests the drawing of the surface: only public Plotly, sharp at rest, again after lost graphics, and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from tests.support.drawn import Drawn
from tests.support.pages import Watched, until, watched
from tests.support.pictures import SHARP, picture_at_rest, wait_for_rest
from tests.web.conftest import MOONS_FAST, Site
from tests.web.test_controls import wait_for_frame

WEB = Path(__file__).parents[2] / "src" / "lossatlas" / "web"
#: Private names of a library begin with an underscore. The other names are those that this page once used, and a
#: changed context of a canvas.
PRIVATE = re.compile(r"\._[a-zA-Z]|\['_|glplot|drawPick|readPixels|getContext\s*=|getContext\(\w+\)\s*\{")


def test_the_page_takes_nothing_private_of_plotly() -> None:
    sources = [path for path in WEB.rglob("*") if path.suffix in {".js", ".html"} and "vendor" not in path.parts]
    assert len(sources) > 100
    found = {path.name: PRIVATE.findall(path.read_text(encoding="utf-8")) for path in sources}
    assert {name: private for name, private in found.items() if private} == {}


#: JavaScript that returns the canvas's pixels for one pixel of the page, and its difference from the panel's size.
PIXELS = """() => {
    const root = document.querySelector('#landscape-plot');
    const canvas = root.querySelector('.drawing canvas');
    const [box, panel] = [canvas, root].map((element) => element.getBoundingClientRect());
    return {
        across: canvas.width / root.clientWidth, up: canvas.height / root.clientHeight,
        off: Math.max(...['left', 'top', 'right', 'bottom'].map((side) => Math.abs(box[side] - panel[side]))),
    };
}"""


@pytest.fixture(params=[1, 2], ids=["plain screen", "dense screen"])
def screen(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Watched]:
    view = {"width": 1100, "height": 620}
    yield from watched(browser, viewport=view, reduced_motion="reduce", device_scale_factor=request.param)


@pytest.mark.browser
def test_it_is_drawn_with_two_pixels_a_point_at_rest_and_one_while_it_turns(exported: Site, screen: Watched) -> None:
    page = screen.open(exported.url + "?epoch=60")
    wait_for_rest(page)
    at_rest = page.evaluate(PIXELS)
    assert (at_rest["across"], at_rest["up"]) == (pytest.approx(2, abs=0.01), pytest.approx(2, abs=0.01))
    assert at_rest["off"] < 1
    box = page.locator("#landscape-plot").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 5, steps=3)
    turning = page.evaluate(PIXELS)
    assert (turning["across"], turning["up"]) == (pytest.approx(1, abs=0.01), pytest.approx(1, abs=0.01))
    assert turning["off"] < 1
    page.mouse.up()
    until(page, SHARP)


#: JavaScript that counts the drawings of the surface from now on.
COUNT = """() => {
    window.drawings = 0;
    document.querySelector('#landscape-plot .drawing').on('plotly_afterplot', () => window.drawings++);
}"""


@pytest.mark.browser
def test_a_surface_is_not_drawn_again_for_what_it_does_not_show(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60", view="surface")
    page.mouse.move(
        2, 2
    )  # somebody is there: the page fetches the parameters, which the line between the classes needs
    wait_for_rest(page)
    page.evaluate(COUNT)
    page.locator("#landscape-plot").click()
    until(page, "() => !document.querySelector('#boundary-whose').hidden")  # the other plot shows another network
    expect(page.locator("#landscape-plot .marks .picked")).to_have_count(1)
    assert page.evaluate("() => window.drawings") == 0
    assert page.evaluate(PIXELS)["across"] == pytest.approx(2, abs=0.01)
    page.get_by_role("switch", name="Log loss").press("Space")
    until(page, "() => window.drawings > 0")
    until(page, SHARP)


#: JavaScript that loses the graphics and then dispatches events, before the browser says that they are lost. It waits
#: until the page knows it.
LOSE = """(events) => new Promise((known) => {
    const plot = document.querySelector('#landscape-plot');
    const canvas = plot.querySelector('.drawing canvas');
    const context = canvas.getContext('webgl') ?? canvas.getContext('webgl2');
    plot.addEventListener('webglcontextlost', () => known(plot.dataset.lost === 'true'), {capture: true, once: true});
    context.getExtension('WEBGL_lose_context').loseContext();
    for (const name of events) dispatchEvent(new Event(name));
})"""
FOUND_AGAIN = "() => document.querySelector('#landscape-plot').dataset.lost === undefined"


@pytest.mark.browser
def test_lost_graphics_are_restored_and_the_map_replaces_them_after_repeated_losses(
    exported: Site, desktop: Watched
) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    whole = picture_at_rest(page)
    for events in ([], [], ["beforeprint", "afterprint"]):  # for a printer, the page draws at once
        assert page.evaluate(LOSE, events)
        until(page, FOUND_AGAIN)
        until(page, SHARP)
        assert picture_at_rest(page) == whole
    page.locator("body").press("Home")
    wait_for_frame(page, 0)
    assert Drawn(page).losses[7, 7] == pytest.approx(float(exported.run().loss_surface["fresh"][0, 0, 7, 7]), rel=1e-6)
    assert page.evaluate(LOSE, [])
    note = page.locator("#flat-note")
    expect(note).to_be_visible()
    expect(note).to_contain_text("The graphics of this device failed, so the surface is drawn as a map.")
    expect(page.locator("#landscape-map canvas")).to_be_visible()
    page.locator("body").press("ArrowRight")
    wait_for_frame(page, 1)


@pytest.mark.browser
def test_the_scale_of_one_epoch_shows_relief_where_that_of_the_training_is_flat(
    exported: Site, desktop: Watched
) -> None:
    page = desktop.show(exported.url + f"?run={MOONS_FAST.id}&epoch=0&zoom=0.01", view="surface")
    until(page, "() => window.lossatlas.shown().span === 0.01")
    plate = Drawn(page)
    page.get_by_role("switch", name="Fit the scale to each epoch").press("Space")
    until(page, "() => window.lossatlas.state().range === 'frame'")
    until(page, "(low) => window.lossatlas.range().low !== low", plate.low)
    relief = Drawn(page)
    stored = exported.run(MOONS_FAST).loss_surface["fresh"][2, 0].astype(np.float64)
    np.testing.assert_allclose(relief.losses, stored, rtol=1e-6)
    assert np.ptp(relief.heights) > 0.8
    assert np.ptp(relief.heights) > 5 * np.ptp(plate.heights)
    assert len(relief.levels) >= 3
    page.wait_for_url("**range=frame*")


#: JavaScript that counts the opaque pixels of each kind on a canvas.
COLOURS = """(name) => {
    const canvas = document.querySelector(name);
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint32Array(data.buffer).filter((pixel) => pixel >>> 24 > 200);
    return {width: canvas.width, height: canvas.height, filled: pixels.length / (data.length / 4),
        colours: new Set(pixels).size};
}"""


@pytest.mark.browser
def test_on_paper_both_plots_are_whole_and_light(exported: Site, desktop: Watched) -> None:
    desktop.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page = desktop.open(exported.url + "?epoch=60")
    before = picture_at_rest(page)
    still = page.evaluate(COLOURS, ".still")
    assert still["filled"] > 0.2
    assert still["colours"] > 200
    pdf = page.pdf(format="A4", print_background=True)  # the browser sends events before and after it
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) in {1, 2}
    images = {
        tuple(int(re.search(rb"/%s (\d+)" % side, head)[1]) for side in (b"Width", b"Height"))  # type: ignore[index]
        for head in re.findall(rb"<<[^<>]*?/Subtype\s*/Image[^<>]*?>>", pdf)
    }
    assert (still["width"], still["height"]) in images
    assert picture_at_rest(page) == before

    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print", color_scheme="dark", reduced_motion="reduce")
    for width in (700, 1000):  # the sheet is upright, or on its side
        page.set_viewport_size({"width": width, "height": 900})
        for plot in ("landscape", "boundary"):
            box = page.locator(f".{plot} .plot-body").bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) > 150
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            for part in page.locator(f".{plot} .plot-body :is(.marks, #boundary-canvas, .main-svg):visible").all():
                inner = part.bounding_box()
                assert inner is not None
                assert inner["x"] >= box["x"] - 1
                assert inner["x"] + inner["width"] <= box["x"] + box["width"] + 1
                assert inner["y"] + inner["height"] <= box["y"] + box["height"] + 1
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    expect(page.locator(".toolbar").first).to_be_hidden()
    expect(page.get_by_role("button", name="Play")).to_be_hidden()
