"""Tests gestures on the left plot: a click picks the point under it, a drag turns; fingers turn, zoom and scroll."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, FloatRect, Page

from lossatlas.arrays import Float64
from lossatlas.runs import RunConfig
from tests.support.drawn import Drawn
from tests.support.pages import PATIENCE, Watched, until, watched
from tests.web.conftest import MOONS, MOONS_FAST, PLANES, Site
from tests.web.test_controls import wait_for_frame
from tests.web.test_landscape_lines import heights_of
from tests.web.test_relief import corners

pytestmark = pytest.mark.browser

CAMERA = "() => window.lossatlas.state().camera"
PICK = "() => window.lossatlas.state().pick"


def plot(page: Page) -> FloatRect:
    box = page.locator("#landscape-plot").bounding_box()
    assert box is not None
    return box


def middle(page: Page) -> tuple[float, float]:
    box = plot(page)
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


# What is picked

SCENE = """() => {
    const {camera, aspectratio} = document.querySelector('#landscape-plot .drawing').layout.scene;
    return [camera.eye, camera.center, aspectratio].map(({x, y, z}) => [x, y, z]);
}"""


def under(page: Page, heights: Float64, places: Float64) -> Float64:
    """Find the places (a, b) under screen pixels ``[n, 2]``, as shares of the span; NaN beside the surface.

    All triangles of the surface are tried, for the camera that Plotly was given. Its lens, 45 degrees from the bottom
    to the top, is compared with Plotly's own events in the next test.
    """
    eye, centre, sides = (np.array(values) for values in page.evaluate(SCENE))
    box = plot(page)
    back = (eye - centre) / np.linalg.norm(eye - centre)
    right = np.cross([0, 0, 1], back) / np.linalg.norm(np.cross([0, 0, 1], back))
    focal = box["height"] / 2 / np.tan(np.pi / 8)
    body = (corners(heights) * [0.5, 0.5, 1] - [0, 0, 0.5]) * sides
    found = []
    for x, y in places - [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]:
        along = x * right - y * np.cross(back, right) - focal * back
        nearest, place = np.inf, np.full(3, np.nan)
        edges = np.stack(
            [body[:, 1] - body[:, 0], body[:, 2] - body[:, 0], np.broadcast_to(-along, body[:, 0].shape)], -1
        )
        u, v, t = np.linalg.solve(edges, (eye - body[:, 0])[..., None])[..., 0].T
        reached = (eye + t[:, None] * along) / sides + [0, 0, 0.5]
        hit = (np.minimum(u, v) >= 0) & (u + v <= 1) & (t > 0) & (reached[:, 2] <= 1)
        for at in np.flatnonzero(hit):
            if t[at] < nearest:
                nearest, place = t[at], reached[at]
        found.append(place[:2] * 2)
    return np.array(found)


#: Addresses with cameras near and far, high and low, another zoom, another plane, and a linear axis.
FRESH: dict[str, tuple[RunConfig, str, int, int, str]] = {
    "first view": (MOONS, "fresh", 0, 11, ""),
    "zoomed": (MOONS, "fresh", 1, 0, "&camera=-1.20,0.90,1.10&zoom=0.1"),
    "low and linear": (MOONS_FAST, "fresh", 0, 5, "&camera=0.80,0.95,0.50&scale=linear"),
    "another plane": (PLANES, "pca", 0, 11, "&camera=0.20,-0.90,0.70&plane=pca"),
}


IS_PLOT = "([x, y]) => document.elementFromPoint(x, y).closest('#landscape-plot') !== null"


@pytest.mark.parametrize("name", FRESH)
def test_the_network_that_a_click_picks_is_the_one_under_the_pointer(
    exported: Site, desktop: Watched, name: str
) -> None:
    config, plane, span, frame, more = FRESH[name]
    run = exported.run(config)
    hidden = "-".join(map(str, config.model.hidden))
    epoch = run.trajectory.epochs[frame]
    page = desktop.show(f"{exported.url}?hidden={hidden}&run={run.id}&epoch={epoch}{more}", view="surface")
    box, shown = plot(page), Drawn(page)
    surface = run.loss_surface[plane]
    losses = surface[span, frame if surface.shape[1] > 1 else 0]
    shares = np.array([(u, v) for u in np.linspace(0.1, 0.9, 9) for v in np.linspace(0.1, 0.9, 9)])
    places = np.round(shares * [box["width"], box["height"]] + [box["x"], box["y"]])
    expected = under(page, heights_of(losses, shown.low, shown.high, shown.scale), places)
    on_surface = np.flatnonzero(np.isfinite(expected).all(axis=1))
    clicks = 0
    for at in on_surface[:: max(1, len(on_surface) // 16)]:
        if not page.evaluate(IS_PLOT, places[at].tolist()):
            continue  # the buttons of the camera and the fields of the picked point are no part of the surface
        before = page.evaluate(PICK)
        page.mouse.click(*places[at])
        clicks += 1
        until(page, "(before) => String(window.lossatlas.state().pick) !== String(before)", before)
        wanted = expected[at] * shown.span
        assert page.evaluate(PICK) == pytest.approx(wanted.tolist(), rel=6e-3, abs=1e-4 * shown.span)
        assert plot(page) == box  # the fields of the point appear, and the plot does not move
    assert clicks > 10
    last = page.evaluate(PICK)
    for place in np.delete(places, on_surface, axis=0)[::6]:
        if page.evaluate(IS_PLOT, place.tolist()):
            page.mouse.click(*place)
    assert page.evaluate(PICK) == last


ORACLE = """async ({points, eye, size}) => {
    const [{createCamera}, {createLandscapeLayout}] = await Promise.all(
        ['camera', 'landscape'].map((name) => import(new URL(`figures/${name}.js`, document.baseURI).href)));
    document.querySelector('#oracle')?.remove();
    const root = document.createElement('div');
    root.id = 'oracle';
    Object.assign(root.style, {position: 'fixed', left: 0, top: 0, zIndex: 99});
    Object.assign(root.style, {width: `${size.width}px`, height: `${size.height}px`});
    document.body.append(root);
    const camera = createCamera(eye, size);
    const layout = createLandscapeLayout(camera, 1);
    layout.scene.hovermode = 'closest';
    const [x, y, z] = [0, 1, 2].map((axis) => points.map((point) => point[axis]));
    const trace = {type: 'scatter3d', mode: 'markers', x, y, z, marker: {size: 4}};
    await window.Plotly.newPlot(root, [trace], layout, {displayModeBar: false, plotGlPixelRatio: 1});
    window.hovered = null;
    root.on('plotly_hover', ({points: [point]}) => { window.hovered = point.pointNumber; });
    return points.map((point) => camera.project(point)).map(({x, y}) => [x, y]);
}"""


def point_until(page: Page, x: float, y: float, condition: str, arg: Any) -> None:
    """Point at a place until a condition holds. Plotly notices only movements, and none before it has its picture."""
    deadline = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(condition, arg):
        assert time.monotonic() < deadline, f"pointed in vain at {x}, {y} for {condition} ({arg})"
        page.mouse.move(x + 30, y)
        page.mouse.move(x, y)
        page.wait_for_timeout(50)


def test_plotly_itself_sees_a_point_where_the_camera_says(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    points = np.random.default_rng(1).uniform([-1, -1, 0], [1, 1, 1], (8, 3)).tolist()
    for eye, (width, height) in (((-1, 1.3, 0.8), (600, 500)), ((0.4, -2, 0.3), (420, 560))):
        size = {"width": width, "height": height}
        sent = {"points": points, "eye": dict(zip("xyz", eye, strict=True)), "size": size}
        for index, (x, y) in enumerate(page.evaluate(ORACLE, sent)):
            assert 0 < x < width
            assert 0 < y < height
            point_until(page, x, y, "index => window.hovered === index", index)
    desktop.complaints[:] = [
        each for each in desktop.complaints if "willReadFrequently" not in each
    ]  # Plotly's own event


# Clicks and drags


def test_a_drag_turns_and_a_press_that_hardly_moves_picks(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60", view="surface")
    x, y = middle(page)
    before = page.evaluate(CAMERA)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y + 20, steps=4)
    page.mouse.up()
    page.wait_for_url("**camera=*")
    turned = page.evaluate(CAMERA)
    assert turned != before
    assert page.evaluate(PICK) is None
    for button in ("right", "middle"):
        page.mouse.move(x, y)
        page.mouse.down(button=button)
        page.mouse.move(x + 60, y + 40, steps=3)
        page.mouse.up(button=button)
    page.mouse.move(x + 5, y + 5)
    assert page.evaluate(CAMERA) == turned
    assert page.evaluate(PICK) is None
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2, y + 1)
    page.mouse.up()
    until(page, "() => window.lossatlas.state().pick !== null")
    assert page.evaluate(CAMERA) == turned


def test_a_button_that_is_released_outside_holds_nothing(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60", view="surface")
    box = plot(page)
    edge = box["x"] + 2, box["y"] + box["height"] / 2
    before = page.evaluate(CAMERA)
    page.mouse.move(*edge)
    page.mouse.down()
    page.mouse.move(box["x"] - 60, edge[1])
    page.mouse.up()
    let_go = page.evaluate(CAMERA)
    assert let_go != before  # the drag continues outside
    page.mouse.move(*middle(page), steps=4)
    page.mouse.move(edge[0] + 30, edge[1], steps=4)
    assert page.evaluate(CAMERA) == let_go
    assert page.evaluate("() => document.querySelector('#landscape-plot .drawing').layout.scene.camera.eye.x") == (
        pytest.approx(page.evaluate(SCENE)[0][0])
    )


def test_a_short_click_counts_however_slow_the_frames_are(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    page.evaluate(
        """() => {
            const slow = () => {
                const end = performance.now() + 120;
                while (performance.now() < end);
                requestAnimationFrame(slow);
            };
            requestAnimationFrame(slow);
        }"""
    )
    x, y = middle(page)
    for shift in (0, 25, -25):
        before = page.evaluate(PICK)
        page.mouse.click(x + shift, y)  # there is no frame between press and release
        until(page, "(before) => String(window.lossatlas.state().pick) !== String(before)", before)


def test_the_camera_stays_above_the_floor_by_mouse_buttons_keys_and_link(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&camera=1.00,1.00,-1.00", view="surface")
    assert_above(page)
    x, y = middle(page)
    for down in (-400, 400):
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x, y + down, steps=8)
        page.mouse.up()
        assert_above(page)
    page.locator("#landscape-plot").hover()
    for name in ("Tilt down", "Tilt up"):
        button = page.get_by_role("button", name=name)
        for _ in range(8):
            button.click()
        assert_above(page)
        for _ in range(3):
            button.press("Enter")
        assert_above(page)


def assert_above(page: Page) -> None:
    """Assert that the camera is above the floor of the box, looks down, and is not at the zenith."""
    until(page, "() => window.lossatlas.state().camera.z > 0 || location.search.includes('-1.00')")
    eye, centre, sides = (np.array(values) for values in page.evaluate(SCENE))
    away = eye - centre
    assert 0.05 < np.arcsin(away[2] / np.linalg.norm(away)) < 1.55
    assert eye[2] > -sides[2] / 2


# Fingers


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    size = {"width": 390, "height": 844}
    yield from watched(browser, viewport=size, has_touch=True, is_mobile=True, reduced_motion="reduce")


class Fingers:
    """Sends real touches, so that Chromium itself decides which of them scroll."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)

    def move(self, start: list[tuple[float, float]], by: list[tuple[float, float]], steps: int = 8) -> None:
        self._send("touchStart", start)
        for step in range(1, steps + 1):
            share = step / steps
            ways = zip(start, by, strict=True)
            self._send("touchMove", [(x + share * across, y + share * down) for (x, y), (across, down) in ways])
        self._send("touchEnd", [])

    def _send(self, kind: str, places: list[tuple[float, float]]) -> None:
        points = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(places)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_fingers_turn_zoom_and_scroll_and_the_camera_stays(exported: Site, phone: Watched) -> None:
    page = phone.show(exported.url + "?epoch=60", view="surface")
    fingers = Fingers(page)
    page.locator("#landscape-plot").scroll_into_view_if_needed()
    first = page.evaluate(CAMERA)
    x, y = middle(page)
    fingers.move([(x - 60, y)], [(100, 0)])
    page.wait_for_url("**camera=*")
    turned = page.evaluate(CAMERA)
    assert (turned["x"], turned["y"]) != (first["x"], first["y"])
    assert turned["z"] == pytest.approx(first["z"], rel=0.2)
    assert page.evaluate(PICK) is None

    page.locator("body").press("Home")
    wait_for_frame(page, 0)
    assert page.evaluate(CAMERA) == turned
    drawn = page.evaluate(SCENE)
    link = page.url

    before = page.evaluate("() => scrollY")
    x, y = middle(page)
    fingers.move([(x, y)], [(0, -90 if before < 60 else 90)])
    until(page, "(before) => Math.abs(scrollY - before) > 30", before)
    assert page.evaluate(CAMERA) == turned

    phone.open(link)
    np.testing.assert_allclose(page.evaluate(SCENE), drawn, atol=0.02)  # a link contains two decimals

    page.locator("#landscape-plot").scroll_into_view_if_needed()
    x, y = middle(page)
    before = page.evaluate("() => scrollY")
    near = np.linalg.norm(list(page.evaluate(CAMERA).values()))
    fingers.move([(x - 30, y), (x + 30, y)], [(-40, 0), (40, 0)])
    until(page, "(near) => Math.hypot(...Object.values(window.lossatlas.state().camera)) < 0.8 * near", float(near))
    assert page.evaluate("() => [scrollY, visualViewport.scale]") == [before, 1]
    for down in (140, -140):  # two fingers also tilt, as far as is allowed
        fingers.move([(x - 30, y), (x + 30, y)], [(0, down), (0, down)])
        assert_above(page)
    assert page.evaluate(PICK) is None
