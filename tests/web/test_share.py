"""Tests the dialog “Share and save”: its link, its pictures, and its use by keyboard and on a phone."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, expect

from tests.support.pages import Watched, until, watched
from tests.support.sharing import download_file, open_dialog
from tests.web.conftest import ARMS, EITHER, MOONS, Site
from tests.web.test_controls import readout

pytestmark = pytest.mark.browser


SVG = "{http://www.w3.org/2000/svg}"


# The link


@pytest.fixture
def may_copy(desktop: Watched, site: Site) -> Watched:
    origin = re.match(r"http://[^/]+", site.url)
    assert origin
    desktop.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin.group())
    return desktop


def test_the_link_contains_the_whole_view_and_opens_it(site: Site, may_copy: Watched) -> None:
    page = may_copy.open(site.url)  # an address without a query is the first view
    page.get_by_role("button", name="Rotate left").click()
    until(page, "() => location.search.includes('camera')")
    before = {key: page.evaluate(f"() => window.lossatlas.{key}()") for key in ("shown", "slice", "state")}
    open_dialog(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("Link copied")
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert link == page.get_by_role("textbox", name="Link to this view").input_value()
    assert link.startswith(site.url)
    for part in (
        "dataset=moons",
        "hidden=16-16",
        f"run={site.run().id}",
        "epoch=60",
        "zoom=1",
        "plane=fresh",
        "view=surface",
    ):
        assert part in link
    may_copy.open(link)
    for key in ("shown", "slice"):
        assert page.evaluate(f"() => window.lossatlas.{key}()") == before[key]
    camera = page.evaluate("() => window.lossatlas.state().camera")
    assert camera == pytest.approx(before["state"]["camera"], abs=0.006)


def test_where_the_clipboard_is_refused_the_link_is_selected(exported: Site, desktop: Watched) -> None:
    desktop.page.add_init_script("navigator.clipboard.writeText = () => Promise.reject(new Error('refused'))")
    page = desktop.open(exported.url)
    open_dialog(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("The text is selected")
    field = page.get_by_role("textbox", name="Link to this view")
    expect(field).to_be_focused()
    assert page.evaluate("() => String(getSelection())") == field.input_value()


# Pictures and drawings

LOOK_AT = """async (base64) => {
    const bytes = Uint8Array.fromBase64(base64);
    const image = await createImageBitmap(new Blob([bytes]));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.drawImage(image, 0, 0);
    const coloursIn = (x, y, width, height) => {
        const {data} = context.getImageData(x, y, width, height);
        return new Set(new Uint32Array(data.buffer)).size;
    };
    const pixel = (x, y) => [...context.getImageData(x, y, 1, 1).data].slice(0, 3);
    return {
        width: image.width, height: image.height, paper: pixel(4, 4),
        left: coloursIn(100, 330, 1100, 780), right: coloursIn(1430, 330, 1060, 680), text: coloursIn(60, 40, 700, 120),
    };
}"""


@EITHER
@pytest.mark.parametrize("view", ["surface", "contours", "section"])
def test_the_picture_has_both_plots_twice_as_sharp_and_leaves_the_screen_alone(
    site: Site, desktop: Watched, view: str
) -> None:
    page = desktop.show(site.url + f"?epoch=60&view={view}&camera=1.60,0.80,1.00")
    before = page.evaluate("() => [window.lossatlas.state(), window.lossatlas.shown(), location.href]")
    open_dialog(page)
    download, png = download_file(page, "Save picture (PNG)")
    assert download.suggested_filename == f"lossatlas-{site.run().id}-epoch60.png"
    assert png.startswith(b"\x89PNG")
    seen = page.evaluate(LOOK_AT, base64.b64encode(png).decode())
    assert (seen["width"], seen["height"]) == (2560, 1440)
    assert seen["right"] > 500
    assert seen["left"] > (20 if view == "section" else 500)
    assert seen["text"] > 10
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("() => document.querySelectorAll('.studio').length") == 0
    assert page.evaluate("() => [window.lossatlas.state(), window.lossatlas.shown(), location.href]") == before


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_is_in_the_theme_of_the_page(exported: Site, desktop: Watched, theme: Any) -> None:
    desktop.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page = desktop.show(exported.url + "?view=contours")
    open_dialog(page)
    paper = page.evaluate(LOOK_AT, base64.b64encode(download_file(page, "Save picture (PNG)")[1]).decode())["paper"]
    assert all(value > 240 for value in paper) if theme == "light" else all(value < 40 for value in paper)


@EITHER
def test_the_drawing_contains_points_as_elements_and_words_as_text(site: Site, desktop: Watched) -> None:
    run = site.run(ARMS)
    page = desktop.show(site.url + f"?dataset=arms&run={run.id}&epoch=60&view=contours")
    wrong = int((run.trajectory.predicted_class[-1] != run.setup.dataset.labels).sum())
    open_dialog(page)
    drawing = ElementTree.fromstring(download_file(page, "Save drawing (SVG)")[1])
    assert (drawing.get("width"), drawing.get("height")) == ("1280", "720")
    text = " ".join("".join(words.itertext()) for words in drawing.iter(f"{SVG}text"))
    for part in (run.setup.title, "Epoch 60", "train loss", *run.setup.dataset.class_names):
        assert part in text
    assert f"{wrong} of {len(run.setup.dataset.points)} points misclassified" in text
    drawn = [
        path.get("d", "").count("M")
        for path in drawing.iter(f"{SVG}path")
        if path.get("stroke-width") in {"0.8", "1.6"}
    ]
    assert sum(drawn) == len(run.setup.dataset.points)
    pictures = [image.get("href", "") for image in drawing.iter(f"{SVG}image")]
    assert len(pictures) == 2  # these are the cells of the map and of the boundary
    size = page.evaluate(LOOK_AT.replace("left: coloursIn(100, 330, 1100, 780), ", ""), pictures[1].partition(",")[2])
    assert (size["height"], size["width"]) == run.predicted_class.shape[1:]


def test_the_drawing_has_the_surface_as_triangles_and_lines(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?view=surface")
    open_dialog(page)
    drawing = ElementTree.fromstring(download_file(page, "Save drawing (SVG)")[1])
    assert len(list(drawing.iter(f"{SVG}image"))) == 1  # the cells of the boundary
    [faces] = [group for group in drawing.iter(f"{SVG}g") if group.get("class") == "faces"]
    assert len(faces) >= 2 * (MOONS.planes[0].grid - 1) ** 2


# The dialog


def test_nothing_of_the_dialog_is_fetched_before_the_first_click(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url)
    page.wait_for_load_state("networkidle")
    assert not [url for url in desktop.requests if "/features/share/" in url]
    open_dialog(page)
    assert [url for url in desktop.requests if "/features/share/dialog." in url]


def test_the_dialog_can_be_used_by_keyboard_alone(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0&view=section")
    page.get_by_role("button", name="Share", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy link")).to_be_focused()
    page.keyboard.press("ArrowRight")  # without the dialog, this key would go to the next epoch
    focus = "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.tagName"
    names = set()
    for _ in range(32):
        page.keyboard.press("Tab")
        names.add(page.evaluate(focus))
    assert names >= {
        "Save picture (PNG)",
        "Save drawing (SVG)",
        "Plot of the figure",
        "Format of the figure",
        "Save figure (PNG)",
        "SUMMARY",
        "Length of the animation",
        "Size of the animation",
        "Make animation (WebM)",
        "Save numbers (.npz)",
        "Save the surface (CSV)",
        "Save the metrics (CSV)",
        "Copy Python",
        "Python",
        "Close",
        "Link to this view",
    }
    page.get_by_role("button", name="Save the metrics (CSV)").focus()
    with page.expect_download() as waiting:
        page.keyboard.press("Space")
    assert waiting.value.suggested_filename.endswith("-metrics.csv")
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("Saved lossatlas-")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Share", exact=True)).to_be_focused()
    assert readout(page, "epoch") == "0"


@pytest.fixture
def phone(browser: Browser) -> Iterator[Watched]:
    yield from watched(browser, viewport={"width": 390, "height": 844}, reduced_motion="reduce", has_touch=True)


def test_on_a_phone_the_dialog_fills_the_screen_and_every_button_can_be_hit(exported: Site, phone: Watched) -> None:
    page = phone.show(exported.url + "?view=section")
    open_dialog(page)
    assert page.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    for button in page.get_by_role("dialog").get_by_role("button").all():
        box = button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44
        assert box["x"] + box["width"] <= 390
