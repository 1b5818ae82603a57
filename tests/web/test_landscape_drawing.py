"""The surface is that frame's, its lines are its own, and what is picked is what is under the pointer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import contourpy
import numpy as np
import pytest
from playwright.sync_api import Frame, Page, expect

from lossatlas.arrays import Float64
from lossatlas.computing import compute_run
from lossatlas.gallery import OPENING
from lossatlas.surface import unit_coordinates
from tests.web.conftest import EITHER, MOONS, MOONS_FAST, Site, Watched, until, watched
from tests.web.drawn import Drawn, assert_drawn
from tests.web.test_controls import wait_for_frame, zoom_in

pytestmark = pytest.mark.browser

WEB = Path(__file__).parents[2] / "src" / "lossatlas" / "web"
#: Settles when the drawing is sharp and kept, which comes after a rest.
AT_REST = """() => {
    const find = (each) => document.querySelector(`#landscape-plot ${each}`);
    const {width} = find('.drawing').layout;
    return width === 2 * document.querySelector('#landscape-plot').clientWidth && find('.still').width === width;
}"""


def edge_points(points: Float64) -> set[tuple[float, float]]:
    """Of points in grid units, those on lines of the grid: what any contouring has in common."""
    on_edge = (np.abs(points - np.round(points)) < 1e-9).any(axis=1)
    return {(round(float(u), 6), round(float(v), 6)) for u, v in points[on_edge]}


def assert_lines(found: Drawn) -> None:
    """The lines of equal loss are those of contourpy, of the very heights that are drawn."""
    heights = found.heights
    levels = found.levels
    assert len(levels) >= 1
    known = np.where(heights < 1, heights, np.nan)  # beyond the range's top nothing is drawn
    generator = contourpy.contour_generator(z=np.ma.masked_invalid(known), name="serial", corner_mask=False)
    units = (found.line("floor", as_losses=False)[:, :2] / found.span + 1) / 2 * (found.grid - 1)
    for level in np.unique(levels):
        expected = [np.asarray(line, np.float64) for line in generator.lines(float(level))]
        theirs = edge_points(np.concatenate(expected)) if expected else set()
        ours = edge_points(units[found.floor_levels == level])
        assert theirs <= ours, level
        whole = {point for point in ours if _is_whole(known, point)}
        assert whole <= theirs, level
    above, below, exact = (found.line(name, as_losses=False) for name in ("above", "below", "floor"))
    np.testing.assert_allclose((above + below)[:, :2] / 2, exact[:, :2], atol=1e-9)
    drawn = np.isfinite(exact[:, 0])
    np.testing.assert_allclose(((above + below) / 2)[drawn, 2], found.floor_levels[drawn], atol=1e-9)
    assert np.nanmax(np.abs(above - below)[:, :2]) < 0.03 * found.span


def _is_whole(known: Float64, point: tuple[float, float]) -> bool:
    """Are all cells around a point on the grid drawn, so that contourpy knows them as well?"""
    u, v = point
    columns, rows = (range(max(0, int(np.ceil(at - 1 - 1e-9))), int(at + 1 + 1e-9) + 1) for at in (u, v))
    around = known[rows.start : rows.stop, columns.start : columns.stop]
    return bool(np.isfinite(around).all())


@EITHER
def test_in_any_order_of_frames_surface_and_lines_are_of_that_frame(site: Site, desktop: Watched) -> None:
    page = desktop.open(site.url + "?epoch=0")
    run = site.run()
    order = [int(frame) for frame in np.random.default_rng(0).permutation(12)]
    slider = page.get_by_role("slider", name="Epoch")
    for frame in [*order, 11, 0]:
        slider.evaluate("(input, frame) => { input.value = frame; input.dispatchEvent(new Event('input')); }", frame)
        wait_for_frame(page, frame)
        assert_drawn(page, run.loss_surface["fresh"][0, frame].astype(np.float64))
        assert_lines(Drawn(page))
    zoom_in(page)
    until(page, "() => window.lossatlas.shown().span === 0.01")
    page.get_by_role("switch", name="Fit the scale to each epoch").press("Space")
    until(page, "() => window.lossatlas.state().range === 'frame'")
    until(page, "() => { const {low, high} = window.lossatlas.range(); return high < 1.5 * low; }")
    heights = Drawn(page).heights
    assert heights.max() - heights.min() > 0.5  # at ±0.01 of the untrained network too there is something to see
    assert_lines(Drawn(page))


@EITHER
def test_beside_each_other_both_have_their_own_lines(site: Site, desktop: Watched) -> None:
    sides = "&".join(f"{name}=dataset%3Dmoons%26run%3D{run.id}" for name, run in (("a", MOONS), ("b", MOONS_FAST)))
    page = desktop.page
    page.goto(f"{site.url}compare.html?{sides}&epoch=60")
    until(page, "() => document.body.dataset.pictured === 'true'")
    frames = [frame for frame in page.frames if "bare" in frame.url]
    assert len(frames) == 2
    for key, epoch in (("Home", 0), ("End", 60), ("ArrowLeft", None)):
        page.locator("body").press(key)
        for frame, config in zip(frames, (MOONS, MOONS_FAST), strict=True):
            _settle(page, frame, epoch)
            shown = frame.evaluate("() => window.lossatlas.shown().frame")
            assert_drawn(frame, site.run(config).loss_surface["fresh"][0, shown].astype(np.float64), least=0.5)
            assert_lines(Drawn(frame))


def _settle(page: Page, frame: Frame, epoch: int | None) -> None:
    for _ in range(1500):
        now = frame.evaluate("() => [window.lossatlas.shown().epoch, window.lossatlas.state().epoch]")
        if now[0] == now[1] and (epoch is None or now[0] == epoch):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"waited in vain for epoch {epoch}")


def test_a_training_in_the_page_has_its_own_lines(exported: Site, desktop: Watched) -> None:
    page = desktop.open(f"{exported.url}?dataset=moons&hidden=8&sample=120,0.2,1&train=adam,0.02,32,0,0&epoch=40")
    until(page, "() => window.lossatlas.shown()?.epoch === 40")
    assert_lines(Drawn(page))
    page.locator("body").press("Home")
    until(page, "() => window.lossatlas.shown().epoch === 0")
    assert_lines(Drawn(page))


def test_what_is_kept_is_drawn_from_the_frame_it_is_of(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    for key, frame in (("Home", 0), ("End", 11), ("ArrowLeft", 10)):
        page.locator("body").press(key)
        wait_for_frame(page, frame)
        page.get_by_role("button", name="Share").click()
        until(page, "() => document.querySelector('.studio .drawing')?.data !== undefined")
        expected = Drawn(page)
        kept = Drawn(page, ".studio .drawing")
        np.testing.assert_array_equal(kept.heights, expected.heights)
        assert_lines(kept)
        page.keyboard.press("Escape")
        until(page, "() => document.querySelector('.studio') === null")


CAST = """() => {
    const {data: [{x, y, z, i, j, k}], layout} = document.querySelector('#landscape-plot .drawing');
    const {camera, aspectratio} = layout.scene;
    const numbers = (values) => Array.from(values);
    const box = document.querySelector('#landscape-plot').getBoundingClientRect();
    return {vertices: [x, y, z].map(numbers), faces: [i, j, k].map(numbers), camera, aspectratio,
        left: box.left, top: box.top, width: box.width, height: box.height};
}"""


def under(page: Page, places: Float64) -> Float64:
    """(a, b) as shares of the span under pixels ``[n, 2]``, NaN beside the surface: all triangles are tried."""
    read = page.evaluate(CAST)
    sides = np.array([read["aspectratio"][axis] for axis in "xyz"])
    vertices = np.array(read["vertices"]).T
    body = np.column_stack([vertices[:, :2] / 2, vertices[:, 2] - 0.5]) * sides
    p, q, r = (body[np.array(corner)] for corner in read["faces"])
    eye, centre = (np.array([read["camera"][name][axis] for axis in "xyz"]) for name in ("eye", "center"))
    back = (eye - centre) / np.linalg.norm(eye - centre)
    right = np.cross([0, 0, 1], back)
    right /= np.linalg.norm(right)
    up = np.cross(back, right)
    focal = read["height"] / 2 / np.tan(np.pi / 8)
    found = []
    for x, y in places:
        ray = (
            (x - read["left"] - read["width"] / 2) * right
            + (read["height"] / 2 - (y - read["top"])) * up
            - focal * back
        )
        e, f, s = q - p, r - p, eye - p
        h = np.cross(ray, f)
        size = (e * h).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            u = (s * h).sum(axis=1) / size
            g = np.cross(s, e)
            v = (g @ ray) / size
            t = (f * g).sum(axis=1) / size
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
        nearest = eye + t[hit].min() * ray if hit.any() else np.full(3, np.nan)
        found.append(nearest[:2] / sides[:2] * 2)
    return np.array(found)


@EITHER
@pytest.mark.parametrize("query", ["?epoch=60", "?epoch=0&zoom=0.1&camera=-1.20,0.90,1.10"])
def test_on_a_fresh_page_the_network_under_the_pointer_is_picked(site: Site, desktop: Watched, query: str) -> None:
    page = desktop.open(site.url + query)
    box = page.locator("#landscape-plot").bounding_box()
    assert box
    grid = np.array([(u, v) for u in np.linspace(0.2, 0.8, 6) for v in np.linspace(0.25, 0.7, 5)])
    places = np.round(grid * [box["width"], box["height"]] + [box["x"], box["y"]])
    span = page.evaluate("() => window.lossatlas.shown().span")
    expected = under(page, places) * span
    on_surface = np.isfinite(expected).all(axis=1)
    assert on_surface.sum() >= 8
    for (x, y), place in zip(places[on_surface], expected[on_surface], strict=True):
        page.mouse.click(x, y)
        until(page, "() => window.lossatlas.state().pick !== null")
        picked = page.evaluate("() => window.lossatlas.state().pick")
        assert picked == pytest.approx(place.tolist(), abs=2e-3 * span)
        page.get_by_role("button", name="Back to the network").click()
        until(page, "() => window.lossatlas.state().pick === null")
    assert (page.locator("#landscape-plot").bounding_box() or {}) == box  # what appeared has taken no room
    for x, y in places[~on_surface][:3]:
        page.mouse.click(x, y)
    assert page.evaluate("() => window.lossatlas.state().pick") is None


def test_plotly_itself_sees_a_point_where_the_camera_says(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    rng = np.random.default_rng(1)
    points = rng.uniform([-1, -1, 0], [1, 1, 1], (12, 3))
    places = page.evaluate(
        """async (points) => {
            const [{cameraFor}, {landscapeLayout}] = await Promise.all(
                ['camera', 'landscape'].map((name) => import(new URL(`figures/${name}.js`, document.baseURI))));
            const root = document.createElement('div');
            root.id = 'oracle';
            const place = {position: 'fixed', left: 0, top: 0, width: '600px', height: '500px', zIndex: 99};
            Object.assign(root.style, place);
            document.body.append(root);
            const camera = cameraFor({x: -1, y: 1.3, z: 0.8}, {width: 600, height: 500});
            const layout = landscapeLayout(camera, 1);
            layout.scene.hovermode = 'closest';
            const [x, y, z] = [0, 1, 2].map((axis) => points.map((point) => point[axis]));
            const trace = {type: 'scatter3d', mode: 'markers', x, y, z, marker: {size: 4}};
            await window.Plotly.newPlot(root, [trace], layout, {displayModeBar: false, plotGlPixelRatio: 1});
            window.hovered = null;
            root.on('plotly_hover', ({points: [point]}) => { window.hovered = point.pointNumber; });
            return points.map((point) => camera.project(point)).map(({x, y}) => [x, y]);
        }""",
        points.tolist(),
    )
    desktop.complaints[:] = [each for each in desktop.complaints if "willReadFrequently" not in each]
    for index, (x, y) in enumerate(places):
        assert 0 < x < 600
        assert 0 < y < 500
        for other in (x + 30, x):  # Plotly hears of moves only
            page.mouse.move(other, y)
        until(page, "index => window.hovered === index", index)


def test_a_drag_turns_and_picks_nothing_and_the_camera_stays_above_the_floor(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    box = page.locator("#landscape-plot").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = page.evaluate("() => window.lossatlas.state().camera")
    page.mouse.move(x, y)
    page.mouse.down(button="right")
    page.mouse.move(x + 60, y + 40, steps=3)
    page.mouse.up(button="right")
    assert page.evaluate("() => window.lossatlas.state().camera") == before
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y - 500, steps=6)  # up: towards the horizon and, if that could be, below the floor
    sharpness = (
        "() => document.querySelector('.drawing').layout.width / document.querySelector('#landscape-plot').clientWidth"
    )
    assert page.evaluate(sharpness) == 1
    page.mouse.up()
    page.wait_for_url("**camera=*")
    turned = page.evaluate("() => window.lossatlas.state()")
    assert turned["pick"] is None
    assert turned["camera"]["z"] > 0
    for _ in range(9):
        page.get_by_role("button", name="Tilt down").click()
    assert page.evaluate("() => window.lossatlas.state().camera.z") > 0
    page.get_by_role("button", name="Reset").click()
    until(page, AT_REST)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2, y + 1)  # a hand is not that steady
    page.mouse.up()
    until(page, "() => window.lossatlas.state().pick !== null")


def test_a_view_turned_by_fingers_stays_and_is_in_the_link(exported: Site, browser: Any) -> None:
    for phone in watched(
        browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    ):
        page = phone.open(exported.url + "?epoch=60")
        assert page.evaluate("() => getComputedStyle(document.querySelector('#landscape-plot')).touchAction") == "pan-y"
        box = page.locator("#landscape-plot").bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        session = page.context.new_cdp_session(page)

        def touch(kind: str, *points: tuple[float, float], session: Any = session) -> None:
            told = [{"x": px, "y": py, "id": index} for index, (px, py) in enumerate(points)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": told})

        touch("touchStart", (x - 60, y))
        for step in range(1, 9):
            touch("touchMove", (x - 60 + 12 * step, y))
        touch("touchEnd")
        page.wait_for_url("**camera=*")
        turned = page.evaluate("() => window.lossatlas.state().camera")
        page.locator("body").press("Home")
        wait_for_frame(page, 0)
        assert page.evaluate("() => window.lossatlas.state().camera") == turned
        touch("touchStart", (x - 30, y), (x + 30, y))
        for step in range(1, 9):
            touch("touchMove", (x - 30 - 5 * step, y), (x + 30 + 5 * step, y))
        touch("touchEnd")
        until(page, "before => window.lossatlas.state().camera.z < before", turned["z"] * 0.8)
        assert page.evaluate("() => window.lossatlas.state().pick") is None


def test_lost_graphics_come_back_and_give_way_to_the_map_in_the_end(exported: Site, browser: Any) -> None:
    lose = """() => document.querySelector('#landscape-plot .drawing canvas').getContext('webgl')
        .getExtension('WEBGL_lose_context').loseContext()"""
    for seen in watched(browser, viewport={"width": 1100, "height": 620}, reduced_motion="reduce"):
        page = seen.open(exported.url + "?epoch=60")
        until(page, AT_REST)
        page.evaluate(lose)
        until(page, "() => document.querySelector('#landscape-plot').dataset.lost === 'true'")
        assert page.locator(".still").is_visible()  # meanwhile the last picture stays
        until(page, "() => document.querySelector('#landscape-plot').dataset.lost === undefined")
        until(page, AT_REST)
        opaque = """() => { const still = document.querySelector('.still');
            const {data} = still.getContext('2d').getImageData(0, 0, still.width, still.height);
            return data.filter((value, at) => at % 4 === 3 && value > 200).length / (data.length / 4); }"""
        assert page.evaluate(opaque) > 0.2
        for _ in range(3):
            until(page, "() => document.querySelector('#landscape-plot .drawing canvas') !== null")
            page.evaluate(lose)
            page.wait_for_timeout(50)
            until(
                page,
                "() => document.querySelector('#landscape-plot').dataset.lost === undefined || "
                "!document.querySelector('#flat-note').hidden",
            )
        expect(page.locator("#flat-note")).to_contain_text("gave up")
        expect(page.locator("#landscape-map")).to_be_visible()
        seen.complaints[:] = [each for each in seen.complaints if "WebGL" not in each and "CONTEXT_LOST" not in each]


def test_on_paper_both_plots_are_whole(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    until(page, AT_REST)
    page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 700, "height": 1000})
    for name in ("landscape", "boundary"):
        box = page.locator(f".{name} .plot-body").bounding_box()
        assert box
        assert box["width"] > 250
        assert box["height"] > 150
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 700
    assert page.locator(".still").is_visible()
    assert not page.locator(".toolbar").is_visible()
    pdf = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2


def test_nothing_private_of_plotly_is_touched() -> None:
    private = re.compile(
        r"_fullLayout|_fullData|\b_scene\b|glplot|drawPick|readPixels|\bprototype\b.*getContext|plot\._\w"
    )
    touched = [
        path.name for path in WEB.rglob("*.js") if "vendor" not in path.parts and private.search(path.read_text())
    ]
    assert touched == []


@pytest.mark.parametrize("view", ["surface", "contours"])
def test_a_picture_is_the_same_whatever_was_shown_before(exported: Site, desktop: Watched, view: str) -> None:
    page = desktop.open(f"{exported.url}?epoch=20&view={view}")

    def picture() -> list[bytes]:
        if view == "surface":
            until(page, AT_REST)
        page.mouse.move(1, 1)
        return [page.locator(f".{plot} .plot-body").screenshot() for plot in ("landscape", "boundary")]

    first = picture()
    frame = page.evaluate("() => window.lossatlas.shown().frame")

    def back() -> None:
        page.get_by_role("slider", name="Epoch").evaluate(
            "(input, frame) => { input.value = frame; input.dispatchEvent(new Event('input')); }", frame
        )
        wait_for_frame(page, frame)
        page.evaluate("() => document.activeElement.blur()")

    for keys in (("End", "Home"), ("ArrowRight",)):
        for key in keys:
            page.locator("body").press(key)
        back()
        assert picture() == first, keys
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Theme").click()
    page.evaluate("() => document.activeElement.blur()")
    assert picture() == first, "theme"
    page.set_viewport_size({"width": 900, "height": 700})
    until(page, "() => innerWidth === 900")
    page.set_viewport_size({"width": 1100, "height": 620})
    until(page, "() => innerWidth === 1100")
    assert picture() == first, "size"
    page.get_by_role("radio", name="Three arms").press("Space")
    until(page, "() => window.lossatlas.shown().run.startsWith('arms')")
    page.go_back()
    until(page, "run => window.lossatlas.shown().run === run", MOONS.id)
    back()
    assert picture() == first, "another run"


def test_the_network_is_seen_in_every_frame_of_the_run_that_the_page_opens_on(exported: Site, desktop: Watched) -> None:
    run = compute_run(OPENING.with_values(planes=OPENING.planes[:1], curvature={"frames": 0}))
    page = desktop.open(exported.url + "?epoch=60")
    surfaces = run.loss_surface["fresh"][0]
    assert unit_coordinates(surfaces.shape[-1])[surfaces.shape[-1] // 2] == 0
    hidden = page.evaluate(
        """async ({surfaces, losses, size}) => {
            const [{cameraFor}, {reliefOf}, {ballAt, isHidden}, {lossRange}, {HOME}] = await Promise.all(
                ['figures/camera', 'figures/landscape', 'figures/axes3d', 'figures/range', 'state'].map(
                    (name) => import(new URL(`${name}.js`, document.baseURI))));
            const frames = surfaces.map((values) => Float32Array.from(values));
            const range = lossRange(frames, 'log');
            return [[540, 500], [470, 340], [390, 320]].map(([width, height]) => {
                const camera = cameraFor(HOME, {width, height});
                return frames.filter((values, t) => {
                    const relief = reliefOf(values, size, range);
                    const at = ballAt(relief, camera, range, {place: [0, 0], loss: losses[t], upon: true});
                    return isHidden(at, relief, camera);
                }).length;
            });
        }""",
        {
            "surfaces": surfaces.reshape(len(surfaces), -1).tolist(),
            "losses": run.trajectory.metrics["train_loss"].tolist(),
            "size": surfaces.shape[-1],
        },
    )
    assert hidden == [0, 0, 0]
