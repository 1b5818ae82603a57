"""Tests the controls of training in the page: it shows what Python trains with the same settings."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces
from lossatlas.planes import FreshPlane, project
from lossatlas.runs import RunConfig, Setup
from lossatlas.site import describe_catalog
from lossatlas.training import Trajectory, train
from tests.support.modules import with_constants
from tests.support.pages import Watched, until
from tests.web.conftest import EITHER, MOONS, Site
from tests.web.test_controls import number, readout
from tests.web.test_lab_surfaces import wait_for_surface

pytestmark = pytest.mark.browser

#: Half moons, and a network so small that any machine can compute the surfaces during the training.
HERE = "dataset=moons&hidden=8&sample=120,0.2,1"
#: JavaScript that returns the dots of the path on the map.
DOTS = "document.querySelector('#landscape-map .js-plotly-plot')?.data?.find(({name}) => name === 'frames')"


@cache
def python(epochs: int = 30, name: str = "moons", **training: Any) -> tuple[Setup, Trajectory]:
    sample = {"points": 120, "noise": 0.2, "seed": 1} if name == "moons" else {}
    config = RunConfig.model_validate(
        {
            "dataset": {"name": name, **sample},
            "model": {"hidden": (8,)},
            "training": {"epochs": epochs, "frames": epochs + 1, **training},
        }
    )
    setup = Setup.of(config)
    return setup, train(setup.network, setup.dataset, config.training)


def assert_epoch(page: Page, trained: tuple[Setup, Trajectory], epoch: int) -> None:
    """Assert that readouts and surface are those of Python's theta at this epoch."""
    setup, trajectory = trained
    until(page, "epoch => window.lossatlas.shown()?.epoch === epoch", epoch)
    for name in ("train_loss", "test_loss", "train_accuracy"):
        shown = page.locator(f"#readouts [data-readout={name}]").get_attribute("data-value")
        assert float(shown or "nan") == pytest.approx(float(trajectory.metrics[name][epoch]), rel=1e-4)
    train_points = setup.dataset.split == 0
    evaluator = Evaluator(
        setup.network, setup.dataset.points[train_points], setup.dataset.labels[train_points], threads=1
    )
    plane = FreshPlane().draw(setup.network)
    [surface] = loss_surfaces(evaluator, plane, trajectory.weights[epoch], [1.0], 41)
    wait_for_surface(page, np.asarray(surface.loss, np.float64))


def epoch_now(page: Page) -> int:
    found: int = page.evaluate("() => Number(document.querySelector('#workshop .pace').textContent.match(/\\d+/)[0])")
    return found


def press(page: Page, name: str) -> None:
    page.get_by_role("region", name="Training here").get_by_role("button", name=name, exact=True).click()


@EITHER
def test_a_link_trains_up_to_its_epoch_and_shows_pythons_network(site: Site, desktop: Watched) -> None:
    page = desktop.open(f"{site.url}?{HERE}&train=adam,0.01,32,0,0&epoch=30")
    assert_epoch(page, python(), 30)
    expect(page.get_by_role("region", name="Training here")).to_be_visible()
    page.locator("body").press("Home")
    assert_epoch(page, python(), 0)


def test_a_training_starts_pauses_steps_and_stops(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?{HERE}&train=sgd,0.1,full,0,0&epoch=0", view="surface")
    until(page, "() => window.lossatlas.shown()?.epoch === 0")
    page.get_by_role("combobox", name="Pace").select_option("30")  # so that it does not end during the test
    for epoch in (1, 2):
        press(page, "Step")
        until(page, "epoch => window.lossatlas.shown().epoch === epoch", epoch)
    assert_epoch(page, python(optimizer="sgd", learning_rate=0.1, batch_size="full"), 2)
    press(page, "Continue")
    until(page, "() => window.lossatlas.shown().epoch > 5")
    press(page, "Pause")
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    stood = epoch_now(page)
    until(page, "epoch => window.lossatlas.shown().epoch === epoch", stood)
    press(page, "Step")
    until(page, "epoch => window.lossatlas.shown().epoch === epoch", stood + 1)
    press(page, "Continue")
    until(page, "epoch => window.lossatlas.shown().epoch > epoch", stood + 5)
    press(page, "Stop")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Step", exact=True)).to_be_disabled()


def test_a_paused_training_has_its_path_in_a_fixed_plane_and_can_continue(exported: Site, desktop: Watched) -> None:
    setup, trajectory = python()
    page = desktop.show(f"{exported.url}?{HERE}&train=adam,0.01,32,0,0&epoch=30&follow=false&path=true&view=contours")
    until(page, "() => window.lossatlas.shown()?.epoch === 30 && window.lossatlas.slice().path")
    plane = FreshPlane().draw(setup.network)
    path = project(plane.directions, trajectory.weights, trajectory.weights[30])
    until(page, f"() => {DOTS}?.x.length === 31")
    dots = page.evaluate(f"() => {{ const {{x, y}} = {DOTS}; return [...x].map((a, t) => [a, y[t]]); }}")
    np.testing.assert_allclose(dots, path.coordinates, atol=2e-4)
    expect(page.locator("#slice-mode")).to_contain_text("The plane stays at the trained network")
    press(page, "Step")  # the plane moves during the step, and then stays around the new end
    until(page, "() => window.lossatlas.shown()?.epoch === 31 && window.lossatlas.slice().path")
    until(page, f"() => {DOTS}?.x.length === 32")


STEADY = with_constants("""async (pairs) => {
    const {keepRange} = await import('./figures/range.js');
    return pairs.map(([next, before]) => keepRange(next, before ?? undefined));
}""")


def loss_range(low: float, high: float, scale: str = "linear", kind: str = "loss") -> dict[str, Any]:
    bounds = {"min": low, "max": high, "clipped": False, "floored": False}
    return {"kind": kind, "scale": scale, "low": low, "high": high, **bounds}


def test_the_range_of_a_run_that_grows_stays_while_the_new_one_fills_most_of_it(
    exported: Site, desktop: Watched
) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    # The loss 1 is in the middle of the logarithmic range.
    linear, log = (
        loss_range(0, 10),
        loss_range(0.01, 100, "log"),
    )
    stays = [(loss_range(0, 7), linear), (loss_range(3, 10), linear), (loss_range(0.1, 10, "log"), log)]
    changes = [(loss_range(*bounds), linear) for bounds in ((0, 5), (0, 11), (-1, 10), (5, 10))]
    changes += [(loss_range(0.01, 1, "log"), log), (loss_range(-8, 8, kind="gap"), linear), (linear, log)]
    found = page.evaluate(STEADY, [*stays, *changes, (linear, None)])
    kept = [{**new, "low": before["low"], "high": before["high"]} for new, before in stays]
    [lower] = page.evaluate(STEADY, [(loss_range(0.003, 100, "log"), log)])
    assert lower == {**loss_range(0.003, 100, "log"), "low": 0.003 / 3}  # the range leaves room for lower losses
    assert found == [*kept, *(new for new, _ in changes), linear]


def test_a_link_to_epoch_0_of_a_training_does_not_start_it(exported: Site, browser: Browser) -> None:
    page = browser.new_page(reduced_motion="no-preference")  # without reduced motion a training would start by itself
    page.goto(f"{exported.url}?{HERE}&train=adam,0.1,32,0,0&epoch=0")
    until(page, "() => window.lossatlas?.shown()?.epoch === 0")
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    page.close()


#: JavaScript that counts the vertices at the lowest height of each drawn surface, and returns the start of the axis.
FLOORS = """async last => {
    const seen = [];
    for (let frame = 0; frame < 6000 && (seen.at(-1)?.epoch ?? 0) < last; frame++) {
        await new Promise(requestAnimationFrame);
        const {epoch} = window.lossatlas.shown() ?? {};
        const {z} = document.querySelector('#landscape-plot .js-plotly-plot')?.data?.find(
            ({type}) => type === 'mesh3d') ?? {};
        if (!z || seen.at(-1)?.epoch === epoch) continue;
        const low = z.reduce((least, each) => Math.min(least, each), Infinity);
        seen.push({epoch, lowest: z.filter((each) => each < low + 1e-9).length, low: window.lossatlas.range().low});
    }
    return seen;
}"""


def test_the_axis_of_a_training_reaches_down_to_where_the_network_is(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?dataset=spirals&hidden=16,16&sample=200,0.03,0&train=adam,0.02,32,0,0")
    press(page, "Start")
    seen = page.evaluate(FLOORS, 250)
    assert len(seen) > 10
    assert seen[-1]["low"] < 0.1 < seen[0]["low"]
    assert [each for each in seen if each["lowest"] > 2] == []  # no surface has a flat floor


def test_a_paused_training_has_the_range_of_a_link_to_it(exported: Site, desktop: Watched) -> None:
    query = f"{exported.url}?{HERE}&train=adam,0.1,32,0,0&epoch="
    height = "() => Object.values(window.lossatlas.range())"
    page = desktop.show(f"{query}0")
    press(page, "Start")
    until(page, "() => window.lossatlas.shown().epoch > 60")
    press(page, "Pause")
    expect(page.get_by_role("button", name="Continue")).to_be_visible()
    epoch = epoch_now(page)
    until(page, "epoch => window.lossatlas.shown().epoch === epoch", epoch)
    other = desktop.page.context.new_page()
    other.goto(f"{query}{epoch}")
    until(other, "epoch => window.lossatlas?.shown()?.epoch === epoch", epoch)
    expected = other.evaluate(height)
    until(page, f"expected => String(({height})()) === String(expected)", expected)
    other.close()


def test_earlier_epochs_can_be_viewed_while_it_trains(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?{HERE}&train=adam,0.01,32,0,0&epoch=0")
    page.get_by_role("combobox", name="Pace").select_option("30")
    press(page, "Start")
    until(page, "() => window.lossatlas.shown().epoch > 3")
    page.locator("body").press("Home")
    until(page, "() => window.lossatlas.shown().epoch === 0")
    before = epoch_now(page)
    until(page, "before => Number(document.querySelector('#epoch').max) > before + 3", before)
    assert page.evaluate("() => window.lossatlas.shown().epoch") == 0
    page.locator("body").press("End")
    until(page, "before => window.lossatlas.shown().epoch > before + 3", before)
    press(page, "Pause")


def test_it_pauses_while_nobody_can_see_it(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?{HERE}&train=adam,0.01,32,0,0&epoch=0")
    expect(page.get_by_role("combobox", name="Pace")).to_have_value("30")
    press(page, "Start")
    until(page, "() => window.lossatlas.shown().epoch > 3")
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page.locator("#workshop .go")).to_have_text("Continue")
    rested = epoch_now(page)
    page.keyboard.press("Escape")
    until(page, "rested => window.lossatlas.shown().epoch > rested + 3", rested)
    press(page, "Pause")
    page.get_by_role("button", name="Share", exact=True).click()
    page.keyboard.press("Escape")  # a training that a person has paused stays paused
    expect(page.locator("#workshop .go")).to_have_text("Continue")


def test_it_stops_at_the_chosen_epoch_and_continues_from_there(exported: Site, desktop: Watched) -> None:
    page = desktop.open(f"{exported.url}?{HERE}&train=adam,0.01,32,0,0&epoch=0")
    here = page.get_by_role("region", name="Training here")
    here.get_by_role("combobox", name="Pace").select_option("Infinity")
    stop = here.get_by_role("spinbutton", name="Stop at epoch")
    stop.fill("40")
    press(page, "Start")
    expect(here.get_by_role("status")).to_contain_text("Stopped at epoch 40, as set. Press Continue to train further.")
    assert_epoch(page, python(40), 40)
    stop.fill("55")
    press(page, "Continue")
    expect(here.get_by_role("status")).to_contain_text("Stopped at epoch 55, as set.")
    assert_epoch(page, python(60), 55)
    here.get_by_role("combobox", name="Pace").select_option("30")
    press(page, "Continue")  # an epoch that has passed does not stop the training
    until(page, "() => window.lossatlas.shown().epoch > 58")
    stop.fill("10")
    stop.press("Enter")  # an epoch that is set during the training stops it at once
    expect(here.get_by_role("status")).to_contain_text("as set. Press Continue to train further.")
    expect(page.locator("#workshop .go")).to_have_text("Continue")


def test_it_pauses_where_the_loss_is_flat_unless_that_is_switched_off(exported: Site, desktop: Watched) -> None:
    page = desktop.open(f"{exported.url}?{HERE}&train=sgd,0.000001,full,0,0&epoch=0&view=contours")
    here = page.get_by_role("region", name="Training here")
    here.get_by_role("combobox", name="Pace").select_option("Infinity")
    press(page, "Start")
    message = "Paused at epoch 200: the loss has hardly changed for 200 epochs. Press Continue to train further."
    expect(here.get_by_role("status")).to_contain_text(message)
    until(page, "() => window.lossatlas.shown().epoch === 200")
    here.get_by_role("switch", name="Pause when flat").uncheck()
    here.get_by_role("spinbutton", name="Stop at epoch").fill("900")
    press(page, "Continue")
    expect(here.get_by_role("status")).to_contain_text("Stopped at epoch 900, as set.")
    expect(here.get_by_role("status")).to_contain_text("Try a higher learning rate")


AXIS = with_constants("""async ({frames, trained, counts}) => {
    const {computeCurves, findFrameAt, computeProgress, chooseFrames} = await import('./figures/curves.js');
    const losses = frames.map(() => 1);
    const run = {frames, hasEveryEpoch: trained, metrics: {train_loss: losses, test_loss: losses}};
    const box = {width: 700, height: 60, inset: 8, top: 4, bottom: 4};
    const {x, epochTicks} = computeCurves(run, 'log', box);
    return {
        progress: frames.map((_, frame) => computeProgress(run, frame)), x: frames.map((_, frame) => x(frame)),
        back: frames.map((_, frame) => findFrameAt(run, computeProgress(run, frame))), epochTicks,
        spread: counts.map((count) => chooseFrames(run, count)),
    };
}""")


def progress(epochs: Any, last: int) -> Any:
    """Place an epoch on the axis, which is linear up to epoch 50 and logarithmic beyond."""
    epochs = np.asarray(epochs, float)
    time, end = (np.where(e <= 50, e / 50, 1 + np.log(np.maximum(e, 50) / 50)) for e in (epochs, np.array(float(last))))
    return time / end


@pytest.mark.parametrize("frames", [range(41), range(3001), [*range(0, 40_000, 16), 39_999]])
def test_the_time_axis_leaves_room_for_the_fall_of_the_loss(exported: Site, desktop: Watched, frames: Any) -> None:
    page = desktop.show(f"{exported.url}?epoch=60")
    frames, counts = list(frames), [2, 30, 150, 10**6]
    found = page.evaluate(AXIS, {"frames": frames, "trained": True, "counts": counts})
    expected = progress(frames, frames[-1])
    np.testing.assert_allclose(found["progress"], expected, atol=1e-12)
    np.testing.assert_allclose(found["x"], 8 + 684 * expected, atol=1e-9)
    assert found["back"] == list(range(len(frames)))
    for tick in found["epochTicks"]:  # a label is placed at its epoch, whether recorded or not
        assert tick["at"] == pytest.approx(8 + 684 * float(progress(int(tick["text"]), frames[-1])), abs=1e-9)
    named = sorted(int(tick["text"]) for tick in found["epochTicks"])
    assert (named[0], named[-1]) == (0, frames[-1])
    assert progress(100, 3000) > 0.33  # on a linear axis it would be a thirtieth
    for count, spread in zip(counts, found["spread"], strict=True):
        assert (spread[0], spread[-1], len(spread)) == (0, len(frames) - 1, min(count, len(frames)))
        assert np.all(np.diff(spread) > 0)
        wanted = [np.abs(expected - share).argmin() for share in np.linspace(0, 1, len(spread))]
        if len(set(wanted)) == len(wanted):
            np.testing.assert_allclose(spread, wanted, atol=1)
    recorded = page.evaluate(AXIS, {"frames": [0, 1, 2, 5, 9], "trained": False, "counts": [3]})
    assert recorded["progress"] == [0, 0.25, 0.5, 0.75, 1]
    assert recorded["spread"] == [[0, 2, 4]]


def test_slider_and_curves_share_the_time_axis_of_a_long_training(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?{HERE}&train=adam,0.01,32,0,0&epoch=400")
    until(page, "() => window.lossatlas.shown()?.epoch === 400")
    slider, curves = (page.locator(name) for name in ("#epoch", "#curves"))
    track, drawn = slider.bounding_box(), curves.bounding_box()
    assert track
    assert drawn
    for share in (0.2, 0.5, 0.9):
        page.mouse.click(track["x"] + 8 + share * (track["width"] - 16), track["y"] + track["height"] / 2)
        epoch = int(np.abs(progress(range(401), 400) - share).argmin())
        # A pixel may contain two epochs.
        until(page, "epoch => Math.abs(window.lossatlas.shown().epoch - epoch) <= 1", epoch)
        epoch = page.evaluate("() => window.lossatlas.shown().epoch")
        cursor = "() => Number(document.querySelector('#curves .cursor').getAttribute('x1'))"
        assert page.evaluate(cursor) == pytest.approx(8 + float(progress(epoch, 400)) * (drawn["width"] - 16), abs=0.1)
        thumb = slider.evaluate("({value, max}) => value / max")
        assert thumb == pytest.approx(float(progress(epoch, 400)), abs=1e-9)
    # The key goes to the next epoch, even if a pixel contains several.
    for key, by in (
        ("ArrowRight", 1),
        ("ArrowUp", 1),
        ("ArrowLeft", -1),
    ):
        slider.press(key)
        epoch += by
        until(page, "epoch => window.lossatlas.shown().epoch === epoch", epoch)
    slider.press("Home")
    until(page, "() => window.lossatlas.shown().epoch === 0")


PACING = with_constants("""async (steps) => {
    const {createPacing} = await import('./features/training/pacing.js');
    const done = [];
    let away = false;
    const pacing = createPacing({rest: () => done.push('rest'), goOn: () => done.push('on'), isAway: () => away});
    for (const step of steps) {
        if (step === 'away') away = true;
        else if (step === 'back') { away = false; pacing.continueIfSeen(); }
        else if (step === 'half back') pacing.continueIfSeen();
        else if (step === 'decided') pacing.forget();
        else pacing.noteGrowth(step === 'growing');
    }
    return done;
}""")


def test_a_training_continues_only_if_it_was_paused_out_of_sight_and_is_visible_again(
    exported: Site, desktop: Watched
) -> None:
    page = desktop.show(f"{exported.url}?epoch=60")
    cases = {
        "growing away growing growing back": ["rest", "on"],
        "growing away back growing": [],
        "away resting back": [],
        "away growing half-back": ["rest"],
        "away growing decided back": ["rest"],
        "away growing back away growing back": ["rest", "on", "rest", "on"],
    }
    for steps, expected in cases.items():
        asked = [step.replace("half-back", "half back") for step in steps.split()]
        assert page.evaluate(PACING, asked) == expected, steps


def test_a_training_begins_again_from_the_same_start_or_from_a_new_one(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?{HERE}&train=adam,0.01,32,0,0&epoch=3", view="surface")
    assert_epoch(page, python(), 3)
    page.get_by_role("combobox", name="Optimizer").select_option("momentum")
    page.get_by_role("spinbutton", name="Learning rate").fill("0.05")
    press(page, "Same start, new settings")
    page.wait_for_url("**train=momentum,0.05,32,0,0*")
    until(page, "() => window.lossatlas.shown().epoch >= 5")
    press(page, "Pause")
    page.locator("body").press("Home")
    changed = python(optimizer="momentum", learning_rate=0.05)
    assert_epoch(page, changed, 0)
    for _ in range(5):
        page.locator("body").press("ArrowRight")
    assert_epoch(page, changed, 5)
    press(page, "New start")
    page.wait_for_url("**train=momentum,0.05,32,0,1*")
    until(page, "() => window.lossatlas.shown().epoch >= 1")
    press(page, "Pause")
    page.locator("body").press("Home")
    assert_epoch(page, python(optimizer="momentum", learning_rate=0.05, seed=1), 0)


def test_divergence_is_explained_with_advice(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?dataset=corners&hidden=8&activation=linear&train=sgd,9000,32,0,0&epoch=0")
    press(page, "Start")
    said = page.get_by_role("region", name="Training here").get_by_role("status")
    expect(said).to_contain_text("Training diverged at epoch")
    expect(said).to_contain_text("The learning rate 9000 is probably too high for SGD here")
    press(page, "Try 900")
    page.wait_for_url("**train=sgd,900,32,0,0*")


def test_other_data_and_another_network_start_a_new_training(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?{HERE}&train=adam,0.01,32,0,0&epoch=5")
    until(page, "() => window.lossatlas.shown()?.epoch === 5")
    page.get_by_role("radio", name="Iris petals").press("Space")
    until(page, "() => document.title.startsWith('Iris')")
    until(page, "() => window.lossatlas.shown().epoch === 0")
    _, trained = python(1, "iris")
    assert number(readout(page, "train_loss")) == pytest.approx(float(trained.metrics["train_loss"][0]), rel=5e-3)
    expect(page.get_by_role("spinbutton", name="Points")).to_be_hidden()
    page.get_by_role("radio", name="Half moons").press("Space")
    page.get_by_role("spinbutton", name="Points").fill("60")
    page.get_by_role("spinbutton", name="Points").press("Enter")
    page.wait_for_url("**sample=60,0.2,1*")
    until(page, "() => document.querySelector('#boundary-plot').data.reduce((n, {x}) => n + x.length, 0) === 60")


@EITHER
def test_leaving_leads_back_to_the_recorded_run(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=60")
    page.get_by_role("button", name="Train here").click()
    until(page, "() => window.lossatlas.shown().run.startsWith('here-')")
    page.wait_for_url("**train=adam,0.01,32,0,0*")
    page.get_by_role("button", name="Train here").click()
    until(page, "run => window.lossatlas.shown().run === run", MOONS.id)
    expect(page.get_by_role("region", name="Training here")).to_be_hidden()


def test_settings_out_of_bounds_are_refused_with_the_reason(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?{HERE}&train=adam,0.01,32,0,0&epoch=2")
    until(page, "() => window.lossatlas.shown()?.epoch === 2")
    rate = page.get_by_role("spinbutton", name="Learning rate")
    rate.fill("-1")
    press(page, "Same start, new settings")
    assert rate.evaluate("input => input.validationMessage") != ""
    assert "train=adam,0.01,32,0,0" in page.url


@EITHER
@pytest.mark.parametrize("query", ["train=adam,0,32,0,0", "train=sgd,0.1,0.5,0,0", "train=x,0.1,32,0,0", "train=adam"])
def test_a_link_with_senseless_settings_opens_the_recorded_run(site: Site, desktop: Watched, query: str) -> None:
    page = desktop.show(f"{site.url}?{query}&epoch=60")
    assert page.evaluate("() => window.lossatlas.shown().run") == MOONS.id


def test_the_usual_settings_are_those_of_the_default_run() -> None:
    default: Any = describe_catalog(compute=True)["default"]
    assert default["training"]["optimizer"] == "adam"
    assert (default["training"]["learning_rate"], default["training"]["batch_size"]) == (0.01, 32)
