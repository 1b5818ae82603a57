"""Tests the tour: links open its stops, its words change the plots, a person can take over, and its claims are true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from lossatlas.curvature import curvature_of
from lossatlas.datasets import DatasetConfig, load_dataset
from lossatlas.engine import Evaluator
from lossatlas.networks import ModelConfig, Network
from lossatlas.planes import FreshPlane, project
from lossatlas.runs import compute_run
from lossatlas.site import export_site
from lossatlas.store import Gallery
from lossatlas.training import State, Training, TrainingConfig, Trajectory, train
from tests.support.drawn import Drawn
from tests.support.pages import Watched, until, watched
from tests.support.tour_runs import tour_configs
from tests.web.conftest import Site, static_server
from tests.web.test_first_minute import WHOLE
from tests.web.test_landscape_lines import assert_surface_is

ROOT = Path(__file__).parents[2]
#: The source code of the stops, in which texts that are written as sums of strings are joined.
PROSE = re.sub(r"' \+\s+'", "", (ROOT / "src/lossatlas/web/features/tour/stops.js").read_text(encoding="utf-8"))
#: What each stop shows if the gallery has its run: the beginning of the run's id, the epoch, and the plane.
STORED = {
    "two-plots": ("moons-16x16-tanh-", 300, "fresh"),
    "hidden-layer": ("here-", 100, "fresh"),
    "large-step": ("here-", 100, "fresh"),
    "flat-and-sharp": ("checkerboard-16x16-tanh-", 2400, "fresh"),
    "path": ("moons-16x16-tanh-", 300, "fresh"),
    "skips": ("arms-8x8x8x8x8x8x8x8-tanh-", 100, "gaussian-filter"),
    "directions": ("moons-16x16-tanh-", 300, "fresh"),
}
IS_SHOWN = """([run, epoch, plane]) => {
    const shown = window.lossatlas?.shown();
    return shown !== null && shown !== undefined && shown.run.startsWith(run) && shown.epoch === epoch
        && window.lossatlas.slice().plane === plane;
}"""
IDLE = "() => document.querySelector('#tour .news')?.textContent === ''"


@pytest.fixture(scope="module")
def toured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Export a gallery that has the runs of the tour."""
    folder = tmp_path_factory.mktemp("tour")
    gallery = Gallery(folder / "data")
    for config in tour_configs():
        gallery.save(compute_run(config))
    export_site(gallery, folder / "site")
    with static_server(folder / "site") as origin:
        yield Site(f"{origin}/", gallery, computes=False)


def open_tour(watched_: Watched, url: str) -> Page:
    page = watched_.open(url)
    until(page, "() => !document.querySelector('#tour').hidden && document.querySelector('#tour-heading') !== null")
    return page


def state(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("() => window.lossatlas.state()")
    return found


@pytest.mark.browser
@pytest.mark.parametrize("stop", STORED)
def test_every_stop_opens_from_its_link_with_its_stored_run(stop: str, toured: Site, desktop: Watched) -> None:
    page = open_tour(desktop, f"{toured.url}?tour={stop}")
    until(page, IS_SHOWN, list(STORED[stop]))
    assert state(page)["tour"] == stop
    assert page.evaluate("() => document.activeElement.id") == "tour-heading"


def assert_words_fit(page: Page) -> None:
    """Assert that the text is beside the row of training, and nothing has to be scrolled."""
    page.set_viewport_size({"width": 1280, "height": 720})
    until(
        page, "() => (({scrollHeight, clientHeight}) => scrollHeight <= clientHeight)(document.querySelector('.words'))"
    )


@pytest.mark.browser
@pytest.mark.parametrize("stop", ["two-plots", "hidden-layer", "flat-and-sharp"])
def test_where_the_gallery_lacks_the_run_a_stop_trains_it_in_the_page(
    stop: str, exported: Site, desktop: Watched
) -> None:
    page = open_tour(desktop, f"{exported.url}?tour={stop}")
    until(page, IS_SHOWN, ["here-", STORED[stop][1], "fresh"], patience=60_000)
    assert_words_fit(page)


@pytest.mark.browser
@pytest.mark.parametrize("stop", ["path", "directions"])
def test_a_stop_begins_to_train_the_run_of_an_earlier_stop_as_well(stop: str, exported: Site, desktop: Watched) -> None:
    page = open_tour(desktop, f"{exported.url}?tour={stop}")
    until(page, "() => window.lossatlas.shown()?.run.startsWith('here-') && window.lossatlas.shown().epoch > 0")
    assert_words_fit(page)


@pytest.mark.browser
def test_the_served_page_opens_a_stop_as_well_and_in_a_presentation(served: Site, desktop: Watched) -> None:
    page = open_tour(desktop, f"{served.url}?present=1&tour=hidden-layer")
    until(page, IS_SHOWN, ["here-", 100, "fresh"], patience=60_000)


@pytest.mark.browser
def test_large_steps_in_the_page_reach_the_loss_that_the_tour_names(exported: Site, desktop: Watched) -> None:
    page = open_tour(desktop, f"{exported.url}?tour=large-step")
    until(page, IS_SHOWN, ["here-", 100, "fresh"], patience=60_000)
    assert_words_fit(page)
    page.locator("body").press("Home")
    for _ in range(4):
        page.locator("body").press("ArrowRight")
    until(page, IS_SHOWN, ["here-", 4, "fresh"])
    assert page.locator("[data-readout=train_loss]").inner_text().startswith("17.")


@pytest.mark.browser
def test_words_change_the_plots_and_the_words_whose_picture_is_shown_are_marked(toured: Site, desktop: Watched) -> None:
    page = open_tour(desktop, f"{toured.url}?tour=two-plots")
    until(page, IS_SHOWN, list(STORED["two-plots"]))
    word = page.get_by_role("button", name="Before training")
    expect(word).not_to_have_attribute("aria-current", "true")
    word.click()
    until(page, IS_SHOWN, ["moons-", 0, "fresh"])
    expect(word).to_have_attribute("aria-current", "true")
    run = toured.gallery.open(page.evaluate("() => window.lossatlas.shown().run"))
    span = list(run.planes[0].spans).index(Drawn(page).span)
    assert_surface_is(page, run.loss_surface["fresh"][span, 0])
    page.get_by_role("button", name="a point on the slope").click()
    until(page, "() => String(window.lossatlas.slice()?.pick) === '1,0' && window.lossatlas.shown().epoch === 300")


@pytest.mark.browser
def test_the_whole_tour_goes_by_keyboard_and_escape_gives_the_focus_back(toured: Site, desktop: Watched) -> None:
    page = desktop.open(toured.url)
    page.get_by_role("button", name="Take the tour").press("Enter")
    until(page, "() => document.activeElement.id === 'tour-heading'")
    for stop in list(STORED)[1:4]:
        page.get_by_role("button", name="Next", exact=True).press("Enter")
        until(page, "s => window.lossatlas.state().tour === s && document.activeElement.id === 'tour-heading'", stop)
    page.get_by_role("button", name="Previous", exact=True).press("Enter")
    assert state(page)["tour"] == "large-step"
    page.keyboard.press("Escape")
    assert state(page)["tour"] is None
    assert page.evaluate("() => document.activeElement.id") == "tour-open"
    expect(page.get_by_role("region", name="Tour", exact=True)).to_be_hidden()


#: JavaScript that zooms in, presses on the plot during the move, and returns the zoom then and after the move's time.
TAKE_OVER = """async () => {
    const {state} = window.lossatlas;
    [...document.querySelectorAll('#tour button')].find(({textContent}) => textContent === 'zoom in').click();
    while (state().zoom === null) await new Promise(requestAnimationFrame);
    const plot = document.querySelector('#landscape-plot');
    document.querySelector('#landscape .plot-body').dispatchEvent(new PointerEvent('pointerdown'));  // not a control
    plot.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}));
    const there = state().zoom;
    plot.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}));
    await new Promise((done) => setTimeout(done, 900));
    return [there, state().zoom];
}"""


@pytest.mark.browser
def test_a_person_who_takes_over_ends_a_move_at_once(toured: Site, browser: Browser) -> None:
    for moving in watched(browser, viewport={"width": 1100, "height": 620}):
        page = open_tour(moving, f"{toured.url}?tour=flat-and-sharp")
        until(page, IS_SHOWN, list(STORED["flat-and-sharp"]))
        back = page.get_by_role("button", name="Back to this stop")
        for _ in range(20):  # on a busy machine there may be no frame before the end of a move
            there, then = page.evaluate(TAKE_OVER)
            if there != 0.01:
                break
            back.click()
            until(page, "() => window.lossatlas.state().zoom === null")
        assert then == there != 0.01
        back.click()
        until(page, "() => window.lossatlas.state().zoom === null")
        expect(back).to_be_hidden()


@pytest.mark.browser
def test_a_person_who_takes_over_ends_playback(toured: Site, browser: Browser) -> None:
    for moving in watched(browser, viewport={"width": 1100, "height": 620}):
        page = open_tour(moving, f"{toured.url}?tour=two-plots")
        until(page, IS_SHOWN, list(STORED["two-plots"]))
        page.get_by_role("button", name="Watch it learn").click()
        until(page, "() => document.querySelector('#play').dataset.playing === 'true'")
        page.get_by_role("switch", name="Log loss").click()
        assert page.locator("#play").get_attribute("data-playing") == "false"
        assert state(page)["scale"] == "linear"
        expect(page.get_by_role("button", name="Back to this stop")).to_be_visible()


@pytest.mark.browser
def test_a_shared_link_keeps_what_its_sender_saw(toured: Site, desktop: Watched) -> None:
    page = open_tour(desktop, f"{toured.url}?tour=two-plots&scale=log&epoch=0")
    assert (state(page)["scale"], state(page)["epoch"]) == ("log", 0)
    expect(page.get_by_role("button", name="Back to this stop")).to_be_visible()
    page.get_by_role("button", name="Close the tour").click()
    page.reload()
    until(page, "() => window.lossatlas?.shown()")
    assert page.locator("#tour").is_hidden()
    page.go_back()
    expect(page.locator("#tour")).to_be_visible()  # although this document never had it
    assert (state(page)["scale"], state(page)["epoch"]) == ("log", 0)


def fit_together(page: Page, plot: str) -> bool:
    """Return whether the stop's text and the whole plot are visible, side by side or one above the other."""
    words, seen = page.locator("#tour .words").bounding_box(), page.locator(plot).bounding_box()
    assert words
    assert seen
    apart = seen["y"] >= words["y"] + words["height"] or seen["x"] >= words["x"] + words["width"]
    return bool(apart and words["y"] >= 0 and words["height"] > 100 and page.evaluate(WHOLE, plot))


@pytest.mark.browser
@pytest.mark.parametrize(("width", "height"), [(360, 640), (640, 360)])
def test_on_a_small_screen_a_stop_and_its_plot_are_visible_together(
    toured: Site, browser: Browser, width: int, height: int
) -> None:
    size: Any = {"width": width, "height": height}
    for small in watched(browser, viewport=size, reduced_motion="reduce", has_touch=True, is_mobile=True):
        page = open_tour(small, f"{toured.url}?tour=two-plots")
        sheet = page.get_by_role("region", name="Tour")
        assert fit_together(page, "#landscape-plot")
        sheet.get_by_role("button", name="a point on the slope").tap()
        assert fit_together(page, "#boundary-plot")
        assert not page.evaluate(WHOLE, "#landscape-plot")
        sheet.get_by_role("button", name="after it").tap()
        assert fit_together(page, "#landscape-plot")
        page.locator("#plots label", has_text="Decision boundary").tap()
        assert fit_together(page, "#boundary-plot")
        # Changing the plot does not take over.
        expect(sheet.get_by_role("button", name="Back to this stop")).to_be_hidden()
        for title, plot in (("Why XOR needs a hidden layer", "#boundary-plot"), ("Too large a step", "#curves")):
            sheet.get_by_role("button", name="Next").tap()
            expect(sheet.get_by_role("heading")).to_have_text(title)
            assert fit_together(page, plot), title
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_nothing_of_the_tour_is_fetched_before_it_is_opened() -> None:
    index = (ROOT / "src/lossatlas/web/index.html").read_text(encoding="utf-8")
    assert "tour/" not in index
    assert "tour.css" not in index


# The claims


def train_network(
    name: str, hidden: tuple[int, ...], activation: Any = "tanh", **how: Any
) -> tuple[Any, Network, Trajectory]:
    dataset = load_dataset(DatasetConfig(name=name))
    network = Network.of(ModelConfig(hidden=hidden, activation=activation), 2, dataset.class_count)
    epochs = how.pop("epochs", 100)
    return dataset, network, train(network, dataset, TrainingConfig(epochs=epochs, frames=epochs + 1, **how))


def says(sentence: str) -> bool:
    return sentence in PROSE


def test_its_claims_about_hidden_layers_are_true() -> None:
    dataset, network, line = train_network("corners", ())
    assert says(f"a loss of {line.metrics['train_loss'][-1]:.2f}, where guessing has {np.log(2):.2f}")
    assert says(f"right on {line.metrics['test_accuracy'][-1]:.0%} of the test points".replace("%", " %"))
    bowl = curvature_of(network, line.weights[-1].astype(np.float64), *dataset.train)
    assert bowl.smallest > -1e-6 * bowl.largest  # the loss is convex, as in logistic regression
    for word, hidden in (("Two hidden units", (2,)), ("eight", (8,))):
        accuracy = train_network("corners", hidden)[2].metrics["test_accuracy"][-1]
        assert re.search(rf"'{word}'[^}}]*}},\s+' (give )?{100 * accuracy:.0f} %", PROSE)


def train_moved_starts(network: Network, dataset: Any, config: TrainingConfig) -> Iterator[Any]:
    """Compute training losses from the default start, and from starts whose numbers differ in their last bits."""
    start = network.pack(network.draw_initial_theta(config.seed)).astype(np.float64)
    for number in range(4):
        moves = 1e-15 * np.random.default_rng(number).choice([-1, 0, 1], start.size) * (number > 0)
        training = Training(network, dataset, config, state=State(0, start * (1 + moves), {}))
        yield np.array([snapshot.metrics.train_loss for snapshot in training])


def test_its_claims_about_large_steps_are_true() -> None:
    descent: dict[str, Any] = {"optimizer": "sgd", "batch_size": "full"}
    dataset, network, small = train_network("moons", (8,), learning_rate=1, **descent)
    assert (np.diff(small.metrics["train_loss"]) < 0).all()
    assert says("the loss falls in each of 100 epochs")
    # With such large steps the last bit changes the course; the claims are true for all courses.
    large = TrainingConfig(epochs=100, frames=101, learning_rate=30, **descent)
    courses = list(train_moved_starts(network, dataset, large))
    for losses in courses:
        assert (np.diff(losses) > 0).mean() > 1 / 3
        assert np.argmax(losses) == 3  # the largest loss is that of epoch 4, as the list begins with epoch 1
        assert says(f"in more than a third of the epochs, early on up to {np.max(losses):.0f}")
    assert np.ptp(courses, axis=0).max() > 0.1  # the courses differ, so the training is chaotic
    assert says("Another browser ends elsewhere")  # functions of other browsers differ in the last digit
    beyond = train_network("moons", (16, 16, 16), "gelu", learning_rate=3, **descent)[2]
    assert says(f"the numbers overflow in epoch {beyond.outcome.epoch}")


def test_its_claims_about_the_default_training_are_true() -> None:
    dataset, network, run = train_network("moons", (16, 16), epochs=300)
    losses = run.metrics["train_loss"]
    assert says(f"' its loss is {losses[0]:.2f}; '")
    assert says(f"', {losses[-1]:.4f}. '")
    assert says(f"the loss is always {losses[-1]:.4f}")
    assert says(f"Of {network.parameter_count} dimensions")
    points, labels = dataset.train
    evaluator = Evaluator(network, points, labels, threads=1)
    at = {}
    for seed in (0, 3):
        directions = np.asarray(FreshPlane(seed=seed).draw(network).directions)
        at[seed] = float(evaluator.losses((run.weights[-1] + directions.sum(axis=0))[None].astype(np.float32))[0])
    assert says(f"it is {at[0]:.0f} along the ")
    assert says(f"' and {at[3]:.2f} along the '")


def test_the_share_of_the_path_is_that_of_the_default_run() -> None:
    default = tour_configs()[0]
    _, network, _ = train_network("moons", (16, 16), epochs=1)
    weights = train(network, load_dataset(default.dataset), TrainingConfig()).weights
    directions = np.asarray(FreshPlane().draw(network).directions)
    share = project(directions, weights, weights[-1]).explained_variance
    assert says(f"hold {100 * share:.1f} % of the path")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("pca_holds", "' hold {}, and there"),
        ("pca_walk", "a random walk would have {:.2} % in such"),
        ("edge_limit", "the dashed line 2/η = {}, where"),
        ("edge_highest", "reaches {} and stays near"),
        ("below_limit", "the line is at {}, and"),
        ("below_highest", "and it climbs to {}."),
        ("plain_loss", "is stuck on a shallow slope at a loss of {}, depending"),
        ("plain_loss", "is stuck at a loss of {}, depending"),
        ("residual_loss", "reaches {} in a bowl"),
        ("plain_share", "Nearby, {} of the plain"),
        ("residual_share", "not convex, against {}."),
        ("held_out_lower_wide", "of five other seeds {} agree."),
    ],
)
def test_its_numbers_are_those_of_the_docs(name: str, sentence: str) -> None:
    docs = (ROOT / "docs/reading-a-landscape.md").read_text(encoding="utf-8")
    found = re.search(rf"([\d.,–]+(?: %)?)<!--{name}-->", docs)
    assert found, name
    assert says(sentence.format(found[1]))
