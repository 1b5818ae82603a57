"""Tests recorded runs in a real Chromium: the page shows them, and says what it cannot do with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import expect

import lossatlas.torch as lat
from lossatlas.runs import compute_run
from lossatlas.site import export_site
from lossatlas.store import Gallery
from tests.own_models.trainings import convolutional, images, shuffling, train
from tests.support.pages import Watched, until
from tests.web.conftest import MOONS, static_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """Export a computed run and three recorded ones; yield the address, and the ids of the recorded runs by name."""
    root = tmp_path_factory.mktemp("recorded")
    gallery = Gallery(root / "data")
    gallery.save(compute_run(MOONS))
    torch.manual_seed(3)
    cnn, loader = convolutional(classes=10), [images(60, classes=10).tensors]
    options: Any = {"data": gallery.data, "curvature": 2}
    moving = {"kind": "gaussian", "normalization": "filter", "spans": (0.5,), "grid": 5}
    planes: Any = [moving, {"kind": "pca", "grid": 5}]
    loss_fn = torch.nn.CrossEntropyLoss()
    with lat.Recorder(cnn, loss_fn, loader, loader, name="digits", planes=planes, **options) as recorder:
        train(cnn, shuffling(images(60, classes=10)), 3, recorder.snapshot)
    values = torch.linspace(-1, 1, 40)[:, None]
    curve = torch.nn.Sequential(torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    pairs = [(values, values**2)]
    optimizer = torch.optim.SGD(curve.parameters(), lr=0.1)
    with lat.Recorder(curve, torch.nn.MSELoss(), pairs, name="curve", planes=planes, **options) as recorder:
        for _ in range(3):
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(curve(values), values**2).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            recorder.snapshot()
    points = torch.randn(40, 2)
    ours = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.Tanh(), torch.nn.Linear(5, 2))
    batch = [(points, (points[:, 0] > 0).long())]
    with lat.Recorder(ours, loss_fn, batch, batch, name="halves", planes=planes, **options) as recorder:
        train(ours, batch, 3, recorder.snapshot)
    export_site(gallery, root / "web" / "site")
    ids = {name: next(i for i in gallery.ids() if i.startswith(f"{name}-")) for name in ("digits", "curve", "halves")}
    with static_server(root / "web") as origin:
        yield f"{origin}/site/index.html", ids


def test_a_recorded_network_of_images_shows_as_itself(desktop: Watched, site: tuple[str, dict[str, str]]) -> None:
    address, ids = site
    page = desktop.open(f"{address}?run={ids['digits']}&pick=0.1,0.1")
    expect(page.locator("#status")).to_contain_text("no page can evaluate it")
    card = page.locator("#recorded-card")
    for words in ("digits", "Sequential", "CrossEntropyLoss, in nats", "60 to train", "statistics of each batch"):
        expect(card).to_contain_text(words)
    expect(page.locator("#model")).to_be_hidden()
    expect(page.locator("#train-here")).to_be_disabled()
    assert "is trained where it was" in str(page.locator("#train-here").get_attribute("title"))
    assert page.locator("input[name=dataset]:checked").count() == 0
    page.locator("#plane").select_option("pca")
    until(page, "() => new URLSearchParams(location.search).get('plane') === 'pca'")
    expect(page.locator("#run-title")).to_have_text("digits · Sequential")


def test_a_run_without_classes_gives_the_landscape_the_room(desktop: Watched, site: tuple[str, dict[str, str]]) -> None:
    address, ids = site
    page = desktop.open(f"{address}?run={ids['curve']}")
    expect(page.locator("#boundary")).to_be_hidden()
    widths = page.evaluate("() => ['#landscape', 'main'].map((each) => document.querySelector(each).clientWidth)")
    assert widths[0] > 0.6 * widths[1]
    expect(page.locator('[data-readout="train_accuracy"]')).to_have_text("–")
    expect(page.locator('[data-readout="test_loss"]')).to_have_text("–")


def test_a_recorded_plain_network_can_do_what_computed_runs_can(
    desktop: Watched, site: tuple[str, dict[str, str]]
) -> None:
    address, ids = site
    page = desktop.open(f"{address}?run={ids['halves']}&pick=0.1,0.1")
    expect(page.locator("#boundary-whose")).to_be_visible()
    expect(page.locator("#boundary-whose")).to_contain_text("0.1")
    expect(page.locator("#new-directions")).to_be_enabled()
    page.locator("#recorded-runs button", has_text="digits").click()
    expect(page.locator("#run-title")).to_have_text("digits · Sequential")
    page.locator("input[name=dataset][value=moons]").check(force=True)
    expect(page.locator("#recorded-card")).to_be_hidden()
    expect(page.locator("#model")).to_be_visible()
    expect(page.locator("#train-here")).to_be_enabled()
