"""For everyone: axe finds nothing, tables hold the numbers, what rests is announced, every control explains itself."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces
from lossatlas.planes import FreshPlane
from lossatlas.runs import Run, RunConfig
from tests.support.pages import PATIENCE, Watched, until, watched
from tests.web.conftest import ARMS, EITHER, MOONS, PLANES, Site, with_access
from tests.web.test_compare import PICTURED, link
from tests.web.test_controls import number, wait_for_frame
from tests.web.test_lab_surfaces import surface_around
from tests.web.test_workshop import python

pytestmark = pytest.mark.browser

OF_PLANES = f"?hidden=8&run={PLANES.id}"
VIEWS = {
    "surface": "?epoch=60",
    "contours, with a path and a picked point": OF_PLANES
    + "&plane=pca&view=contours&follow=false&pick=0.1,0.1&timeline=curvature",
    "section of the gap": OF_PLANES + "&plane=hessian&view=section&set=gap&follow=false",
}
#: With the colours in which the page is opened there; it then turns to the others.
SIZES: dict[str, tuple[int, int, Any]] = {"desktop": (1440, 900, "light"), "phone": (390, 844, "dark")}
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def violations(page: Page) -> list[str]:
    """What axe finds, of any impact, with where."""
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']} ({rule['impact']}): {[node['target'] for node in rule['nodes']]}" for rule in found]


def violations_in_any_colours(page: Page) -> list[str]:
    """In the colours that the page has, and in the others, to which it is turned for a while."""
    found = violations(page)
    dark = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    page.emulate_media(color_scheme="light" if dark else "dark")
    page.evaluate(DRAWN)
    found += violations(page)
    page.emulate_media(color_scheme="dark" if dark else "light")
    return found


@pytest.fixture(params=list(SIZES))
def sized(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Watched]:
    width, height, scheme = SIZES[request.param]
    yield from watched(
        browser, viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )


#: Half moons to be trained on in the page; nothing starts of itself.
HERE = "?dataset=moons&hidden=8&sample=120,0.2,1&train=adam,0.01,32,0,0"


def open_share(page: Page) -> None:
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("dialog", name="Share and save")).to_be_visible()
    until(page, "() => document.querySelector('.python code').textContent !== ''")


def open_editor(page: Page) -> None:
    page.get_by_role("button", name="Your own data…").click()
    dialog = page.get_by_role("dialog", name="Your own data")
    expect(dialog).to_be_visible()
    dialog.get_by_text("From a spreadsheet").click()


def open_tour(page: Page) -> None:
    page.get_by_role("button", name="Take the tour").click()
    expect(page.locator("#tour .words")).to_be_visible()


def stay(_: Page) -> None:
    """Nothing more is opened."""


#: What comes with its first use: where, and how.
LATER: dict[str, tuple[str, Callable[[Page], None]]] = {
    "training": (HERE + "&epoch=5", stay),
    "share": ("?epoch=60", open_share),
    "editor": ("?epoch=60", open_editor),
    "tour": ("?epoch=60", open_tour),
}


def test_axe_finds_nothing_in_any_view(exported: Site, sized: Watched) -> None:
    for name, query in VIEWS.items():
        page = sized.show(exported.url + query)
        with_access(page)
        assert violations_in_any_colours(page) == [], name


@pytest.mark.parametrize("what", LATER)
def test_axe_finds_nothing_in_what_comes_with_its_first_use(exported: Site, sized: Watched, what: str) -> None:
    query, opening = LATER[what]
    page = sized.open(exported.url + query)
    with_access(page)
    opening(page)
    assert violations_in_any_colours(page) == []


def test_axe_finds_nothing_where_two_runs_are_compared(exported: Site, sized: Watched) -> None:
    page = sized.page
    page.goto(link(exported))
    until(page, PICTURED)
    assert violations_in_any_colours(page) == []


def test_axe_finds_nothing_in_the_tables(exported: Site, sized: Watched) -> None:
    page = sized.show(exported.url + OF_PLANES)
    for table in ("loss landscape", "decision boundary", "training"):
        tab = page.locator(
            "#plots label", has_text=re.compile("curves" if table == "training" else table, re.IGNORECASE)
        )
        if tab.is_visible():  # on a phone one thing at a time is shown
            tab.click()
        page.get_by_role("button", name=f"Table of the {table}").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations_in_any_colours(page) == [], table
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_axe_finds_nothing_while_a_run_is_computed_nor_where_there_is_none(
    empty_served: Site, exported: Site, sized: Watched
) -> None:
    page = sized.open(empty_served.url)
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
    assert violations(page) == []
    page.goto(exported.url + "?dataset=moons&hidden=50&run=00ff00ff")
    expect(page.locator("#status-line")).to_contain_text("no run “00ff00ff”")
    assert violations_in_any_colours(page) == []


def test_axe_does_find_what_is_wrong(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url)
    page.evaluate("() => document.querySelector('main').append(document.createElement('button'))")
    assert [found.split(":")[0] for found in violations(page)] == ["button-name (critical)"]


def test_the_pictures_have_names_even_while_they_play(exported: Site, browser: Browser) -> None:
    for moving in watched(browser, viewport={"width": 1100, "height": 620}):
        page = moving.open(exported.url + "?epoch=0")
        page.get_by_role("combobox", name="Speed").select_option("0.25")
        page.get_by_role("button", name="Play").click()
        for name in ("Loss landscape", "Decision boundary"):
            assert page.get_by_role("img", name=name).count() == 1


# The tables


def cells(page: Page, which: int = 0) -> tuple[list[str], list[str], list[list[float]]]:
    """Column headings, row headings and the numbers of one of the tables in the dialog."""
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
    """Nine places, the same from both ends."""
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
    assert "a = 0.5, b = -0.25" in page.locator("dialog caption").first.inner_text()


@EITHER
def test_the_trainings_table_holds_every_epoch_and_marks_the_one_on_show(site: Site, desktop: Watched) -> None:
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
    page = desktop.open(f"{exported.url}{HERE}&epoch=30")
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
    """Once the preview has given way to the whole, the table has its numbers."""
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


def test_a_table_is_left_by_key_and_gives_the_focus_back(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    open_table(page, "training")
    page.keyboard.press("ArrowLeft")  # scrolls the table, and steps no frame
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    button = page.get_by_role("button", name="Table of the training")
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    open_table(page, "training")
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("() => window.lossatlas.shown().frame") == 11


# Announcements

WATCH = """() => {
    window.told = [];
    const region = document.querySelector('#announcement');
    new MutationObserver(() => window.told.push([window.lossatlas.shown().frame, region.textContent]))
        .observe(region, {childList: true, characterData: true, subtree: true});
}"""


def list_announcements(page: Page) -> list[tuple[int, str]]:
    return [(frame, text) for frame, text in page.evaluate("() => window.told")]


def assert_tells(text: str, run: Run, frame: int) -> None:
    """The sentence has the numbers of the frame, as people say them."""
    found = re.search(
        r"Epoch (\d+) of 60\. Training loss (\S+), test loss (\S+), accuracy (\S+) % and (\S+) %\.$", text
    )
    assert found, text
    epoch, *losses = found.groups()
    metrics = run.trajectory.metrics
    assert int(epoch) == run.trajectory.epochs[frame]
    for value, name in zip(losses[:2], ("train_loss", "test_loss"), strict=True):
        assert number(value) == pytest.approx(metrics[name][frame], rel=5e-3)
    for value, name in zip(losses[2:], ("train_accuracy", "test_accuracy"), strict=True):
        assert number(value) / 100 == pytest.approx(metrics[name][frame], abs=6e-4)


def test_what_is_shown_is_announced_at_a_pause_and_never_while_it_plays(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=0")
    with_access(page)
    page.evaluate(WATCH)
    page.get_by_role("combobox", name="Speed").select_option("0.25")  # slower than a rest
    page.get_by_role("button", name="Play").click()
    until(page, "() => window.lossatlas.shown().frame >= 3")
    assert list_announcements(page) == []
    page.get_by_role("button", name="Pause").click()
    until(page, "() => window.told.length > 0")
    [(frame, text)] = list_announcements(page)
    assert frame == page.evaluate("() => window.lossatlas.shown().frame")
    assert_tells(text, exported.run(), frame)
    page.evaluate("() => { window.told = []; }")
    page.get_by_role("button", name="Play").click()
    until(page, "() => document.querySelector('#play-text').textContent === 'Play'")  # at its end
    until(page, "() => window.told.length > 0")
    [(frame, text)] = list_announcements(page)
    assert frame == 11
    assert_tells(text, exported.run(), 11)


def test_a_scrub_is_announced_once_where_it_rests(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    with_access(page)
    page.evaluate(WATCH)
    slider = page.get_by_role("slider", name="Epoch")
    for _ in range(4):
        slider.press("ArrowLeft")
    wait_for_frame(page, 7)
    until(page, "() => window.told.some(([frame]) => frame === 7)")
    assert_tells(list_announcements(page)[-1][1], exported.run(), 7)
    page.get_by_role("switch", name="Log loss").press("Space")  # the same numbers, on another scale
    page.get_by_role("radio", name="Three arms").press("Space")
    until(page, "() => window.told.at(-1)[1].startsWith('Three arms')")
    assert_tells(
        list_announcements(page)[-1][1], exported.run(ARMS), page.evaluate("() => window.lossatlas.shown().frame")
    )
    assert len({text for _, text in list_announcements(page)}) == len(list_announcements(page)), (
        "the same was told twice"
    )


def test_a_picked_network_is_announced_with_its_own_numbers(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60&view=contours")
    with_access(page)
    page.evaluate(WATCH)
    page.get_by_role("spinbutton", name="Point a").fill("0.5")
    page.get_by_role("spinbutton", name="Point b").fill("-0.25")
    page.get_by_role("spinbutton", name="Point b").press("Enter")
    until(page, "() => window.told.at(-1)?.[1].includes('0.25')")
    text = list_announcements(page)[-1][1]
    loss = float(page.locator("[data-readout=train_loss]").get_attribute("data-value") or "nan")
    assert loss != pytest.approx(exported.run().trajectory.metrics["train_loss"][-1], rel=1e-2)
    found = re.search(r"the network at a = 0\.5, b = −0\.25\. Training loss ([^,]+),", text)
    assert found
    assert number(found.group(1)) == pytest.approx(loss, rel=5e-3)


def test_a_computation_says_how_far_it_is_without_reading_it_out(empty_served: Site, desktop: Watched) -> None:
    page = desktop.open(empty_served.url)
    line = page.locator("#status-line")
    until(page, "() => window.lossatlas.shown().frame >= 2")
    expect(line).to_have_attribute("aria-live", "off")
    page.get_by_role("button", name="Cancel").click()
    expect(line).to_contain_text("Cancelled")
    expect(line).to_have_attribute("aria-live", "polite")


SPEAKING = """() => {
    window.spoken = [];
    const wanted = '[aria-live]:not([aria-live=off]), [role=status], [role=alert], output:not([aria-live=off])';
    new MutationObserver((records) => {
        for (const {target} of records) {
            const region = (target.nodeType === 1 ? target : target.parentElement)?.closest(wanted);
            if (region && !region.matches('[aria-live=off]') && region.textContent.trim()) {
                window.spoken.push(region.textContent.trim());
            }
        }
    }).observe(document.body, {childList: true, characterData: true, subtree: true});
}"""


def list_spoken(page: Page) -> list[str]:
    found: list[str] = page.evaluate("() => window.spoken")
    return found


def in_strip(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name="Training here").get_by_role("button", name=name, exact=True)


def test_nothing_at_all_is_read_out_while_it_plays(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=0")
    with_access(page)
    page.evaluate(SPEAKING)
    page.get_by_role("button", name="Play").click()
    wait_for_frame(page, 11)
    assert list_spoken(page) == []


def test_a_training_is_announced_where_it_rests_and_at_no_epoch_before(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + HERE + "&epoch=0")
    with_access(page)
    page.evaluate(SPEAKING)
    in_strip(page, "Start").click()
    until(page, "() => window.lossatlas.shown().epoch > 40")
    assert [text for text in list_spoken(page) if "Epoch" in text] == []
    in_strip(page, "Pause").click()
    until(page, "() => window.spoken.some((text) => text.includes('Epoch'))")
    [text] = [text for text in list_spoken(page) if "Epoch" in text]
    epoch = page.evaluate("() => window.lossatlas.shown().epoch")
    assert f"Epoch {epoch} of {epoch}." in text
    loss = float(page.locator("#readouts [data-readout=train_loss]").get_attribute("data-value") or "nan")
    found = re.search(r"Training loss ([^,]+),", text)
    assert found
    assert number(found.group(1)) == pytest.approx(loss, rel=5e-3)


def test_a_divergence_is_told_once(exported: Site, desktop: Watched) -> None:
    query = "?dataset=corners&hidden=8&activation=linear&train=sgd,4,32,0,0&epoch=0"
    page = desktop.open(exported.url + query)
    with_access(page)
    page.evaluate(SPEAKING)
    in_strip(page, "Start").click()
    expect(page.get_by_role("region", name="Training here").get_by_role("status")).to_contain_text("diverged")
    until(page, "() => window.lossatlas.shown().epoch > 1")
    at = page.evaluate("() => performance.now()")
    until(page, "at => performance.now() > at + 1500", at)  # longer than a rest
    assert [text[:17] for text in list_spoken(page)] == ["Training diverged"]
    page.locator("body").press("Home")  # another picture, which is told
    until(page, "() => window.spoken.some((text) => text.includes('Epoch 0 of'))")
    assert [text[:17] for text in list_spoken(page)].count("Training diverged") == 1


# Tooltips

EXPLAINED = """() => {
    const wanted = `button, input, select, summary, output, [data-readout], .readouts th, .legend li, .maths,
        #colourbar, #run-title, #curves`;
    return [...document.querySelectorAll(wanted)].filter((e) => e.checkVisibility()).map((e) => {
        const about = e.closest('[title], [data-hint]');
        return {
            what: e.outerHTML.slice(0, 120),
            control: e.matches('button, input, select, summary'),
            hint: about?.getAttribute('title') || about?.getAttribute('data-hint') || '',
            description: e.getAttribute('aria-description') ?? '',
            name: e.getAttribute('aria-label') ?? e.innerText,
            empty: e.matches('[data-readout]') && e.innerText === '',
        };
    }).filter(({empty}) => !empty);
}"""


@EITHER
@pytest.mark.parametrize("query", ["?hidden=7-5", *VIEWS.values()])
def test_every_control_and_readout_says_in_a_sentence_what_it_is(site: Site, desktop: Watched, query: str) -> None:
    page = desktop.show(site.url + query)
    with_access(page)
    assert_explained(page)


def assert_explained(page: Page) -> None:
    found = page.evaluate(EXPLAINED)
    assert len(found) > 60
    mute = [each["what"] for each in found if not re.fullmatch(r"[A-Z0-9].{12,}[.]", each["hint"], re.DOTALL)]
    assert mute == []
    wrong = [each["what"] for each in found if each["control"] and each["description"] != each["hint"]]
    assert wrong == []
    assert [each["what"] for each in found if each["hint"].rstrip(".") == each["name"]] == []


@pytest.mark.parametrize("what", LATER)
def test_what_comes_with_its_first_use_explains_itself_as_well(exported: Site, desktop: Watched, what: str) -> None:
    query, opening = LATER[what]
    page = desktop.open(exported.url + query)
    with_access(page)
    opening(page)
    until(page, "() => document.querySelector('dialog[open], #workshop:not([hidden]), #tour:not([hidden])') !== null")
    assert_explained(page)


#: The controls that the tooltip lies on: neither what it is about, nor what one may use next.
COVERED = """() => {
    const tip = document.querySelector('#hint').getBoundingClientRect();
    return [...document.querySelectorAll('button, input, select, summary, a')].filter((e) => e.checkVisibility())
        .filter((e) => {
            const box = (e.matches('input') ? e.closest('label') ?? e : e).getBoundingClientRect();
            return Math.min(box.right, tip.right) - Math.max(box.left, tip.left) > 1
                && Math.min(box.bottom, tip.bottom) - Math.max(box.top, tip.top) > 1;
        }).map((e) => e.getAttribute('aria-label') ?? e.textContent);
}"""


def test_a_tooltip_lies_on_no_control_of_the_panels(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url)
    with_access(page)
    cards = page.locator("#dataset label")
    chips = page.locator("#model .chip")
    for control in (cards.nth(0), cards.nth(3), chips.nth(1), chips.nth(6), page.locator("#activation")):
        sentence = control.get_attribute("title")
        assert sentence
        control.hover()
        expect(page.locator("#hint")).to_contain_text(sentence)
        assert page.evaluate(COVERED) == []


@pytest.mark.parametrize("size", [(1440, 900), (1280, 720), (1100, 620)])
def test_a_tooltip_of_bar_and_playback_lies_on_no_control(
    exported: Site, desktop: Watched, size: tuple[int, int]
) -> None:
    page = desktop.open(exported.url)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    with_access(page)
    for control, sentence in (
        ("#speed", "How fast the training is played"),
        ("#train-here", "Train a network in this"),
    ):
        page.locator(control).hover()
        expect(page.locator("#hint")).to_contain_text(sentence)
        covered = page.evaluate(COVERED)
        assert covered == [] or (
            size[0] < 1280 and covered == ["Table of the decision boundary"]
        )  # there is no other room


#: A press on the first button, whose text then changes under the pointer at rest; then what is shown after a while.
#: Timers end in their order: this one was set later than the tooltip's, and is longer.
PRESSED = """selector => {
    const button = document.querySelector(selector);
    button.firstElementChild.dispatchEvent(new PointerEvent('pointerover', {bubbles: true, pointerType: 'mouse'}));
    return new Promise((done) => setTimeout(() => done(document.querySelector('#hint')?.textContent ?? ''), 1000));
}"""


def test_a_button_that_was_pressed_does_not_explain_itself_at_once(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0&view=contours")
    with_access(page)
    assert "Play" in page.evaluate(PRESSED, "#play")  # before
    page.locator("#play").click()
    assert page.evaluate(PRESSED, "#play") == ""
    page.locator("#speed").hover()
    expect(page.locator("#hint")).to_contain_text("How fast")
    page.locator("#play").hover()
    expect(page.locator("#hint")).to_contain_text("Play")


def test_a_tooltip_comes_on_hover_and_on_focus_and_leaves_at_escape(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url)
    with_access(page)
    tip = page.locator("#hint")
    follow = page.locator("label", has=page.get_by_role("switch", name="Follow the parameters"))
    sentence = follow.get_attribute("title")
    assert sentence
    follow.hover()
    expect(tip).to_have_text(sentence)
    assert follow.get_attribute("title") is None, "the browser's own would come as well"
    tip.hover()  # the pointer may go there
    expect(tip).to_be_visible()
    page.keyboard.press("Escape")
    expect(tip).to_have_count(0)
    assert follow.get_attribute("title") == sentence

    page.mouse.move(5, 5)
    page.get_by_role("button", name="Reset").focus()
    page.keyboard.press("Shift+Tab")  # by key, as a tooltip is for those who do without a mouse
    speed = page.get_by_role("combobox", name="Speed")
    expect(speed).to_be_focused()
    expect(tip).to_contain_text("How fast the training is played")
    expect(speed).to_have_accessible_description(re.compile("^How fast the training is played"))
    assert not {"Speed", "Play", "Previous frame"} & set(page.evaluate(COVERED))
    page.keyboard.press("Shift+Tab")
    expect(tip).to_contain_text("after this one")
    page.keyboard.press("Escape")
    expect(tip).to_have_count(0)


def test_a_tooltip_goes_when_one_presses_or_types(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&view=contours")
    with_access(page)
    tip = page.locator("#hint")
    follow = page.locator("label", has=page.get_by_role("switch", name="Follow the parameters"))
    follow.hover()
    expect(tip).to_be_visible()
    tip.click()
    expect(tip).to_have_count(0)
    page.mouse.move(5, 5)
    page.get_by_role("button", name="Play", exact=True).focus()
    field = page.get_by_role("spinbutton", name="Point a")
    field.focus()
    expect(tip).to_be_visible()
    page.keyboard.type("0")
    expect(tip).to_have_count(0)


def test_what_can_be_trained_here_is_not_said_to_be_missing(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    controls = [page.get_by_role("radio", name=name) for name in ("2 hidden layers of 100", "Two blobs")]
    for control in controls:
        expect(control).to_have_attribute("data-recorded", "false")
    page.goto(exported.url + HERE + "&epoch=1")
    until(page, "() => window.lossatlas?.shown()?.epoch === 1")
    controls.append(page.get_by_role("radio", name="Breast cancer"))  # measured: its points are in a file of the page
    for control in controls:
        expect(control).to_have_attribute("data-recorded", "true")


def test_a_tooltip_says_why_a_control_cannot_be_used(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?hidden=7-5")
    with_access(page)
    label = page.locator("label", has=page.get_by_role("switch", name="Residual skips"))
    label.hover()
    expect(page.locator("#hint")).to_have_text("A skip connection needs two successive hidden layers of equal width.")
    expect(page.get_by_role("switch", name="Residual skips")).to_have_accessible_description(
        "A skip connection needs two successive hidden layers of equal width."
    )
