"""Tests two runs side by side: they share camera, scale and time, and their differences are named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Frame, Locator, Page, expect
from scripts.tune_rates import read_rates

from lossatlas.runs import RunConfig, compute_run
from lossatlas.site import export_site
from lossatlas.store import Gallery
from tests.support.modules import with_constants
from tests.support.pages import PATIENCE, VISITS, Watched, until, watched
from tests.web.conftest import MOONS, MOONS_FAST, PLANES, RESIDUAL, Site, quick, static_server

pytestmark = pytest.mark.browser

SLOW = quick("arms", optimizer="sgd", learning_rate=0.05)
NARROW, WIDE = (quick("arms", (width, width)) for width in (3, 12))

CAMERA = """() => {
  const {eye} = document.querySelector('#landscape-plot .drawing').layout.scene.camera;
  return [eye.x, eye.y, eye.z];
}"""
SCALES = "() => Object.values(window.lossatlas.range())"
PICTURED = "() => document.body.dataset.pictured === 'true'"


def identity(config: RunConfig) -> str:
    """Return the query with which a link names a stored run."""
    return quote(f"dataset={config.dataset.name}&run={config.id}", safe="")


#: What both sides share at first: contours, which are drawn in less time than surfaces.
CONTOURS, SURFACES = "view=contours&epoch=0", "view=surface&epoch=0"


def link(site: Site, a: RunConfig = MOONS, b: RunConfig = MOONS_FAST, more: str = CONTOURS) -> str:
    return f"{site.url}compare.html?a={identity(a)}&b={identity(b)}&{more}"


def frames(page: Page) -> list[Frame]:
    """Wait until both runs are drawn, and return their frames, A first."""
    until(page, PICTURED)
    found = [page.frame_locator(f"#frame-{name} iframe").owner.element_handle().content_frame() for name in "ab"]
    assert all(found)
    return [frame for frame in found if frame]


def open_comparison(watched_page: Watched, url: str) -> tuple[Page, list[Frame]]:
    watched_page.place = ""
    watched_page.page.goto(url)
    return watched_page.page, frames(watched_page.page)


def show_comparison(watched_page: Watched, url: str) -> tuple[Page, list[Frame]]:
    """Show a pair of stored runs at the first epoch, in the comparison that an earlier test has left if there is one.

    A step in the history loads only the frames whose run changes.
    """
    page = watched_page.page
    place, mark, query = url.partition("?")
    assert query.endswith("&epoch=0"), "another epoch needs a load: use open_comparison"
    if watched_page.place == place and watched_page.visits < VISITS and not watched_page.spoiled:
        page.evaluate(TRAVEL, mark + query)
        both = frames(page)
    else:
        watched_page.visits = 0
        page, both = open_comparison(watched_page, url)
    watched_page.place, watched_page.visits = place, watched_page.visits + 1
    for frame in both:
        until(frame, "() => window.lossatlas?.isCurrent() && window.lossatlas.shown().epoch === 0")
    return page, both


#: JavaScript that resets what both share, and then to another pair as the browser's Back button does.
TRAVEL = """(query) => {
    document.querySelector('#reset').click();
    for (const pressed of document.querySelectorAll('[aria-expanded=true]')) pressed.click();
    history.pushState(null, '', query);
    dispatchEvent(new PopStateEvent('popstate'));
    document.body.dataset.pictured = 'false'; // until it is drawn again
}"""


def wait_for_epochs(page: Page, both: list[Frame], epochs: list[int]) -> None:
    for frame, epoch in zip(both, epochs, strict=True):
        until(frame, "(epoch) => window.lossatlas.shown().epoch === epoch", epoch)


def nearest(config: RunConfig, site: Site, epoch: int) -> int:
    """Find the recorded epoch that is nearest to another epoch."""
    recorded = np.array(site.run(config).trajectory.epochs)
    return int(recorded[np.argmin(abs(recorded - epoch))])


def says(page: Page, differences: str) -> None:
    expect(page.locator("#differences")).to_have_text(differences, timeout=PATIENCE)


def test_both_are_drawn_on_the_wider_of_both_ranges(exported: Site, desktop: Watched) -> None:
    alone = []
    for config in (MOONS, PLANES):
        page = desktop.show(f"{exported.url}?run={config.id}&dataset=moons&epoch=0")
        alone.append(page.evaluate(SCALES))
    assert alone[0] != alone[1]
    low, high = min(s[0] for s in alone), max(s[1] for s in alone)
    page, both = show_comparison(desktop, link(exported, MOONS, PLANES))
    for frame in both:
        until(frame, f"(bounds) => String(({SCALES})()) === String(bounds)", [low, high])
    assert both[0].evaluate(SCALES) == both[1].evaluate(SCALES)


def test_one_slider_moves_both_each_to_its_own_nearest_frame(exported: Site, desktop: Watched) -> None:
    page, both = show_comparison(desktop, link(exported, MOONS, PLANES))
    slider = page.get_by_label("Epoch", exact=True)
    slider.fill("30")
    recorded = sorted({e for c in (MOONS, PLANES) for e in map(int, exported.run(c).trajectory.epochs)})
    cursor = min(recorded, key=lambda epoch: abs(epoch - 30))
    wait_for_epochs(page, both, [nearest(c, exported, cursor) for c in (MOONS, PLANES)])
    expect(page.locator("#now")).to_have_text(str(cursor))
    for name, config in (("a", MOONS), ("b", PLANES)):
        run = exported.run(config)
        at = list(run.trajectory.epochs).index(nearest(config, exported, cursor))
        until(
            page,
            "([id, loss]) => Number(document.querySelector(id).dataset.value) === loss",
            [f"#{name}-test_loss", float(run.trajectory.metrics["test_loss"][at])],
        )


def test_differences_of_the_recording_are_separate_from_those_of_the_training(exported: Site, desktop: Watched) -> None:
    page, _ = show_comparison(desktop, link(exported, MOONS, PLANES))
    expect(page.locator("#differences")).to_have_text(
        "hidden layers 16-16 | 8; optimizer adam | sgd; learning rate 0.01 | 0.5; batch size 32 | full"
    )
    expect(page.locator("#recorded")).to_have_text(
        "Recorded: planes fresh | fresh, pca, hessian; curvature measured at 40 | 5"
    )


def test_a_drag_in_one_turns_the_other(exported: Site, desktop: Watched) -> None:
    page, (a, b) = show_comparison(desktop, link(exported, more=SURFACES))
    before = b.evaluate(CAMERA)
    box = page.locator("#frame-a").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 4, box["y"] + box["height"] / 3
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 70, y + 10, steps=4)
    page.mouse.up()
    same = "(eye) => { const now = (" + CAMERA + ")(); return Math.hypot(...now.map((v, i) => v - eye[i])) < 1e-4; }"
    for _ in range(200):  # the camera still moves for a while
        page.wait_for_timeout(50)
        turned = a.evaluate(CAMERA)
        if b.evaluate(same, turned) and np.linalg.norm(np.subtract(turned, before)) > 0.1:
            break
    np.testing.assert_allclose(b.evaluate(CAMERA), a.evaluate(CAMERA), atol=1e-4)
    assert np.linalg.norm(np.subtract(b.evaluate(CAMERA), before)) > 0.1


def test_keys_step_and_jump_through_both_also_from_within_a_frame(exported: Site, desktop: Watched) -> None:
    page, both = show_comparison(desktop, link(exported))
    recorded = [int(epoch) for epoch in exported.run().trajectory.epochs]
    page.keyboard.press("End")
    wait_for_epochs(page, both, [recorded[-1]] * 2)
    page.keyboard.press("ArrowLeft")
    wait_for_epochs(page, both, [recorded[-2]] * 2)
    page.locator("#frame-b").click(position={"x": 20, "y": 120})
    page.keyboard.press("Home")
    wait_for_epochs(page, both, [0, 0])
    page.keyboard.press(" ")
    expect(page.locator("#play-text")).to_have_text("Pause")
    wait_for_epochs(page, both, [recorded[-1]] * 2)
    expect(page.locator("#play-text")).to_have_text("Play")


def test_the_shared_controls_apply_to_both(exported: Site, desktop: Watched) -> None:
    page, both = show_comparison(desktop, link(exported, more=SURFACES))
    page.get_by_label("Contours").check()
    page.get_by_label("Log loss").uncheck()
    page.locator("#zoom").focus()
    page.keyboard.press("PageDown")
    for frame in both:
        until(
            frame,
            "() => lossatlas.slice().view === 'contours' && lossatlas.shown().scale === 'linear'",
        )
        until(frame, "() => window.lossatlas.shown().span < 1")
    spans = [frame.evaluate("() => window.lossatlas.shown().span") for frame in both]
    assert spans[0] == spans[1]
    page.get_by_role("button", name="Reset").click()
    for frame in both:
        until(frame, "() => window.lossatlas.slice().view === 'surface' && window.lossatlas.shown().span === 1")


def test_a_point_picked_in_one_is_picked_in_both(exported: Site, desktop: Watched) -> None:
    page, both = show_comparison(desktop, link(exported))
    page.get_by_label("Contours").check()
    until(both[0], "() => window.lossatlas.slice().view === 'contours'")
    both[0].locator("#landscape-map").click()
    for frame in both:
        until(frame, "() => window.lossatlas.slice().pick !== null")
    picked = [frame.evaluate("() => window.lossatlas.slice().pick") for frame in both]
    assert picked[0] == picked[1]
    page.get_by_role("button", name="Back to the networks").click()
    for frame in both:
        until(frame, "() => window.lossatlas.slice().pick === null")


def test_a_frame_shows_whole_plots_without_the_head_of_the_page(exported: Site, desktop: Watched) -> None:
    _, both = show_comparison(desktop, link(exported, more=SURFACES))
    for frame in both:
        heads = "() => [...document.querySelectorAll('.bar *')].filter((e) => e.checkVisibility() && e.textContent)"
        assert frame.evaluate(f"({heads})().map((element) => element.textContent)") == []
        low = "name => document.querySelector(`#${name}-plot`).getBoundingClientRect().bottom - innerHeight"
        assert frame.evaluate(low, "boundary") <= 0.5
        title = frame.locator("#boundary-plot .xtitle").bounding_box()
        assert title is not None
        assert title["y"] + title["height"] <= 620


SMALL = [(390, 844), (844, 390), (640, 360)]


def test_on_a_small_screen_a_slim_playback_is_always_there(exported: Site, desktop: Watched) -> None:
    page, both = show_comparison(desktop, link(exported, more=SURFACES))
    for width, height in SMALL:
        page.set_viewport_size({"width": width, "height": height})
        until(page, "(width) => innerWidth === width", width)
        for share in (0, 0.5, 1):
            page.evaluate("(share) => scrollTo(0, share * document.documentElement.scrollHeight)", share)
            for control in ("#play", "#epoch"):
                box = page.locator(control).bounding_box()
                assert box
                assert height - 56 <= box["y"] <= height - box["height"], (control, width, height)
        for frame in both:
            for plot in ("landscape", "boundary"):
                drawn = frame.locator(f"#{plot}-plot").bounding_box()
                assert drawn
                assert drawn["height"] > 100, (plot, width, height)
            said = frame.evaluate("""() => {
                const {scrollWidth, clientWidth, scrollHeight, clientHeight} = document.querySelector('.slice');
                return [scrollWidth - clientWidth, scrollHeight - clientHeight];
            }""")
            assert max(said) <= 0, f"the caption of its slice is cut off at {width} × {height}"


def test_every_pair_differs_in_what_its_name_says_and_in_nothing_else(exported: Site, desktop: Watched) -> None:
    page, _ = show_comparison(desktop, link(exported))
    found = page.evaluate(ALL_PAIRS)
    named = {
        "SGD against Adam": {"training.optimizer", "training.learning_rate"},
        "Plain against residual": {"model.residual"},
        "Narrow against wide": {"model.hidden"},
        "SGD against momentum": {"training.optimizer", "training.learning_rate"},
        "RMSProp against Adam": {"training.optimizer", "training.learning_rate"},
        "Low rate against high": {"training.learning_rate"},
        "Small batches against full": {"training.batch_size", "training.learning_rate"},
        "Without and with weight decay": {"training.weight_decay"},
        "Two starts": {"training.seed"},
        "Shallow against deep": {"model.hidden"},
        "tanh against ReLU": {"model.activation"},
        "Little noise against much": {"dataset.noise"},
        "Few points against many": {"dataset.points"},
    }
    assert set(found) == {f"{name}|{dataset}" for name in named for dataset in read_rates()}
    for pair, keys in found.items():
        # Two rates may be equal.
        assert {*keys, *(named[pair.split("|")[0]] & {"training.learning_rate"})} == named[pair.split("|")[0]], pair


#: Returns the keys of the settings that differ in each pair that the page trains, by the names of pair and dataset.
ALL_PAIRS = with_constants("""async () => {
    const from = (path) => import(new URL(path, document.baseURI).href);
    const [{PRESETS, pairFor}, {listDifferences}, {configOf}, {RATES}, {openingState}] = await Promise.all([
        'pages/compare/presets.js', 'pages/compare/differences.js', 'features/training/training.js',
        'pages/compare/rates.js', 'model/choice.js'].map(from));
    const catalog = await (await fetch('catalog.json')).json();
    const base = openingState(catalog, []);
    return Object.fromEntries(PRESETS.flatMap((preset) => Object.keys(RATES).map((dataset) => {
        const {a, b} = pairFor(preset, catalog, [], base, dataset);
        const [one, two] = [a, b].map((side) => configOf(catalog, side));
        return [`${preset.name}|${dataset}`, listDifferences(one, two, catalog.default).map(({key}) => key)];
    })));
}""")


def test_the_differences_of_two_runs_are_named_and_nothing_else(exported: Site, desktop: Watched) -> None:
    for other, named in (
        (MOONS_FAST, "learning rate 0.01 | 0.05"),
        (RESIDUAL, "residual skips no | yes"),
        (MOONS, "none: this is the same run twice"),
    ):
        page, _ = show_comparison(desktop, link(exported, MOONS, other))
        says(page, named)
        expect(page.locator("#recorded")).to_have_text("")


def test_another_run_can_be_chosen_and_going_back_returns_to_the_pair_and_the_view_before(
    exported: Site, desktop: Watched
) -> None:
    page, both = show_comparison(desktop, link(exported))
    both[0].locator("#landscape-map").click()
    for frame in both:
        until(frame, "() => window.lossatlas.slice().pick !== null")
    page.get_by_role("combobox", name="Run B").select_option(RESIDUAL.id)
    says(page, "residual skips no | yes")
    for frame in frames(page):  # another network has no such point, and that of A shows what B does
        until(frame, "() => window.lossatlas.slice().pick === null")
    page.get_by_label("Section").check()
    for frame in frames(page):
        until(frame, "() => window.lossatlas.slice().view === 'section'")
    page.go_back()
    says(page, "learning rate 0.01 | 0.05")
    for frame in frames(page):  # that of A was not loaded again
        until(frame, "() => window.lossatlas.slice().view === 'contours' && window.lossatlas.shown().epoch === 0")


#: Returns whether the settings of B are open, and both frames are equally high and equally far down.
FRAMES_ALIGNED = """() => {
    const places = ['a', 'b'].map((name) => document.getElementById(`frame-${name}`).getBoundingClientRect());
    return document.getElementById('form-b').getBoundingClientRect().height > 50
        && places[0].top === places[1].top && places[0].height === places[1].height;
}"""


def test_a_side_gets_other_settings_and_is_trained_in_its_frame(exported: Site, desktop: Watched) -> None:
    page, _ = show_comparison(desktop, link(exported, MOONS, MOONS))
    form = page.get_by_role("form", name="Settings of B")

    def control(name: str) -> Locator:
        return form.locator("label", has=page.get_by_text(name, exact=True)).locator("select, input")

    page.get_by_role("button", name="Settings of B").click()
    until(page, f"() => ({FRAMES_ALIGNED})()")
    fields = {"Optimizer": "adam", "Learning rate": "0.01", "Batch": "32", "Seed": "0", "Epochs": "60", "Points": "80"}
    for name, value in {**fields, "Layers": "16-16", "Activation": "tanh"}.items():
        expect(control(name)).to_have_value(value)
    control("Optimizer").select_option("sgd")
    best = read_rates()["moons"]["sgd"]
    form.get_by_role("button", name=f"Best rate {best:g}").click()
    expect(control("Learning rate")).to_have_value(f"{best:g}")
    expect(form.get_by_role("button", name="Best rate")).to_be_hidden()
    control("Layers").fill("16-x")
    form.get_by_role("button", name="Train B").click()
    assert "as in 16-16" in control("Layers").evaluate("(input) => input.validationMessage")
    control("Layers").fill("8")
    control("Seed").fill("3")
    control("Seed").press("Enter")
    says(page, f"hidden layers 16-16 | 8; optimizer adam | sgd; learning rate 0.01 | {best:g}; seed 0 | 3")
    wait_for_epochs(page, frames(page), [60, 60])
    trained = parse_qs(urlsplit(page.url).query)["b"][0]
    assert f"train=sgd,{best:g},32,0,3" in trained
    assert "sample=80,0.15,0" in trained  # the points are still those of the stored run
    form.get_by_role("button", name="Copy A").click()
    expect(control("Optimizer")).to_have_value("adam")
    expect(control("Layers")).to_have_value("16-16")
    says(page, f"hidden layers 16-16 | 8; optimizer adam | sgd; learning rate 0.01 | {best:g}; seed 0 | 3")


def test_optimizers_are_compared_each_at_the_rate_that_suits_it_best(exported: Site, desktop: Watched) -> None:
    page, _ = show_comparison(desktop, link(exported))
    button = page.get_by_role("button", name="SGD against Adam")
    assert "Both are trained in this page" in (button.get_attribute("title") or "")
    button.click()
    best = read_rates()["moons"]
    says(page, f"optimizer sgd | adam; learning rate {best['sgd']:g} | {best['adam']:g}")
    wait_for_epochs(page, frames(page), [200, 200])
    expect(page.locator("#now")).to_have_text("200")
    query = parse_qs(urlsplit(page.url).query)
    assert ["train=" in query[side][0] for side in "ab"] == [True, True]


def test_a_shorter_run_says_where_it_has_ended(exported: Site, desktop: Watched) -> None:
    trained = quote("dataset=moons&train=adam,0.03,32,0,0&epoch=80", safe="")
    page, both = open_comparison(desktop, f"{exported.url}compare.html?a={identity(MOONS)}&b={trained}&view=contours")
    wait_for_epochs(page, both, [60, 80])
    expect(page.locator("#a-ended")).to_have_text("ended at 60")
    expect(page.locator("#b-ended")).to_have_text("")


def test_the_address_brings_the_whole_comparison_back(served: Site, desktop: Watched) -> None:
    epoch = int(served.run().trajectory.epochs[5])
    more = f"epoch={epoch}&zoom=0.2&scale=log&camera=2.00,0.50,0.90&set=test"
    page, both = open_comparison(desktop, link(served, more=more))
    page.get_by_role("button", name="Rotate left").click()
    wait_for_epochs(page, both, [epoch, epoch])
    until(page, "() => new URLSearchParams(location.search).get('camera') !== '2.00,0.50,0.90'")
    states = [frame.evaluate("() => window.lossatlas.state()") for frame in both]
    again, both = open_comparison(desktop, page.url)
    wait_for_epochs(again, both, [epoch, epoch])
    for frame, state in zip(both, states, strict=True):
        now = frame.evaluate("() => window.lossatlas.state()")
        for name, value in state.items():
            if name == "camera":
                assert now[name] == pytest.approx(value, abs=0.006)
            else:
                assert now[name] == value, name
        assert (now["epoch"], now["zoom"], now["scale"], now["set"]) == (epoch, 0.2, "log", "test")


def test_the_page_links_to_a_comparison_with_what_it_shows(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?run={MOONS_FAST.id}&epoch=30&scale=log")
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url("**/compare.html?**")
    a, b = frames(page)
    shown = a.evaluate("() => window.lossatlas.shown()")
    assert (shown["run"], shown["scale"]) == (MOONS_FAST.id, "log")
    other = b.evaluate("() => window.lossatlas.shown().run")
    index = json.loads((exported.gallery.data / "index.json").read_text(encoding="utf-8"))
    datasets = {entry["id"]: entry["dataset"]["name"] for entry in index["runs"]}
    assert other != MOONS_FAST.id
    assert datasets[other] == "moons"


def test_on_a_phone_nothing_is_wider_than_the_screen(exported: Site, browser: Browser) -> None:
    for phone in watched(browser, viewport={"width": 390, "height": 844}, has_touch=True, reduced_motion="reduce"):
        page, both = open_comparison(phone, link(exported, more=SURFACES))
        excess = "() => document.documentElement.scrollWidth - innerWidth"
        assert max(page.evaluate(excess), *(frame.evaluate(excess) for frame in both)) <= 0
        assert page.evaluate("""() => [...document.querySelectorAll('button, select')]
            .filter((element) => element.checkVisibility())
            .map((e) => e.getBoundingClientRect()).every((box) => box.height >= 40 && box.right <= innerWidth)""")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Build a published gallery that has a pair for each of the presets."""
    root = tmp_path_factory.mktemp("pairs")
    gallery = Gallery(root / "data")
    for config in (SLOW, NARROW, WIDE, MOONS, RESIDUAL, MOONS_FAST):
        gallery.save(compute_run(config))
    export_site(gallery, root / "site")
    with static_server(root / "site") as origin:
        yield Site(f"{origin}/", gallery, computes=False)


PRESETS = [
    ("Plain against residual", MOONS, RESIDUAL, "residual skips no | yes"),
    ("Narrow against wide", NARROW, WIDE, "hidden layers 3-3 | 12-12"),
    ("Low rate against high", MOONS, MOONS_FAST, "learning rate 0.01 | 0.05"),
]


def test_a_preset_takes_the_gallerys_own_pair(pairs: Site, desktop: Watched) -> None:
    page, _ = open_comparison(desktop, link(pairs, SLOW, WIDE))
    menu = page.get_by_role("combobox", name="More pairs")
    for name, a, b, named in PRESETS:
        button = page.get_by_role("button", name=name)
        if button.count():
            assert "From this gallery" in (button.get_attribute("title") or ""), name
            button.click()
            expect(button).to_have_attribute("aria-pressed", "true")
        else:
            menu.select_option(name)
            expect(menu).to_have_value(name)
        says(page, named)
        assert [f.evaluate("() => window.lossatlas.shown().run") for f in frames(page)] == [a.id, b.id], name


def test_an_export_ships_the_comparison(exported: Site, tmp_path: Path) -> None:
    made = export_site(exported.gallery, tmp_path / "site")
    for name in (
        "compare.html",
        "pages/atlas/embedded.js",
        "pages/compare/main.js",
        "pages/compare/compare.css",
        "pages/atlas/embedded.css",
    ):
        assert (made.site / name).is_file()
