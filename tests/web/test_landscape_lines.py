"""Tests that surface and lines of equal loss belong to the array of their frame, in every view and saved file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import contourpy
import numpy as np
import pytest
from playwright.sync_api import Frame, Page

from lossatlas.arrays import Float64
from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces
from lossatlas.planes import FreshPlane
from tests.support.drawn import GROUND, Drawn
from tests.support.pages import Watched, until
from tests.support.sharing import download_file, open_dialog
from tests.web.conftest import MOONS, MOONS_FAST, Site
from tests.web.test_compare import SURFACES, open_comparison, wait_for_epochs
from tests.web.test_compare import link as comparison
from tests.web.test_controls import wait_for_frame
from tests.web.test_lab_surfaces import wait_for_surface
from tests.web.test_workshop import HERE, python

pytestmark = pytest.mark.browser

#: Frames in an irregular order: steps back, the same frame again, and both ends.
ORDER = (7, 6, 9, 0, 11, 3, 2, 11, 0)


def heights_of(losses: Float64, low: float, high: float, scale: str) -> Float64:
    """Compute heights in the box. The bottom of the range is above the floor; lower losses are drawn at the bottom."""
    inside = np.maximum(losses.astype(np.float64), low)
    share = np.log(inside / low) / np.log(high / low) if scale == "log" else (inside - low) / (high - low)
    return np.asarray(GROUND + (1 - GROUND) * share)


def crossings(heights: Float64, level: float) -> Float64:
    """Find where contourpy's lines cross the edges of the grid, in steps of the grid."""
    lines = contourpy.contour_generator(z=heights, name="serial").lines(level)
    return np.unique(np.round(np.concatenate([np.empty((0, 2)), *lines]), 5), axis=0)


def on_edges(points: Float64) -> Float64:
    """Select the points of lines on edges of the grid. Others are on diagonals, where contourpy has no points."""
    return np.unique(np.round(points[(np.abs(points - np.round(points)) < 1e-7).any(axis=1)], 5), axis=0)


def levels_of(page: Page | Frame) -> Float64:
    """Return the heights of the ticks of the axis, without its ends. The surface has a line at each of them."""
    ticks, low, high, scale = page.evaluate(
        """async () => {
            const [range, {scale}] = [window.lossatlas.range(), window.lossatlas.shown()];
            const {chooseLossTicks} = await import(new URL('figures/range.js', document.baseURI).href);
            return [chooseLossTicks({...range, scale}), range.low, range.high, scale];
        }"""
    )
    inside = [tick for tick in ticks if low < tick < high]
    assert len(inside) >= 3
    return heights_of(np.array(inside), low, high, scale)


def assert_lines(points: Float64, levels: Float64, heights: Float64, wanted: Float64) -> None:
    """Assert that the lines at all levels, in steps of the grid, belong to these heights."""
    nearest = wanted[np.abs(levels[:, None] - wanted).argmin(axis=1)]
    np.testing.assert_allclose(levels, nearest, atol=1e-9)
    assert len(levels) > 0
    for level in wanted:
        found, expected = on_edges(points[nearest == level]), crossings(heights, level)
        assert len(found) == len(expected)
        np.testing.assert_allclose(found, expected, atol=3e-5)


def assert_surface_is(page: Page | Frame, losses: Float64, root: str = "#landscape-plot .drawing") -> None:
    """Assert that the mesh, and the lines on the surface and on the floor, belong to these heights."""
    found = Drawn(page, root)
    heights = heights_of(losses, found.low, found.high, found.scale)
    np.testing.assert_allclose(found.heights, np.minimum(1, heights), atol=1e-9)
    assert_lines_of(found, heights, levels_of(page))


def assert_lines_of(found: Drawn, heights: Float64, wanted: Float64) -> None:
    above, below, floor = (found.line(name, as_losses=False) for name in ("above", "below", "floor"))
    drawn = np.isfinite(floor[:, 0])
    assert_lines((floor[drawn, :2] / found.span + 1) / 2 * (found.grid - 1), found.floor_levels[drawn], heights, wanted)
    on_surface = (above + below)[drawn] / 2  # each line is lifted off the surface, to both sides
    np.testing.assert_allclose(on_surface[:, :2], floor[drawn, :2], atol=1e-9)
    np.testing.assert_allclose(on_surface[:, 2], found.floor_levels[drawn], atol=1e-9)


def losses_of(site: Site, frame: int) -> Float64:
    return np.asarray(site.run().loss_surface["fresh"][0, frame], np.float64)


def go_to(page: Page, frame: int, epochs: tuple[int, ...]) -> None:
    """Go to a frame as a person does: with the keys if one step is enough, else with the slider."""
    now = page.evaluate("() => window.lossatlas.shown().frame")
    key = {0: "Home", len(epochs) - 1: "End", now - 1: "ArrowLeft", now + 1: "ArrowRight"}.get(frame)
    if key:
        page.locator("body").press(key)
    else:
        page.get_by_role("slider", name="Epoch").evaluate(
            """(slider, frame) => {
                slider.value = frame;
                slider.dispatchEvent(new Event('input', {bubbles: true}));
            }""",
            frame,
        )
    wait_for_frame(page, frame)


def visit(page: Page, epochs: tuple[int, ...], check: Callable[[int], None]) -> None:
    page.locator("h2").first.click()
    for frame in ORDER:
        go_to(page, frame, epochs)
        check(frame)


def test_lines_on_the_surface_do_not_depend_on_what_came_before(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=30", view="surface")
    epochs = tuple(map(int, exported.run().trajectory.epochs))
    visit(page, epochs, lambda frame: assert_surface_is(page, losses_of(exported, frame)))
    page.get_by_role("switch", name="Log loss").press("Space")
    until(page, "() => window.lossatlas.shown().scale === 'linear'")
    visit(page, epochs, lambda frame: assert_surface_is(page, losses_of(exported, frame)))


#: JavaScript that records the ends of the lines painted on the map since it was last cleared, in canvas pixels.
PAINTED = """
window.painted = [];
const {clearRect, moveTo, lineTo} = CanvasRenderingContext2D.prototype;
const isMap = ({canvas}) => canvas.parentElement?.id === 'landscape-map';
Object.assign(CanvasRenderingContext2D.prototype, {
    clearRect(...box) { if (isMap(this)) window.painted = []; return clearRect.apply(this, box); },
    moveTo(x, y) { if (isMap(this)) window.painted.push([x, y]); return moveTo.call(this, x, y); },
    lineTo(x, y) { if (isMap(this)) window.painted.push([x, y]); return lineTo.call(this, x, y); },
});
"""


def test_lines_on_the_map_do_not_depend_on_what_came_before(exported: Site, desktop: Watched) -> None:
    desktop.page.add_init_script(PAINTED)
    page = desktop.show(exported.url + "?epoch=30&view=contours")
    epochs = tuple(map(int, exported.run().trajectory.epochs))

    def check(frame: int) -> None:
        painted, side, low, high = page.evaluate(
            """() => [window.painted, document.querySelector('#landscape-map canvas').width,
                ...Object.values(window.lossatlas.range())]"""
        )
        heights = heights_of(losses_of(exported, frame), low, high, "log")
        points = np.array(painted) * [1, -1] + [0, side]
        expected = np.concatenate([crossings(heights, level) for level in levels_of(page)])
        found = on_edges(points * (heights.shape[0] - 1) / side)
        np.testing.assert_allclose(found, np.unique(expected, axis=0), atol=3e-5)

    visit(page, epochs, check)


def test_lines_in_the_comparison_are_those_of_its_frames(exported: Site, desktop: Watched) -> None:
    page, both = open_comparison(desktop, comparison(exported, MOONS, MOONS_FAST, SURFACES))
    slider = page.get_by_label("Epoch", exact=True)
    for frame in ORDER:
        epoch = int(exported.run().trajectory.epochs[frame])
        slider.fill(str(epoch))
        wait_for_epochs(page, both, [epoch, epoch])
        for seen, config in zip(both, (MOONS, MOONS_FAST), strict=True):
            assert_surface_is(seen, exported.run(config).loss_surface["fresh"][0, frame])


def test_lines_of_a_training_in_the_page_are_those_of_its_frames(exported: Site, desktop: Watched) -> None:
    setup, trajectory = python(11)
    members = setup.dataset.split == 0
    evaluator = Evaluator(setup.network, setup.dataset.points[members], setup.dataset.labels[members], threads=1)
    plane = FreshPlane().draw(setup.network)
    page = desktop.show(f"{exported.url}?{HERE}&train=adam,0.01,32,0,0&epoch=11", view="surface")
    until(page, "() => window.lossatlas.shown()?.epoch === 11")
    page.locator("h2").first.click()
    for frame in ORDER:
        go_to(page, frame, tuple(range(12)))
        [surface] = loss_surfaces(evaluator, plane, trajectory.weights[frame], [1.0], 41)
        losses = np.asarray(surface.loss, np.float64)
        wait_for_surface(page, losses)
        found = Drawn(page)  # float32 sums depend on the order, so the lines are compared with the drawn heights
        cut = found.heights >= 1
        assert_lines_of(
            found, np.where(cut, heights_of(losses, found.low, found.high, found.scale), found.heights), levels_of(page)
        )


#: JavaScript that records each drawing of the offscreen surface: its mesh, and its lines on the floor.
STUDIO = """() => {
    const {react} = window.Plotly;
    window.kept = [];
    window.Plotly.react = (root, data, ...rest) => {
        if (root.closest('.studio')) {
            const numbers = (values) => Array.from(values, (value) => Number.isNaN(value) ? null : value);
            const [mesh, lines, floor] = ['surface', 'lines', 'floor'].map((is) => data.find(({name}) => name === is));
            const half = lines.z.length / 2; // above the surface, and below it
            const levels = numbers(lines.z.slice(0, half).map((z, at) => (z + lines.z[at + half]) / 2));
            window.kept.push({z: [...mesh.z], x: numbers(floor.x), y: numbers(floor.y), levels});
        }
        return react(root, data, ...rest);
    };
}"""


def test_lines_in_the_saved_film_and_picture_are_those_of_their_frames(exported: Site, desktop: Watched) -> None:
    run = exported.run()
    page = desktop.show(exported.url + f"?epoch={run.trajectory.epochs[4]}", view="surface")
    page.locator("body").press("End")
    wait_for_frame(page, 11)
    page.locator("body").press("ArrowLeft")
    wait_for_frame(page, 10)
    page.evaluate(STUDIO)
    low, high = page.evaluate("() => Object.values(window.lossatlas.range())")
    levels = levels_of(page)
    open_dialog(page)
    download_file(page, "Save picture (PNG)")
    page.get_by_role("combobox", name="Size of the animation").select_option(label="640 × 360")
    download_file(page, "Make animation (WebM)")
    drawings: list[dict[str, Any]] = page.evaluate("() => window.kept")
    frames = [10, 10, *range(len(run.trajectory.epochs))]  # the preview of the dialog, the picture, and the film
    for drawing, frame in zip(drawings, frames, strict=True):
        losses = losses_of(exported, frame)
        heights = heights_of(losses, low, high, "log")
        np.testing.assert_allclose(drawing["z"][: losses.size], np.minimum(1, heights).ravel(), atol=1e-9)
        places = np.array([drawing["x"], drawing["y"]], np.float64).T
        drawn = np.isfinite(places[:, 0])
        points = (places[drawn] + 1) / 2 * (losses.shape[0] - 1)
        assert_lines(points, np.array(drawing["levels"], np.float64)[drawn], heights, levels)
