"""Tests the page in a frame of another page: what it shows, how it fits, and what it leaves to that page."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page

from lossatlas.site import export_site
from lossatlas.store import Gallery
from tests.support.pages import Watched, until, watched
from tests.web.conftest import ARMS, MOONS, Site, static_server

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
#: A page of another origin, written from right to left, that is longer than its window.
HOST = """<!doctype html><html dir="rtl"><title>A course</title><link rel="icon" href="data:,">
<input id="field" autofocus><iframe src="{source}" width="960" height="540" style="border: 0"></iframe>
<p style="height: 3000px">The rest of the course.</p></html>"""
#: JavaScript that returns the boxes of what is visible.
BOXES = """() => Object.fromEntries(['#landscape-stage', '#boundary-plot', '#play', '#epoch', '#curves', '#plots',
    '.in-full', '.legend', '.panel.model', '.panel.dataset', '#status'].flatMap((name) => {
    const element = document.querySelector(name);
    const {left, top, right, bottom} = element.getBoundingClientRect();
    return element.checkVisibility({visibilityProperty: true}) ? [[name, [left, top, right, bottom]]] : [];
}))"""


@pytest.fixture(scope="module")
def host(exported: Site, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, Frame]]:
    """Yield a page of another origin, and its frame, which asks for many parts and for one that does not exist."""
    folder = tmp_path_factory.mktemp("course")
    query = f"embed=1&show=surface,boundary,play,curves,dataset,tour,cruves&run={MOONS.id}&epoch=0&tour=two-plots"
    source = html.escape(f"{exported.url}index.html?{query}")
    (folder / "index.html").write_text(HOST.format(source=source), encoding="utf-8")
    with static_server(folder) as origin:
        for seen in watched(browser, alone=True, viewport={"width": 1000, "height": 600}, reduced_motion="reduce"):
            seen.page.goto(f"{origin}/index.html")
            frame = seen.page.frames[1]
            wait(seen.page, frame, "() => window.lossatlas?.isCurrent() && document.body.dataset.pictured === 'true'")
            yield seen.page, frame


def wait(page: Page, frame: Frame, condition: str, arg: Any = None) -> None:
    """Wait for a condition in a frame."""
    for _ in range(1500):
        if frame.evaluate(condition, arg):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"waited in vain for {condition}")


def boxes(page: Page, frame: Frame, width: int, height: int) -> dict[str, list[float]]:
    """Give the frame a size, and return the boxes of what is visible."""
    size = {"width": width, "height": height}
    page.evaluate("(size) => Object.assign(document.querySelector('iframe'), size)", size)
    wait(page, frame, "({width, height}) => innerWidth === width && innerHeight === height", size)
    return frame.evaluate(BOXES)  # type: ignore[no-any-return]


def test_a_name_that_does_not_exist_is_named(host: tuple[Page, Frame]) -> None:
    _, frame = host
    said = frame.evaluate("() => document.querySelector('#status').textContent")
    assert "There is no part “cruves”; the parts are surface, boundary, play, curves," in said


def test_the_focus_the_keys_the_wheel_and_the_history_stay_with_the_page(host: tuple[Page, Frame]) -> None:
    page, frame = host
    wait(page, frame, "() => document.querySelector('#tour h2')?.textContent !== undefined")
    assert page.evaluate("() => [document.activeElement.id, scrollY]") == ["field", 0]
    assert frame.evaluate("() => [document.body.dir, getComputedStyle(document.body).direction]") == ["", "ltr"]

    visits = page.evaluate("() => history.length")
    frame.locator(f"#dataset input[value={ARMS.dataset.name}]").check()
    wait(page, frame, f"() => window.lossatlas.shown()?.run === '{ARMS.id}'")
    assert page.evaluate("() => history.length") == visits

    # What nobody uses in the frame, the browser hands to the page around it.
    frame.evaluate("""() => {
        window.unused = [];
        for (const type of ['keydown', 'wheel']) {
            addEventListener(type, (event) => unused.push([event.key ?? type, event.defaultPrevented]));
        }
    }""")
    for name in ("#landscape-plot", "#boundary-plot"):
        box = frame.evaluate("(name) => document.querySelector(name).getBoundingClientRect().toJSON()", name)
        at = page.locator("iframe").bounding_box()
        assert at
        page.mouse.move(at["x"] + box["x"] + box["width"] / 2, at["y"] + box["y"] + 40)
        page.mouse.wheel(0, 60)
    wait(page, frame, "() => window.unused.length === 2")
    until(page, "() => scrollY > 0")

    # A person has moved the focus into the frame. Only the focused control uses keys, and here there is none.
    before = frame.evaluate("() => window.lossatlas.state()")
    frame.evaluate("() => { document.activeElement.blur(); window.focus(); }")
    until(page, "() => document.activeElement.tagName === 'IFRAME'")
    keys = ["ArrowRight", "f", "n", "End", "PageDown", " "]
    for key in keys:
        page.keyboard.press(key)
    wait(page, frame, "() => window.unused.length === 8")
    assert frame.evaluate("() => window.unused") == [["wheel", False]] * 2 + [[key, False] for key in keys]
    assert frame.evaluate("() => window.lossatlas.state()") == before
    assert frame.evaluate("() => document.querySelector('#play-text').textContent") == "Play"


def test_a_frame_of_any_size_shows_its_parts(host: tuple[Page, Frame]) -> None:
    page, frame = host
    frame.locator("#tour button[aria-label='Close the tour']").click()
    page.focus("#field")
    for width, height in ((320, 240), (400, 640), (600, 400), (960, 540)):
        seen = boxes(page, frame, width, height)
        for name, (left, top, right, bottom) in seen.items():
            assert left >= 0, f"{name} at {width}"
            assert top >= 0, f"{name} at {width}"
            assert right <= width, f"{name} at {width}"
            assert bottom <= height, f"{name} at {width}"
        assert {"#play", "#epoch", "#curves", ".in-full"} <= seen.keys()
        assert (".panel.dataset" in seen) == (width >= 760)
        assert ".panel.model" not in seen
        surface, row = seen["#landscape-stage"], seen["#play"]
        assert row[1] >= surface[3], "the playback is below the plots"
        if width < 600 and height < 480:
            assert "#boundary-plot" not in seen
            frame.locator("#plots input[value=boundary]").check()
            other = frame.evaluate(BOXES)
            assert "#landscape-stage" not in other
            assert other["#boundary-plot"][3] - other["#boundary-plot"][1] >= 100
            frame.locator("#plots input[value=landscape]").check()
        else:
            assert "#plots" not in seen
            beside = seen["#boundary-plot"][0] >= surface[2]
            below = seen["#boundary-plot"][1] >= surface[3]
            assert (beside, below) == (width >= 600, width < 600)
        assert surface[2] - surface[0] >= 230
        assert surface[3] - surface[1] >= 115


def test_every_part_exists_and_is_documented(host: tuple[Page, Frame]) -> None:
    _, frame = host
    parts = frame.evaluate("async () => (await import('./features/embed/parts.js')).PARTS")
    there = frame.evaluate("(all) => all.filter((one) => !document.querySelector(one))", list(parts.values()))
    assert there == []
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", (ROOT / "docs/embedding.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"\w+", row)) == sorted(parts)


def test_an_address_asks_for_parts(host: tuple[Page, Frame]) -> None:
    _, frame = host
    read = """async (query) => {
        const {readWanted} = await import('./features/embed/parts.js');
        return readWanted(new URLSearchParams(query));
    }"""
    usual = frame.evaluate(read, "embed=1")
    assert usual == {
        "shown": ["surface", "boundary", "play", "titles", "legend", "colourbar", "camera", "epoch", "link"],
        "autoplay": False,
        "theme": None,
        "remark": None,
    }
    asked = frame.evaluate(read, "embed=1&show=surface,zoom&hide=titles,link&autoplay=1&theme=dark")
    assert asked["shown"] == ["surface", "colourbar", "camera", "zoom"]
    assert [asked["autoplay"], asked["theme"]] == [True, "dark"]
    wrong = frame.evaluate(read, "hide=legned,toString&autoplay=yes&theme=blue")["remark"]["detail"]
    assert wrong.startswith("There is no part “legned”, “toString”; the parts are ")
    assert wrong.endswith(" autoplay=yes is neither 0 nor 1. theme=blue is neither light nor dark.")


def test_a_stop_of_the_tour_does_not_take_the_focus(host: tuple[Page, Frame]) -> None:
    page, frame = host
    page.focus("#field")
    frame.evaluate("() => document.querySelector('#tour-open').click()")
    wait(page, frame, "() => document.querySelector('#tour h2')?.checkVisibility()")
    frame.evaluate("() => document.querySelector('#tour .steps .primary').click()")
    assert page.evaluate("() => [document.activeElement.id, scrollY]") == ["field", 0]


def test_a_course_page_shows_two_frames_and_the_first_plays(gallery: Gallery, browser: Browser, tmp_path: Path) -> None:
    shutil.copy(ROOT / "examples/course/index.html", tmp_path)
    export_site(gallery, tmp_path / "atlas")
    with static_server(tmp_path) as origin:
        for seen in watched(browser, alone=True):
            page = seen.page
            page.goto(f"{origin}/index.html")
            first, second = page.frames[1:]
            wait(page, first, "() => window.lossatlas?.shown()?.epoch > 0")
            assert first.evaluate("() => window.lossatlas.shown().run") == MOONS.id
            wait(page, first, "() => document.querySelector('#play').dataset.playing === 'false'")
            assert first.evaluate("() => window.lossatlas.shown().epoch") == MOONS.training.epochs
            wait(page, second, "() => document.body.dataset.pictured === 'true'")
            assert second.evaluate("() => window.lossatlas.shown().epoch") == 0
            visible = second.evaluate(BOXES).keys()
            assert {"#boundary-plot", "#curves", "#play"} <= visible
            assert not {"#landscape-stage", ".legend"} & visible


def test_share_writes_a_frame_that_shows_the_view(exported: Site, desktop: Watched) -> None:
    page = desktop.show(f"{exported.url}?run={MOONS.id}&epoch=20&scale=linear&camera=1.00,1.00,1.00")
    before = page.evaluate("() => window.lossatlas.shown()")
    page.click("#share")
    dialog = page.locator("dialog.keep")
    dialog.get_by_role("checkbox", name="Decision boundary").uncheck()
    dialog.get_by_label("Size of the frame").select_option("320 240")
    code = dialog.get_by_label("HTML of the frame").text_content() or ""
    tag = re.fullmatch(r'<iframe src="([^"]+)" title="([^"]+)" width="320" height="240" .*></iframe>', code)
    assert tag, code
    assert tag.group(2).startswith("Loss Atlas: Half moons")
    dialog.get_by_role("checkbox", name="Plays by itself").check()
    code = dialog.get_by_label("HTML of the frame").text_content() or ""
    assert "autoplay=1" in code
    assert "epoch=" not in code
    page.keyboard.press("Escape")

    page = desktop.open(html.unescape(tag.group(1)))
    assert page.evaluate("() => window.lossatlas.shown()") == before
    assert {"#landscape-stage", "#play"} <= page.evaluate(BOXES).keys()
    assert "#boundary-plot" not in page.evaluate(BOXES)
    page.set_viewport_size({"width": 360, "height": 500})
    until(page, "() => innerWidth === 360")
    left, _, right, _ = page.evaluate(BOXES)["#landscape-stage"]
    assert [left, right] == [0, 360], "a plot that is alone has the whole width"
    page.locator(".in-full").evaluate("(link) => link.dispatchEvent(new Event('contextmenu'))")
    whole = page.locator(".in-full").get_attribute("href") or ""
    assert "embed" not in whole
    for part in (f"epoch={before['epoch']}", "scale=linear", "camera=1.00,1.00,1.00"):
        assert part in whole
