"""Tests the plots as tables: they contain the numbers that are drawn."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces
from lossatlas.planes import FreshPlane
from lossatlas.runs import RunConfig
from tests.support.first_use import HERE, OF_PLANES
from tests.support.pages import PATIENCE, Watched, until
from tests.web.conftest import ARMS, EITHER, MOONS, PLANES, Site
from tests.web.test_controls import number
from tests.web.test_lab_surfaces import surface_around
from tests.web.test_workshop import python

pytestmark = pytest.mark.browser


# The tables


def cells(page: Page, which: int = 0) -> tuple[list[str], list[str], list[list[float]]]:
    """Read the column headings, the row headings and the numbers of one table in the dialog."""
    found = page.evaluate(
        """which => {
            const table = document.querySelectorAll('dialog table')[which];
            return [
                Array.from(table.querySelectorAll('thead th'), (cell) => cell.innerText),
                Array.from(table.querySelectorAll('tbody th'), (cell) => cell.innerText),
                Array.from(table.querySelectorAll('tbody tr'), (row) =>
                    Array.from(row.querySelectorAll('td'), (cell) => Number(cell.dataset.value ?? 'NaN'))),
            ];
        }""",
        which,
    )
    return found[0], found[1], found[2]


def coarse(size: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Choose nine places that are symmetric."""
    lower = np.floor(np.linspace(0, size - 1, 9)[:5] + 0.5).astype(np.int64)
    return np.concatenate([lower, size - 1 - lower[3::-1]])


def open_table(page: Page, name: str) -> None:
    button = page.get_by_role("button", name=f"Table of the {name}")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()


def leave_table(page: Page) -> None:
    page.keyboard.press("Escape")
    expect(page.locator("dialog.numbers")).to_have_count(0)


@EITHER
@pytest.mark.parametrize("loss", ["train", "test", "gap"])
def test_the_landscapes_table_holds_the_stored_losses(site: Site, desktop: Watched, loss: str) -> None:
    run = site.run(PLANES)
    page = desktop.show(f"{site.url}{OF_PLANES}&epoch=60&plane=pca&set={loss}&follow=false")
    open_table(page, "loss landscape")
    columns, rows, values = cells(page)
    cut = next(cut for cut in run.cuts if cut.plane.name == "pca")
    train, test = (surface[0, -1].astype(np.float64) for surface in (cut.loss_surface, cut.test_loss_surface))
    stored = {"train": train, "test": test, "gap": test - train}[loss]
    places = coarse(len(stored))
    np.testing.assert_allclose(values, stored[places[::-1]][:, places], atol=1e-6, rtol=1e-6)
    span = cut.plane.spans[0]
    at = span * np.linspace(-1, 1, len(stored))[places]
    np.testing.assert_allclose([number(text.removeprefix("a ")) for text in columns], at, rtol=5e-3)
    np.testing.assert_allclose([number(text.removeprefix("b ")) for text in rows], at[::-1], rtol=5e-3)
    caption = page.locator("dialog caption").inner_text()
    metrics = run.trajectory.metrics
    own = {"train": metrics["train_loss"], "test": metrics["test_loss"]}
    own["gap"] = own["test"] - own["train"]
    assert number(caption.split("own loss: ")[1].removesuffix(".")) == pytest.approx(own[loss][-1], rel=5e-3)


@EITHER
@pytest.mark.parametrize("config", [MOONS, ARMS], ids=["two classes", "three classes"])
def test_the_boundarys_tables_hold_the_classes_and_the_regions(site: Site, desktop: Watched, config: RunConfig) -> None:
    run = site.run(config)
    page = desktop.show(f"{site.url}?dataset={config.dataset.name}&epoch=60")
    open_table(page, "decision boundary")
    _, names, counts = cells(page)
    data = run.setup.dataset
    predicted = run.trajectory.predicted_class[-1]
    expected = []
    for label in range(len(data.class_names)):
        row: list[float] = []
        for part in (0, 1):
            mine = data.split == part
            own = mine & (data.labels == label)
            row += [own.sum(), (mine & (predicted == label)).sum(), np.mean(predicted[own] == label)]
        expected.append(row)
    assert names == list(data.class_names)
    np.testing.assert_allclose(counts, expected)
    _, rows, confidence = cells(page, 1)
    places = coarse(run.confidence.shape[1])
    grid = np.ix_(places[::-1], places)
    np.testing.assert_allclose(confidence, run.confidence[-1][grid] / 255)
    texts = page.locator("dialog table").nth(1).locator("tbody td").all_inner_texts()
    assert [text.rsplit(",", 1)[0] for text in texts] == [
        data.class_names[label] for label in run.predicted_class[-1][grid].ravel()
    ]
    assert len(rows) == 9


def test_the_boundarys_table_is_of_the_picked_network(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&pick=0.5,-0.25")
    until(page, "() => !document.querySelector('#boundary-whose').hidden")
    open_table(page, "decision boundary")
    assert "a = 0.5, b = −0.25" in page.locator("dialog caption").first.inner_text()


@EITHER
def test_the_trainings_table_holds_every_epoch_and_marks_the_one_that_is_shown(site: Site, desktop: Watched) -> None:
    run = site.run(PLANES)
    page = desktop.show(site.url + OF_PLANES + "&epoch=8")
    open_table(page, "training")
    columns, epochs, values = cells(page)
    assert [int(epoch) for epoch in epochs] == list(run.trajectory.epochs)
    assert columns == ["Epoch", "train loss", "test loss", "train accuracy", "test accuracy", "λ max", "λ min"]
    names = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    np.testing.assert_allclose(np.array(values)[:, :4], np.transpose([run.trajectory.metrics[n] for n in names]))
    curvature = run.curvature
    assert curvature is not None
    measured = np.flatnonzero(np.isfinite(np.array(values)[:, 4]))
    np.testing.assert_array_equal(measured, curvature.frames)
    np.testing.assert_allclose(np.array(values)[measured, 4], curvature.largest, rtol=1e-6)
    assert page.locator("dialog tr[aria-current] th").inner_text() == "8"


@pytest.mark.parametrize("query", ["&zoom=0.37", "&zoom=0.37&set=gap", "&seed=1&set=test"])
def test_the_landscapes_table_of_a_computed_slice_holds_what_numpy_computes(
    exported: Site, desktop: Watched, query: str
) -> None:
    run = exported.run()
    page = desktop.show(f"{exported.url}?epoch=60{query}")
    until(page, "() => window.lossatlas.computed()")
    drawn = "seed" in query
    plane = FreshPlane(seed=1).draw(run.setup.network) if drawn else run.planes[0]
    span = 1.0 if drawn else 0.37
    train, test = (surface_around(run, plane, run.trajectory.weights[11], span, split) for split in (0, 1))
    expected = {"gap": test - train, "test": test, "": train}[query.partition("set=")[2]]
    assert_landscape_table(page, expected, span)


def test_the_tables_of_a_training_in_the_page_hold_what_python_trains(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}{HERE}&epoch=30")
    setup, trajectory = python()
    until(page, "() => window.lossatlas.shown()?.epoch === 30")
    data = setup.dataset
    members = data.split == 0
    evaluator = Evaluator(setup.network, data.points[members], data.labels[members], threads=1)
    plane = FreshPlane().draw(setup.network)
    [surface] = loss_surfaces(evaluator, plane, trajectory.weights[30], [1.0], 41)
    assert_landscape_table(page, np.asarray(surface.loss, np.float64), 1.0)

    open_table(page, "decision boundary")
    _, names, counts = cells(page)
    predicted = trajectory.predicted_class[30]
    assert names == list(data.class_names)
    assert page.locator("dialog caption").first.inner_text() == "Epoch 30: the classes"
    for label, row in enumerate(counts):
        for part in (0, 1):
            mine, own = data.split == part, data.labels == label
            expected = [
                (mine & own).sum(),
                (mine & (predicted == label)).sum(),
                np.mean(predicted[mine & own] == label),
            ]
            np.testing.assert_allclose(row[3 * part : 3 * part + 3], expected)
    leave_table(page)

    open_table(page, "training")
    columns, epochs, values = cells(page)
    assert columns == ["Epoch", "train loss", "test loss", "train accuracy", "test accuracy"]
    assert [int(epoch) for epoch in epochs] == list(range(31))
    stored = [trajectory.metrics[name] for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy")]
    np.testing.assert_allclose(values, np.transpose(stored), rtol=1e-4)


def assert_landscape_table(page: Page, expected: Any, span: float) -> None:
    """Assert that the table has these numbers, after the full surface has replaced the preview."""
    places = coarse(len(expected))
    wanted = expected[places[::-1]][:, places]
    deadline = time.monotonic() + PATIENCE / 1000
    while True:
        open_table(page, "loss landscape")
        columns, rows, values = cells(page)
        if np.allclose(values, wanted, rtol=1e-4, atol=1e-5):
            break
        assert time.monotonic() < deadline, np.max(np.abs(np.array(values) - wanted))
        leave_table(page)
    at = span * np.linspace(-1, 1, len(expected))[places]
    np.testing.assert_allclose([number(text.removeprefix("a ")) for text in columns], at, rtol=5e-3)
    np.testing.assert_allclose([number(text.removeprefix("b ")) for text in rows], at[::-1], rtol=5e-3)
    leave_table(page)


def test_a_key_closes_a_table_and_returns_the_focus(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    open_table(page, "training")
    page.keyboard.press("ArrowLeft")  # the key scrolls the table and does not change the frame
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    button = page.get_by_role("button", name="Table of the training")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    open_table(page, "training")
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("() => window.lossatlas.shown().frame") == 11
