"""Tests the figures of “Share and save”, which show one plot alone: their sizes, their looks and their numbers."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lossatlas.arrays import Floats
from tests.support.modules import with_constants
from tests.support.pages import Watched
from tests.support.sharing import download_file, open_dialog
from tests.web.conftest import PLANES, Site

pytestmark = pytest.mark.browser
SVG = "{http://www.w3.org/2000/svg}"
INCH = 25.4


def choose(page: Page, **look: str) -> None:
    """Choose what the figure shows, and its look."""
    for name, value in look.items():
        control = page.get_by_label(f"{name.capitalize()} of the {'width' if name == 'unit' else 'figure'}")
        if name in {"width", "density"}:
            control.fill(value)
        else:
            control.select_option(value)


def save(page: Page, kind: str, **look: str) -> bytes:
    """Return a figure in the format of that name."""
    choose(page, format=kind, **look)
    return download_file(page, f"Save figure ({kind})")[1]


def drawing_of(page: Page, **look: str) -> ElementTree.Element:
    return ElementTree.fromstring(save(page, "SVG", **look))


def texts(drawing: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in drawing.iter(f"{SVG}text")]


def open_figures(page: Page) -> None:
    open_dialog(page)
    if page.locator(".figure details[open]").count() == 0:  # an earlier test may have left it open
        page.locator(".figure summary").click()


def points_of(d: str) -> Floats:
    """Return the corners of a path of straight lines, [points, 2]."""
    return np.array([[float(x) for x in pair] for pair in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", d)])


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the chunks of a PNG file, and check their sums."""
    at = 8
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        name, content = png[at + 4 : at + 8], png[at + 8 : at + 8 + size]
        assert zlib.crc32(name + content) == struct.unpack_from(">I", png, at + 8 + size)[0]
        yield name, content
        at += 12 + size


READ = """async (base64) => {
    const image = await createImageBitmap(new Blob([Uint8Array.fromBase64(base64)]));
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    const {data} = context.getImageData(0, 0, image.width, image.height);
    return [image.height, image.width, new Uint8Array(data.buffer).toBase64()];
}"""


def read_picture(page: Page, png: bytes) -> Any:
    """Return the pixels of a picture, [height, width, 4]."""
    height, width, pixels = page.evaluate(READ, base64.b64encode(png).decode())
    return np.frombuffer(base64.b64decode(pixels), np.uint8).reshape(height, width, 4)


def test_a_figure_has_the_size_the_density_and_the_look_that_were_chosen(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?run={PLANES.id}&epoch=60&view=contours&plane=pca")
    open_figures(page)
    expect(page.get_by_label("Plot of the figure")).to_have_value("contours")  # the view that is seen
    offered = page.get_by_label("Plot of the figure").locator("option").evaluate_all("all => all.map((o) => o.value)")
    assert offered == ["surface", "contours", "section", "boundary", "loss", "curvature"]

    png = save(page, "PNG", width="90", density="254", background="Transparent")
    [(_, density)] = [chunk for chunk in chunks(png) if chunk[0] == b"pHYs"]
    assert struct.unpack(">IIB", density) == (10_000, 10_000, 1)  # 254 dpi are 10,000 pixels to the metre
    seen = read_picture(page, png)
    assert seen.shape[1] == 900
    assert seen[2, 2, 3] == 0
    assert seen[450, 450, 3] == 255

    dark = read_picture(page, save(page, "PNG", width="60", density="96", colours="Dark", background="Filled"))
    light = read_picture(page, save(page, "PNG", colours="Light"))
    assert dark.shape == light.shape
    assert (dark[2, 2] < [40, 40, 40, 256]).all()
    assert list(light[2, 2]) == [255, 255, 255, 255]

    choose(page, unit="px")
    assert page.get_by_label("Width of the figure").input_value() == "227"  # 60 mm at 96 dpi
    assert read_picture(page, save(page, "PNG", width="640", density="192")).shape[1] == 640

    choose(page, unit="mm", width="20")
    page.get_by_role("button", name="Save figure (PNG)").click()
    fault = page.get_by_label("Width of the figure").evaluate("(input) => input.validationMessage")
    assert fault == "A figure is 50 to 500 mm wide, and this one would be 20 mm."
    drawing = drawing_of(page, width="120")
    assert drawing.get("width") == "120mm"
    assert float(drawing.get("viewBox", "").split()[2]) == pytest.approx(120 / INCH * 96, abs=0.01)
    assert desktop.page.url.count("contours") == 1  # the page itself has not changed


def test_the_numbers_of_a_figure_are_those_of_the_arrays(exported: Site, desktop: Watched) -> None:
    run = exported.run(PLANES)
    page = desktop.show(f"{exported.url}?run={PLANES.id}&epoch=60&view=surface&plane=pca&log=1")
    open_figures(page)
    map_ = drawing_of(page, plot="contours")
    span = page.evaluate("() => window.lossatlas.shown().span")
    check_contours(map_, np.log10(run.surface("pca", frame=-1, span=span, grid=PLANES.planes[1].grid).loss))

    boundary = drawing_of(page, plot="boundary")
    dataset = run.setup.dataset
    marks = [path for path in boundary.iter(f"{SVG}path") if path.get("stroke-width") in {"0.8", "1.6"}]
    assert sum(path.get("d", "").count("M") for path in marks) == len(dataset.points)
    assert set(dataset.class_names) < set(texts(boundary))

    curves = drawing_of(page, plot="loss")
    [first] = [path for path in curves.iter(f"{SVG}path") if path.get("class") == "first"]
    heights = points_of(first.get("d", ""))[:, 1]
    expected = np.log10(run.trajectory.metrics["train_loss"])
    # The heights are a straight line over the logarithms, up to the rounding of the drawing.
    assert np.corrcoef(heights, expected)[0, 1] == pytest.approx(-1, abs=1e-4)

    curvature = drawing_of(page, plot="curvature")
    assert {"λ max", "λ min"} < set(texts(curvature))
    assert any(text.startswith("2/η = ") for text in texts(curvature))


def check_contours(drawing: ElementTree.Element, losses: Floats) -> None:
    """Check that the loss at each end of each line of equal loss is one of those that the colour bar names."""
    size = len(losses)
    image = next(iter(drawing.iter(f"{SVG}image")))
    parent = next(svg for svg in drawing.iter(f"{SVG}svg") if image in list(svg))
    left, top, side = (float(parent.get(name, "")) for name in ("x", "y", "width"))
    lines = [path for path in drawing.iter(f"{SVG}path") if path.get("stroke-opacity") in {"0.45", "0.55"}]
    assert len(lines) >= 2
    levels = set()
    for line in lines:
        across, up = ((points_of(line.get("d", "")) - [left, top]) * [1, -1] + [0, side]).T / side * (size - 1)
        on_edge = (np.abs(across - across.round()) < 0.02) | (np.abs(up - up.round()) < 0.02)
        assert on_edge.mean() > 0.6  # the others lie on the diagonals of cells
        found = bilinear(losses, across[on_edge], up[on_edge])
        assert np.ptp(found) < 0.02 * np.ptp(losses)
        levels.add(float(f"{10 ** np.median(found):.1g}"))
    named = {float(text) for text in texts(drawing) if re.fullmatch(r"\d*\.?\d+", text)}
    assert len(levels & named) >= len(levels) / 2


def bilinear(values: Floats, x: Floats, y: Floats) -> Floats:
    i, j = (np.clip(np.floor(at).astype(int), 0, len(values) - 2) for at in (x, y))
    u, v = x - i, y - j
    low = (1 - u) * values[j, i] + u * values[j, i + 1]
    high = (1 - u) * values[j + 1, i] + u * values[j + 1, i + 1]
    found: Floats = (1 - v) * low + v * high
    return found


SURFACE = with_constants("""async ({values, grid, eye, pixels}) => {
    const from = (path) => import(new URL(path, document.baseURI).href);
    const [{drawSurfacePart}, {readTheme}, {createCamera}, {findHit, GROUND}, {computeMapColour}, {createRelief},
        {findLossRange}] =
        await Promise.all(['features/share/surface_part', 'lib/theme', 'figures/camera', 'figures/relief',
            'figures/colours', 'figures/landscape', 'figures/range'].map((name) => from(`${name}.js`)));
    const range = findLossRange([values], 'linear');
    const shot = {span: 1, frame: 0, path: false, follow: true};
    const picture = {values, grid, range, shot, path: null, place: null, mark: null, way: null, loss: 0};
    const size = {width: 400, height: 300};
    const svg = drawSurfacePart(picture, eye, size, readTheme());
    const {ray} = createCamera(eye, size);
    const {heights} = createRelief(values, grid, range);
    const seen = pixels.map(([x, y]) => {
        const hit = findHit(heights, grid, ray(x, y));
        return hit && computeMapColour(range.kind, (hit[2] - GROUND) / (1 - GROUND));
    });
    return [svg, seen];
}""")


def test_the_surface_is_painted_from_the_farthest_to_the_nearest_triangle(exported: Site, desktop: Watched) -> None:
    """On top of each pixel is the part of the surface that the ray of this pixel meets first."""
    page = desktop.show(f"{exported.url}?run={PLANES.id}&epoch=60&view=section")
    grid = 31
    a, b = np.meshgrid(*[np.linspace(-1, 1, grid)] * 2)
    values = 1 + np.cos(5 * a) * np.cos(4 * b) + 0.3 * a  # hills that hide each other
    pixels = np.random.default_rng(0).uniform((0, 0), (400, 300), (1000, 2))
    for eye in ((1.4, 1.2, 0.5), (-1.5, 0.2, 0.3), (0.1, -1.0, 1.6)):
        view = {"values": values.ravel().tolist(), "grid": grid, "eye": dict(zip("xyz", eye, strict=True))}
        svg, seen = page.evaluate(SURFACE, {**view, "pixels": pixels.tolist()})
        faces = re.findall(r'<path d="(M[^"]*)Z" fill="#(\w{6})" stroke="#\2"/>', svg)
        assert len(faces) >= 2 * (grid - 1) ** 2
        corners = np.array([points_of(d) for d, _ in faces])
        fills = np.array([[int(fill[i : i + 2], 16) for i in (0, 2, 4)] for _, fill in faces], float)
        distances = [
            np.abs(unit(fills[covering[-1]]) - unit(expected)).max()
            for pixel, expected in zip(pixels, seen, strict=True)
            if expected and len(covering := np.flatnonzero(contains(corners, pixel)))
        ]
        assert len(distances) > 150
        assert np.quantile(distances, 0.97) < 0.05  # others are at the edge of a hill


#: JavaScript that draws the surface as a figure from a low camera, 400 pixels wide.
LOW_FIGURE = """async ({values, grid, eye}) => {
    const from = (path) => import(new URL(path, document.baseURI).href);
    const [{composeFigure}, {readTheme}, {findLossRange}] = await Promise.all(
        ['features/share/figures', 'lib/theme', 'figures/range'].map((name) => from(`${name}.js`)));
    const shot = {span: 1, frame: 0, path: false, follow: true};
    const range = findLossRange([values], 'linear');
    const picture = {values, grid, range, shot, path: null, place: null, mark: null, way: null, loss: 0, title: 'loss'};
    const {size, svg} = composeFigure('surface', {picture}, {width: 400, theme: readTheme(), paper: null, eye});
    return [size.height, svg];
}"""


def test_a_surface_from_a_low_camera_leaves_no_empty_room(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?run={PLANES.id}&epoch=60&view=section")
    a, b = np.meshgrid(*[np.linspace(-1, 1, 15)] * 2)
    values = (a**2 + b**2).ravel().tolist()
    height, svg = page.evaluate(LOW_FIGURE, {"values": values, "grid": 15, "eye": {"x": 1.8, "y": 0.6, "z": 0.25}})
    [(top, seen)] = re.findall(r'<svg x="0" y="40" width="400" height="[\d.]+" viewBox="0 ([\d.]+) 400 ([\d.]+)">', svg)
    assert height == pytest.approx(40 + float(seen), abs=0.02)
    assert float(seen) < 0.7 * 0.74 * 400
    surface = svg.partition('<svg x="0"')[2]
    drawn = np.concatenate([points_of(d)[:, 1] for d in re.findall(r'<path (?:class="\w+" )?d="(M[^"]*)"', surface)])
    inside = drawn - float(top)
    assert 0 < inside.min() < 40
    assert 0 < float(seen) - inside.max() < 40


def unit(colour: Any) -> Floats:
    """Return a colour without its light."""
    found: Floats = np.asarray(colour) / np.linalg.norm(colour)
    return found


def contains(triangles: Floats, point: Floats) -> Any:
    edges = np.roll(triangles, -1, axis=1) - triangles
    away = point - triangles
    sides = edges[..., 0] * away[..., 1] - edges[..., 1] * away[..., 0]
    return (sides >= 0).all(axis=1) | (sides <= 0).all(axis=1)


def streams_of(pdf: bytes) -> list[bytes]:
    """Return the content of all streams of a PDF file that are text."""
    found = re.findall(rb"/FlateDecode[^>]*>>\s*stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    return [zlib.decompress(stream) for stream in found]


def test_a_pdf_has_the_size_of_the_paper_lines_and_embedded_letters(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?run={PLANES.id}&epoch=60&view=section&plane=pca&log=1")
    assert not [url for url in desktop.requests if "jspdf" in url or "/inter-" in url]
    open_figures(page)
    pdf = save(page, "PDF", width="85")
    [box] = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", pdf)
    assert float(box[0]) == pytest.approx(85 / INCH * 72, abs=0.01)
    assert float(box[1]) == pytest.approx(float(box[0]) * (0.66 + 6 / (85 / INCH * 96)), abs=0.1)
    assert pdf.count(b"/FontFile2") == 2  # upright and italic
    assert b"/Subtype /Image" not in pdf  # sections are lines
    content = b"\n".join(streams_of(pdf))
    assert len(re.findall(rb"^[\d. -]+ [lc]$", content, re.MULTILINE)) > 50
    written = {chr(int(code, 16)) for code in re.findall(rb"<[\da-f]{4}><([\da-f]{4})>", content)}
    assert set("along0=−") <= written  # the letters can be searched and copied

    both = page.evaluate(PDF_OF, "損失 loss")
    assert both.count("/Subtype /Image") >= 1  # Inter has no Chinese letters
    assert "/Subtype /Image" not in page.evaluate(PDF_OF, "Größe λ")


#: Writes a figure that consists of a text, and returns the file as Latin-1.
PDF_OF = with_constants("""async (text) => {
    const {writePdf} = await import(new URL('features/share/pdf.js', document.baseURI).href);
    const svg = `<text x="40" y="20" font-size="12" fill="#000000" text-anchor="middle">${text}</text>`;
    const figure = {size: {width: 200, height: 40}, paper: null, behind: '', cells: [], svg, font: 'sans-serif'};
    return new TextDecoder('latin1').decode(await (await writePdf(figure)).arrayBuffer());
}""")
