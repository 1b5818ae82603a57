"""Compares what every control of the page shows with the arrays on disk."""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lossatlas.runs import Run, RunConfig
from tests.support.drawn import Drawn, assert_drawn
from tests.support.modules import with_constants
from tests.support.pages import Watched, until, watched
from tests.web.conftest import ARMS, EITHER, IRIS, MOONS, MOONS_FAST, RESIDUAL, UNUSUAL, Site, with_access

pytestmark = pytest.mark.browser


def read_shown(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate("() => window.lossatlas.shown()")
    return found


def wait_for_frame(page: Page, frame: int) -> None:
    until(page, "frame => window.lossatlas.shown()?.frame === frame", arg=frame)


def readout(page: Page, name: str) -> str:
    return page.locator(f"[data-readout={name}]").inner_text()


def number(text: str) -> float:
    return float(re.sub(r"[\s\u2009\u202f%]", "", text).replace("−", "-").replace("·10", "e"))


def assert_readouts(page: Page, run: Run, frame: int) -> None:
    """Assert that the readouts equal the numbers in the manifest, to the digits shown."""
    trajectory = run.trajectory
    assert number(readout(page, "epoch")) == trajectory.epochs[frame]
    for name in ("train_loss", "test_loss"):
        assert number(readout(page, name)) == pytest.approx(trajectory.metrics[name][frame], rel=5e-3)
    for name in ("train_accuracy", "test_accuracy"):
        assert number(readout(page, name)) / 100 == pytest.approx(trajectory.metrics[name][frame], abs=5e-4)


def zoom_in(page: Page) -> None:
    """Zoom to the narrowest stored span."""
    for _ in range(2):
        page.get_by_role("slider", name="Zoom").press("PageDown")


def assert_surface(page: Page, run: Run, frame: int, span_index: int) -> None:
    """Assert that the heights in Plotly are the stored losses, in the right rows and columns."""
    found, span = Drawn(page), run.planes[0].spans[span_index]
    stored = run.loss_surface["fresh"][span_index, frame].astype(np.float64)
    assert_drawn(page, stored)
    np.testing.assert_allclose(found.axis, span * np.linspace(-1, 1, stored.shape[0]), atol=1e-12)


def assert_regions(page: Page, run: Run, frame: int) -> None:
    """Assert that the canvas has the colour of a class where it is predicted with confidence."""
    pixels = page.evaluate(
        """() => {
            const canvas = document.querySelector('#boundary-canvas');
            const copy = new OffscreenCanvas(canvas.width, canvas.height); // else the browser warns of many readings
            const context = copy.getContext('2d', {willReadFrequently: true});
            context.drawImage(canvas, 0, 0);
            const {data, width, height} = context.getImageData(0, 0, canvas.width, canvas.height);
            return {width, height, data: new Uint8Array(data.buffer).toBase64()};
        }"""
    )
    data = np.frombuffer(base64.b64decode(pixels["data"]), np.uint8).astype(np.float64)
    colours = data.reshape(pixels["height"], pixels["width"], 4)[..., :3]
    predicted, confidence = run.predicted_class[frame], run.confidence[frame] / 255
    height, width = predicted.shape
    of_class: dict[int, list[np.ndarray[Any, np.dtype[np.float64]]]] = {}
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            around = predicted[y - 1 : y + 2, x - 1 : x + 2]
            if (around == around[0, 0]).all() and confidence[y - 1 : y + 2, x - 1 : x + 2].min() > 0.9:
                row = round((1 - y / (height - 1)) * (colours.shape[0] - 1))
                column = round(x / (width - 1) * (colours.shape[1] - 1))
                of_class.setdefault(int(predicted[y, x]), []).append(colours[row, column])
    assert len(of_class) >= 2, (
        "this frame predicts fewer than two classes with confidence: choose another one for the test"
    )
    means = {label: np.median(values, axis=0) for label, values in of_class.items()}
    assert means[0][2] > means[0][0], "class 0 is blue"
    assert means[1][0] > means[1][2], "class 1 is red"
    for label, values in of_class.items():
        distances = {other: np.abs(np.array(values) - mean).sum(axis=1) for other, mean in means.items()}
        nearest = np.array(list(distances))[np.argmin(list(distances.values()), axis=0)]
        assert np.mean(nearest == label) > 0.97, "the picture is mirrored, or shows another frame"


def test_the_page_opens_on_a_finished_run_with_both_plots_and_true_numbers(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=60", view="surface")
    assert read_shown(page) == {"run": MOONS.id, "frame": 11, "epoch": 60, "span": 1, "scale": "log"}
    assert_readouts(page, site.run(), 11)
    assert_surface(page, site.run(), 11, 0)
    assert_regions(page, site.run(), 11)
    expect(page.get_by_role("heading", name="Loss landscape")).to_be_visible()
    expect(page.get_by_role("heading", name="Decision boundary")).to_be_visible()
    summary = page.locator("#landscape-summary")
    expect(summary).to_contain_text("Epoch 60: loss from")


@EITHER
def test_frame_buttons_and_keys_step_through_the_epochs(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=0", view="surface")
    run = site.run()
    page.get_by_role("button", name="Next frame").click()
    wait_for_frame(page, 1)
    assert_readouts(page, run, 1)
    page.locator("body").press("ArrowRight")
    wait_for_frame(page, 2)
    assert_surface(page, run, 2, 0)
    page.get_by_role("button", name="Previous frame").click()
    wait_for_frame(page, 1)
    page.locator("body").press("ArrowLeft")
    wait_for_frame(page, 0)
    page.locator("body").press("End")
    wait_for_frame(page, 11)
    assert_readouts(page, run, 11)
    page.locator("body").press("Home")
    wait_for_frame(page, 0)
    assert_readouts(page, run, 0)
    assert_surface(page, run, 0, 0)


@EITHER
def test_the_epoch_slider_names_its_epoch_and_lies_on_the_axis_of_the_curves(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=0")
    slider = page.get_by_role("slider", name="Epoch")
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    wait_for_frame(page, 4)
    epoch = site.run().trajectory.epochs[4]
    expect(slider).to_have_attribute("aria-valuetext", f"Epoch {epoch}, frame 5 of 12")
    page.wait_for_url(f"**epoch={epoch}*")


@EITHER
def test_play_advances_every_frame_and_stops_at_the_end(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=0")
    page.evaluate(
        """() => {
            window.frames_seen = [];
            const readout = document.querySelector('[data-readout=epoch]');
            new MutationObserver(() => window.frames_seen.push(window.lossatlas.shown().frame))
                .observe(readout, {childList: true, characterData: true, subtree: true});
        }"""
    )
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    wait_for_frame(page, 11)
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert page.evaluate("() => window.frames_seen") == list(range(1, 12))
    assert_readouts(page, site.run(), 11)


@EITHER
def test_space_plays_and_pauses_and_a_scrub_pauses(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=0")
    page.get_by_role("combobox", name="Speed").select_option("0.25")
    page.locator("body").press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.locator("body").press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.locator("body").press("Space")
    page.locator("body").press("Home")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    wait_for_frame(page, 0)


@EITHER
def test_zoom_goes_through_the_stored_spans(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=60", view="surface")
    slider = page.get_by_role("slider", name="Zoom")
    slider.focus()
    for key, span_index in (("PageDown", 1), ("PageDown", 2), ("PageUp", 1), ("PageUp", 0)):
        slider.press(key)
        span = site.run().planes[0].spans[span_index]
        until(page, "span => window.lossatlas.shown().span === span", arg=span)
        assert_surface(page, site.run(), 11, span_index)
    assert read_shown(page)["frame"] == 11


@EITHER
def test_log_loss_is_a_switch_and_changes_the_axis_only(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=60", view="surface")
    switch = page.get_by_role("switch", name="Log loss")
    expect(switch).to_be_checked()
    for scale in ("linear", "log"):
        switch.press("Space")
        until(page, "scale => window.lossatlas.shown().scale === scale", scale)
        assert_surface(page, site.run(), 11, 0)
        heights = page.evaluate("() => document.querySelector('#landscape-plot .drawing').data[0].z.slice(0, 225)")
        loss = site.run().loss_surface["fresh"][0, 11].ravel().astype(np.float64)
        bent = np.log(loss) if scale == "log" else loss
        inside = np.array(heights) < 1 - 1e-9
        assert np.corrcoef(np.array(heights)[inside], bent[inside])[0, 1] > 1 - 1e-9
        page.wait_for_url("**scale=linear*" if scale == "linear" else lambda url: "scale=" not in url)


@EITHER
def test_reset_returns_to_the_first_view(site: Site, desktop: Watched) -> None:
    page = desktop.open(site.url)
    first = page.evaluate("() => [window.lossatlas.state(), window.lossatlas.shown()]")
    page.locator("body").press("Home")
    zoom_in(page)
    page.get_by_role("switch", name="Log loss").press("Space")
    page.get_by_role("button", name="Rotate left").click()
    page.get_by_role("combobox", name="Speed").select_option("4")
    until(page, "() => window.lossatlas.shown().scale === 'linear'")
    assert page.evaluate("() => window.lossatlas.state()") != first[0]
    page.get_by_role("button", name="Reset").click()
    until(page, "() => window.lossatlas.shown().scale === 'log'")
    until(page, "frame => window.lossatlas.shown().frame === frame", arg=first[1]["frame"])
    assert page.evaluate("() => [window.lossatlas.state(), window.lossatlas.shown()]") == first
    assert page.get_by_role("combobox", name="Speed").input_value() == "1"


EYE = "document.querySelector('#landscape-plot .drawing').layout.scene.camera"


def camera(page: Page) -> dict[str, float]:
    """Return the direction of the camera, with length 1."""
    eye: dict[str, float] = page.evaluate(
        f"""() => {{
            const {{eye, center}} = {EYE};
            const way = {{x: eye.x - center.x, y: eye.y - center.y, z: eye.z - center.z}};
            const length = Math.hypot(way.x, way.y, way.z);
            return {{x: way.x / length, y: way.y / length, z: way.z / length}};
        }}"""
    )
    return eye


@EITHER
def test_dragging_rotates_and_the_camera_stays_through_frames_zooms_and_runs(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=0", view="surface")
    before = camera(page)
    box = page.locator("#landscape-plot").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 120, y + 30, steps=8)
    page.mouse.up()
    until(page, "() => location.search.includes('camera=')")
    turned = camera(page)
    assert np.hypot(turned["x"] - before["x"], turned["y"] - before["y"]) > 0.1

    def assert_still() -> None:
        assert camera(page) == pytest.approx(turned, abs=0.02)

    page.locator("body").press("End")
    wait_for_frame(page, 11)
    assert_still()
    zoom_in(page)
    until(page, "() => window.lossatlas.shown().span === 0.01")
    assert_still()
    page.get_by_role("radio", name="Three arms").press("Space")
    until(page, "run => window.lossatlas.shown().run === run", arg=ARMS.id)
    assert_still()


@EITHER
def test_the_wheel_scrolls_the_page_and_never_the_plot(site: Site, browser: Any) -> None:
    for phone in watched(browser, viewport={"width": 390, "height": 844}, reduced_motion="reduce"):
        page = phone.show(site.url + "?epoch=60", view="surface")
        before = camera(page)
        box = page.locator("#landscape-plot").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.wheel(0, 300)
        until(page, "() => scrollY > 100")
        assert camera(page) == pytest.approx(before)
        assert "camera" not in page.url


def test_no_request_is_made_by_scrubbing_playing_or_zooming(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=0")
    until(page, "() => document.body.dataset.pictured === 'true'")
    with_access(page)
    # The first movement of a pointer fetches the parameters for the exact boundary: once, and not when scrubbing.
    page.wait_for_load_state("networkidle")
    assert not [url for url in desktop.requests if "/weights" in url], (
        "without a pointer the parameters are not fetched"
    )
    page.mouse.move(500, 300)
    until(page, "() => performance.getEntriesByType('resource').some(({name}) => name.includes('/weights'))")
    page.wait_for_load_state("networkidle")
    asked = len(desktop.requests)
    for frame in (1, 2, 3):
        page.locator("body").press("ArrowRight")
        wait_for_frame(page, frame)
    zoom_in(page)
    until(page, "() => window.lossatlas.shown().span === 0.01")
    page.get_by_role("button", name="Play").click()
    wait_for_frame(page, 11)
    assert desktop.requests[asked:] == []


@EITHER
def test_the_scale_stays_fixed_during_play(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=0")
    bounds = "() => window.lossatlas.range()"
    first = page.evaluate(bounds)
    for frame in range(1, 12):
        page.locator("body").press("ArrowRight")
        wait_for_frame(page, frame)
        assert page.evaluate(bounds) == first


@EITHER
def test_a_model_a_dataset_and_a_training_are_chosen_by_keyboard_and_live_in_the_url(
    site: Site, desktop: Watched
) -> None:
    page = desktop.show(site.url + "?epoch=60")
    page.get_by_role("radio", name="Three arms").press("Space")
    until(page, "run => window.lossatlas.shown().run === run", arg=ARMS.id)
    page.wait_for_url("**dataset=arms*")
    assert_readouts(page, site.run(ARMS), read_shown(page)["frame"])
    page.go_back()
    until(page, "run => window.lossatlas.shown().run === run", arg=MOONS.id)
    page.go_forward()
    until(page, "run => window.lossatlas.shown().run === run", arg=ARMS.id)
    page.go_back()
    until(page, "run => window.lossatlas.shown().run === run", arg=MOONS.id)

    training = page.get_by_role("combobox", name="Training")
    training.select_option(value=MOONS_FAST.id)
    until(page, "run => window.lossatlas.shown().run === run", arg=MOONS_FAST.id)
    page.wait_for_url(f"**run={MOONS_FAST.id}*")


@EITHER
def test_residual_skips_are_a_switch_of_the_model_and_live_in_the_url(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=60", view="surface")
    switch = page.get_by_role("switch", name="Residual skips")
    expect(switch).not_to_be_checked()
    assert "residual" not in page.url
    switch.press("Space")
    until(page, "run => window.lossatlas.shown().run === run", arg=RESIDUAL.id)
    page.wait_for_url("**residual=true*")
    assert_readouts(page, site.run(RESIDUAL), 11)
    assert_surface(page, site.run(RESIDUAL), 11, 0)
    expect(page.locator("#run-title")).to_have_text("Half moons · 2 × 16 tanh residual")
    page.go_back()
    until(page, "run => window.lossatlas.shown().run === run", arg=MOONS.id)
    expect(switch).not_to_be_checked()
    page.go_forward()
    until(page, "run => window.lossatlas.shown().run === run", arg=RESIDUAL.id)
    expect(switch).to_be_checked()
    switch.press("Space")
    until(page, "run => window.lossatlas.shown().run === run", arg=MOONS.id)
    assert "residual" not in page.url


@EITHER
def test_residual_skips_mean_nothing_without_two_equal_widths_in_a_row(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?hidden=7-5&residual=true")
    assert read_shown(page)["run"] == UNUSUAL.id
    switch = page.get_by_role("switch", name="Residual skips")
    expect(switch).to_be_disabled()
    expect(switch).not_to_be_checked()
    assert "two successive hidden layers of equal width" in switch.evaluate("input => input.closest('label').title")
    page.get_by_role("radio", name="Hidden 2 × 16").press("Space")
    until(page, "run => window.lossatlas.shown().run === run", arg=RESIDUAL.id)
    expect(switch).to_be_enabled()
    expect(switch).to_be_checked()


def test_a_residual_twin_that_a_published_gallery_lacks_is_marked_and_trained(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?dataset=arms")
    switch = page.get_by_role("switch", name="Residual skips")
    expect(switch).to_have_attribute("data-recorded", "false")
    switch.press("Space")
    until(page, "() => window.lossatlas.shown().run.startsWith('here-')")
    expect(switch).to_have_attribute("data-recorded", "true")  # the gallery has the plain network


@EITHER
@pytest.mark.parametrize("config", [MOONS_FAST, ARMS, IRIS, UNUSUAL])
def test_a_link_shows_the_state_that_it_names(site: Site, desktop: Watched, config: Any) -> None:
    link = f"?dataset={config.dataset.name}&hidden={'-'.join(map(str, config.model.hidden))}&run={config.id}"
    page = desktop.show(f"{site.url}{link}&epoch=60&zoom=0.1&scale=log&camera=1.10,-1.20,0.80", view="surface")
    run = site.run(config)
    assert read_shown(page) == {"run": config.id, "frame": 11, "epoch": 60, "span": 0.1, "scale": "log"}
    away = np.array([1.1, -1.2, 0.8])
    assert list(camera(page).values()) == pytest.approx((away / np.linalg.norm(away)).tolist(), abs=1e-6)
    assert_readouts(page, run, 11)
    assert_surface(page, run, 11, 1)
    assert_regions(page, run, 11)


@EITHER
def test_nonsense_in_the_url_is_ignored(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=soon&zoom=-3&camera=a,b&scale=cubic&hidden=x&run=../../etc")
    assert read_shown(page)["run"] == MOONS.id
    assert read_shown(page)["scale"] == "log"


@EITHER
def test_misclassified_points_are_counted_as_in_the_files(site: Site, desktop: Watched) -> None:
    page = desktop.show(site.url + "?epoch=0")
    run = site.run()
    wrong = int((run.trajectory.predicted_class[0] != run.setup.dataset.labels).sum())
    expect(page.locator("#boundary-summary")).to_contain_text(f"{wrong} ")
    assert wrong > 5


def test_trainings_are_named_by_the_settings_in_which_they_differ(served: Site, desktop: Watched) -> None:
    page = desktop.show(served.url + "?epoch=0")
    through = ({"grid": 15}, {"kind": "pca", "grid": 15})

    def labels(*configs: RunConfig) -> list[str]:
        entries = [{"id": config.id, "config": config.model_dump(mode="json")} for config in configs]
        found: list[str] = page.evaluate(
            with_constants("async entries => (await import('/model/choice.js')).trainingLabels(entries)"), entries
        )
        return found

    seeded = MOONS.model_copy(update={"training": MOONS.training.model_copy(update={"seed": 1})})
    planar = RunConfig.model_validate({**MOONS.model_dump(mode="json"), "planes": through})
    assert labels(MOONS, seeded) == ["seed 0", "seed 1"]
    assert labels(MOONS, MOONS_FAST) == ["0.01 learning rate", "0.05 learning rate"]
    assert labels(MOONS, planar) == ["planes fresh", "planes fresh pca"]
    assert labels(planar, seeded) == ["seed 0", "seed 1"]
    assert labels(MOONS) == [MOONS.id]
