"""Compares the pure functions of the surface, its camera and its range with slow and obvious NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import contourpy
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from lossatlas.arrays import Float64, Integers
from tests.support.modules import open_modules
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

SIZE = 12
GROUND = 0.06
#: A surface inside the box, one that leaves it in places, one with infinite and unknown losses, and a flat one.
SURFACES = ("gentle", "cut", "broken", "flat")


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    yield from open_modules(browser, served.url)


def surface(name: str, size: int = SIZE) -> Float64:
    rng = np.random.default_rng(SURFACES.index(name))
    a, b = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    heights = 0.2 + 0.3 * (a**2 + 0.6 * b**2) + 0.12 * rng.normal(size=(size, size)) * (name != "gentle")
    if name == "flat":
        return np.full((size, size), 0.4)
    if name in {"cut", "broken"}:
        heights += 1.4 * (a > 0.4) * (a - 0.4) + 0.8 * (b < -0.7)
    if name == "broken":
        heights[3, 4] = np.nan
        heights[8, 8:10] = 1e6
    return np.asarray(heights)


def send_heights(heights: Float64) -> list[float | None]:
    """Convert heights for the page. NaN becomes null, because JSON has no NaN."""
    return [None if np.isnan(value) else float(value) for value in heights.ravel()]


def triangles(heights: Float64) -> Integers:
    """List the triangles: two per cell, divided along the diagonal whose ends differ less."""
    size = heights.shape[0]
    flat = heights.ravel()
    found = []
    for row in range(size - 1):
        for column in range(size - 1):
            a = row * size + column
            b, c, d = a + 1, a + size, a + size + 1
            parted = abs(flat[b] - flat[c]) < abs(flat[a] - flat[d])
            found += [(a, b, c), (b, d, c)] if parted else [(a, b, d), (a, d, c)]
    return np.array(found)


def corners(heights: Float64) -> Float64:
    """Return the corners of triangles, ``[triangle, corner, (a, b, height)]``."""
    size = heights.shape[0]
    at = np.arange(size**2)
    places = np.column_stack([2 * (at % size) / (size - 1) - 1, 2 * (at // size) / (size - 1) - 1, heights.ravel()])
    return np.asarray(places[triangles(heights)], np.float64)


def find_first_hit(of: Float64, start: Float64, along: Float64) -> Float64 | None:
    """Find where a ray first meets a triangle below the top, by solving three linear equations for every triangle."""
    nearest = np.inf
    for p, q, r in of:
        matrix = np.column_stack([q - p, r - p, -along])
        if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-14:
            continue
        u, v, t = np.linalg.solve(matrix, start - p)
        inside = min(u, v) >= -1e-9 and u + v <= 1 + 1e-9 and 0 < t < nearest
        if inside and start[2] + t * along[2] <= 1 + 1e-9:
            nearest = t
    return None if nearest == np.inf else start + nearest * along


MEET = """async ({heights, size, rays}) => {
    const {findHit} = await import('/figures/relief.js');
    const numbers = Float64Array.from(heights, (value) => value ?? NaN);
    return rays.map(([from, along]) => findHit(numbers, size, {from, along}));
}"""
RAYS = """async ({eyes, size, places}) => {
    const {createCamera} = await import('/figures/camera.js');
    return eyes.flatMap(([x, y, z]) => {
        const camera = createCamera({x, y, z}, size);
        return places.map(([u, v]) => Object.values(camera.ray(u * size.width, v * size.height)));
    });
}"""


@pytest.mark.parametrize("name", SURFACES)
def test_a_ray_meets_the_triangle_that_a_search_of_all_of_them_finds(page: Page, name: str) -> None:
    rng = np.random.default_rng(1)
    heights = surface(name)
    eyes = [[1.3, 0.9, 0.8], [-1, 1, 0.3], [0.2, -1.6, 0.2], [0.05, 0.1, 1.7]]
    places = rng.uniform(size=(60, 2)).tolist()
    cast = page.evaluate(RAYS, {"eyes": eyes, "size": {"width": 700, "height": 520}, "places": places})
    upright = [
        [[a, b, 3], [0, 0, -1]] for a, b in rng.uniform(-1.2, 1.2, (20, 2))
    ]  # these rays are parallel to the sides of the box
    level = [[[a, -3, h], [0, 1, 0]] for a, h in zip(rng.uniform(-1, 1, 20), rng.uniform(0, 1, 20), strict=True)]
    rays = cast + upright + level
    found = page.evaluate(MEET, {"heights": send_heights(heights), "size": SIZE, "rays": rays})
    expected = [find_first_hit(corners(heights), np.array(start), np.array(along)) for start, along in rays]
    assert [place is None for place in found] == [place is None for place in expected]
    hits = [(f, e) for f, e in zip(found, expected, strict=True) if e is not None]
    assert len(hits) > 60
    np.testing.assert_allclose([f for f, _ in hits], [e for _, e in hits], atol=1e-7)


MESH = """async ({heights, size}) => {
    const {createMesh} = await import('/figures/relief.js');
    const {divideIntoTriangles} = await import('/figures/isolines.js');
    const numbers = Float64Array.from(heights, (value) => value ?? NaN);
    const mesh = createMesh(numbers, size, divideIntoTriangles(numbers, size));
    const shared = Float64Array.from(numbers, (_, at) => at / numbers.length);
    const other = createMesh(numbers, size, divideIntoTriangles(numbers, size), shared);
    const plain = (values) => values.map((value) => (Number.isNaN(value) ? null : value));
    return {...mesh, z: plain(mesh.z), intensity: plain(mesh.intensity), other: plain(other.intensity)};
}"""


def below(triangle: Float64, top: float = 1.0) -> float:
    """Compute the area, seen from above, of a triangle's part below a height, by Sutherland and Hodgman's clipping."""
    kept: list[Float64] = []
    for here, there in zip(triangle, np.roll(triangle, -1, axis=0), strict=True):
        if here[2] <= top:
            kept.append(here)
        if (here[2] <= top) != (there[2] <= top):
            kept.append(here + (top - here[2]) / (there[2] - here[2]) * (there - here))
    if len(kept) < 3:
        return 0.0
    x, y = np.array(kept)[:, 0], np.array(kept)[:, 1]
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


@pytest.mark.parametrize("name", SURFACES)
def test_the_mesh_is_the_surface_up_to_the_top_and_open_there(page: Page, name: str) -> None:
    heights = surface(name)
    mesh = page.evaluate(MESH, {"heights": send_heights(heights), "size": SIZE})
    x, y, z, colours, other = (np.array(mesh[key], np.float64) for key in ("x", "y", "z", "intensity", "other"))
    faces = np.column_stack([mesh[key] for key in "ijk"])
    grid = SIZE**2
    np.testing.assert_allclose(z[:grid], np.minimum(1, heights.ravel()))
    np.testing.assert_array_equal(z[grid:], 1)
    assert np.nanmax(z) <= 1
    assert (len(z) > grid) == (name in {"cut", "broken"})
    np.testing.assert_array_equal(colours, z)
    assert np.isfinite(z[faces]).all()
    # the mesh is open: a face lies in the top only if the surface itself does
    assert not (z[faces] == 1).all(axis=1).any()
    places = np.column_stack([x, y, z])[faces]
    areas = [below(triangle) for triangle in places]
    whole = [triangle for triangle in corners(heights) if np.isfinite(triangle).all()]
    assert sum(areas) == pytest.approx(sum(below(triangle) for triangle in whole), rel=1e-9)
    # other colours than the height are interpolated along the cut edge
    assert np.nanmax(other[grid:], initial=0) <= 1
    for at in range(grid, len(z)):
        u, v = ((x[at] + 1) / 2 * (SIZE - 1)), ((y[at] + 1) / 2 * (SIZE - 1))
        # The result is linear in the index, as the given colours are.
        assert other[at] == pytest.approx((v * SIZE + u) / grid, abs=1e-9)


REST = """async ({heights, size, balls, box}) => {
    const {findRestingHeight, measureSides} = await import('/figures/relief.js');
    const numbers = Float64Array.from(heights);
    return balls.map(([a, b, radius]) => findRestingHeight(numbers, size, [a, b], radius, measureSides(box)));
}"""


@pytest.mark.parametrize("name", ["gentle", "cut"])
def test_a_ball_at_rest_has_no_vertex_of_the_grid_inside_it(page: Page, name: str) -> None:
    size, box = 41, {"x": 1, "y": 1, "z": 0.45}
    heights = np.minimum(1, surface(name, size))
    rng = np.random.default_rng(2)
    balls = [[a, b, radius] for radius in (0.035, 0.1, 0.2) for a, b in rng.uniform(-1, 1, (40, 2))]
    rests = page.evaluate(REST, {"heights": send_heights(heights), "size": size, "balls": balls, "box": box})
    axis = np.linspace(-1, 1, size)
    a, b = np.meshgrid(axis, axis)
    vertices = np.stack([a / 2, b / 2, box["z"] * heights], axis=-1).reshape(-1, 3)
    pressed = 0
    for (at_a, at_b, radius), rest in zip(balls, rests, strict=True):
        away = np.linalg.norm(vertices - [at_a / 2, at_b / 2, box["z"] * rest], axis=1)
        assert away.min() >= radius / 2 * (1 - 1e-9)
        pressed += away.min() < radius / 2 * (1 + 1e-9)
    assert pressed > len(balls) / 3  # the ball does not hover: it touches a vertex, unless it lies between them


LINES = """async ({heights, size, levels}) => {
    const [{findEqualLines, measureSides}, {divideIntoTriangles}] =
        await Promise.all([import('/figures/relief.js'), import('/figures/isolines.js')]);
    const numbers = Float64Array.from(heights, (value) => value ?? NaN);
    const triangles = divideIntoTriangles(numbers, size);
    const box = measureSides({x: 1, y: 1, z: 0.4});
    const {above, below, floor, levels: of} = findEqualLines(numbers, size, triangles, levels, box, 0);
    const plain = ({x, y, z}) => [x, y, z].map((values) => values.map((value) => (Number.isNaN(value) ? null : value)));
    return [above, below, floor].map(plain).concat([of]);
}"""


@pytest.mark.parametrize("name", ["gentle", "cut"])
def test_the_lines_of_equal_height_are_those_of_another_contouring_on_the_edges_of_the_grid(
    page: Page, name: str
) -> None:
    heights, levels = surface(name), [0.3, 0.41, 0.55, 0.9]
    read = page.evaluate(LINES, {"heights": send_heights(heights), "size": SIZE, "levels": levels})
    above, below_it, floor = (np.array(line, np.float64).T for line in read[:3])
    of = np.array(read[3])
    # The lines are lifted to both sides.
    np.testing.assert_allclose((above + below_it)[:, :2] / 2, floor[:, :2], atol=1e-12)
    middle = (above + below_it)[:, 2] / 2
    drawn = np.isfinite(middle)
    np.testing.assert_allclose(middle[drawn], of[drawn], atol=1e-12)
    lift = np.linalg.norm((above - below_it)[drawn] / 2 * [0.5, 0.5, 0.4], axis=1)
    # The displacement has the same length on the screen everywhere.
    np.testing.assert_allclose(lift, 0.011 / 2, rtol=1e-6)
    for level in levels:
        ours = (floor[drawn & (of == level)][:, :2] + 1) / 2 * (SIZE - 1)
        assert_same_crossings(ours, heights, level)


def assert_same_crossings(ours: Float64, heights: Float64, level: float) -> None:
    """Assert equal crossings of the grid's edges, where both methods interpolate between the same two samples."""
    lines = contourpy.contour_generator(z=heights, name="serial").lines(level)
    theirs = np.concatenate([np.empty((0, 2)), *lines])
    on_edge = (np.abs(ours - np.round(ours)) < 1e-9).any(axis=1)
    found, expected = (np.unique(np.round(points, 7), axis=0) for points in (ours[on_edge], theirs))
    np.testing.assert_allclose(found, expected, atol=2e-7)


# The range

RANGE = """async ({surfaces, scale}) => {
    const {findLossRange, findFrameRange, computeShare, chooseLossTicks} = await import('/figures/range.js');
    const numbers = surfaces.map((values) => Float32Array.from(values, (value) => value ?? Infinity));
    const range = findLossRange(numbers, scale);
    const shares = (of, values) => Array.from(values, (value) => computeShare(of, value));
    return {
        range, shares: numbers.map((values) => shares(range, values)), ticks: chooseLossTicks(range),
        alone: numbers.map((values) => shares(findFrameRange(values, scale), values)),
    };
}"""


def bowls(seed: int, frames: int, decades: float, wild: float) -> list[Float64]:
    """Make losses like those of a training: bowls that sink over some decades, with corners ``wild`` times as high."""
    rng = np.random.default_rng(seed)
    axis = np.linspace(-1, 1, 9)
    a, b = np.meshgrid(axis, axis)
    found = []
    for t in np.linspace(0, 1, frames):
        centre = 10 ** (-decades * t)
        bowl = centre * (1 + rng.uniform(0.5, 20) * (a**2 + b**2)) * (1 + 0.05 * rng.normal(size=a.shape) ** 2)
        bowl[np.hypot(a, b) > 1.3] *= wild
        found.append(bowl)
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 2**16),
    frames=st.integers(1, 12),
    decades=st.floats(0, 14),
    wild=st.floats(1, 1e5),
    scale=st.sampled_from(["linear", "log"]),
)
def test_no_range_cuts_a_whole_frame_away(
    page: Page, seed: int, frames: int, decades: float, wild: float, scale: str
) -> None:
    surfaces = bowls(seed, frames, decades, wild)
    read: dict[str, Any] = page.evaluate(
        RANGE, {"surfaces": [values.ravel().tolist() for values in surfaces], "scale": scale}
    )
    assert read["range"]["high"] > read["range"]["low"]
    for shares in read["shares"]:
        assert np.mean(np.array(shares) <= 1) > 0.5
        assert scale == "linear" or np.mean(np.array(shares) >= 0) > 0.5
    for shares in read["alone"]:  # the range of a single frame is filled
        seen = np.array(shares)[np.array(shares) <= 1]
        assert len(seen) >= 0.9 * len(shares)
        assert np.ptp(seen) > 0.4 or wild > 1


LABELS = """async ({eyes, panels}) => {
    const [{createCamera}, {drawLabels}, {readTheme}] = await Promise.all(
        ['figures/camera', 'figures/axes3d', 'lib/theme'].map((name) => import(`/${name}.js`)));
    const range = {kind: 'loss', low: 0.01, high: 12, min: 0.01, max: 12, clipped: false, floored: false, scale: 'log'};
    return eyes.flatMap(([x, y, z]) => panels.map(([width, height]) => {
        const camera = createCamera({x, y, z}, {width, height});
        const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
        svg.innerHTML = drawLabels(camera, range, 1, readTheme());
        return [...svg.querySelectorAll('text')].map((text) => ({
            x: Number(text.getAttribute('x')), y: Number(text.getAttribute('y')), text: text.textContent,
            end: text.parentElement.getAttribute('text-anchor') === 'end', turned: text.hasAttribute('transform'),
        }));
    }));
}"""


def test_the_labels_of_the_axes_are_upright_apart_and_in_their_panel(page: Page) -> None:
    turns = np.linspace(0, 2 * np.pi, 9)[:-1]
    eyes = [
        [2.2 * np.cos(t) * np.cos(e), 2.2 * np.sin(t) * np.cos(e), 2.2 * np.sin(e)] for t in turns for e in (0.2, 1)
    ]
    panels = [[540, 500], [470, 340], [390, 320], [382, 198]]
    found = page.evaluate(LABELS, {"eyes": [[0.3, -1.19, 1.83], *eyes], "panels": panels})
    for at, labels in enumerate(found):
        width, height = panels[at % len(panels)]
        assert not any(label["turned"] for label in labels)
        assert [label["text"] for label in labels].count("a") == 1
        losses = sorted(label["y"] for label in labels if label["end"])
        assert len(losses) >= 1
        assert np.diff(losses).min(initial=np.inf) >= 11.9
        if at < len(panels):  # the default camera shows all labels
            assert all(0 <= label["x"] <= width and 8 <= label["y"] <= height for label in labels)
