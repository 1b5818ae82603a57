"""Tests planes, views, losses, path and curvature: controls are found by name, pictures compared with the arrays."""

from __future__ import annotations

import base64
import json
import re
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from lossatlas.landscape import Cut
from lossatlas.site import export_site
from lossatlas.store import Gallery
from tests.support.drawn import Drawn, assert_drawn
from tests.support.pages import Watched, until
from tests.web.conftest import EITHER, PLANES, Silent, Site, app_in_thread, static_server
from tests.web.test_controls import wait_for_frame, zoom_in

pytestmark = pytest.mark.browser

LINK = f"?hidden=8&run={PLANES.id}"
#: In its plane ``fresh`` the path is inside the first span; in ``pca`` it is inside the first and outside the last.
FIRST = {"plane": "fresh", "view": "surface", "set": "train", "follow": True, "path": False, "pick": None}


def picture(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("() => window.lossatlas.slice()")
    return found


def wait_for(page: Page, **wanted: Any) -> None:
    until(
        page,
        "wanted => Object.entries(wanted).every(([name, value]) => window.lossatlas.slice()?.[name] === value)",
        wanted,
    )


def switch(page: Page, name: str) -> Locator:
    return page.get_by_role("switch", name=name)


def choose(page: Page, group: str, name: str) -> None:
    page.get_by_role("radiogroup", name=group, exact=True).get_by_role("radio", name=name, exact=True).press("Space")


def find_cut(site: Site, name: str) -> Cut:
    return next(cut for cut in site.run(PLANES).cuts if cut.plane.name == name)


def traces(page: Page, root: str) -> list[dict[str, Any]]:
    """Return the traces in Plotly, with NaN restored, which JSON lacks."""
    found: list[dict[str, Any]] = page.evaluate(
        """root => document.querySelector(root).data.map(({type, x, y, z}) => ({
            type, x: Array.from(x ?? []), y: Array.from(y ?? []),
            z: Array.from(z ?? []),
        }))""",
        root,
    )
    return found


SECTION = "#landscape-section .js-plotly-plot"
MAP = "#landscape-map .js-plotly-plot"


def test_another_plane_is_fetched_when_it_is_chosen_and_drawn_as_it_is_stored(site: Site, desktop: Watched) -> None:
    page = desktop.open(site.url + LINK + "&epoch=60")
    assert picture(page) == FIRST
    page.wait_for_load_state("networkidle")
    assert not [url for url in desktop.requests if "/planes/" in url and "/planes/fresh/" not in url]
    select = page.get_by_role("combobox", name="Plane")
    titles = [plane.title for plane in site.run(PLANES).planes]
    assert select.locator("option").all_inner_texts() == titles
    select.select_option(label="PCA of the path")
    wait_for(page, plane="pca", follow=False, path=True)
    stored = find_cut(site, "pca")
    assert_drawn(page, stored.loss_surface[0, 0].astype(np.float64))
    np.testing.assert_allclose(Drawn(page).axis, stored.plane.spans[0] * np.linspace(-1, 1, 15), atol=1e-12)
    page.wait_for_url("**plane=pca*")
    asked = len(desktop.requests)
    for frame in (10, 9, 8):
        page.locator("body").press("ArrowLeft")
        wait_for_frame(page, frame)
    assert desktop.requests[asked:] == []


def test_the_path_is_drawn_where_the_arrays_say_and_clipped_at_the_edge(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + LINK + "&plane=pca&epoch=0", view="surface")
    stored, losses = find_cut(exported, "pca"), exported.run(PLANES).trajectory.metrics["train_loss"]
    path = stored.path.coordinates
    found = Drawn(page)
    line = found.line("path")
    np.testing.assert_allclose(line[:, :2], path, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(line[:, 2], stored.path_loss, rtol=1e-9)
    assert_ball(page, path[0], losses[0])
    np.testing.assert_allclose(found.line("drop")[:, 2], [losses[0], stored.path_loss[0]], rtol=1e-9)
    np.testing.assert_allclose(found.line("drops").reshape(12, 3, 3)[:, 0, 2], losses, rtol=1e-9)
    page.locator("body").press("ArrowRight")
    wait_for_frame(page, 1)
    np.testing.assert_allclose(Drawn(page).line("drop")[0, :2], path[1], rtol=1e-9)
    assert_ball(page, path[1], losses[1])

    zoom_in(page)
    span = min(stored.plane.spans)
    until(page, "span => window.lossatlas.shown().span === span", span)
    points = Drawn(page).line("path")[:, :2]
    inside = np.abs(path).max(axis=1) <= span
    assert not inside[1]
    assert np.nanmax(np.abs(points)) <= span * (1 + 1e-9)
    for point in path[inside]:
        assert np.abs(points - point).max(axis=1).min() < 1e-9
    expect(page.locator("#landscape-plot .marks circle")).to_have_count(0)
    expect(page.get_by_role("region", name="Loss landscape")).to_contain_text("the parameters are outside this zoom")

    switch(page, "Path").press("Space")
    wait_for(page, path=False)
    assert not Drawn(page).has("path")
    page.wait_for_url("**path=false*")


def assert_ball(page: Page, place: np.ndarray[Any, Any], loss: float) -> None:
    """Assert that the ball (or its ring, if a wall hides it) is where the camera sees this place at this loss."""
    away = page.evaluate(
        """async ([place, loss]) => {
            const [{createCamera}, {computeHeight}, {placeBall}] = await Promise.all(
                ['camera', 'relief', 'axes3d'].map((name) => import(new URL(`figures/${name}.js`, document.baseURI))));
            const root = document.querySelector('#landscape-plot');
            const size = {width: root.clientWidth, height: root.clientHeight};
            const camera = createCamera(window.lossatlas.state().camera, size);
            const {span, scale} = window.lossatlas.shown();
            const range = {...window.lossatlas.range(), scale};
            const radius = 0.035 / 2 / camera.box.z;
            const seen = camera.project([place[0] / span, place[1] / span, computeHeight(range, loss) + radius]);
            const ball = root.querySelector('.ball, .hidden-ball');
            return Math.hypot(ball.getAttribute('cx') - seen.x, ball.getAttribute('cy') - seen.y);
        }""",
        [place.tolist(), float(loss)],
    )
    assert away < 0.2


def test_the_contour_map_has_a_dot_a_frame_and_the_current_one_marked(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + LINK + "&plane=pca&epoch=60")
    choose(page, "View", "Contours")
    wait_for(page, view="contours")
    stored = find_cut(exported, "pca")
    dots = traces(page, MAP)[-1]
    np.testing.assert_allclose(np.column_stack([dots["x"], dots["y"]]), stored.path.coordinates, rtol=1e-9, atol=1e-12)
    assert_marked(page, stored.path.coordinates[11], stored.plane.spans[0])
    page.locator("h2").first.click()
    page.locator("body").press("Home")
    wait_for_frame(page, 0)
    assert_marked(page, stored.path.coordinates[0], stored.plane.spans[0])
    assert_map(page, stored.loss_surface[0, 0])
    page.wait_for_url("**view=contours*")


def assert_marked(page: Page, place: np.ndarray[Any, Any], span: float) -> None:
    """Assert that the middle of the mark is at this place of the axes."""
    mark = page.locator("#landscape-map .here").bounding_box()
    box = page.locator("#landscape-map canvas").bounding_box()
    assert mark is not None
    assert box is not None
    x = (mark["x"] + mark["width"] / 2 - box["x"]) / box["width"]
    y = 1 - (mark["y"] + mark["height"] / 2 - box["y"]) / box["height"]
    np.testing.assert_allclose([x, y], (place / span + 1) / 2, atol=0.01)


def assert_map(page: Page, surface: np.ndarray[Any, Any]) -> None:
    """Assert that lighter pixels mean larger losses, as in Viridis, in the cells without contours and path."""
    text = page.evaluate(
        """() => {
            const canvas = document.querySelector('#landscape-map canvas');
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return new Uint8Array(data.buffer).toBase64();
        }"""
    )
    pixels = np.frombuffer(base64.b64decode(text), np.uint8).astype(np.float64)
    side = round(np.sqrt(len(pixels) / 4))
    light = pixels.reshape(side, side, 4)[::-1, :, :3] @ [0.2126, 0.7152, 0.0722]
    at = np.round(np.linspace(0, side - 1, surface.shape[0])).astype(int)
    ranks = [values.ravel().argsort().argsort() for values in (surface, light[np.ix_(at, at)])]
    assert np.corrcoef(ranks)[0, 1] > 0.9


def test_the_section_is_the_middle_row_and_the_middle_column(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + LINK + "&view=section&epoch=60")
    run, stored = exported.run(PLANES), find_cut(exported, "fresh")

    def assert_curves(frame: int) -> None:
        along_b, along_a, mark_b, mark_a, *_ = traces(page, SECTION)
        np.testing.assert_allclose(along_a["y"], stored.loss_surface[0, frame, 7], rtol=1e-6)
        np.testing.assert_allclose(along_b["y"], stored.loss_surface[0, frame, :, 7], rtol=1e-6)
        for mark in (mark_a, mark_b):
            assert (mark["x"], mark["y"]) == ([0], pytest.approx([run.trajectory.metrics["train_loss"][frame]]))

    assert_curves(11)
    page.locator("body").press("ArrowLeft")
    wait_for_frame(page, 10)
    assert_curves(10)
    line = "() => document.querySelector('#landscape-section .scatterlayer path.js-line').getAttribute('d')"
    before = page.evaluate(line)
    page.locator("body").press("Home")
    wait_for_frame(page, 0)
    until(page, f"before => ({line})() !== before", before)  # the curve is also visible on the screen


def test_the_gap_is_the_test_loss_minus_the_training_loss_around_the_fixed_centre(
    exported: Site, desktop: Watched
) -> None:
    page = desktop.show(exported.url + LINK + "&epoch=60&scale=log", view="surface")
    choose(page, "Loss", "Gap")
    wait_for(page, set="gap", follow=False)
    stored = find_cut(exported, "fresh")
    gap = stored.test_loss_surface[0, 0].astype(np.float64) - stored.loss_surface[0, -1]
    found = Drawn(page)
    assert found.low == -found.high
    np.testing.assert_allclose(found.losses, np.clip(gap, found.low, found.high), rtol=1e-5, atol=1e-6)
    metrics = exported.run(PLANES).trajectory.metrics
    assert_ball(page, np.zeros(2), metrics["test_loss"][-1] - metrics["train_loss"][-1])
    land = page.get_by_role("region", name="Loss landscape")
    expect(land).to_contain_text("test losses are stored only there")
    expect(switch(page, "Follow the parameters")).to_be_disabled()
    expect(switch(page, "Log loss")).to_be_disabled()
    assert found.scale == "linear"
    page.wait_for_url("**set=gap*")
    choose(page, "Loss", "Test")
    wait_for(page, set="test")
    assert_drawn(page, stored.test_loss_surface[0, 0].astype(np.float64))
    choose(page, "Loss", "Train")
    wait_for(page, set="train", follow=True)


def test_a_fixed_plane_is_around_the_last_frame_and_says_so(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + LINK + "&epoch=0", view="surface")
    land = page.get_by_role("region", name="Loss landscape")
    expect(land).to_contain_text("The plane moves with the network: the centre is always the current parameters.")
    expect(switch(page, "Path")).to_be_disabled()
    switch(page, "Follow the parameters").press("Space")
    wait_for(page, follow=False, path=True)
    expect(land).to_contain_text("The plane stays at the trained network; the point shows the projection of")
    stored = find_cut(exported, "fresh")
    expected = stored.loss_surface[0, -1].astype(np.float64)
    assert_drawn(page, expected)
    residual = float(f"{stored.path.residual[0]:.3g}")
    expect(land).to_contain_text(f"{residual:g} away from the plane")
    page.wait_for_url("**follow=false*")


def test_the_facts_about_a_slice_are_those_of_the_manifest(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + LINK + "&plane=pca&epoch=60")
    manifest = json.loads((exported.gallery.data / "runs" / PLANES.id / "run.json").read_text())
    [pca, hessian] = manifest["planes"][1:]
    land = page.get_by_role("region", name="Loss landscape")
    explained, walk, share = (
        round(100 * value) for value in (pca["explained_variance"], pca["random_walk"], pca["nonconvexity"]["share"])
    )
    expect(land).to_contain_text(f"a random walk would hold {walk}")
    expect(land).to_contain_text("a and b at right angles, equally long")
    page.locator("#slice-about summary").click()
    facts = page.locator("#slice-facts").inner_text().replace("\u00a0", " ")
    said = [float(percentage) for percentage in re.findall(r"([\d.]+) %", facts)]
    assert said == pytest.approx([walk, share], abs=0.5)
    shown = page.locator("#slice-share").inner_text().replace("\u00a0", " ")
    assert float(shown.split(" %")[0].split()[-1]) == pytest.approx(explained, abs=0.5)
    # Each fact has a sentence that explains it and names the term.
    whys = page.locator("#slice-facts span").evaluate_all("(spans) => spans.map(({title}) => title)")
    assert len(set(whys)) == len(whys) == 3
    for why, term in zip(whys, ("variance", "Non-convex", "orthonormal"), strict=True):
        assert term in why
    expect(land).to_contain_text(pca["what"])
    expect(land).to_contain_text(pca["hides"])
    page.get_by_role("combobox", name="Plane").select_option("hessian")
    wait_for(page, plane="hessian")
    for value in hessian["eigenvalues"]:
        expect(land).to_contain_text(f"{float(f'{value:.3g}'):g}".replace("-", "−"))
    expect(land).to_contain_text(hessian["hides"])


def test_the_timeline_shows_the_curvature_with_the_edge_of_stability(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + LINK + "&epoch=60")
    curvature = exported.run(PLANES).curvature
    assert curvature is not None
    assert curvature.negative is not None
    assert curvature.stability == pytest.approx(2 / 0.5)
    choose(page, "Timeline", "Curvature")
    expect(page.get_by_role("img", name="Largest and smallest eigenvalue of the Hessian by epoch")).to_be_visible()
    page.wait_for_url("**timeline=curvature*")
    table = page.get_by_role("table", name="Curvature")
    expect(table).to_contain_text(f"{curvature.negative[-1]} of {exported.run(PLANES).setup.network.parameter_count}")
    said = {
        name: float(page.locator(f"[data-readout=curvature_{name}]").inner_text().replace("−", "-"))
        for name in ("largest", "smallest", "trace", "adaptive")
    }
    assert said == pytest.approx(
        {
            "largest": curvature.largest[-1],
            "smallest": curvature.smallest[-1],
            "trace": curvature.trace[-1],
            "adaptive": curvature.adaptive_sharpness[-1],
        },
        rel=6e-3,
    )
    expect(page.locator("#edge")).to_have_text("2/η = 4.00")
    heights = page.evaluate(
        """() => ['path.train', 'path.test'].map((name) => document.querySelector(`#curves ${name}`).getAttribute('d'))
            .map((d) => [...d.matchAll(/[ML]([\\d.]+) ([\\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]))"""
    )
    edge = page.locator("#curves .edge line")
    y = np.array(heights)[:, :, 1]
    values = np.array([curvature.largest, curvature.smallest])
    slope, zero = np.polyfit(values.ravel(), y.ravel(), 1)
    np.testing.assert_allclose(y, slope * values + zero, atol=0.1)
    assert float(edge.get_attribute("y1") or "nan") == pytest.approx(slope * 4 + zero, abs=0.2)
    axis = page.evaluate("() => Number(document.querySelector('#curves .cursor').getAttribute('x1'))")
    assert heights[0][-1][0] == pytest.approx(axis, abs=0.1)


@EITHER
def test_a_link_contains_the_whole_view_and_reset_removes_it(site: Site, desktop: Watched) -> None:
    query = "&plane=hessian&view=contours&set=test&path=false&timeline=curvature&follow=false"
    page = desktop.show(site.url + LINK + query)
    assert picture(page) == {
        "plane": "hessian",
        "view": "contours",
        "set": "test",
        "follow": False,
        "path": False,
        "pick": None,
    }
    group = page.get_by_role("radiogroup", name="Timeline")
    expect(group.get_by_role("radio", name="Curvature")).to_be_checked()
    page.get_by_role("button", name="Reset").click()
    wait_for(page, **FIRST)
    until(page, f"() => !/plane|view|set=|path|timeline|follow/.test(location.search.replace('{PLANES.id}', ''))")
    page.goto(site.url + LINK + "&plane=nowhere&view=hologram&set=all&follow=maybe&timeline=never")
    until(page, "() => Boolean(window.lossatlas)")
    page.evaluate("() => window.lossatlas.ready")
    assert picture(page) == FIRST


def test_arrays_of_a_plane_that_was_left_are_no_longer_fetched(
    gallery: Gallery, tmp_path: Path, desktop: Watched
) -> None:
    site = export_site(gallery, tmp_path / "site").site
    release = threading.Event()

    class Stalling(Silent):
        """A handler that sends the surfaces of one plane only when the test allows it."""

        def copyfile(self, source: Any, outputfile: Any) -> None:
            if "pca/loss_surface" in self.path:
                release.wait()
            super().copyfile(source, outputfile)

    with static_server(site, Stalling) as origin, desktop:
        try:
            page = desktop.open(f"{origin}/{LINK}&epoch=60")
            select = page.get_by_role("combobox", name="Plane")
            with page.expect_event("requestfailed", lambda request: "pca/loss_surface" in request.url):
                select.select_option("pca")
                expect(page.locator("#status-line")).to_contain_text("Loading")
                assert picture(page)["plane"] == "fresh"
                select.select_option("hessian")
            wait_for(page, plane="hessian")
            expect(page.locator("#status-line")).not_to_contain_text("Loading")
        finally:
            release.set()
        select.select_option("pca")
        wait_for(page, plane="pca")


def test_an_older_run_without_paths_still_opens(gallery: Gallery, tmp_path: Path, desktop: Watched) -> None:
    site = export_site(gallery, tmp_path / "site").site
    file = site / "data" / "runs" / PLANES.id / "run.json"
    manifest = json.loads(file.read_text())
    del manifest["curvature"]
    plane = manifest["planes"][0]
    kept = ("name", "kind", "what", "seed", "cosine", "orthonormal", "spans", "arrays")
    plane["arrays"] = {name: plane["arrays"][name] for name in ("directions", "coordinates", "loss_surface")}
    manifest["planes"] = [{name: plane[name] for name in kept}]
    file.write_text(json.dumps(manifest))
    shutil.rmtree(file.parent / "planes" / "pca")
    with static_server(site) as origin, desktop:
        page = desktop.open(f"{origin}/{LINK}&epoch=60&plane=pca&set=gap&follow=false&timeline=curvature")
        assert picture(page) == FIRST
        for control in (switch(page, "Follow the parameters"), page.get_by_role("radio", name="Gap")):
            expect(control).to_be_disabled()
        expect(page.get_by_role("radio", name="Curvature")).to_be_disabled()
        expect(page.get_by_role("table", name="Curvature")).to_be_hidden()
        title = page.locator("label", has=switch(page, "Follow the parameters")).get_attribute("title")
        assert title == "This run was stored without its path in this plane, so the plane always moves."


def test_a_computation_ends_with_every_plane_of_its_run(tmp_path: Path, desktop: Watched) -> None:
    gallery = Gallery(tmp_path / "data")
    with app_in_thread(gallery, PLANES) as url, desktop:
        page = desktop.open(url)
        until(page, "() => document.querySelector('#status-progress').hidden")
        run = gallery.open(PLANES.id)
        select = page.get_by_role("combobox", name="Plane")
        expect(select.locator("option")).to_have_count(len(run.planes))
        assert len(run.planes) > 1
        assert picture(page)["plane"] == run.planes[0].name
        switch(page, "Follow the parameters").press("Space")
        wait_for(page, follow=False, path=True)
