"""Tests recorded runs in a real Chromium: the page shows them, and says what it cannot do with them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

import lossatlas.torch as lat
from lossatlas.runs import RecordedRun, compute_run
from lossatlas.server.serving import BackgroundServer
from lossatlas.site import export_site
from lossatlas.store import Gallery, open_stored, run_folder
from tests.own_models.trainings import convolutional, images, shuffling, train
from tests.support.modules import with_constants
from tests.support.pages import Watched, until
from tests.support.sharing import download_file, open_dialog
from tests.web.conftest import MOONS, static_server
from tests.web.test_axe import violations_in_any_colours

pytestmark = pytest.mark.browser
CROSS_ENTROPY = torch.nn.CrossEntropyLoss()
MOVING = {"kind": "gaussian", "normalization": "filter", "spans": (0.5,), "grid": 5}
PLANES: Any = [MOVING, {"kind": "pca", "grid": 5}]


@dataclass
class Recorded:
    """An export of one computed run and of several recorded runs, which have names."""

    address: str
    gallery: Gallery
    root: Any

    def id(self, name: str) -> str:
        return next(each for each in self.gallery.ids() if each.startswith(f"{name}-"))

    def url(self, name: str, more: str = "") -> str:
        return f"{self.address}?run={self.id(name)}{more}"

    def run(self, name: str) -> RecordedRun:
        opened = open_stored(run_folder(self.gallery.data, self.id(name)))
        assert isinstance(opened, RecordedRun)
        return opened


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    root = tmp_path_factory.mktemp("recorded")
    gallery = Gallery(root / "data")
    gallery.save(compute_run(MOONS))
    torch.manual_seed(3)
    options: Any = {"data": gallery.data, "curvature": 2, "planes": PLANES}

    def record(name: str, model: torch.nn.Module, loss: Any, *loaders: Any, fit: Callable[[Any], object]) -> None:
        with lat.Recorder(model, loss, *loaders, name=name, **options) as recorder:
            fit(recorder.snapshot)

    cnn, digits = convolutional(classes=10), images(60, classes=10)
    cnn[1].momentum = 0.01  # type: ignore[assignment]
    fit = lambda then: train(cnn, shuffling(digits), 3, then)  # noqa: E731
    record("digits", cnn, CROSS_ENTROPY, [digits.tensors], [digits.tensors], fit=fit)
    values = torch.linspace(-1, 1, 40)[:, None]
    curve = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(curve.parameters(), lr=0.1)

    def descend(then: Any) -> None:
        for _ in range(3):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(curve(values), values**2).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            then()

    record("curve", curve, torch.nn.MSELoss(), [(values, values**2)], fit=descend)
    points = torch.randn(40, 2)
    ours = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    halves = [(points, (points[:, 0] > 0).long())]
    record("halves", ours, CROSS_ENTROPY, halves, fit=lambda then: train(ours, halves, 3, then))
    rows = torch.randn(40, 4)
    table = [(rows, (rows[:, 0] > 0).long())]
    layers = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    record("table", layers, CROSS_ENTROPY, table, fit=lambda then: train(layers, table, 3, then))
    export_site(gallery, root / "web" / "site", compact=True)
    with static_server(root / "web") as origin:
        yield Recorded(f"{origin}/site/index.html", gallery, root)


def test_a_recorded_network_of_images_shows_its_own_plots(desktop: Watched, recorded: Recorded) -> None:
    page = desktop.open(recorded.url("digits", "&pick=0.1,0.1"))
    expect(page.locator("#status")).to_contain_text("no page can evaluate it")
    card = page.locator("#recorded-card")
    for words in ("digits", "Sequential", "CrossEntropyLoss, in nats", "60 to train", "statistics of each batch"):
        expect(card).to_contain_text(words)
    expect(page.locator("#model")).to_be_hidden()
    expect(page.locator("#train-here")).to_be_disabled()
    assert "cannot continue here" in str(page.locator("#train-here").get_attribute("title"))
    assert page.locator("input[name=dataset]:checked").count() == 0
    page.locator("#plane").select_option("pca")
    until(page, "() => new URLSearchParams(location.search).get('plane') === 'pca'")
    expect(page.locator("#run-title")).to_have_text("digits · Sequential")


def test_a_recorded_network_that_the_page_can_evaluate_offers_everything(desktop: Watched, recorded: Recorded) -> None:
    page = desktop.open(recorded.url("halves", "&pick=0.1,0.1"))
    expect(page.locator("#boundary-whose")).to_be_visible()
    expect(page.locator("#boundary-whose")).to_contain_text("0.1")
    expect(page.locator("#new-directions")).to_be_enabled()
    page.get_by_role("button", name="Release a ball here").click()
    expect(page.get_by_role("button", name="Remove the ball")).to_be_visible()
    expect(page.get_by_role("img", name="The loss of the ball by epoch")).to_be_visible()
    page.locator("#recorded-runs button", has_text="digits").click()
    expect(page.locator("#run-title")).to_have_text("digits · Sequential")
    page.locator("input[name=dataset][value=moons]").check(force=True)
    expect(page.locator("#recorded-card")).to_be_hidden()
    expect(page.locator("#model")).to_be_visible()
    expect(page.locator("#train-here")).to_be_enabled()


def test_the_legend_has_every_predicted_class(desktop: Watched, recorded: Recorded) -> None:
    page = desktop.show(recorded.url("digits", "&epoch=1"))
    arrays = recorded.run("digits").arrays
    occurring = set(np.unique(arrays["predicted_class"]).tolist()) | {0, 1, 2}
    names = page.locator("#legend li").all_inner_texts()
    assert names == [*(str(k) for k in sorted(occurring)), "train", "misclassified"]


#: JavaScript that returns the mean grey of each pixel of the picture at the pointer.
SEEN = """() => {
    const canvas = document.querySelector('.input-image canvas');
    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return [...data].filter((_, i) => i % 4 === 0);
}"""


def test_the_pointer_shows_the_picture_of_its_place(desktop: Watched, recorded: Recorded) -> None:
    page = desktop.show(recorded.url("digits", "&epoch=3"))
    expect(page.locator("#boundary-meaning")).to_contain_text("weighted sum of the three samples")
    arrays = recorded.run("digits").arrays
    pictures = arrays["anchor_images"].reshape(3, -1).astype(float)
    canvas = page.locator("#boundary-canvas").bounding_box()
    assert canvas
    x, y = arrays["grid_x"], arrays["grid_y"]
    for weights in ((0.0, 1.0, 0.0), (0.2, 0.3, 0.5), (1.2, -0.1, -0.1)):
        place = np.array(weights) @ arrays["points"]
        across, up = (place[0] - x[0]) / (x[-1] - x[0]), (place[1] - y[0]) / (y[-1] - y[0])
        page.mouse.move(canvas["x"] + across * canvas["width"], canvas["y"] + (1 - up) * canvas["height"])
        expect(page.locator(".input-image")).to_be_visible()
        # The pointer is at whole pixels. A pixel is less than a hundredth of the samples' distance.
        assert np.abs(page.evaluate(SEEN) - np.clip(np.array(weights) @ pictures, 0, 255)).max() < 6
    page.mouse.move(1, 1)
    expect(page.locator(".input-image")).to_be_hidden()
    keys, told = page.locator("#place-keys"), page.locator("#place-told")
    keys.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("ArrowUp")
    share = 0.5 + 1 / 20, 0.5 + 1 / 20 - 1 / 100
    moved = [axis[0] + part * (axis[-1] - axis[0]) for axis, part in zip((x, y), share, strict=True)]
    parts = np.linalg.solve(np.vstack([arrays["points"].T, np.ones(3)]), [*moved, 1])
    assert np.abs(page.evaluate(SEEN) - np.clip(parts @ pictures, 0, 255)).max() < 1.01
    row, column = round(share[1] * (len(y) - 1)), round(share[0] * (len(x) - 1))
    expect(told).to_contain_text(f"{arrays['predicted_class'][-1, row, column]} ")
    assert page.evaluate("window.lossatlas.shown().frame") == 3  # the arrows did not move the slider
    mark = page.locator(".place-mark").bounding_box()
    assert mark
    assert mark["x"] + mark["width"] / 2 == pytest.approx(canvas["x"] + share[0] * canvas["width"], abs=1)
    assert mark["y"] + mark["height"] / 2 == pytest.approx(canvas["y"] + (1 - share[1]) * canvas["height"], abs=1)
    assert violations_in_any_colours(page) == []
    keys.blur()
    expect(page.locator(".input-image")).to_be_hidden()


def test_without_classes_the_loss_of_each_sample_is_drawn(desktop: Watched, recorded: Recorded) -> None:
    page = desktop.show(recorded.url("curve", "&epoch=1"))
    expect(page.locator("#boundary-heading")).to_have_text("Loss of each sample")
    expect(page.locator('#plots [value="boundary"] + span')).to_have_text("Samples")
    expect(page.locator("#boundary-plot")).to_be_hidden()
    losses = recorded.run("curve").arrays["sample_loss"].astype(float)
    threshold = losses[[0, -1]].mean()
    stays = np.logical_and.accumulate((losses < threshold)[::-1])[::-1]
    learnt = [int(4 - stays[:, i].sum()) for i in range(40)]
    for epoch in (1, 3):
        now = sum(at <= epoch for at in learnt)
        if epoch == 3:
            box = page.locator(".samples-cells canvas").bounding_box()
            assert box
            page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + 0.5)
            until(page, "() => window.lossatlas.shown().epoch === 3")
            first = min(range(40), key=lambda i: (learnt[i], losses[:, i].mean()))
            expect(page.locator(".samples-plot .probe")).to_contain_text(f"training sample {first + 1}, epoch 3: loss")
        expect(page.locator("#boundary-whose")).to_have_text(f"{now} of 40 training samples learnt")
    page.locator('[data-table="boundary"]').click()
    table = page.locator("dialog.numbers")
    expect(table.locator("h2")).to_have_text("Loss of each sample")
    assert table.locator("tbody tr").count() == 4
    assert table.locator("tbody tr").nth(3).locator("td").last.inner_text() == str(now)
    table.get_by_role("button", name="Close").click()
    expect(page.locator('[data-readout="train_accuracy"]')).to_have_text("–")
    expect(page.locator('[data-readout="test_loss"]')).to_have_text("–")
    assert "recorded without test samples" in str(page.locator("#set label", has_text="Test").get_attribute("title"))


def test_the_page_says_that_points_of_a_table_are_projections(desktop: Watched, recorded: Recorded) -> None:
    page = desktop.show(recorded.url("table", "&epoch=3"))
    share = recorded.run("table").manifest["boundary"]["explained_variance"]
    expect(page.locator("#boundary-meaning")).to_contain_text("Points are projections onto the plane")
    expect(page.locator("#boundary-meaning")).to_contain_text(f"{share * 100:.1f} %")
    page.locator("#recorded-runs button", has_text="halves").click()
    expect(page.locator("#boundary-meaning")).to_contain_text("Marks are data")


@pytest.mark.parametrize("name", ["digits", "curve", "table"])
def test_everything_of_a_recorded_run_can_be_saved(desktop: Watched, recorded: Recorded, name: str) -> None:
    page = desktop.show(recorded.url(name, "&epoch=2&plane=pca"))
    run = recorded.run(name)
    open_dialog(page)
    assert f"run={run.id}" in page.get_by_role("textbox", name="Link to this view").input_value()
    assert "dataset=" not in page.get_by_role("textbox", name="Link to this view").input_value()
    _, found = download_file(page, "Save numbers (.npz)")
    with np.load(io.BytesIO(found)) as arrays:
        np.testing.assert_allclose(arrays["loss"], run.plane("pca")["loss_surface"][0, 0], rtol=1e-6)
        kept = "sample_loss" if name == "curve" else "points"
        np.testing.assert_array_equal(arrays[kept], run.arrays[kept])
        assert np.isnan(arrays["test_loss"]).all() == (name != "digits")
    svg = download_file(page, "Save drawing (SVG)")[1].decode()
    assert ("Loss of each sample" in svg, "Decision boundary" in svg) == (name == "curve", name != "curve")
    assert download_file(page, "Save picture (PNG)")[1].startswith(b"\x89PNG")
    assert len(download_file(page, "Save the surface (CSV)")[1].splitlines()) == 26
    lines = page.locator(".python code").inner_text()
    space: dict[str, Any] = {}
    exec(lines.replace("data/runs", str(recorded.gallery.data / "runs")), space)  # the lines that the page shows
    np.testing.assert_array_equal(space["loss"], run.plane("pca")["loss_surface"][0, 0])


def test_recorded_runs_are_compared_with_each_other_and_with_computed_ones(
    desktop: Watched, recorded: Recorded
) -> None:
    page = desktop.page
    a, b = (f"run%3D{recorded.id(name)}" for name in ("digits", "curve"))
    for second, words in (
        (b, "recording digits | curve; model Sequential | Sequential"),
        (f"dataset%3Dmoons%26run%3D{MOONS.id}", "recording or dataset digits | Half moons"),
    ):
        page.goto(recorded.address.replace("index", "compare") + f"?a={a}&b={second}")
        expect(page.locator("#differences")).to_contain_text(words.split(";")[0])
        until(page, "() => document.body.dataset.pictured === 'true'")


def limits(page: Page) -> dict[str, tuple[bool, str]]:
    """Return the disabled controls and their tooltips."""
    found: dict[str, tuple[bool, str]] = page.evaluate(
        """() => Object.fromEntries(['new-directions', 'follow', 'path', 'log', 'zoom', 'train-here'].map((id) => {
            const control = document.getElementById(id);
            return [id, [control.disabled, control.title || control.closest('label')?.title || '']];
        }))"""
    )
    return found


def test_every_control_of_a_recorded_run_works_or_says_why_not(desktop: Watched, recorded: Recorded) -> None:
    page = desktop.show(recorded.url("digits", "&epoch=3"))
    off = limits(page)
    for control in ("new-directions", "zoom"):
        assert off[control][0]
        assert "no page can evaluate it" in off[control][1]
    assert off["path"][0]
    assert "turn “Follow the parameters” off" in off["path"][1]
    assert not off["follow"][0]
    page.locator("#follow").uncheck(force=True)
    until(page, "() => !document.querySelector('#path').disabled")
    for view in ("contours", "section", "surface"):
        page.locator(f"#view [value={view}]").check(force=True)
        until(page, "(view) => document.querySelector('#landscape').dataset.view === view", view)
    for name in ("test", "gap", "train"):
        page.locator(f"#set [value={name}]").check(force=True)
        until(page, "(name) => window.lossatlas.slice().set === name", name)
    page.locator("#log").uncheck(force=True)
    until(page, "() => window.lossatlas.state().scale === 'linear'")
    page.locator("#timeline [value=curvature]").check(force=True)
    until(page, "() => document.querySelector('#transport').dataset.timeline === 'curvature'")
    page.locator("#view [value=contours]").check(force=True)
    page.locator("#landscape-map").click(position={"x": 150, "y": 150})
    expect(page.locator("#status")).to_contain_text("The network there cannot be shown")
    page.get_by_role("button", name="Your own data…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert page.evaluate("() => document.querySelector('dialog canvas') !== null")
    page.keyboard.press("Escape")
    for subject in ("landscape", "boundary", "timeline"):
        page.locator(f'[data-table="{subject}"]').click()
        expect(page.locator("dialog.numbers tbody tr").first).to_be_visible()
        page.keyboard.press("Escape")
    page.locator("#play").click()
    until(page, "() => document.querySelector('#play').dataset.playing === 'false'")
    page.locator("#tour-open").click()
    expect(page.locator("#recorded-card")).to_be_hidden()


def test_the_statistics_of_batchnorm_are_named(desktop: Watched, recorded: Recorded) -> None:
    page = desktop.show(recorded.url("digits", "&epoch=3"))
    expect(page.locator("#slice-facts")).to_contain_text("BatchNorm with the statistics of each batch")
    manifest = recorded.run("digits").manifest
    assert manifest["planes"][0]["batchnorm"] == {"train": "batch", "test": "refreshed"}
    own, in_use = np.array(manifest["metrics"]["train_loss"]), np.array(manifest["in_use"]["eval_train_loss"])
    factors = np.abs(np.log(in_use / own))
    assert (factors > np.log(1.1)).any()  # the model's statistics are out of date, and the card says so
    words = page.locator("#recorded-card dd", has_text="with those that the model keeps").inner_text()
    found = re.search(
        r"differs in (\d+) of (\d+) frames, most at epoch (\d+): it is (\S+) there, and not (\S+)$", words
    )
    assert found
    worst = int(factors.argmax())
    assert [int(number) for number in found.groups()[:3]] == [
        (factors > np.log(1.1)).sum(),
        len(own),
        manifest["frames"][worst],
    ]
    assert [float(number) for number in found.groups()[3:]] == pytest.approx([in_use[worst], own[worst]], rel=1e-3)


#: JavaScript that returns the curve of the training losses of six frames, as an SVG path.
OF_A_RECORDING = with_constants("""async ([train_loss, test_loss]) => {
    const {lossCurves} = await import(new URL('features/recording/figure.js', document.baseURI).href);
    const recording = {frames: [0, 1, 2, 3, 4, 5], metrics: {train_loss, test_loss}};
    return lossCurves(recording, {width: 400, height: 180, inset: 8, top: 8, bottom: 24}).train;
}""")


def test_a_training_is_shown_while_it_is_recorded(desktop: Watched, tmp_path: Any) -> None:
    values = torch.randn(30, 3, generator=torch.Generator().manual_seed(0))
    model = torch.nn.Linear(3, 2)
    batch = [(values, (values[:, 0] > 0).long())]
    recorder = lat.Recorder(
        model,
        CROSS_ENTROPY,
        batch,
        name="going on",
        data=tmp_path,
        planes=[{"kind": "pca", "grid": 5}],
        curvature=0,
        measure="later",
    )
    server = BackgroundServer(Gallery(tmp_path))
    try:
        recorder.snapshot()
        train(model, batch, 3, recorder.snapshot)
        page = desktop.page
        page.goto(f"{server.url}?run={recorder.recording.id}")
        note, dots = page.locator(".recording-note"), page.locator(".recording-path circle")
        expect(note).to_contain_text("Being recorded: epoch 3, 4 frames")
        expect(dots).to_have_count(4)
        losses = page.locator(".recording-curves")
        expect(note).to_contain_text("Losses follow")
        expect(losses).to_be_hidden()
        recorder.measure()
        expect(losses).to_be_visible()
        expect(note).not_to_contain_text("Losses follow")
        filled = page.evaluate(OF_A_RECORDING, [[1.0, None, None, 8.0, 2.0, None], [None] * 6])
        whole = page.evaluate(OF_A_RECORDING, [[1.0, 2.0, 4.0, 8.0, 2.0, None], [None] * 6])
        assert filled == whole  # frames that are not measured yet leave no gap
        assert filled.count("L") == 4
        expect(page.locator("#recorded-runs button")).to_have_text("going on · Linear · being recorded")
        expect(page.locator("#recorded-card")).to_contain_text("going on")
        recorder.release()  # as the system does when a process ends
        expect(note).to_contain_text("Interrupted, with 4 frames. The process that recorded it ended at epoch 3")
        expect(note).to_contain_text(f'resume="{recorder.recording.id}"')
        expect(page.locator("#recorded-runs button")).to_have_text("going on · Linear · interrupted")
        train(model, batch, 2, recorder.snapshot)
        expect(note).to_contain_text("Being recorded: epoch 5, 6 frames")
        expect(dots).to_have_count(6)
        recorder.finish()
        expect(page.locator("#recording")).to_be_hidden()
        until(page, "() => window.lossatlas.shown()?.frame !== undefined")
        expect(page.locator("#run-title")).to_have_text("going on · Linear")
        expect(page.locator("#recorded-runs button")).to_have_text("going on · Linear")
        page.goto("about:blank")
    finally:
        server.stop()


def test_stored_margins_put_the_border_where_logits_are_equal(desktop: Watched, recorded: Recorded) -> None:
    """The logits of three classes are linear. With their margins, each segment lies on the true line."""
    page = desktop.show(recorded.url("digits", "&epoch=3"))
    rows, columns = np.mgrid[:30, :30].astype(float)
    slopes = np.array([[0.3, 0.11, -5.2], [-0.17, 0.26, 0.4], [0.02, -0.31, 1.9]])
    logits = np.einsum("ki,iyx->kyx", slopes, np.stack([columns, rows, np.ones_like(rows)]))
    classes = logits.argmax(axis=0)
    ordered = np.sort(logits, axis=0)
    margin = np.rint(255 * np.log(np.clip(ordered[2] - ordered[1], 0.01, 100) / 0.01) / np.log(1e4))
    segments = page.evaluate(
        """async ([predicted_class, margin]) => {
            const {findBorder} = await import(new URL('figures/border.js', document.baseURI).href);
            const seen = {predicted_class, margin, confidence: predicted_class.map(() => 90)};
            return findBorder({numbers: () => new Float32Array(30)}, seen);
        }""",
        [classes.ravel().tolist(), margin.ravel().tolist()],
    )
    ends = np.array(segments).reshape(-1, 2)
    at = np.einsum("ki,ni->nk", slopes, np.column_stack([ends, np.ones(len(ends))]))
    two = np.sort(at, axis=1)
    apart = (two[:, 2] - two[:, 1]) / np.hypot(0.47, 0.15)  # this is about the distance in cells
    assert len(ends) > 80
    # Where three classes meet, neighbouring places have different second classes.
    assert np.quantile(apart, 0.95) < 0.05


def test_recordings_themselves_are_neither_exported_nor_named(recorded: Recorded) -> None:
    site = recorded.root / "web" / "site"
    assert (recorded.gallery.data / "recordings").is_dir()
    names = [path.relative_to(site).as_posix() for path in site.rglob("*")]
    assert not [
        name for name in names if name.startswith("data/recordings") or "theta-" in name or "frames.jsonl" in name
    ]
    index = json.loads((site / "data" / "index.json").read_text())
    assert {each["id"] for each in index["runs"] if each.get("source")} == {
        recorded.id(name) for name in ("digits", "curve", "halves", "table")
    }
