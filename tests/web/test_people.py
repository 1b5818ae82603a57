"""Tests that the page can be used without a mouse, on a phone, magnified, and with forced colours."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.first_use import HERE
from tests.support.pages import Watched, until, watched
from tests.web.conftest import ARMS, MOONS, PLANES, Site, with_access
from tests.web.test_controls import assert_readouts, camera, read_shown, wait_for_frame
from tests.web.test_states import CLIPPED

pytestmark = pytest.mark.browser


OF_PLANES = f"?hidden=8&run={PLANES.id}"
#: JavaScript that returns the name of the focused element, and whether its focus is visible. The inputs of keys and
#: cards are invisible, and their labels show the focus.
FOCUSED = """() => {
    const element = document.activeElement;
    const seen = element.matches('.chip input, .segment input') ? element.nextElementSibling
        : element.matches('.card input') ? element.parentElement : element;
    const {outlineStyle, outlineWidth} = getComputedStyle(seen);
    const box = seen.getBoundingClientRect();
    const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1);
    const y = Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 1);
    const top = document.elementFromPoint(x, y);
    return {
        name: element.getAttribute('aria-label') ?? element.textContent.trim(),
        id: element.id || element.name || element.dataset.table || element.dataset.turn || element.tagName,
        outlined: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2,
        inView: box.top >= -1 && box.bottom <= innerHeight + 1 && box.left >= -1 && box.right <= innerWidth + 1,
        covered: !(top && (seen.contains(top) || top.contains(seen) || top === element)),
    };
}"""


class Keys:
    """A person at the keyboard, who sees only the focused element."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def focused(self) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(FOCUSED)
        return found

    def go_to(self, name: str, most: int = 60) -> None:
        """Press Tab until an element has the focus. Each element on the way must show its focus."""
        for _ in range(most):
            self.page.keyboard.press("Tab")
            found = self.focused()
            if found["id"] == "BODY":
                continue  # the focus passes the end of the page
            assert found["outlined"], found
            if found["name"] == name or found["id"] == name:
                return
        raise AssertionError(f"{name} is not reached by Tab")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)


def test_everything_is_done_without_a_mouse(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    keys = Keys(page)

    keys.go_to("Half moons")
    keys.press(*["ArrowDown"] * 6)
    until(page, "run => window.lossatlas.shown().run === run", ARMS.id)
    keys.press(*["ArrowUp"] * 6)
    until(page, "run => window.lossatlas.shown().run === run", MOONS.id)
    keys.go_to("Hidden 2 × 16")
    keys.press("ArrowLeft", "ArrowLeft")
    until(page, "run => window.lossatlas.shown().run === run", PLANES.id)

    keys.go_to("Plane")
    keys.press("ArrowDown")
    until(page, "() => window.lossatlas.slice().plane === 'pca'")
    keys.go_to("view")
    keys.press("ArrowRight")
    until(page, "() => window.lossatlas.slice().view === 'contours'")
    keys.go_to("set")
    keys.press("ArrowRight")
    until(page, "() => window.lossatlas.slice().set === 'test'")
    keys.press("ArrowLeft")
    before = read_shown(page)["span"]
    keys.go_to("Zoom")
    keys.press("ArrowRight")
    until(page, "span => window.lossatlas.shown().span < span", before)
    keys.go_to("Log loss")
    keys.press("Space")
    until(page, "() => window.lossatlas.shown().scale === 'linear'")

    keys.go_to("Point a")
    page.keyboard.type("0.1")
    keys.go_to("Point b")
    page.keyboard.type("0.2")
    keys.press("Enter")
    until(page, "() => String(window.lossatlas.slice().pick) === '0.1,0.2'")
    keys.go_to("Back to the network")
    keys.press("Enter")
    until(page, "() => window.lossatlas.slice().pick === null")
    assert keys.focused()["id"] == "view", "the button has gone, and the focus with it"

    keys.press("ArrowLeft")
    until(page, "() => window.lossatlas.slice().view === 'surface'")
    turned = camera(page)
    keys.go_to("Rotate left")
    keys.press("Enter")
    until(page, "() => location.search.includes('camera=')")
    assert camera(page) != pytest.approx(turned, abs=0.02)
    keys.go_to("More")
    keys.press("Enter")
    expect(page.locator("#slice-what")).to_be_visible()

    keys.go_to("Speed")
    keys.press("ArrowUp")
    expect(page.get_by_role("combobox", name="Speed")).to_have_value("0.5")
    keys.go_to("Epoch")
    keys.press("Home", "ArrowRight", "ArrowRight")
    wait_for_frame(page, 2)
    assert_readouts(page, exported.run(PLANES), 2)
    keys.go_to("Play")
    keys.press("Space")
    until(page, "() => window.lossatlas.shown().frame >= 4")
    keys.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_focused()
    keys.go_to("Reset")
    keys.press("Enter")
    until(page, "() => window.lossatlas.slice().plane === 'fresh' && window.lossatlas.shown().scale === 'log'")
    keys.go_to("Theme")
    keys.press("Space")
    expect(page.get_by_role("button", name="Theme")).to_have_attribute("aria-pressed", "true")


def walk(page: Page) -> list[dict[str, Any]]:
    """Press Tab through the whole page, and list the focused elements."""
    keys = Keys(page)
    stops: list[dict[str, Any]] = []
    for _ in range(80):
        page.keyboard.press("Tab")
        found = keys.focused()
        for _ in range(20):  # the layout must be complete, so that elements do not move
            if found["inView"] and not found["covered"]:
                break
            page.wait_for_timeout(50)
            found = keys.focused()
        if stops and found["name"] == stops[0]["name"] and found["id"] == stops[0]["id"]:
            return stops
        if found["id"] != "BODY":
            stops.append(found)
    raise AssertionError("the focus is trapped")


ORDER = [
    "Skip to playback", "Compare", "Train here", "Share", "Present", "Theme", "Hidden 8", "Activation",
    "Table of the loss landscape", "Plane", "New directions", "view", "set", "Zoom", "Log loss",
    "Fit the scale to each epoch", "Path", "Point a", "Point b", "More", "Table of the decision boundary",
    "Half moons", "Your own data…", "Previous frame", "Play", "Next frame", "Speed", "Reset", "Take the tour",
    "timeline", "Table of the training", "Epoch",
]  # fmt: skip


def test_the_focus_goes_once_through_everything_in_the_order_of_reading(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + OF_PLANES + "&plane=pca&view=contours&follow=false")
    stops = walk(page)
    assert [each["name"] or each["id"] for each in stops] == ORDER
    assert [each for each in stops if not each["outlined"]] == []


#: Windows of 1440 × 900 and 1280 × 1024 pixels, magnified two and four times, and a phone.
MAGNIFIED = [(720, 450), (320, 256), (320, 640), (390, 844), (768, 1024)]


@pytest.mark.parametrize(
    "query",
    [
        "?epoch=60&view=surface",
        OF_PLANES + "&plane=pca&view=contours&follow=false&set=gap&timeline=curvature",
        HERE + "&epoch=3",
    ],
)
def test_a_magnified_page_needs_no_sideways_scrolling_and_hides_no_focus(
    exported: Site, browser: Browser, query: str
) -> None:
    for seen in watched(browser, viewport={"width": 720, "height": 450}, reduced_motion="reduce"):
        page = seen.show(exported.url + query)
        with_access(page)
        for width, height in MAGNIFIED:
            page.set_viewport_size({"width": width, "height": height})
            until(page, "width => innerWidth === width", width)
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width
            assert page.evaluate(CLIPPED) == [], (width, height)
            hidden = [each for each in walk(page) if each["covered"] or not each["inView"]]
            assert hidden == [], (width, height)


TARGETS = """() => [...document.querySelectorAll('button, select, input, summary')].filter((e) => e.checkVisibility())
    .map((e) => {
        const target = e.matches('[type=radio], [type=checkbox]') ? e.closest('label') : e;
        const {width, height} = target.getBoundingClientRect();
        return [e.outerHTML.slice(0, 100), width, height];
    }).filter(([, width, height]) => width < 40 || height < 40)"""


def test_a_person_on_a_phone_chooses_scrubs_and_picks_with_a_finger(exported: Site, browser: Browser) -> None:
    for seen in watched(
        browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, reduced_motion="reduce"
    ):
        page = seen.open(exported.url)
        with_access(page)
        page.locator("label.card", has_text="Three arms").tap()
        until(page, "run => window.lossatlas.shown().run === run", ARMS.id)
        page.locator("label.card", has_text="Half moons").tap()
        until(page, "run => window.lossatlas.shown().run === run", MOONS.id)
        page.locator("label.chip", has=page.get_by_role("radio", name="Hidden 8")).tap()
        until(page, "run => window.lossatlas.shown().run === run", PLANES.id)

        slider = page.get_by_role("slider", name="Epoch")
        box = slider.bounding_box()
        assert box
        # A tap near its edge counts as well.
        page.touchscreen.tap(box["x"] + 8 + (box["width"] - 16) * 4 / 11, box["y"] + 36)
        wait_for_frame(page, 4)
        expect(page.locator("#epoch-brief")).to_have_text(str(exported.run(PLANES).trajectory.epochs[4]))
        page.get_by_role("button", name="Play").tap()
        until(page, "() => window.lossatlas.shown().frame >= 6")
        page.get_by_role("button", name="Pause").tap()

        page.get_by_role("button", name="Options").tap()
        page.locator("label.segment", has_text="Contours").tap()
        until(page, "() => window.lossatlas.slice().view === 'contours'")
        page.locator("#landscape-map").scroll_into_view_if_needed()
        page.evaluate("() => document.querySelector('#landscape-map').scrollIntoView({block: 'start'})")
        canvas = page.locator("#landscape-map canvas").bounding_box()
        assert canvas
        page.touchscreen.tap(canvas["x"] + 0.75 * canvas["width"], canvas["y"] + 0.375 * canvas["height"])
        until(page, "() => window.lossatlas.slice().pick !== null")
        span = read_shown(page)["span"]
        assert page.evaluate("() => window.lossatlas.slice().pick") == pytest.approx(
            [span / 2, span / 4], abs=0.05 * span
        )
        assert page.locator("#hint").count() == 0  # a finger shows no tooltip, because it would cover what is below
        for query in (
            "?epoch=60&view=surface",
            OF_PLANES + "&plane=pca&view=contours&timeline=curvature&pick=0.1,0.1",
            HERE + "&epoch=3",
        ):
            seen.show(exported.url + query)
            assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
            assert page.evaluate("() => visualViewport.scale") == 1
            assert page.evaluate(TARGETS) == []
            assert page.evaluate(CLIPPED) == []


PAINTED = """(selector) => {
    const element = document.querySelector(selector);
    const style = getComputedStyle(element);
    return {
        background: style.backgroundColor, ink: style.color,
        knob: getComputedStyle(element, '::before').backgroundColor,
        border: parseFloat(style.borderTopWidth) > 0 ? style.borderTopColor : null,
    };
}"""


#: JavaScript that returns the colours of a PNG that more than a few pixels have.
COLOURS = """async (base64) => {
    const image = await createImageBitmap(new Blob([Uint8Array.fromBase64(base64)]));
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    const counts = {};
    const {data} = context.getImageData(0, 0, image.width, image.height);
    for (let i = 0; i < data.length; i += 4) {
        const colour = [data[i], data[i + 1], data[i + 2]].join();
        counts[colour] = (counts[colour] ?? 0) + 1;
    }
    return Object.keys(counts).filter((colour) => counts[colour] > 30);
}"""


#: JavaScript that returns, for rows counted from the middle, the share of pixels that differ from the first pixel.
INKED = """async ([base64, rows]) => {
    const bytes = Uint8Array.fromBase64(base64);
    const image = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d', {willReadFrequently: true});
    context.drawImage(image, 0, 0);
    const [paper] = new Uint32Array(context.getImageData(0, 0, 1, 1).data.buffer);
    return rows.map((row) => {
        const {data} = context.getImageData(0, Math.round(image.height / 2) + row, image.width, 1);
        return new Uint32Array(data.buffer).filter((pixel) => pixel !== paper).length / image.width;
    });
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_forced_colours_choices_and_switches_are_visible(
    exported: Site, whole_browser: Browser, scheme: Any
) -> None:
    for seen in watched(
        whole_browser,
        viewport={"width": 1280, "height": 720},
        forced_colors="active",
        color_scheme=scheme,
        reduced_motion="reduce",
    ):
        page = seen.show(exported.url + "?epoch=60")
        paper = page.evaluate("() => getComputedStyle(document.body).backgroundColor")

        def read_style(selector: str, page: Page = page) -> dict[str, Any]:
            found: dict[str, Any] = page.evaluate(PAINTED, selector)
            return found

        for chosen, other in (
            ("#view input:checked + span", "#view input:not(:checked) + span"),
            (".chip input:checked + span", ".chip input:not(:checked) + span"),
            (".card:has(:checked)", ".card:not(:has(:checked))"),
        ):
            assert read_style(chosen)["background"] not in {paper, read_style(other)["background"]}, chosen
            assert read_style(chosen)["ink"] != read_style(chosen)["background"]
        on, off = read_style("#follow"), read_style("#frame-range")
        assert on["background"] not in {paper, off["background"]}
        assert off["border"] not in {None, paper}
        assert off["knob"] != paper
        for slider in ("#zoom", "#epoch"):
            picture = base64.b64encode(page.locator(slider).screenshot()).decode()
            colours = page.evaluate(COLOURS, picture)
            assert len(colours) >= 3, f"{slider} needs a ground, a track and a thumb: {colours}"
        for name in ("upper moon", "test", "misclassified"):
            expect(page.locator("#legend").get_by_text(name, exact=True)).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineColor")
        assert outline != paper


def test_nothing_moves_by_itself_if_the_reader_prefers_less_motion(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url)
    frame = read_shown(page)["frame"]
    assert frame == 11  # the trained network is shown at once, without playback
    page.locator("#landscape-plot").hover()
    page.get_by_role("radio", name="Contours").press("Space")
    until(page, "() => window.lossatlas.slice().view === 'contours'")
    assert page.evaluate("() => document.getAnimations().length") == 0
    assert read_shown(page)["frame"] == frame
