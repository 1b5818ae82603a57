"""Tests stories: their format and its limits, what carries them, recording and playing one, and that none executes."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from lossatlas.site import export_site
from lossatlas.store import Gallery
from tests.support.deflated import deflate
from tests.support.modules import TAKE_CONSTANTS
from tests.support.pages import Watched, until, watched
from tests.web.conftest import MOONS, Site, static_server

pytestmark = pytest.mark.browser

#: A text that would run a script if it were read as anything but text.
HOSTILE = "<img src=x onerror=\"document.title='executed'\"><script>document.title='executed'</script>"
STOP: dict[str, Any] = {"title": "A stop", "view": "epoch=8&view=contours", "text": "Words."}
STORY: dict[str, Any] = {"format": "lossatlas-story", "version": 1, "title": "A lesson", "stops": [STOP]}
#: JavaScript that reads texts as stories, and returns what is wrong with each, or null.
READ = """async (texts) => {
    const {readStory, StoryFault} = await import('./features/tour/story.js');
    return texts.map((text) => {
        try {
            readStory(text);
            return null;
        } catch (error) {
            return error instanceof StoryFault ? error.message : `not a fault: ${error}`;
        }
    });
}"""
#: JavaScript that finds the story of an address; the message, if there is none.
FIND = """async (state) => {
    const {findStory} = await import('./features/tour/carried.js');
    return findStory(state).catch((error) => `${error.constructor.name}: ${error.message}`);
}"""


def story(**changes: Any) -> str:
    return json.dumps(STORY | changes)


def one(**changes: Any) -> str:
    return story(stops=[STOP | changes])


#: Texts, and a part of the sentence that says what is wrong.
FAULTS = {
    "[": "is not JSON",
    "null": "The story is not an object",
    "[" * 100_000: "is not JSON",
    " " * 400_001: "has 400001 characters",
    story(format="other"): "its “format” is not",
    story(version=2): "has version 2",
    story(stops=[]): "no stops",
    story(stops={}): "is not a list",
    story(stops=[STOP] * 61): "has 61 items; at most 60",
    story(stops=[STOP | {"name": "a"}, STOP | {"name": "a"}]): "Two stops are named “a”",
    story(title=" "): "The title of the story is missing",
    story(title="x" * 121): "has 121 characters; at most 120",
    story(runs=[]): "The list of runs is not an object",
    story(runs={"a": {"view": "", "epochs": -1}}): "Run “a”: its number of epochs is -1",
    one(title=3): "Stop 1: its title is missing",
    one(name="A"): "its name “A”",
    one(text="x" * 3001): "its text has 3001 characters",
    one(text=[{"say": ""}]): "words to press is missing",
    one(text=["x" * 2000, {"say": "y" * 120}, "x" * 2000]): "more than 3000 characters",
    one(view="epoch=8&scale=cubic"): "Stop 1: “scale=cubic” in its view cannot be read",
    one(view=["epoch=8"]): "its view is missing",
    one(view="x" * 20_001): "its view has 20001 characters",
    one(run="constructor"): "no run “constructor”",
    one(plot="toString"): "its plot “toString” is none of",
    one(moves="play"): "“moves” is not an object",
    one(moves={"play": [8, 2]}): "are not two, in order",
    one(moves={"play": [1, 2, 3]}): "has 3 items",
    one(moves={"play": [0, 8], "speed": 3}): "its speed 3 is none of",
    one(moves={"turn": 9999}): "not within ±720",
    one(moves={"turn": 90, "seconds": 0}): "not within 1–60",
}


@pytest.fixture(scope="module")
def page(exported: Site, browser: Browser) -> Iterator[Page]:
    for seen in watched(browser, reduced_motion="reduce"):
        opened = seen.open(exported.url + "?epoch=0&view=contours")
        opened.evaluate(TAKE_CONSTANTS)
        yield opened


def test_each_fault_of_a_story_is_one_sentence(page: Page) -> None:
    found = page.evaluate(READ, list(FAULTS))
    assert [
        text[:80]
        for text, (sentence, part) in zip(FAULTS, zip(found, FAULTS.values(), strict=True), strict=True)
        if part not in (sentence or "")
    ] == []
    assert page.evaluate(READ, [story(), one(text=[HOSTILE, {"say": "x", "view": "pick=&zoom=2"}])]) == [None, None]


def test_the_built_in_tour_is_a_story_that_its_file_brings_back(page: Page) -> None:
    same = page.evaluate(
        """async () => {
            const {readStory, writeStory} = await import('./features/tour/story.js');
            const {TOUR} = await import('./features/tour/stops.js');
            const once = readStory(writeStory(TOUR));
            return [writeStory(readStory(writeStory(once))) === writeStory(once), once.stops.length,
                once.stops.every((stop, i) => JSON.stringify(stop.text) === JSON.stringify(TOUR.stops[i].text))];
        }"""
    )
    assert same == [True, 7, True]


def test_an_address_carries_a_story_up_to_a_length(page: Page) -> None:
    carried = page.evaluate(
        """async (texts) => {
            const [{carryStory}, {readStory}] = await Promise.all(
                ['carried', 'story'].map((name) => import(`./features/tour/${name}.js`)));
            return Promise.all(texts.map((text) => carryStory(readStory(text))));
        }""",
        [story(), story(stops=[STOP | {"text": np.random.default_rng(i).bytes(500).hex()} for i in range(60)])],
    )
    assert [each["story"] for each in carried] == ["link", "here"]
    assert carried[1]["stops"] is None
    plain = zlib.decompress(base64.urlsafe_b64decode(carried[0]["stops"] + "=="), wbits=-15)
    assert json.loads(plain)["stops"][0]["text"] == "Words."
    assert page.evaluate(FIND, carried[0])["stops"][0]["view"] == STOP["view"]


def test_an_address_whose_story_is_lost_or_hostile_says_so(page: Page) -> None:
    text = deflate(story())
    bomb = deflate(" " * 50_000_000)
    for stops, sentence in (
        (None, "lost its story"),
        (text[:-6], "damaged"),
        ("A" * 40, "damaged"),
        (bomb, "more than 400000 characters"),
        (deflate(story(version=9)), "version 9"),
    ):
        assert sentence in page.evaluate(FIND, {"story": "link", "stops": stops}), sentence
    without = FIND.replace("return find", "window.fetch = async () => new Response('', {status: 404}); return find")
    answered = f"async (state) => {{ const {{fetch}} = window; try {{ return await ({without})(state); }}"
    lacking = page.evaluate(answered + " finally { window.fetch = fetch; } }", {"story": "lacking", "stops": None})
    assert "stories/lacking.json is not there" in lacking
    assert "another browser" in page.evaluate(FIND, {"story": "here", "stops": None})


IS_STOP = """([name, epoch, view]) => window.lossatlas.state().tour === name && window.lossatlas.shown().epoch === epoch
    && window.lossatlas.slice().view === view"""


def record(page: Page, title: str, words: str) -> None:
    page.get_by_label("Title", exact=True).fill(title)
    page.get_by_label("Words").fill(words)


def test_a_story_is_recorded_edited_and_played_from_its_link(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=0")
    page.get_by_role("button", name="Share", exact=True).press("Enter")
    page.get_by_role("button", name="Record a stop").press("Enter")
    editor = page.get_by_role("group", name="Editor of stories")
    expect(page.get_by_label("Title", exact=True)).to_be_focused()
    record(page, "Before", "Nothing is learned yet.")
    page.locator("#view input[value=contours]").press("Space")
    page.locator("#epoch").press("End")
    until(page, "() => window.lossatlas.shown().epoch === 60 && window.lossatlas.slice().view === 'contours'")
    editor.get_by_role("button", name="Record a stop").press("Enter")
    record(page, "After", HOSTILE)
    page.get_by_label("What moves").select_option("play")
    page.get_by_label("To", exact=True).fill("24")
    editor.get_by_role("button", name="Record a stop").press("Enter")
    record(page, "Third", "")
    editor.get_by_role("button", name="Move up: Third").press("Enter")
    expect(editor.locator(".choose")).to_have_text(["Before", "Third", "After"])
    editor.get_by_role("button", name="Remove: Third").press("Enter")
    editor.get_by_role("button", name="Undo").press("Enter")
    editor.get_by_role("button", name="Remove: Third").press("Enter")
    expect(editor.locator(".choose")).to_have_text(["Before", "After"])
    editor.get_by_role("button", name="Before", exact=True).press("Enter")
    until(page, IS_STOP, ["1", 0, "surface"])
    until(page, "() => location.hash.startsWith('#stops=') && location.search.includes('tour=1')")
    kept = json.loads(page.evaluate("() => localStorage.getItem('lossatlas:story')"))
    assert [stop["title"] for stop in kept["stops"]] == ["Before", "After"]
    assert kept["stops"][1]["moves"] == {"play": [0, 24], "speed": 1}
    carried = page.evaluate("() => location.hash")
    page.evaluate("() => localStorage.clear()")
    page = desktop.open(f"{exported.url}?story=link{carried}")
    expect(page.locator("#tour .count")).to_have_text("My story · 1 of 2")
    until(page, IS_STOP, ["1", 0, "surface"])
    page.get_by_role("button", name="Next", exact=True).press("Enter")
    until(page, IS_STOP, ["2", 0, "contours"])  # with less motion, a button plays what moves
    assert page.locator("#tour .words").inner_text() == HOSTILE
    page.locator("#tour").get_by_role("button", name="Play", exact=True).press("Enter")
    until(page, IS_STOP, ["2", 24, "contours"])
    assert page.title() != "executed"
    page.get_by_role("button", name="Edit", exact=True).press("Enter")
    expect(page.get_by_label("Words")).to_have_value(HOSTILE)
    page.keyboard.press("Escape")
    until(page, "() => document.querySelector('#tour').hidden && !location.hash.includes('stops')")


def test_a_story_that_is_closed_stays_out_of_the_address(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0")
    page.get_by_role("button", name="Share", exact=True).press("Enter")
    page.get_by_role("button", name="Record a stop").press("Enter")
    record(page, "Before", "Nothing is learned yet.")
    until(page, "() => location.hash.startsWith('#stops=')")
    # The story is changed, closed at once, and not carried to its end before a later one of the same kind is.
    page.evaluate(
        """async () => {
            const title = document.querySelector('#tour .story-editor input');
            title.value = 'Changed';
            title.dispatchEvent(new InputEvent('input', {bubbles: true}));
            title.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true}));
            const {carryStory, recallStory} = await import('./features/tour/carried.js');
            for (let turn = 0; turn < 3; turn++) await carryStory(recallStory());
        }"""
    )
    assert json.loads(page.evaluate("() => localStorage.getItem('lossatlas:story')"))["title"] == "Changed"
    assert page.evaluate("() => [window.lossatlas.state().story, location.hash]") == [None, ""]
    assert page.locator("#tour").is_hidden()


def test_a_site_has_stories_which_play_by_themselves(gallery: Gallery, tmp_path: Path, browser: Browser) -> None:
    lesson = {
        **STORY,
        "stops": [
            {"title": "It learns", "view": f"run={MOONS.id}", "moves": {"play": [0, 12], "speed": 4}},
            {"title": "All around", "view": f"run={MOONS.id}&epoch=60", "moves": {"turn": 90, "seconds": 1}},
        ],
    }
    file = tmp_path / "lesson.json"
    file.write_text(json.dumps(lesson), encoding="utf-8")
    site = export_site(gallery, tmp_path / "site", stories=[file]).site
    with static_server(site) as origin:
        for moving in watched(browser, viewport={"width": 1100, "height": 620}, alone=True):
            page = moving.open(f"{origin}/?story=lesson")
            rests = "() => document.querySelector('#play').dataset.playing === 'false'"
            until(page, "() => window.lossatlas.shown().epoch === 12")
            until(page, rests)
            until(page, "() => location.search.includes('story=lesson') && location.search.includes('tour=1')")
            assert page.locator("#speed").input_value() == "4"
            page.get_by_role("button", name="Next", exact=True).click()
            until(page, IS_STOP, ["2", 60, "surface"])
            # The camera was at (0.3, −1.19), and has been turned by 90 degrees.
            turned = """() => ['x', 'y'].every((axis, i) =>
                Math.abs(window.lossatlas.state().camera[axis] - [1.19, 0.3][i]) < 0.01)"""
            until(page, turned)
            page.go_back()
            until(page, "() => window.lossatlas.state().tour === '1'")
