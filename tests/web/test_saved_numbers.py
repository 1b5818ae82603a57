"""Compares the numbers, tables and lines of Python that the page saves with the arrays of the run."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import lossatlas as la
from lossatlas.arrays import Floats
from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.site import export_site
from lossatlas.site.catalog import list_default_settings
from lossatlas.store import Gallery
from tests.support.pages import Watched, until
from tests.support.sharing import download_file, open_dialog
from tests.web.conftest import EITHER, IRIS, MOONS_FAST, PLANES, UNUSUAL, Site, static_server
from tests.web.test_controls import read_shown
from tests.web.test_pick import theta_at

pytestmark = pytest.mark.browser


WEB = Path(__file__).parents[2] / "src" / "lossatlas" / "web"


def of_plane(run: Run, name: str) -> Any:
    return next(cut for cut in run.cuts if cut.plane.name == name)


# Numbers


def numbers(page: Page) -> tuple[dict[str, Any], dict[str, Any]]:
    """Download the .npz, and return its arrays and its about.json."""
    packed = download_file(page, "Save numbers (.npz)")[1]
    assert zipfile.ZipFile(io.BytesIO(packed)).testzip() is None
    with np.load(io.BytesIO(packed), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files if name != "about.json"}
        return arrays, json.loads(found["about.json"])


def assert_arrays_of(arrays: dict[str, Any], run: Run, frame: int) -> None:
    """Assert that the arrays that do not depend on the slice are equal to the last bit."""
    np.testing.assert_array_equal(arrays["weights"], run.trajectory.weights[frame])
    np.testing.assert_array_equal(arrays["points"], run.setup.dataset.points.astype(np.float32))
    np.testing.assert_array_equal(arrays["labels"], run.setup.dataset.labels)
    np.testing.assert_array_equal(arrays["split"], run.setup.dataset.split)
    np.testing.assert_array_equal(arrays["epochs"], run.trajectory.epochs)
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
        np.testing.assert_array_equal(arrays[name], run.trajectory.metrics[name])


def test_the_numbers_are_those_of_the_run(site: Site, desktop: Watched) -> None:
    run = site.run()
    page = desktop.show(site.url + f"?epoch={run.trajectory.epochs[5]}&zoom=0.1")
    open_dialog(page)
    arrays, about = numbers(page)
    cut = of_plane(run, "fresh")
    assert_arrays_of(arrays, run, 5)
    np.testing.assert_array_equal(arrays["loss"], cut.loss_surface[1, 5])
    np.testing.assert_array_equal(arrays["directions"], cut.plane.directions)
    np.testing.assert_array_equal(arrays["centre"], run.trajectory.weights[5])
    np.testing.assert_array_equal(arrays["predicted_class"], run.predicted_class[5])
    np.testing.assert_array_equal(arrays["confidence"], run.confidence[5])
    np.testing.assert_array_equal(arrays["point_predicted_class"], run.trajectory.predicted_class[5])
    np.testing.assert_allclose(arrays["a"], np.linspace(-0.1, 0.1, cut.grid), atol=1e-15)
    np.testing.assert_array_equal(arrays["b"], arrays["a"])
    assert arrays["loss"].dtype == np.float32
    assert arrays["loss"][cut.grid // 2, cut.grid // 2] == np.float32(run.trajectory.metrics["train_loss"][5])
    assert about["run"] == run.id
    assert (about["epoch"], about["plane"]["span"]) == (run.trajectory.epochs[5], 0.1)
    assert RunConfig.from_mapping(about["config"]) == run.setup.config
    assert {name: entry["shape"] for name, entry in about["arrays"].items()} == {
        name: list(array.shape) for name, array in arrays.items()
    }
    assert about["arrays"]["confidence"]["scale_factor"] == pytest.approx(1 / 255)


@pytest.mark.parametrize("loss", ["test", "gap"])
def test_the_saved_surface_is_the_one_that_is_shown(exported: Site, desktop: Watched, loss: str) -> None:
    run = exported.run(PLANES)
    page = desktop.show(exported.url + f"?run={run.id}&plane=pca&set={loss}&epoch=60&view=section")
    open_dialog(page)
    arrays, about = numbers(page)
    cut = of_plane(run, "pca")
    test = cut.test_loss_surface[0, 0]
    np.testing.assert_array_equal(arrays["loss"], test if loss == "test" else test - cut.loss_surface[0, 0])
    np.testing.assert_array_equal(arrays["centre"], run.trajectory.weights[-1])
    np.testing.assert_array_equal(arrays["path"], cut.path.coordinates)
    assert about["loss"] == ("test loss" if loss == "test" else "test − train")


def test_the_network_of_a_picked_point_is_saved(exported: Site, desktop: Watched) -> None:
    run = exported.run()
    page = desktop.show(exported.url + "?epoch=60&view=contours&pick=0.5,-0.25")
    until(page, "() => !document.querySelector('#boundary-whose').hidden")
    open_dialog(page)
    arrays, about = numbers(page)
    theta = theta_at(run, 11, 0.5, -0.25)
    np.testing.assert_allclose(arrays["picked"], theta, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(arrays["weights"], run.trajectory.weights[11])
    wrong = (arrays["point_predicted_class"] != run.setup.dataset.labels).sum()
    expect(page.locator("#boundary-summary")).to_contain_text(f"; {wrong} of")
    assert not np.array_equal(arrays["predicted_class"], run.predicted_class[11])
    assert about["pick"] == [0.5, -0.25]


def test_a_compact_export_saves_the_same_numbers(gallery: Gallery, tmp_path: Path, desktop: Watched) -> None:
    site = export_site(gallery, tmp_path / "site", compact=True).site
    with static_server(site) as origin, desktop:
        page = desktop.show(f"{origin}/?epoch=60&view=section")
        open_dialog(page)
        assert_arrays_of(numbers(page)[0], gallery.open(read_shown(page)["run"]), 11)


def table(data: bytes) -> tuple[list[str], Floats]:
    head, *rows = csv.reader(io.StringIO(data.decode("ascii"), newline=""))
    return head, np.array([[float(value) for value in row] for row in rows])


@EITHER
def test_the_tables_hold_the_same_numbers(site: Site, desktop: Watched) -> None:
    run = site.run()
    page = desktop.show(site.url + "?epoch=60&view=section")
    open_dialog(page)
    download, data = download_file(page, "Save the surface (CSV)")
    assert download.suggested_filename == f"lossatlas-{run.id}-epoch60-loss.csv"
    head, rows = table(data)
    assert head == ["a", "b", "train_loss"]
    grid = of_plane(run, "fresh").grid
    b, a = np.meshgrid(np.linspace(-1, 1, grid), np.linspace(-1, 1, grid), indexing="ij")
    np.testing.assert_allclose(rows[:, 0], a.ravel(), atol=1e-12)
    np.testing.assert_allclose(rows[:, 1], b.ravel(), atol=1e-12)
    np.testing.assert_array_equal(rows[:, 2].astype(np.float32), run.loss_surface["fresh"][0, 11].ravel())
    head, rows = table(download_file(page, "Save the metrics (CSV)")[1])
    assert head == ["epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy"]
    np.testing.assert_array_equal(rows[:, 0], run.trajectory.epochs)
    for column, name in enumerate(head[1:], 1):
        np.testing.assert_array_equal(rows[:, column], run.trajectory.metrics[name])


# Python


@EITHER
@pytest.mark.parametrize(
    ("config", "plane", "span"),
    [(MOONS_FAST, "fresh", 0), (IRIS, "fresh", 1), (PLANES, "hessian", 0), (UNUSUAL, "fresh", 0)],
    ids=["moons", "iris", "planes", "unusual"],
)
def test_the_lines_of_python_compute_what_is_shown(
    site: Site, desktop: Watched, config: RunConfig, plane: str, span: int
) -> None:
    run = site.run(config)
    cut = of_plane(run, plane)
    page = desktop.show(
        f"{site.url}?dataset={config.dataset.name}&run={run.id}&plane={plane}&epoch=60&zoom={cut.plane.spans[span]}"
    )
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    scope: dict[str, Any] = {}
    exec(lines, scope)
    assert scope["run"].id == run.id  # the lines of Python also assert this
    np.testing.assert_array_equal(scope["surface"], cut.loss_surface[span, -1])
    np.testing.assert_array_equal(scope["theta"], run.trajectory.weights[-1])
    np.testing.assert_array_equal(scope["boundary"].predicted_class, run.predicted_class[-1])


@pytest.mark.parametrize("query", ["zoom=0.3&set=gap", "seed=4", "zoom=0.3&plane=pca&hidden=8&run={planes}"])
def test_the_lines_of_python_compute_a_surface_that_no_run_has(exported: Site, desktop: Watched, query: str) -> None:
    query = query.format(planes=PLANES.id)
    page = desktop.show(f"{exported.url}?epoch=60&{query}")
    until(page, "() => window.lossatlas.computed()")
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    found, _ = numbers(page)
    scope: dict[str, Any] = {}
    exec(lines, scope)
    np.testing.assert_allclose(scope["surface"], found["loss"], rtol=2e-4, atol=1e-6)
    np.testing.assert_array_equal(scope["theta"], found["weights"])
    assert "Evaluator" not in lines


def test_a_training_in_the_page_is_saved_completely(exported: Site, desktop: Watched) -> None:
    page = desktop.show(
        exported.url + "?dataset=moons&hidden=8&sample=120,0.2,1&train=momentum,0.05,16,0.001,3&epoch=12"
    )
    until(page, "() => window.lossatlas.shown()?.epoch === 12")
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    found, _ = numbers(page)
    scope: dict[str, Any] = {}
    exec(lines, scope)
    run = scope["run"]
    np.testing.assert_allclose(scope["theta"], found["weights"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(scope["surface"], found["loss"], rtol=1e-3)
    np.testing.assert_allclose(run.setup.dataset.points, found["points"], rtol=1e-5, atol=1e-6)
    assert found["epochs"].tolist() == list(range(13))
    expected = run.predicted_class[12]
    assert np.mean(found["predicted_class"] == expected) > 0.999


VIEWS = ("surface", "contours", "section")


STORED = [(plane, span, kind) for plane in ("fresh", "hessian") for span in (0, 1) for kind in ("train", "test", "gap")]


#: Slices of every loss, with moving and fixed planes, stored and computed, and some with a picked point.
SLICES = [
    *(f"plane={plane}&zoom={{{plane}[{span}]}}&set={kind}&follow=false" for plane, span, kind in STORED),
    *(f"plane=fresh&set={kind}&follow=true" for kind in ("train", "test", "gap")),
    *(
        f"plane={plane}&zoom=0.3&set={kind}&follow={follow}"
        for plane, kind, follow in [
            ("fresh", "train", "false"),
            ("fresh", "gap", "true"),
            ("fresh", "gap", "false"),
            ("hessian", "gap", "false"),
        ]
    ),
    *(f"seed=4&zoom=0.5&set={kind}&follow={follow}" for kind, follow in [("test", "true"), ("gap", "false")]),
    "plane=fresh&set=gap&follow=false&pick=0.25,-0.5",
    "plane=fresh&set=train&follow=true&pick=0.25,-0.5",
    "plane=hessian&zoom=0.3&set=gap&pick=0.25,-0.5",
    "seed=4&follow=false&pick=0.25,-0.5",
]


def test_the_lines_of_python_compute_the_arrays_that_the_page_saves(
    exported: Site, desktop: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines are executed unchanged for many views, and compared with the file that the page saves."""
    known = exported.run(PLANES)
    monkeypatch.setattr(la, "compute_run", lambda config: known if config.id == known.id else compute_run(config))
    spans = {name: of_plane(known, name).plane.spans for name in ("fresh", "hessian")}
    page = desktop.show(f"{exported.url}?run={PLANES.id}&epoch=20")
    frame = page.evaluate("() => window.lossatlas.shown().frame")
    assert 0 < frame < len(known.trajectory.epochs) - 1  # so the centre of a fixed plane is another frame
    for turn, part in enumerate(SLICES):
        view = VIEWS[turn % 3] if turn < 3 else VIEWS[1 + turn % 2]  # the surface once: its drawing takes long
        query = f"?run={PLANES.id}&epoch=20&view={view}&{part.format(**spans)}"
        arrays, lines = saved_view(page, query)
        scope: dict[str, Any] = {}
        exec(lines, scope)
        swing = np.ptp(arrays["loss"])
        np.testing.assert_allclose(scope["surface"], arrays["loss"], rtol=0, atol=2e-3 * swing + 1e-6, err_msg=query)
        np.testing.assert_array_equal(scope["theta"], arrays["weights"], err_msg=query)
        assert ("picked" in arrays) == ("pick=" in query)
        if "picked" in arrays:
            np.testing.assert_allclose(scope["picked"], arrays["picked"], rtol=1e-5, atol=1e-6, err_msg=query)


def saved_view(page: Page, query: str) -> tuple[dict[str, Any], str]:
    """Go to a state of the page as “Back” does, and return the arrays and the lines of Python that the page saves."""
    page.evaluate(
        "(query) => { history.pushState(null, '', query); dispatchEvent(new PopStateEvent('popstate')); }", query
    )
    wished = dict(part.split("=") for part in query[1:].split("&"))
    until(
        page,
        """({plane, seed, view, set, pick, zoom}) => {
            const [slice, shown] = [window.lossatlas.slice(), window.lossatlas.shown()];
            return slice.view === view && slice.set === (set ?? 'train') && String(slice.pick ?? '') === (pick ?? '')
                && slice.plane === (seed ? `drawn-${seed}` : plane)
                && (!zoom || Math.abs(shown.span - Number(zoom)) < 1e-6);
        }""",
        wished,
    )
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    arrays, _ = numbers(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Share and save")).to_be_hidden()
    return arrays, lines


def test_a_fixed_plane_of_a_training_in_the_page_is_computed_around_its_end(exported: Site, desktop: Watched) -> None:
    base = "?dataset=moons&hidden=8&sample=120,0.2,1&train=momentum,0.05,16,0.001,3"
    page = desktop.show(exported.url + base + "&epoch=12&follow=false&set=gap")
    until(page, "() => window.lossatlas.shown()?.epoch === 12")
    page.keyboard.press("Home")
    until(page, "() => window.lossatlas.shown()?.epoch === 0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    until(page, "() => window.lossatlas.shown()?.epoch === 2 && !window.lossatlas.slice().follow")
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    arrays, _ = numbers(page)
    scope: dict[str, Any] = {}
    exec(lines, scope)
    np.testing.assert_allclose(scope["theta"], arrays["weights"], rtol=1e-4, atol=1e-6)
    led = scope["longer"].trajectory.weights[-1]
    np.testing.assert_allclose(led, arrays["centre"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(scope["surface"], arrays["loss"], rtol=0, atol=1e-4)


def test_python_contains_only_settings_that_are_not_default(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + f"?run={MOONS_FAST.id}")
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    assert 'dataset={"points": 80}' in lines
    assert "learning_rate" in lines
    for unsaid in ("model=", "weight_decay", "curvature=", "margin", "noise", "biases"):
        assert unsaid not in lines


def test_the_defaults_that_the_page_knows_are_the_packages() -> None:
    known = json.loads((WEB / "features" / "share" / "defaults.json").read_text(encoding="utf-8"))
    assert known == list_default_settings(), "run scripts/make_defaults.py"
