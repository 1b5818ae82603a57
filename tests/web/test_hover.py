"""Tests hovering in the right plot: a point colours the landscape by its loss; any place shows the probabilities."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces
from lossatlas.runs import Run, RunConfig
from tests.support.drawn import Drawn
from tests.support.modules import with_constants
from tests.support.pages import Watched, until
from tests.web.conftest import ARMS, EITHER, MOONS_FAST, Site

pytestmark = pytest.mark.browser

#: JavaScript that converts a place of the axes to screen pixels, from the size and the margins given to Plotly.
PLACE = """([x, y]) => {
    const root = document.querySelector('#boundary-plot');
    const {xaxis, yaxis, margin, width, height} = root.layout;
    const box = root.getBoundingClientRect();
    const share = (value, [low, high]) => (value - low) / (high - low);
    return [
        box.left + margin.l + share(x, xaxis.range) * (width - margin.l - margin.r),
        box.top + height - margin.b - share(y, yaxis.range) * (height - margin.t - margin.b),
    ];
}"""
TINTED = """() => document.querySelector('#colourbar').textContent.startsWith('loss of this')"""

#: JavaScript that returns the labels of the colour bar with their places, as shares of its length.
BAR = """() => [...document.querySelectorAll('#colourbar .ticks span')].map((label) => [
    Number(label.textContent.replace('−', '-')), parseFloat(label.style.left) / 100])"""


def hover(page: Page, x: float, y: float) -> None:
    left, top = page.evaluate(PLACE, [x, y])
    page.mouse.move(left - 40, top - 40)
    page.mouse.move(left, top)


def find_isolated_point(run: Run) -> int:
    """Find a point that has no other point near it, so that it is certainly the one under the pointer."""
    points = run.setup.dataset.points
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1) + 9 * np.eye(len(points))
    return int(apart.min(axis=1).argmax())


@EITHER
def test_a_data_point_colours_the_surface_by_its_own_loss(site: Site, desktop: Watched) -> None:
    run = site.run()
    point = find_isolated_point(run)
    dataset = run.setup.dataset
    page = desktop.show(site.url + "?epoch=60", view="surface")
    hover(page, *dataset.points[point].tolist())
    until(page, TINTED)
    evaluator = Evaluator(
        run.setup.network, dataset.points[point : point + 1], dataset.labels[point : point + 1], threads=1
    )
    [surface] = loss_surfaces(evaluator, run.planes[0], run.trajectory.weights[11], [1.0], 15)
    ticks = page.evaluate(BAR)
    assert len(ticks) >= 2
    (low, at_low), (high, at_high) = ticks[0], ticks[-1]  # the labels of the colour bar give the loss of each share
    losses = low + (Drawn(page).colours - at_low) / (at_high - at_low) * (high - low)
    inside = Drawn(page).colours < 1
    np.testing.assert_allclose(losses[inside], surface.loss[inside], rtol=1e-3, atol=1e-3 * high)
    assert inside.mean() > 0.5
    expect(page.locator("#colourbar")).to_contain_text(
        f"loss of this {dataset.class_names[dataset.labels[point]]} point"
    )
    page.mouse.move(5, 5)
    expect(page.locator("#colourbar")).to_contain_text("train loss")


def probabilities(run: Run, theta: NDArray[np.float32], x: float, y: float) -> list[float]:
    evaluator = Evaluator(run.setup.network, np.array([[x, y]], np.float32), threads=1)
    [found] = evaluator.probabilities(theta[None])[0].T
    return [float(share) for share in found]


def shares(text: str) -> list[float]:
    return [float(share) / 100 for share in re.findall(r"([\d.]+) %", text)]


def test_the_probabilities_of_every_class_under_the_pointer_are_the_networks(exported: Site, desktop: Watched) -> None:
    run = exported.run(ARMS)
    page = desktop.show(exported.url + "?dataset=arms&epoch=60")
    x, y = float(run.setup.grid.x[5]), float(run.setup.grid.y[17])
    hover(page, x, y)
    probe = page.locator(".boundary .probe")
    names = run.setup.dataset.class_names
    expect(probe).to_contain_text(names[0])  # all probabilities are known when the network's weights have arrived
    for frame in (11, 0):  # the pointer does not move while the epoch changes
        if frame == 0:
            before = probe.inner_text()
            page.locator("body").press("Home")
            expect(probe).not_to_have_text(before)
        text = probe.inner_text()
        assert re.findall(r"(?:^|, )(.*?) [\d.]+ %", text) == list(names)
        # The tolerance is a pixel of the place, and whole per cents.
        expected = probabilities(run, run.trajectory.weights[frame], x, y)
        assert shares(text) == pytest.approx(expected, abs=0.02)


def test_the_network_itself_is_evaluated_with_two_classes_as_well(exported: Site, desktop: Watched) -> None:
    run = exported.run()
    page = desktop.show(exported.url + "?epoch=60")
    across, up = run.setup.grid.x, run.setup.grid.y
    probe = page.locator(".boundary .probe")
    for x, y in [(across[5], up[17]), (across[11:13].mean(), up[12:14].mean()), (across[9:11].mean(), up[10])]:
        hover(page, float(x), float(y))
        expect(probe).not_to_contain_text("≈")  # this text is shown as long as only the stored grid is known
        expected = probabilities(run, run.trajectory.weights[-1], float(x), float(y))
        assert shares(probe.inner_text()) == pytest.approx(expected, abs=0.03)  # the tolerance is a pixel of the place


LINE = with_constants("""async ({theta, id, classes, confidence, x, y}) => {
    const {findBorder} = await import(new URL('figures/border.js', document.baseURI).href);
    const {createLogits} = await import(new URL('compute/probabilities.js', document.baseURI).href);
    const manifest = await (await fetch(`data/runs/${id}/run.json`)).json();
    const run = {manifest, numbers: (name) => ({grid_x: x, grid_y: y})[name]};
    const seen = {predicted_class: classes, confidence};
    return {logits: findBorder(run, seen, createLogits({run}, theta)), bytes: findBorder(run, seen)};
}""")


@pytest.mark.parametrize("config", [MOONS_FAST, ARMS], ids=["two classes", "three"])
def test_the_line_lies_where_the_logits_of_two_classes_are_equal(
    exported: Site, desktop: Watched, config: RunConfig
) -> None:
    run = exported.run(config)
    grid, theta = run.setup.grid, run.trajectory.weights[-1]
    page = desktop.show(exported.url + "?epoch=0")
    found = page.evaluate(
        LINE,
        {
            "theta": theta.tolist(),
            "id": run.id,
            "classes": run.predicted_class[-1].ravel().tolist(),
            "confidence": run.confidence[-1].ravel().tolist(),
            "x": grid.x.tolist(),
            "y": grid.y.tolist(),
        },
    )
    off = {}
    for name, segments in found.items():
        ends = np.array(segments).reshape(-1, 2)
        ends = ends[(np.abs(ends % 1) < 1e-9).any(axis=1)]  # except the middles of cells in which more classes meet
        assert len(ends) > 20
        places = np.stack([np.interp(ends[:, k], range(len(g)), g) for k, g in enumerate((grid.x, grid.y))], axis=1)
        logits = Evaluator(run.setup.network, places.astype(np.float32), threads=1).logits(theta[None])[0]
        best = np.sort(logits, axis=0)
        off[name] = np.median(best[-1] - best[-2])
    assert off["logits"] < 1e-3
    assert off["logits"] < off["bytes"] / 20  # the earlier picture was drawn from the stored probabilities


def test_a_picture_at_rest_gets_the_exact_line_of_the_network(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60&view=contours")
    first = page.evaluate("() => document.querySelector('#boundary-canvas').toDataURL()")
    page.wait_for_load_state("networkidle")
    assert not [url for url in desktop.requests if "/weights" in url], "opening the page does not fetch the parameters"
    page.mouse.move(300, 5)
    until(page, "(first) => document.querySelector('#boundary-canvas').toDataURL() !== first", first)
    assert [url for url in desktop.requests if "/weights" in url]
