"""Hovering the right plot: a data point colours the landscape by its own loss; any place tells the probabilities."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lossatlas.engine import Evaluator
from lossatlas.runs import Run
from lossatlas.surface import loss_surfaces
from tests.web.conftest import ARMS, Site, Watched, until

pytestmark = pytest.mark.browser

PLACE = """([x, y]) => {
    const {xaxis, yaxis, margin} = document.querySelector('#boundary-plot')._fullLayout;
    const box = document.querySelector('#boundary-plot').getBoundingClientRect();
    return [box.left + xaxis._offset + xaxis.l2p(x), box.top + yaxis._offset + yaxis.l2p(y)];
}"""
TINTED = "() => document.querySelector('#landscape-plot').data[0].surfacecolor !== undefined"


def hover(page: Page, x: float, y: float) -> None:
    left, top = page.evaluate(PLACE, [x, y])
    page.mouse.move(left - 40, top - 40)
    page.mouse.move(left, top)


def lonely(run: Run) -> int:
    """A point that no other is near to, so that it is the one under the pointer."""
    points = run.setup.dataset.points
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1) + 9 * np.eye(len(points))
    return int(apart.min(axis=1).argmax())


def test_a_data_point_colours_the_surface_by_its_own_loss(site: Site, desktop: Watched) -> None:
    run = site.run()
    point = lonely(run)
    dataset = run.setup.dataset
    page = desktop.open(site.url + "?epoch=60")
    hover(page, *dataset.points[point].tolist())
    until(page, TINTED)
    evaluator = Evaluator(
        run.setup.network, dataset.points[point : point + 1], dataset.labels[point : point + 1], threads=1
    )
    [surface] = loss_surfaces(evaluator, run.planes[0], run.trajectory.weights[11], [1.0], 15)
    colours = page.evaluate("() => document.querySelector('#landscape-plot').data[0].surfacecolor")
    np.testing.assert_allclose(colours, surface.loss, rtol=1e-4, atol=1e-6)
    expect(page.locator("#colourbar")).to_contain_text(
        f"loss of this {dataset.class_names[dataset.labels[point]]} point"
    )
    page.mouse.move(5, 5)
    until(page, "() => document.querySelector('#landscape-plot').data[0].surfacecolor === undefined")
    expect(page.locator("#colourbar")).to_contain_text("train loss")


def test_the_probabilities_under_the_pointer_are_the_networks(exported: Site, desktop: Watched) -> None:
    run = exported.run(ARMS)
    page = desktop.open(exported.url + "?dataset=arms&epoch=60")
    x, y = float(run.setup.grid.x[5]), float(run.setup.grid.y[17])
    hover(page, x, y)
    probe = page.locator(".boundary .probe")
    expect(probe).not_to_have_text("")
    evaluator = Evaluator(run.setup.network, np.array([[x, y]], np.float32), threads=1)
    [probabilities] = evaluator.probabilities(run.trajectory.weights[11][None])[0].T
    best = int(probabilities.argmax())
    text = probe.inner_text()
    shares = [float(share) for share in re.findall(r"([\d.]+) %", text)]
    assert text.startswith(run.setup.dataset.class_names[best])
    assert shares[0] == pytest.approx(100 * float(probabilities[best]), abs=0.9)
    assert "the others" in text
