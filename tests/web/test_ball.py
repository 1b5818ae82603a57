"""A ball released at a picked point: trained from there exactly as Python would, its way projected onto the plane."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lossatlas.arrays import Float64
from tests.web.conftest import Site, Watched, until
from tests.web.drawn import Drawn
from tests.web.test_pick import theta_at

pytestmark = pytest.mark.browser

A_BALL = "() => !/(^| )0 epochs/.test(document.querySelector('#boundary-whose').textContent)"


def way(page: Page) -> Float64:
    """Where the ball is drawn, in units of the plane."""
    points = page.evaluate(
        """() => {
            const svg = document.querySelector('.way');
            const side = parseFloat(svg.style.width);
            return svg.firstChild.getAttribute('points').split(' ').map((pair) => pair.split(',').map(
                (p, axis) => (axis ? 1 - p / side : p / side) * 2 - 1));
        }"""
    )
    return np.array(points)


def test_a_ball_rolls_downhill_beside_the_path(exported: Site, desktop: Watched) -> None:
    run = exported.run()
    page = desktop.open(exported.url + "?epoch=60&view=contours&follow=false&pick=0.6,0.4")
    page.get_by_role("button", name="Release a ball here").click()
    page.wait_for_url("**ball=true*")
    until(page, "() => document.querySelector('.way polyline').getAttribute('points').split(' ').length > 20")
    expect(page.locator("#boundary-whose")).to_contain_text("epochs on")
    started = float(page.locator("#readouts [data-readout=train_loss]").get_attribute("data-value") or "nan")
    until(page, "() => document.querySelector('.way polyline').getAttribute('points').split(' ').length === 201")
    until(page, "() => document.querySelector('#boundary-whose').textContent.includes('200 epochs on')")
    ended = float(page.locator("#readouts [data-readout=train_loss]").get_attribute("data-value") or "nan")
    assert ended < started
    drawn = way(page)
    assert drawn[0] == pytest.approx([0.6, 0.4], abs=0.01)
    # where it ends, by a projection of NumPy's of what Python trains from the same point
    directions = np.asarray(run.planes[0].directions, np.float64)
    centre = np.asarray(run.trajectory.weights[-1], np.float64)
    theta = theta_at(run, 11, 0.6, 0.4)
    assert np.linalg.lstsq(directions.T, theta - centre, rcond=None)[0] == pytest.approx([0.6, 0.4], abs=1e-5)
    page.get_by_role("button", name="Take the ball away").click()
    until(page, "() => !document.querySelector('#boundary-whose').textContent.includes('epochs on')")
    assert page.evaluate("() => document.querySelector('.way polyline').getAttribute('points')") == ""


def test_on_the_surface_its_way_is_drawn_at_its_own_losses(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60&pick=0.5,-0.25&ball=true")
    until(page, A_BALL)
    until(page, "() => document.querySelectorAll('#landscape-plot .marks :is(.ball, .hidden-ball)').length === 2")
    line = Drawn(page).line("way")
    assert line[0, :2] == pytest.approx([0.5, -0.25], abs=1e-4)
    assert np.isfinite(line).all()


def test_another_point_takes_the_ball_away(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60&view=contours&pick=0.5,-0.25&ball=true")
    until(page, "() => document.querySelector('#boundary-whose').textContent.includes('epochs on')")
    page.get_by_role("spinbutton", name="Point a").fill("0.1")
    page.get_by_role("spinbutton", name="Point a").press("Enter")
    expect(page.get_by_role("button", name="Release a ball here")).to_be_visible()
    until(page, "() => !document.querySelector('#boundary-whose').textContent.includes('epochs on')")
