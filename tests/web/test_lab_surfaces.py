"""Compares surfaces that the page computes, at any zoom and along new random directions, with NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lossatlas.arrays import Floats
from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces
from lossatlas.planes import Directions, FreshPlane, project
from lossatlas.runs import Run
from tests.support.drawn import LOSSES, Drawn
from tests.support.pages import Watched, until
from tests.web.conftest import ARMS, EITHER, PLANES, Site
from tests.web.test_controls import wait_for_frame
from tests.web.test_landscape_views import find_cut

pytestmark = pytest.mark.browser

SHOWN = "span => window.lossatlas.shown().span === span && window.lossatlas.computed()"


def evaluator_of(run: Run, split: int = 0) -> Evaluator:
    members = run.setup.dataset.split == split
    dataset = run.setup.dataset
    return Evaluator(run.setup.network, dataset.points[members], dataset.labels[members], threads=1)


def surface_around(run: Run, plane: Directions, theta: Any, span: float, split: int = 0) -> Floats:
    [surface] = loss_surfaces(evaluator_of(run, split), plane, theta, [span], 41)
    return np.asarray(surface.loss, np.float64)


def wait_for_surface(page: Page, expected: Floats) -> None:
    """Wait until the full surface has replaced the preview. Losses above the range are drawn at its top."""
    until(
        page,
        f"""expected => {{
            const losses = {LOSSES};
            const {{low, high}} = window.lossatlas.range();
            return losses.length === expected.length && losses.every((row, j) => row.every((value, i) => {{
                const wanted = Math.max(low, Math.min(expected[j][i], high));
                return Math.abs(value - wanted) <= 1e-5 * Math.abs(wanted);
            }}));
        }}""",
        expected.tolist(),
    )
    assert np.isclose(Drawn(page).losses, expected, rtol=1e-5).mean() > 0.5


@EITHER
@pytest.mark.parametrize("span", [0.37, 3.0, 0.001])
def test_any_zoom_is_numpys_surface(site: Site, desktop: Watched, span: float) -> None:
    run = site.run()
    page = desktop.show(f"{site.url}?epoch=60&zoom={span}", view="surface")
    until(page, SHOWN, span)
    wait_for_surface(page, surface_around(run, run.planes[0], run.trajectory.weights[11], span))
    assert Drawn(page).axis == pytest.approx(span * np.linspace(-1, 1, 41), abs=1e-7)
    expect(page.locator("#zoom-text")).to_have_text(f"±{span:g}")


@EITHER
def test_new_directions_are_those_of_a_fresh_plane_with_that_seed(site: Site, desktop: Watched) -> None:
    run = site.run()
    page = desktop.show(site.url + "?epoch=60", view="surface")
    for seed in (1, 2):
        page.get_by_role("button", name="New directions").click()
        page.wait_for_url(f"**seed={seed}*")
        until(page, "seed => window.lossatlas.slice().plane === `drawn-${seed}`", seed)
        plane = FreshPlane(seed=seed).draw(run.setup.network)
        wait_for_surface(page, surface_around(run, plane, run.trajectory.weights[11], 1.0))
        first, second = plane.directions
        cosine = float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))
        expect(page.locator("#slice-facts")).to_contain_text(f"a and b at {np.degrees(np.arccos(cosine)):.0f}°")
    assert page.get_by_role("combobox", name="Plane").locator("option:checked").inner_text() == "Seed 2, newly drawn"
    page.get_by_role("combobox", name="Plane").select_option("fresh")
    until(page, "() => !window.lossatlas.computed()")
    until(page, "() => !location.search.includes('seed')")


def test_the_test_loss_and_the_gap_are_computed_as_well(exported: Site, desktop: Watched) -> None:
    run = exported.run(ARMS)
    page = desktop.show(f"{exported.url}?dataset=arms&epoch=60&zoom=0.5&set=test", view="surface")
    theta, plane = run.trajectory.weights[11], run.planes[0]
    train, test = (surface_around(run, plane, theta, 0.5, split) for split in (0, 1))
    wait_for_surface(page, test)
    page.get_by_role("radio", name="Gap").press("Space")
    until(page, "() => window.lossatlas.slice().set === 'gap'")
    gap = test - train
    until(
        page,
        f"""([low, high]) => {{
            const z = {LOSSES};
            return Math.abs(z[20][20] - low) < 1e-5 && Math.abs(z[20][24] - high) < 1e-5;
        }}""",
        [gap[20, 20], gap[20, 24]],
    )


@EITHER
def test_a_plane_that_stays_keeps_its_path_at_any_zoom(site: Site, desktop: Watched) -> None:
    run = site.run(PLANES)
    page = desktop.show(f"{site.url}?run={PLANES.id}&hidden=8&epoch=60&plane=pca&zoom=2.5", view="surface")
    until(page, SHOWN, 2.5)
    pca = find_cut(site, "pca")
    wait_for_surface(page, surface_around(run, pca.plane, pca.plane.centre, 2.5))
    line = Drawn(page).line("path")[:, 0]
    path = pca.path.coordinates
    assert np.abs(path).max() < 2.5
    assert line == pytest.approx(path[:, 0], abs=1e-6)


@EITHER
def test_a_fixed_plane_along_new_directions_has_pythons_path(site: Site, desktop: Watched) -> None:
    run = site.run()
    weights = run.trajectory.weights
    page = desktop.show(site.url + "?epoch=8&seed=5&zoom=2&follow=false&path=true", view="surface")
    until(page, "() => window.lossatlas.slice().plane === 'drawn-5' && window.lossatlas.slice().path")
    plane = FreshPlane(seed=5).draw(run.setup.network)
    wait_for_surface(page, surface_around(run, plane, weights[-1], 2.0))  # the plane is around the trained network
    path = project(plane.directions, weights, weights[-1])
    frame = page.evaluate("() => window.lossatlas.shown().frame")
    here = path.coordinates[frame]
    found = Drawn(page)
    np.testing.assert_allclose(found.line("drop")[0, :2], here, atol=1e-5)
    assert np.abs(path.coordinates).max() < 2
    line = found.line("path")
    np.testing.assert_allclose(line[:, :2], path.coordinates, atol=1e-5)
    exact = evaluator_of(run).losses((weights[-1] + path.coordinates @ plane.directions).astype(np.float32))
    np.testing.assert_allclose(line[:, 2], exact, rtol=0.1)  # the losses are interpolated between the samples
    expect(page.locator("#slice-residual")).to_contain_text(f"{path.residual[frame]:.3g} away from the plane")
    share = float((page.locator("#slice-share").text_content() or "").split("\u00a0")[0].split()[-1]) / 100
    assert share == pytest.approx(path.explained_variance, abs=6e-4)
    page.get_by_role("switch", name="Follow the parameters").press("Space")
    until(page, "() => window.lossatlas.slice().follow")
    wait_for_surface(page, surface_around(run, plane, weights[frame], 2.0))


def test_play_shows_every_frame_of_a_computed_zoom(exported: Site, desktop: Watched) -> None:
    run = exported.run()
    page = desktop.show(exported.url + "?epoch=0&zoom=0.5", view="surface")
    until(page, SHOWN, 0.5)
    page.get_by_role("combobox", name="Speed").select_option("4")
    page.get_by_role("button", name="Play").click()
    wait_for_frame(page, 11)
    wait_for_surface(page, surface_around(run, run.planes[0], run.trajectory.weights[11], 0.5))


def test_a_quick_drag_ends_where_it_was_let_go(exported: Site, desktop: Watched) -> None:
    run = exported.run()
    page = desktop.show(exported.url + "?epoch=60", view="surface")
    box = page.get_by_role("slider", name="Zoom").bounding_box()
    assert box
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in np.linspace(0.1, 0.4, 30):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
    page.mouse.up()
    until(page, "() => window.lossatlas.state().zoom !== null")
    span = page.evaluate("() => window.lossatlas.state().zoom")
    assert 0.1 < span < 3
    until(page, "span => window.lossatlas.shown().span === span", span)
    wait_for_surface(page, surface_around(run, run.planes[0], run.trajectory.weights[11], span))


@EITHER
def test_arrow_keys_zoom_by_small_steps_and_stay_within_bounds(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=60")
    slider = page.get_by_role("slider", name="Zoom")
    slider.press("ArrowRight")
    until(page, "() => window.lossatlas.shown().span < 1 && window.lossatlas.shown().span > 0.8")
    slider.press("Home")
    until(page, SHOWN, 3.0)
    slider.press("ArrowLeft")
    slider.press("End")
    until(page, SHOWN, 0.001)
    expect(slider).to_have_attribute("aria-valuetext", "a and b from −0.001 to 0.001")


@EITHER
def test_reset_takes_zoom_and_directions_back(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=60&seed=5&zoom=0.3")
    until(page, SHOWN, 0.3)
    page.get_by_role("button", name="Reset").click()
    until(page, "() => !window.lossatlas.computed() && window.lossatlas.shown().span === 1")


@EITHER
def test_a_point_is_picked_on_new_directions(site: Site, desktop: Watched) -> None:
    run = site.run()
    page = desktop.show(site.url + "?epoch=60&seed=5&pick=0.5,-0.25")
    until(page, "() => !document.querySelector('#boundary-whose').hidden")
    plane = FreshPlane(seed=5).draw(run.setup.network)
    theta = np.asarray(run.trajectory.weights[11] + plane.offsets(np.array(0.5), np.array(-0.25)), np.float32)
    loss = float(evaluator_of(run).losses(theta[None])[0])
    shown = page.locator("[data-readout=train_loss]")
    assert float(shown.get_attribute("data-value") or "nan") == pytest.approx(loss, rel=1e-5)
