"""Opens the runs of all examples of own models in a real Chromium, and looks at all their planes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from lossatlas.runs import RecordedRun
from lossatlas.store import Gallery, open_stored, run_folder
from tests.own_models.trainings import run_example
from tests.support.pages import Watched, until
from tests.web.conftest import app_in_thread

#: Lightning warns about few workers and missing loggers.
pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore")]
SMALL = ("--epochs", "2", "--samples", "64", "--budget", "0.5")
STEPS = ("--steps", "4", "--every", "1", "--samples", "64", "--curvature", "2", "--budget", "0.5")
#: Each example with small settings, and the title of its right plot. The smallest ResNet is recorded without one.
EXAMPLES = {
    "digits_cnn": (SMALL, "Decision boundary"),
    "lightning_digits": (SMALL, "Decision boundary"),
    "finetune_from_checkpoints": (SMALL, "Decision boundary"),
    "resnet20_skips": (("--fast", "--skips", "without"), None),
    "grokking": (STEPS, "Loss of each sample"),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RecordedRun]:
    """Record the runs of all examples in one data folder, and provide them by the names of their scripts."""
    data, found = tmp_path_factory.mktemp("examples"), dict[str, RecordedRun]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PL_GLOBAL_SEED", "0")  # the script of Lightning sets it
        for name, (options, _) in EXAMPLES.items():
            before = set(Gallery(data).ids())
            run_example(patch, name, *options, "--data", str(data))
            [run_id] = set(Gallery(data).ids()) - before
            run = open_stored(run_folder(data, run_id))
            assert isinstance(run, RecordedRun)
            found[name] = run
    return found


@pytest.fixture(scope="module")
def address(runs: dict[str, RecordedRun]) -> Iterator[str]:
    folder = next(iter(runs.values())).folder
    assert folder is not None
    with app_in_thread(Gallery(folder.parent.parent)) as url:
        yield url


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_opens_with_its_plots_and_all_its_planes(
    desktop: Watched, address: str, runs: dict[str, RecordedRun], name: str
) -> None:
    run, title = runs[name], EXAMPLES[name][1]
    frames = run.manifest["frames"]
    page = desktop.show(f"{address}?run={run.id}&epoch={frames[0]}")
    expect(page.locator("#run-title")).to_contain_text(run.manifest["model"]["title"])
    for key, epoch in (("Home", frames[0]), ("End", frames[-1])):
        page.locator("body").press(key)
        until(page, "wanted => window.lossatlas.shown()?.epoch === wanted", epoch)
    if title:
        expect(page.locator("#boundary-heading")).to_have_text(title)
        expect(page.locator("#boundary")).to_be_visible()
    else:
        expect(page.locator("#boundary")).to_be_hidden()
        for width in (390, 800, 1280):  # the landscape takes the room, in one column as in two and in four
            page.set_viewport_size({"width": width, "height": 844})
            plot, panel = (page.locator(name).bounding_box() for name in ("#landscape", ".panel.dataset"))
            assert plot
            assert panel
            assert plot["y"] < 300
            assert plot["width"] > (width if width < 1000 else panel["x"] - 200) - 1
            assert plot["x"] + plot["width"] <= width
    for plane in run.manifest["planes"]:
        page.locator("#plane").select_option(plane["name"])
        until(page, "name => window.lossatlas.slice()?.plane === name", plane["name"])
        until(page, "() => window.lossatlas.isCurrent()")
    expect(page.locator("#train-here")).to_be_disabled()
    expect(page.locator("#train-here")).to_have_attribute("title", re.compile("cannot continue here"))
