"""Tests a ball released at a picked point: it trains as Python does, and its path is projected onto the plane."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from lossatlas.arrays import Float64
from lossatlas.runs import Run
from tests.support.drawn import Drawn
from tests.support.modules import with_constants
from tests.support.page_training import TRAIN, task
from tests.support.pages import Watched, until, watched
from tests.web.conftest import Site
from tests.web.test_pick import theta_at

pytestmark = pytest.mark.browser

A_BALL = "() => !/(^| )0 epochs/.test(document.querySelector('#boundary-whose').textContent)"


def way(page: Page) -> Float64:
    """Return the drawn places of the ball, in units of the plane."""
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
    page = desktop.show(exported.url + "?epoch=60&view=contours&follow=false&pick=0.6,0.4")
    expect(page.locator("#boundary-whose")).to_have_text("of the network at a 0.6, b 0.4")
    started = float(page.locator("#readouts [data-readout=train_loss]").get_attribute("data-value") or "nan")
    page.get_by_role("button", name="Release a ball here").click()
    page.wait_for_url("**ball=true*")
    until(page, "() => document.querySelector('.way polyline').getAttribute('points').split(' ').length === 201")
    until(page, "() => document.querySelector('#boundary-whose').textContent.includes('200 epochs on')")
    ended = float(page.locator("#readouts [data-readout=train_loss]").get_attribute("data-value") or "nan")
    assert ended < started
    drawn = way(page)
    assert drawn[0] == pytest.approx([0.6, 0.4], abs=0.01)
    # its end is the projection of Python's training from the same point, computed with NumPy
    directions = np.asarray(run.planes[0].directions, np.float64)
    centre = np.asarray(run.trajectory.weights[-1], np.float64)
    theta = theta_at(run, 11, 0.6, 0.4)
    assert np.linalg.lstsq(directions.T, theta - centre, rcond=None)[0] == pytest.approx([0.6, 0.4], abs=1e-5)
    page.get_by_role("button", name="Remove the ball").click()
    until(page, "() => !document.querySelector('#boundary-whose').textContent.includes('epochs on')")
    assert page.evaluate("() => document.querySelector('.way polyline').getAttribute('points')") == ""


def test_on_the_surface_its_way_is_drawn_at_its_own_losses(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&pick=0.5,-0.25&ball=true", view="surface")
    until(page, A_BALL)
    until(page, "() => document.querySelectorAll('#landscape-plot .marks :is(.ball, .hidden-ball)').length === 2")
    line = Drawn(page).line("way")
    assert line[0, :2] == pytest.approx([0.5, -0.25], abs=1e-4)
    assert np.isfinite(line).all()


def test_picking_another_point_removes_the_ball(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&view=contours&pick=0.5,-0.25&ball=true")
    until(page, "() => document.querySelector('#boundary-whose').textContent.includes('epochs on')")
    page.get_by_role("spinbutton", name="Point a").fill("0.1")
    page.get_by_role("spinbutton", name="Point a").press("Enter")
    expect(page.get_by_role("button", name="Release a ball here")).to_be_visible()
    until(page, "() => !document.querySelector('#boundary-whose').textContent.includes('epochs on')")


def roll_ball(page: Page, run: Run, frame: int, a: float, b: float) -> tuple[Float64, Float64]:
    """Train 200 epochs from a point of the moving plane; return the places in it, and the share of the path in it.

    The page trains, which other tests compare with Python, and NumPy projects.
    """
    setup = run.setup
    start = theta_at(run, frame, a, b)
    config = setup.config.training.model_copy(update={"epochs": 200})
    given = task(setup.network, setup.dataset, config, theta=start.tolist())
    thetas = np.array(page.evaluate(TRAIN.replace("'/compute", "'./compute"), [given])[0])
    directions = np.asarray(run.planes[0].directions, np.float64)
    centre = np.asarray(run.trajectory.weights[frame], np.float64)
    places: Float64 = np.linalg.lstsq(directions.T, (thetas - centre).T, rcond=None)[0].T.astype(np.float64)
    off = thetas - centre - places @ directions
    moved = np.sum((thetas - start) ** 2, axis=1)
    inside: Float64 = 1 - np.sum(off[1:] ** 2, axis=1) / moved[1:]
    return places, inside


def test_the_section_shows_it_and_a_sentence_says_that_it_leaves_the_plane(exported: Site, desktop: Watched) -> None:
    run = exported.run()
    page = desktop.show(exported.url + "?epoch=60&view=section&pick=0.6,0.4&ball=true")
    until(page, "() => document.querySelector('#boundary-whose').textContent.includes('200 epochs on')")
    places, inside = roll_ball(page, run, 11, 0.6, 0.4)
    data = "document.querySelector('#landscape-section .js-plotly-plot').data"
    traces: dict[str, dict[str, Any]] = page.evaluate(
        f"() => Object.fromEntries({data}.filter((trace) => trace.name).map("
        "({name, x, y}) => [name, {x: [...x], y: [...y]}]))"
    )
    low = page.evaluate("() => window.lossatlas.range().low")
    for axis, letter in enumerate("ab"):
        line, now = traces[f"ball along {letter}"], traces[f"ball along {letter} now"]
        np.testing.assert_allclose(line["x"], places[:, axis], atol=2e-4)
        assert (now["x"], now["y"]) == (line["x"][-1:], line["y"][-1:])
        assert min(line["y"]) >= low  # it is drawn inside the range, however low its loss is
    text = page.locator("#ball-about").text_content() or ""
    share = 100 * inside[-1]
    assert inside[-1] < 0.5
    held = f"{share:.0f}" if share >= 10 else f"{float(f'{share:.1g}'):g}"
    assert text.startswith(f"The ball has left this plane: only {held} % of its path lies in it")
    curve = page.get_by_role("img", name="The loss of the ball by epoch")
    expect(curve).to_be_visible()
    drawn = curve.evaluate(
        """(svg) => svg.querySelector('path').getAttribute('d').match(/[\\d.]+ [\\d.]+/g)
            .map((at) => at.split(' ').map(Number))"""
    )
    losses = np.array(
        page.evaluate("() => document.querySelector('#readouts [data-readout=train_loss]').dataset.value"), float
    )
    assert len(drawn) == 201
    assert drawn[-1][0] == pytest.approx(100, abs=0.1)  # its epochs take the whole width
    assert drawn[0][1] == 4  # the axis is logarithmic, from the highest loss to the lowest
    assert drawn[-1][1] == pytest.approx(max(at[1] for at in drawn), abs=2)
    assert losses > 0
    page.get_by_role("button", name="Remove the ball").click()
    expect(curve).to_be_hidden()
    expect(page.get_by_text("Every point of this surface is a network.")).to_be_visible()


TEXT = with_constants("""async ([way, span]) => (await import('./figures/ball.js')).describeBall(way, span)""")
CURVE = with_constants("""async ([losses, scale]) => {
    const {drawBallCurve} = await import('./figures/ball.js');
    return drawBallCurve(losses, 200, scale, {width: 108, height: 28});
}""")


def test_the_sentence_about_a_ball_says_where_it_is_and_a_curve_shows_its_loss(
    exported: Site, desktop: Watched
) -> None:
    page = desktop.show(exported.url + "?epoch=60")

    def say(points: list[float], inside: list[float], span: float = 1) -> str:
        said: str = page.evaluate(TEXT, [{"points": points, "inside": inside}, span])
        return said

    assert "80 % of its path lies in this plane" in say([0, 0, 0.1, 0.1], [1, 0.8])
    assert "only 3 % of its path" in say([0, 0, 0.1, 0.1], [1, 0.0314])
    assert "beyond this zoom, at a −1.25, b 0.1." in say([0, 0, -1.25, 0.1], [1, 0.02])
    assert "beyond" not in say([0, 0, -1.25, 0.1], [1, 0.02], 2)
    losses = [4.0, 1.0, 0.25, 0.5]
    for scale, on in (("log", math.log), ("linear", float)):
        found = page.evaluate(CURVE, [losses, scale])
        low, high = on(0.25), on(4)
        expected = [(4 + t / 2, 24 - 20 * (on(loss) - low) / (high - low)) for t, loss in enumerate(losses)]
        drawn = [tuple(map(float, at.split())) for at in found["path"][1:].split("L")]
        assert drawn == [pytest.approx(at, abs=0.06) for at in expected]
        assert (found["end"]["x"], found["end"]["y"]) == pytest.approx(expected[-1])


RATES = """() => {
    window.rates = [];
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
        if (message.type === 'rate') window.rates.push(String(message.rate));
        return post.call(this, message, ...rest);
    };
}"""


@pytest.mark.parametrize(("motion", "rate"), [("reduce", "Infinity"), ("no-preference", "20")])
def test_it_rolls_slowly_enough_to_read_its_numbers(exported: Site, browser: Browser, motion: str, rate: str) -> None:
    for seen in watched(browser, viewport={"width": 1100, "height": 620}, reduced_motion=motion):
        seen.page.add_init_script(f"({RATES})()")
        page = seen.show(exported.url + "?epoch=60&view=contours&pick=0.6,0.4&ball=true")
        until(page, "() => document.querySelector('#boundary-whose').textContent.includes('epochs on')")
        assert json.loads(page.evaluate("() => JSON.stringify(window.rates)")) == [rate]


def test_its_path_is_visible_through_the_surface(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&pick=0.5,-0.25&ball=true", view="surface")
    until(page, "() => document.querySelector('#boundary-whose').textContent.includes('200 epochs on')")
    through = page.locator("#landscape-plot .marks .way-through").get_attribute("d") or ""
    line = Drawn(page).line("way")
    assert through.count("L") + 1 == len(line)
    ball = page.locator("#landscape-plot .marks :is(.ball, .hidden-ball)").last.bounding_box()
    cross = page.locator("#landscape-plot .marks .picked").bounding_box()
    box = page.locator("#landscape-plot .marks").bounding_box()
    assert ball
    assert cross
    assert box
    first, *_, last = (tuple(map(float, at.split())) for at in through[1:].split("L"))
    middle = [cross["x"] + cross["width"] / 2 - box["x"], cross["y"] + cross["height"] / 2 - box["y"]]
    assert first == pytest.approx(middle, abs=1.5)
    assert last[0] == pytest.approx(ball["x"] + ball["width"] / 2 - box["x"], abs=1.5)
