"""Tests picked points of the plane: compares the network there, as the page computes it, with NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from lossatlas.arrays import Float32
from lossatlas.engine import Evaluator
from lossatlas.runs import Run, RunConfig
from tests.support.pages import Watched, until, watched
from tests.web.conftest import ARMS, EITHER, MOONS, Site
from tests.web.test_controls import assert_readouts, number, readout, wait_for_frame

pytestmark = pytest.mark.browser


def theta_at(run: Run, frame: int, a: float, b: float) -> Float32:
    plane = run.planes[0]
    theta = run.trajectory.weights[frame] + plane.offsets(np.array(a), np.array(b))
    return np.asarray(theta, np.float32)


def assert_shows_the_network_at(page: Page, run: Run, frame: int, a: float, b: float) -> None:
    theta = theta_at(run, frame, a, b)[None]
    for split, name in enumerate(("train", "test")):
        members = run.setup.dataset.split == split
        points, labels = run.setup.dataset.points[members], run.setup.dataset.labels[members]
        evaluator = Evaluator(run.setup.network, points, labels, threads=1)
        right = evaluator.logits(theta)[0].argmax(axis=0) == labels
        assert number(readout(page, f"{name}_loss")) == pytest.approx(float(evaluator.losses(theta)[0]), rel=5e-3)
        assert number(readout(page, f"{name}_accuracy")) / 100 == pytest.approx(float(right.mean()), abs=5e-4)
    everywhere = Evaluator(run.setup.network, run.setup.dataset.points, threads=1).logits(theta)[0].argmax(axis=0)
    wrong = int((everywhere != run.setup.dataset.labels).sum())
    expect(page.locator("#boundary-summary")).to_contain_text(f"The network at a = {a:g}, b = {b:g}".replace("-", "−"))
    expect(page.locator("#boundary-summary")).to_contain_text(f"; {wrong} of")


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    viewport = {"width": 390, "height": 844}
    yield from watched(browser, viewport=viewport, reduced_motion="reduce", has_touch=True, is_mobile=True)


@EITHER
@pytest.mark.parametrize("config", [MOONS, ARMS], ids=["two classes", "three classes"])
def test_a_link_with_a_point_shows_the_network_there(site: Site, desktop: Watched, config: RunConfig) -> None:
    run = site.run(config)
    page = desktop.show(f"{site.url}?dataset={config.dataset.name}&run={run.id}&epoch=60&pick=0.5,-0.25")
    until(page, "() => !document.querySelector('#boundary-whose').hidden")
    assert_shows_the_network_at(page, run, 11, 0.5, -0.25)


def test_the_point_stays_while_the_epochs_pass_and_one_step_leads_back(exported: Site, desktop: Watched) -> None:
    run = exported.run()
    page = desktop.show(exported.url + "?epoch=60&view=contours")
    page.get_by_role("spinbutton", name="Point a").fill("0.3")
    page.get_by_role("spinbutton", name="Point b").fill("0.2")
    page.get_by_role("spinbutton", name="Point b").press("Enter")
    page.wait_for_url("**pick=0.3,0.2*")
    until(page, "() => !document.querySelector('#boundary-whose').hidden")
    assert_shows_the_network_at(page, run, 11, 0.3, 0.2)
    page.get_by_role("button", name="Previous frame").click()
    wait_for_frame(page, 10)
    expect(page.locator("#boundary-whose")).to_be_visible()
    until(
        page,
        "loss => Math.abs(document.querySelector('[data-readout=train_loss]').dataset.value - loss) < 1e-4 * loss",
        float(Evaluator(run.setup.network, *run.setup.dataset.train).losses(theta_at(run, 10, 0.3, 0.2)[None])[0]),
    )
    page.get_by_role("button", name="Back to the network").click()
    expect(page.locator("#boundary-whose")).to_be_hidden()
    assert_readouts(page, run, 10)
    page.wait_for_url(lambda url: "pick" not in url)


def test_a_finger_picks_with_its_first_tap_and_scrolls_without_picking(exported: Site, phone: Watched) -> None:
    page = phone.show(exported.url + "?epoch=60&view=contours")
    canvas = page.locator("#landscape-map canvas").bounding_box()
    assert canvas is not None
    x, y = canvas["x"] + 0.75 * canvas["width"], canvas["y"] + 0.375 * canvas["height"]
    session = page.context.new_cdp_session(page)
    scroll = {"x": x, "y": y, "yDistance": -120, "gestureSourceType": "touch"}
    session.send("Input.synthesizeScrollGesture", scroll)  # answers when the finger has left
    assert page.evaluate("() => window.lossatlas.slice().pick") is None
    page.evaluate("() => window.scrollTo(0, 0)")
    page.touchscreen.tap(x, y)
    until(page, "() => window.lossatlas.slice().pick !== null")
    assert page.evaluate("() => window.lossatlas.slice().pick") == pytest.approx((0.5, 0.25), abs=0.02)


def test_a_click_on_the_map_picks_the_point_under_it(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&view=contours")
    canvas = page.locator("#landscape-map canvas").bounding_box()
    assert canvas is not None
    page.mouse.click(canvas["x"] + 0.75 * canvas["width"], canvas["y"] + 0.375 * canvas["height"])
    until(page, "() => window.lossatlas.slice().pick !== null")
    a, b = page.evaluate("() => window.lossatlas.slice().pick")
    assert (a, b) == pytest.approx((0.5, 0.25), abs=2 / canvas["width"] + 0.01)
    until(page, "() => !document.querySelector('#boundary-whose').hidden")
    assert_shows_the_network_at(page, exported.run(), 11, a, b)
