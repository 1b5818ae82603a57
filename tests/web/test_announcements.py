"""Tests what screen readers announce: the numbers of the picture when it stops, and nothing during playback."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from lossatlas.runs import Run
from tests.support.first_use import HERE
from tests.support.pages import Watched, until
from tests.web.conftest import ARMS, Site, with_access
from tests.web.test_controls import number, wait_for_frame

pytestmark = pytest.mark.browser


# Announcements

WATCH = """() => {
    window.announced = [];
    const region = document.querySelector('#announcement');
    window.watching?.disconnect(); // that of an earlier test
    window.watching = new MutationObserver(() =>
        window.announced.push([window.lossatlas.shown().frame, region.textContent]));
    window.watching.observe(region, {childList: true, characterData: true, subtree: true});
}"""


def list_announcements(page: Page) -> list[tuple[int, str]]:
    return [(frame, text) for frame, text in page.evaluate("() => window.announced")]


def assert_announces(text: str, run: Run, frame: int) -> None:
    """Assert that the sentence contains the numbers of the frame."""
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


def test_the_picture_is_announced_at_a_pause_and_never_during_playback(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0")
    with_access(page)
    page.evaluate(WATCH)
    page.get_by_role("combobox", name="Speed").select_option("0.25")  # the pauses between frames are longer than REST
    page.get_by_role("button", name="Play").click()
    until(page, "() => window.lossatlas.shown().frame >= 3")
    assert list_announcements(page) == []
    page.get_by_role("button", name="Pause").click()
    until(page, "() => window.announced.length > 0")
    [(frame, text)] = list_announcements(page)
    assert frame == page.evaluate("() => window.lossatlas.shown().frame")
    assert_announces(text, exported.run(), frame)
    page.evaluate("() => { window.announced = []; }")
    page.get_by_role("button", name="Play").click()
    until(page, "() => document.querySelector('#play-text').textContent === 'Play'")  # the playback has ended
    until(page, "() => window.announced.length > 0")
    [(frame, text)] = list_announcements(page)
    assert frame == 11
    assert_announces(text, exported.run(), 11)


def test_a_scrub_is_announced_once_when_it_ends(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    with_access(page)
    page.evaluate(WATCH)
    slider = page.get_by_role("slider", name="Epoch")
    for _ in range(4):
        slider.press("ArrowLeft")
    wait_for_frame(page, 7)
    until(page, "() => window.announced.some(([frame]) => frame === 7)")
    assert_announces(list_announcements(page)[-1][1], exported.run(), 7)
    page.get_by_role("switch", name="Log loss").press("Space")  # this shows the same numbers on another scale
    page.get_by_role("radio", name="Three arms").press("Space")
    until(page, "() => window.announced.at(-1)[1].startsWith('Three arms')")
    assert_announces(
        list_announcements(page)[-1][1], exported.run(ARMS), page.evaluate("() => window.lossatlas.shown().frame")
    )
    assert len({text for _, text in list_announcements(page)}) == len(list_announcements(page)), (
        "the same was announced twice"
    )


def test_a_picked_network_is_announced_with_its_own_numbers(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&view=contours")
    with_access(page)
    page.evaluate(WATCH)
    page.get_by_role("spinbutton", name="Point a").fill("0.5")
    page.get_by_role("spinbutton", name="Point b").fill("-0.25")
    page.get_by_role("spinbutton", name="Point b").press("Enter")
    until(page, "() => window.announced.at(-1)?.[1].includes('at a = 0.5, b = −0.25.')")
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
    window.watching?.disconnect(); // that of an earlier test
    window.watching = new MutationObserver((records) => {
        for (const {target} of records) {
            const region = (target.nodeType === 1 ? target : target.parentElement)?.closest(wanted);
            if (region && !region.matches('[aria-live=off]') && region.textContent.trim()) {
                window.spoken.push(region.textContent.trim());
            }
        }
    });
    window.watching.observe(document.body, {childList: true, characterData: true, subtree: true});
}"""


def list_announcements_of_all_regions(page: Page) -> list[str]:
    found: list[str] = page.evaluate("() => window.spoken")
    return found


def in_strip(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name="Training here").get_by_role("button", name=name, exact=True)


def test_screen_readers_are_silent_during_playback(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0")
    with_access(page)
    page.evaluate(SPEAKING)
    page.get_by_role("button", name="Play").click()
    wait_for_frame(page, 11)
    assert list_announcements_of_all_regions(page) == []


def test_a_training_is_announced_when_it_pauses_and_at_no_epoch_before(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + HERE + "&epoch=0")
    with_access(page)
    page.evaluate(SPEAKING)
    in_strip(page, "Start").click()
    until(page, "() => window.lossatlas.shown().epoch > 40")
    assert [text for text in list_announcements_of_all_regions(page) if "Epoch" in text] == []
    in_strip(page, "Pause").click()
    until(page, "() => window.spoken.some((text) => text.includes('Epoch'))")
    [text] = [text for text in list_announcements_of_all_regions(page) if "Epoch" in text]
    epoch = page.evaluate("() => window.lossatlas.shown().epoch")
    assert f"Epoch {epoch} of {epoch}." in text
    loss = float(page.locator("#readouts [data-readout=train_loss]").get_attribute("data-value") or "nan")
    found = re.search(r"Training loss ([^,]+),", text)
    assert found
    assert number(found.group(1)) == pytest.approx(loss, rel=5e-3)


def test_a_divergence_is_announced_once(exported: Site, desktop: Watched) -> None:
    query = "?dataset=corners&hidden=8&activation=linear&train=sgd,4,32,0,0&epoch=0"
    page = desktop.open(exported.url + query + "&view=contours")  # the run of a step in the history is announced
    with_access(page)
    page.evaluate(SPEAKING)
    in_strip(page, "Start").click()
    expect(page.get_by_role("region", name="Training here").get_by_role("status")).to_contain_text("diverged")
    until(page, "() => window.lossatlas.shown().epoch > 1")
    at = page.evaluate("() => performance.now()")
    until(page, "at => performance.now() > at + 1500", at)  # this is longer than REST
    assert [text[:17] for text in list_announcements_of_all_regions(page)] == ["Training diverged"]
    page.locator("body").press("Home")  # this is another picture, so it is announced
    until(page, "() => window.spoken.some((text) => text.includes('Epoch 0 of'))")
    assert [text[:17] for text in list_announcements_of_all_regions(page)].count("Training diverged") == 1


#: JavaScript that draws pictures of a training that has diverged, with a clock of its own, and returns what is said
#: after each of them.
DRAW_LATE = """async () => {
    const {createAnnouncer} = await import('./features/accessibility/announce.js');
    const {setTimeout} = window;
    let due = () => {};
    window.setTimeout = (act) => { due = act; };
    let isCurrent = false;
    const metrics = Object.fromEntries(
        ['train_loss', 'test_loss', 'train_accuracy', 'test_accuracy'].map((name) => [name, [0.5, 0.5, 0.5]]));
    const run = {id: 'here-0', frames: [0, 1, 2], isGrowing: false, announcesItsEnd: true, metrics,
        outcome: {status: 'diverged'}, manifest: {title: 'A run'}};
    const others = new Set(document.querySelectorAll('#announcement'));
    const {noteDrawn} = createAnnouncer({
        shot: {run, frame: 0, pick: null}, isPlaying: () => false, isCurrent: () => isCurrent, pickedOf: () => null});
    const region = [...document.querySelectorAll('#announcement')].find((each) => !others.has(each));
    const draw = (frame) => {
        noteDrawn({run, frame, pick: null});
        due();
        return region.textContent;
    };
    const said = [draw(1)];
    isCurrent = true;
    said.push(draw(2), draw(0));
    window.setTimeout = setTimeout;
    region.remove();
    return said;
}"""


def test_a_divergence_whose_picture_comes_late_is_announced_once(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0")
    with_access(page)
    early, end, scrubbed = page.evaluate(DRAW_LATE)
    assert [early, end] == ["", ""], "the panel has announced the end"
    assert scrubbed.startswith("Epoch 0 of 2.")
