"""Tests that everything a person does works in Firefox and in WebKit, on the page as it is served and exported."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from lossatlas.site import export_single_file
from tests.support.deflated import deflate
from tests.support.other_browsers import Driven, firefox, until, webkit
from tests.web.conftest import MOONS, Site

pytestmark = pytest.mark.browser

READY = "Boolean(window.lossatlas) && window.lossatlas.shown() !== null"
TRAINED = "window.lossatlas.shown().run.startsWith('here-') && window.lossatlas.shown().epoch > 2"
#: A press on the map at a share of its width and height.
PRESS = """(() => {
    const canvas = document.querySelector('#landscape-map canvas');
    const {left, top, width, height} = canvas.getBoundingClientRect();
    const at = {clientX: left + 0.75 * width, clientY: top + 0.375 * height, isPrimary: true, pointerId: 1};
    for (const type of ['pointerdown', 'pointerup'])
        canvas.dispatchEvent(new PointerEvent(type, {...at, bubbles: true, pointerType: 'mouse'}));
})()"""
#: Collects what the Content-Security-Policy refuses.
WATCH_POLICY = """(() => {
    window.refused = [];
    addEventListener('securitypolicyviolation', (event) => window.refused.push(event.violatedDirective));
})()"""
#: A film of one frame as the dialog makes it: its first bytes, or the reason why this browser makes none.
FILM = """(async () => {
    const {FORMATS, findFormatLimits} = await import('./features/share/animation.js');
    const [{limit}] = await findFormatLimits(64, 36);
    if (limit) return limit;
    const {encodeVideo} = await import('./features/share/video.js');
    const {signal} = new AbortController();
    const film = {frames: 2, width: 64, height: 36, signal, onProgress() {}, async draw() {}};
    const bytes = new Uint8Array(await (await encodeVideo(FORMATS[0], film)).arrayBuffer());
    return [...bytes.slice(0, 4)];
})()"""

#: Whether a chip with a long name stays within its panel.
LONG_CHIP_FITS = """(() => {
    const text = document.querySelector('#model .chips .chip span');
    const before = text.textContent;
    text.textContent = 'eight-'.repeat(20);
    const [own, panel] = [text, document.querySelector('.panel.model')].map((each) => each.getBoundingClientRect());
    text.textContent = before;
    return own.width > 20 && own.right <= panel.right;
})()"""
#: Keeps the files that the page saves, instead of asking the browser to.
KEEP_FILES = """(() => {
    const files = new Map();
    const create = URL.createObjectURL.bind(URL);
    URL.createObjectURL = (file) => {
        const url = create(file);
        files.set(url, file);
        return url;
    };
    HTMLAnchorElement.prototype.click = function () { window.saved = files.get(this.href); };
})()"""
#: Chooses the look of a figure, and saves it.
SAVE_FIGURE = """((look) => {
    const changed = new Event('change', {bubbles: true});
    for (const [name, value] of Object.entries(look)) {
        const field = document.querySelector(`.figure [aria-label^="${name}"]`);
        field.value = value;
        if (name === 'Unit') field.dispatchEvent(changed);
    }
    document.querySelector('.figure').dispatchEvent(changed);
    window.saved = null;
    document.querySelector('.figure .save').click();
})"""
#: The text of the file that was saved.
READ_TEXT = "(async () => new TextDecoder('latin1').decode(await window.saved.arrayBuffer()))()"
#: The width and the density of the PNG that was saved, and the pixels of its corner and its middle.
READ_PICTURE = """(async () => {
    const image = await createImageBitmap(window.saved);
    const canvas = document.createElement('canvas');
    Object.assign(canvas, {width: image.width, height: image.height});
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const pixelAt = (share) => [...context.getImageData(share * image.width, share * image.height, 1, 1).data];
    const density = new DataView(await window.saved.arrayBuffer()).getUint32(33 + 8);
    return [image.width, density, pixelAt(0), pixelAt(0.5)];
})()"""


@pytest.fixture(scope="module")
def browsers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Driven]]:
    """Provide a function that starts a browser at its first use."""
    with ExitStack() as started:

        @functools.cache
        def start(name: str) -> Driven:
            if name == "firefox":
                return started.enter_context(firefox(tmp_path_factory.mktemp("firefox")))
            return started.enter_context(webkit())

        yield start


@pytest.fixture(params=["firefox", "webkit"])
def other(request: pytest.FixtureRequest, browsers: Callable[[str], Driven]) -> Iterator[Driven]:
    browser = browsers(request.param)
    yield browser
    browser.open("about:blank")


def click(browser: Driven, selector: str) -> None:
    until(browser, f"document.querySelector({json.dumps(selector)}) !== null")
    browser.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


def write(browser: Driven, selector: str, text: str) -> None:
    browser.evaluate(
        f"""((field) => {{
            field.focus();
            field.value = {json.dumps(text)};
            for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, {{bubbles: true}}));
        }})(document.querySelector({json.dumps(selector)}))"""
    )


def test_a_visit_works_from_the_first_picture_to_a_comparison(served: Site, other: Driven) -> None:
    other.open(served.url + "?epoch=60")
    until(other, READY)
    other.evaluate(WATCH_POLICY)
    loss = float(served.run().trajectory.metrics["train_loss"][-1])
    readout = "Number(document.querySelector('[data-readout=train_loss]').textContent)"
    assert other.evaluate(readout) == pytest.approx(loss, abs=1e-4)
    assert other.evaluate("document.querySelector('#flat-note').hidden"), "the surface is drawn in three dimensions"
    assert other.evaluate(LONG_CHIP_FITS)
    write(other, "#epoch", "0")
    until(other, "window.lossatlas.shown().frame === 0")
    click(other, "#play")
    until(other, "window.lossatlas.shown().epoch > 0")
    click(other, "#play")
    click(other, "#view input[value=contours]")
    until(other, "document.querySelector('#landscape-map canvas') !== null")
    until(other, "document.querySelector('#landscape').dataset.view === 'contours'")
    other.evaluate(PRESS)
    until(other, "window.lossatlas.slice().pick?.[0] > 0.45")
    until(other, "!document.querySelector('#boundary-whose').hidden")
    write(other, "#pick-a", "0,3")
    until(other, "window.lossatlas.slice().pick[0] === 0.3")
    film = other.evaluate(FILM)
    assert film == [0x1A, 0x45, 0xDF, 0xA3] or "browser" in film
    click(other, "#share")
    python = "document.querySelector('dialog.keep[open] pre[aria-label=Python] code')"
    until(other, f"{python}?.textContent.includes('lossatlas')")
    save_figures(other)
    other.evaluate("document.querySelector('dialog.keep').close()")
    click(other, "#train-here")
    click(other, "#workshop .go")
    until(other, TRAINED)
    assert other.evaluate("window.refused") == []
    assert other.evaluate("document.getElementById('plotly.js-style-global').sheet.cssRules.length") > 20
    take_the_tour(served.url, other)
    other.open(served.url + "compare.html")
    frames = (
        "[...document.querySelectorAll('iframe')].map((each) => each.contentWindow.lossatlas?.shown()?.run ?? null)"
    )
    until(other, f"{frames}.filter(Boolean).length === 2")


def save_figures(other: Driven) -> None:
    """Save a figure in each format, in the dialog that is open, and check its size and its look."""
    other.evaluate(KEEP_FILES)

    def save(read: str, **look: str) -> Any:
        other.evaluate(f"{SAVE_FIGURE}({json.dumps(look)})")
        until(other, "Boolean(window.saved) || document.querySelector('dialog.keep .message').matches('.bad')")
        return other.evaluate(read)

    look = {"Plot": "contours", "Width": "60", "Density": "254", "Background": "Transparent"}
    width, density, corner, middle = save(READ_PICTURE, **look)
    assert [width, density, corner[3], middle[3]] == [600, 10_000, 0, 255]
    look = {"Plot": "boundary", "Unit": "px", "Width": "640", "Colours": "Dark", "Background": "Filled"}
    width, _, corner, _ = save(READ_PICTURE, **look)
    assert [width, corner[3], max(corner[:3]) < 64] == [640, 255, True]
    look = {"Plot": "surface", "Unit": "mm", "Width": "50", "Colours": "Light", "Format": "SVG"}
    drawing = ElementTree.fromstring(save(READ_TEXT, **look))
    assert drawing.get("width") == "50mm"
    triangles = [path for path in drawing.iter("{http://www.w3.org/2000/svg}path") if path.get("fill") != "none"]
    assert len(triangles) >= 2 * (MOONS.planes[0].grid - 1) ** 2
    pdf = save(READ_TEXT, Format="PDF")
    [points] = re.findall(r"/MediaBox \[0 0 ([\d.]+) ", pdf)
    assert float(points) == pytest.approx(50 / 25.4 * 72, abs=0.01)
    assert pdf.startswith("%PDF-")
    assert "/FontFile2" in pdf
    assert "/Subtype /Image" not in pdf  # the surface consists of triangles


def take_the_tour(url: str, other: Driven) -> None:
    """Open a stop of the tour, follow its words, and play a story that an address carries."""
    other.open(url + "?tour=hidden-layer")
    until(other, "Boolean(window.lossatlas) && document.querySelector('#tour .word') !== null")
    until(other, "window.lossatlas.shown()?.epoch === 100")
    first = other.evaluate("window.lossatlas.shown().run")
    other.evaluate("[...document.querySelectorAll('.word')].find((word) => word.textContent.startsWith('Two')).click()")
    until(other, f"window.lossatlas.shown().run !== '{first}' && window.lossatlas.shown().epoch === 100")
    stops = [{"title": "End", "view": "epoch=60&view=contours"}, {"title": "Start", "view": "epoch=0"}]
    story = {"format": "lossatlas-story", "version": 1, "title": "Short", "stops": stops}
    other.open(f"{url}?story=link#stops={deflate(json.dumps(story))}")
    until(other, "document.querySelector('#tour .count')?.textContent === 'Short · 1 of 2'")
    until(other, "window.lossatlas.shown()?.epoch === 60 && window.lossatlas.slice().view === 'contours'")
    click(other, "#tour .steps .primary")
    until(other, "window.lossatlas.shown().epoch === 0")
    until(other, "location.search.includes('tour=2') && location.hash.startsWith('#stops=')")


def test_own_data_are_trained_on_and_a_single_file_opens(exported: Site, other: Driven, tmp_path: Path) -> None:
    other.open(exported.url + "?epoch=60&view=contours")
    until(other, READY)
    assert other.evaluate("window.lossatlas.shown().run") == MOONS.id
    rows = "\n".join(f"{i % 7},{(3 * i) % 5},{'ab'[i % 2]}" for i in range(40))
    click(other, ".dataset button[aria-haspopup=dialog]")
    until(other, "document.querySelector('dialog.editor[open]') !== null")
    write(other, "dialog.editor textarea", rows)
    until(other, "!document.querySelector('dialog.editor footer .primary').disabled")
    click(other, "dialog.editor footer .primary")
    until(other, "window.lossatlas.state().own !== null && window.lossatlas.shown().run.startsWith('here-')")
    other.open(export_single_file(exported.gallery, [MOONS.id], tmp_path / "atlas.html").as_uri())
    until(other, READY)
    click(other, "#view input[value=contours]")
    until(other, "document.querySelector('#landscape').dataset.view === 'contours'")
    click(other, "#train-here")
    click(other, "#workshop .go")
    until(other, TRAINED)
