"""Sharing and keeping what is seen: every file is opened by a program that knows nothing of the page."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Browser, Download, Page, expect

import lossatlas as la
from lossatlas.arrays import Floats
from lossatlas.runs import Run, RunConfig, compute_run
from lossatlas.site import export_site
from lossatlas.site.catalog import list_default_settings
from lossatlas.store import Gallery
from tests.support.pages import PATIENCE, Watched, until, watched
from tests.web.conftest import ARMS, EITHER, IRIS, MOONS_FAST, PLANES, UNUSUAL, Site, static_server
from tests.web.test_controls import read_shown, readout
from tests.web.test_pick import theta_at

pytestmark = pytest.mark.browser
SVG = "{http://www.w3.org/2000/svg}"
WEB = Path(__file__).parents[2] / "src" / "lossatlas" / "web"


def open_dialog(page: Page) -> None:
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("dialog", name="Share and save")).to_be_visible()
    until(page, "() => document.querySelector('.python code').textContent !== ''")


def download_file(page: Page, name: str) -> tuple[Download, bytes]:
    """What is downloaded by a button of the dialog."""
    with page.expect_download(timeout=4 * PATIENCE) as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return waiting.value, Path(waiting.value.path()).read_bytes()


def of_plane(run: Run, name: str) -> Any:
    return next(cut for cut in run.cuts if cut.plane.name == name)


# The link


@pytest.fixture
def may_copy(desktop: Watched, site: Site) -> Watched:
    origin = re.match(r"http://[^/]+", site.url)
    assert origin
    desktop.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=origin.group())
    return desktop


def test_the_link_says_everything_and_opens_what_was_seen(site: Site, may_copy: Watched) -> None:
    page = may_copy.open(site.url)  # a bare one: the first view
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
def test_the_drawing_has_its_points_and_words_as_such(site: Site, desktop: Watched) -> None:
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
    assert len(pictures) == 2  # the cells of the map, and of the boundary
    size = page.evaluate(LOOK_AT.replace("left: coloursIn(100, 330, 1100, 780), ", ""), pictures[1].partition(",")[2])
    assert (size["height"], size["width"]) == run.predicted_class.shape[1:]


def test_where_the_surface_is_shown_the_drawing_says_that_it_is_a_picture(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?view=surface")
    open_dialog(page)
    expect(page.get_by_text("It contains the surface as a picture.")).to_be_visible()
    drawing = ElementTree.fromstring(download_file(page, "Save drawing (SVG)")[1])
    assert [image.get("href", "")[:22] for image in drawing.iter(f"{SVG}image")] == ["data:image/png;base64,"] * 2


# The animation

PLAY = """(base64) => new Promise((resolve, reject) => {
    const bytes = Uint8Array.fromBase64(base64);
    const video = document.createElement('video');
    document.body.append(video);
    video.muted = true;
    video.onerror = () => reject(new Error(video.error.message));
    const look = (_, {mediaTime}) => {
        if (mediaTime < 0.6) return video.requestVideoFrameCallback(look);
        const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
        const context = canvas.getContext('2d', {willReadFrequently: true});
        context.drawImage(video, 0, 0);
        const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
        const {videoWidth, videoHeight, duration} = video;
        resolve({videoWidth, videoHeight, duration, mediaTime, colours: new Set(new Uint32Array(data.buffer)).size});
    };
    video.requestVideoFrameCallback(look);
    video.onloadeddata = () => { video.currentTime = 0.65; };
    video.src = URL.createObjectURL(new Blob([bytes], {type: 'video/webm'}));
})"""
CONTAINERS = {0x18538067, 0x1F43B675}  # a segment, a cluster


def packets(data: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The pictures in a WebM file, each with its time in milliseconds (RFC 8794 and RFC 9559)."""
    at, time = 0, start
    while at < len(data):
        width = 9 - data[at].bit_length()
        number = int.from_bytes(data[at : at + width])
        at += width
        width = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + width]) & ((1 << 7 * width) - 1)
        at += width
        content = data[at : at + size]
        assert len(content) == size
        at += size
        if number == 0xE7:
            time = int.from_bytes(content)
        elif number == 0xA3:
            yield time + int.from_bytes(content[1:3], signed=True), content[4:]
        elif number in CONTAINERS:
            yield from packets(content, time)


def blocks(webm: bytes) -> list[int]:
    """The times of the pictures in a WebM file, in milliseconds."""
    return [time for time, _ in packets(webm)]


@EITHER
@pytest.mark.parametrize("view", ["surface", "contours"])
def test_the_animation_plays_every_epoch_and_the_page_is_as_before(site: Site, desktop: Watched, view: str) -> None:
    run = site.run()
    page = desktop.open(site.url + f"?epoch={run.trajectory.epochs[3]}&view={view}")
    before = page.evaluate("() => [window.lossatlas.state(), window.lossatlas.shown(), location.href]")
    open_dialog(page)
    page.get_by_role("combobox", name="Size of the animation").select_option(label="640 × 360")
    download, webm = download_file(page, "Make animation (WebM)")
    assert download.suggested_filename == f"lossatlas-{run.id}.webm"
    assert webm.startswith(bytes.fromhex("1a45dfa3"))
    frames = len(run.trajectory.epochs)
    assert blocks(webm) == [*range(0, 100 * frames, 100), 100 * (frames - 2) + 1000]
    page.goto("about:blank")  # where no rules of the page stand in the way of a video
    played = page.evaluate(PLAY, base64.b64encode(webm).decode())
    assert (played["videoWidth"], played["videoHeight"]) == (640, 360)
    assert played["duration"] == pytest.approx((frames - 1) / 10 + 1, abs=0.01)
    assert played["mediaTime"] == pytest.approx(0.6, abs=1e-3)
    assert played["colours"] > 500
    page.go_back()
    until(page, "() => Boolean(window.lossatlas)")
    page.evaluate("() => window.lossatlas.ready")
    assert page.evaluate("() => [window.lossatlas.state(), window.lossatlas.shown(), location.href]") == before


#: The last picture of a film as its decoder leaves it: the planes Y, Cb and Cr, without any player's view of them.
DECODE = """async (packets) => {
    let last = null;
    const decoder = new VideoDecoder({
        output(frame) { last?.close(); last = frame; },
        error(error) { throw error; },
    });
    decoder.configure({codec: 'vp8'});
    packets.forEach((text, i) => decoder.decode(new EncodedVideoChunk({
        type: i === 0 ? 'key' : 'delta', timestamp: i, data: Uint8Array.fromBase64(text),
    })));
    await decoder.flush();
    if (last.format !== 'I420') throw new Error(last.format);
    const planes = new Uint8Array(last.allocationSize());
    await last.copyTo(planes);
    last.close();
    return planes.toBase64();
}"""
#: A picture or a film's end as pixels, in the film's size.
PIXELS = """async ({base64, type, width, height}) => {
    const blob = new Blob([Uint8Array.fromBase64(base64)], {type});
    let source;
    if (type === 'image/png') source = await createImageBitmap(blob);
    else source = await new Promise((resolve, reject) => {
        const video = document.createElement('video');
        document.body.append(video);
        video.muted = true;
        video.onerror = () => reject(new Error(video.error.message));
        video.onseeked = () => resolve(video);
        video.onloadeddata = () => { video.currentTime = video.duration - 0.05; };
        video.src = URL.createObjectURL(blob);
    });
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.imageSmoothingQuality = 'high';
    context.drawImage(source, 0, 0, width, height);
    return new Uint8Array(context.getImageData(0, 0, width, height).data.buffer).toBase64();
}"""
WIDTH, HEIGHT = 640, 360


def rgba_of(text: str) -> Floats:
    """Pixels that a canvas gave, without how opaque they are."""
    return bytes_of(text).reshape(HEIGHT, WIDTH, 4)[..., :3]


def bytes_of(text: str) -> Floats:
    return np.frombuffer(base64.b64decode(text), np.uint8).astype(float)


def pixels(page: Page, data: bytes, kind: str) -> Floats:
    asked = {"base64": base64.b64encode(data).decode(), "type": kind, "width": WIDTH, "height": HEIGHT}
    return rgba_of(page.evaluate(PIXELS, asked))


def rgb_of(planes: Floats) -> Floats:
    """Colours by ITU-R BT.601 in its limited range, as every player reads VP8: Y 16-235, Cb and Cr 16-240."""
    y, cb, cr = np.split(planes, [WIDTH * HEIGHT, WIDTH * HEIGHT * 5 // 4])
    y = (y.reshape(HEIGHT, WIDTH) - 16) * 255 / 219
    cb, cr = (((c.reshape(HEIGHT // 2, WIDTH // 2) - 128) * 255 / 224).repeat(2, 0).repeat(2, 1) for c in (cb, cr))
    red, blue = y + 1.402 * cr, y + 1.772 * cb
    return np.stack([red, (y - 0.299 * red - 0.114 * blue) / 0.587, blue], axis=-1)


def colour_error(film: Floats, picture: Floats) -> Floats:
    """How far the strong colours of a film are off: medians by channel, over squares of 8 pixels with one colour."""
    squares = [a.reshape(HEIGHT // 8, 8, WIDTH // 8, 8, 3).swapaxes(1, 2).reshape(-1, 64, 3) for a in (film, picture)]
    colour = squares[1].mean(axis=1)
    chosen = (np.ptp(squares[1], axis=1).max(axis=1) < 16) & (np.ptp(colour, axis=1) > 60)
    assert chosen.sum() > 100
    assert len(np.unique(colour[chosen].argmax(axis=1))) > 1
    error: Floats = np.median(np.abs(squares[0].mean(axis=1) - colour)[chosen], axis=0)
    return error


def test_a_film_has_the_colours_of_the_picture(exported: Site, desktop: Watched) -> None:
    """A step of 8 bits is 1.2 in the limited range, of colour differences up to 2; an encoder is off by one or two.

    With the numbers of BT.709 read by BT.601, or of one range by the other, they are off by 5 to 7.
    """
    page = desktop.show(exported.url + "?epoch=60&view=contours")
    open_dialog(page)
    picture = download_file(page, "Save picture (PNG)")[1]
    page.get_by_role("combobox", name="Size of the animation").select_option(label=f"{WIDTH} × {HEIGHT}")
    webm = download_file(page, "Make animation (WebM)")[1]
    film = page.evaluate(DECODE, [base64.b64encode(data).decode() for _, data in packets(webm)])
    assert (colour_error(rgb_of(bytes_of(film)), pixels(page, picture, "image/png")) < 3.5).all()
    for mark in ("55b18106", "55b98101"):  # matrix and range, as Matroska names them
        assert bytes.fromhex(mark) in webm


def test_a_film_is_offered_as_mp4_where_the_browser_can_encode_it(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60&view=contours")
    open_dialog(page)
    page.get_by_role("combobox", name="Size of the animation").select_option(label=f"{WIDTH} × {HEIGHT}")
    asked = {"codec": "avc1.420028", "width": WIDTH, "height": HEIGHT, "framerate": 10, "latencyMode": "realtime"}
    can = page.evaluate("async (config) => (await VideoEncoder.isConfigSupported(config)).supported", asked)
    form = page.get_by_role("combobox", name="Format of the animation")
    if not can:
        expect(page.get_by_text("MP4 not offered here: This browser has no encoder for H.264")).to_be_visible()
        assert "MP4" not in form.locator("option").all_text_contents()
        return
    form.select_option("MP4")
    picture = download_file(page, "Save picture (PNG)")[1]
    download, mp4 = download_file(page, "Make animation (MP4)")
    assert download.suggested_filename == f"lossatlas-{exported.run().id}.mp4"
    assert mp4[4:8] == b"ftyp"
    assert mp4.index(b"moov") < mp4.index(b"mdat")  # a player begins before all of it has come
    assert bytes.fromhex("6e636c78 0001 000d 0001 00") in mp4  # nclx: BT.709, sRGB, BT.709, limited
    page.goto("about:blank")  # where no rules of the page stand in the way of a video
    played = page.evaluate(PLAY.replace("video/webm", "video/mp4"), base64.b64encode(mp4).decode())
    frames = len(exported.run().trajectory.epochs)
    assert played["duration"] == pytest.approx((frames - 1) / 10 + 1, abs=0.01)
    assert (colour_error(pixels(page, mp4, "video/mp4"), pixels(page, picture, "image/png")) < 3.5).all()


#: A GIF as the browser's own decoder reads it: the time of each frame in ms, and the pixels of the last one.
GIF = """async (base64) => {
    const data = Uint8Array.fromBase64(base64);
    const decoder = new ImageDecoder({data, type: 'image/gif'});
    await decoder.completed;
    await decoder.tracks.ready;
    const times = [];
    let canvas;
    for (let frameIndex = 0; frameIndex < decoder.tracks.selectedTrack.frameCount; frameIndex++) {
        const {image} = await decoder.decode({frameIndex});
        times.push(image.duration / 1000);
        canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight);
        canvas.getContext('2d', {willReadFrequently: true}).drawImage(image, 0, 0);
        image.close();
    }
    const drawn = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const pixels = new Uint8Array(drawn.data.buffer).toBase64();
    return {times, repeats: decoder.tracks.selectedTrack.repetitionCount, pixels};
}"""


def test_a_film_as_gif_has_every_epoch_and_starts_again(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&view=contours")
    open_dialog(page)
    picture = download_file(page, "Save picture (PNG)")[1]
    page.get_by_role("combobox", name="Size of the animation").select_option(label=f"{WIDTH} × {HEIGHT}")
    page.get_by_role("combobox", name="Format of the animation").select_option("GIF")
    download, gif = download_file(page, "Make animation (GIF)")
    assert download.suggested_filename == f"lossatlas-{exported.run().id}.gif"
    found = page.evaluate(GIF, base64.b64encode(gif).decode())
    assert found["times"] == [100] * (len(exported.run().trajectory.epochs) - 1) + [1000]
    assert found["repeats"] is None or found["repeats"] > 1000  # for ever
    film = rgba_of(found["pixels"])
    # Colours are gathered by 5, 6 and 5 bits before the 256 are chosen: a step of 8, so within 4.
    assert (colour_error(film, pixels(page, picture, "image/png")) < 4).all()


FILMS = """async (asked) => {
    const {filmOf, lengthsOf} = await import('./features/share/animation.js');
    return asked.map(([frames, width, height]) => lengthsOf(frames).map((length) => ({
        ...length, ...filmOf(length.pictures, width, height),
    })));
}"""


def test_a_film_of_a_long_training_is_thinned_to_a_length_that_one_chooses(exported: Site, desktop: Watched) -> None:
    page = desktop.open(
        exported.url + "?dataset=moons&hidden=8&sample=120,0.2,1&train=adam,0.01,32,0,0&epoch=250&view=contours"
    )
    until(page, "() => window.lossatlas.shown()?.epoch === 250")
    open_dialog(page)
    dialog = page.get_by_role("dialog")
    length = dialog.get_by_role("combobox", name="Length of the animation")
    assert length.locator("option").all_text_contents() == ["all epochs", "5 s", "10 s", "20 s"]
    assert length.locator(":checked").text_content() == "20 s"  # all would take 26
    length.select_option("5 s")
    dialog.get_by_role("combobox", name="Size of the animation").select_option(label="640 × 360")
    told = dialog.get_by_text("recorded epochs make").text_content() or ""
    assert told.startswith("41 of 251 recorded epochs make 5.0\u00a0s, about ")
    kilobytes = float(told.split("about ")[1].split(" kB")[0])
    _, webm = download_file(page, "Make animation (WebM)")
    assert blocks(webm) == [*range(0, 4100, 100), 4900]
    assert len(webm) / 1000 == pytest.approx(kilobytes, rel=0.75)  # an estimate: nobody waits for ten times as much
    few, many = page.evaluate(FILMS, [[12, 640, 360], [10_000, 1920, 1080]])
    assert [(each["pictures"], each["seconds"], each["usual"]) for each in few] == [(12, 2.1, True)]
    assert [each["seconds"] for each in many] == [1000.9, 5, 10, 20, 60]
    assert [each["pictures"] for each in many if each["usual"]] == [191]


#: The encoder has more to do than it can, until the test says otherwise.
BUSY_ENCODER = """
window.busy = true;
Object.defineProperty(VideoEncoder.prototype, 'encodeQueueSize', {get: () => (window.busy ? 9 : 0)});
"""


def test_the_animation_can_be_cancelled(exported: Site, desktop: Watched) -> None:
    desktop.page.add_init_script(BUSY_ENCODER)
    page = desktop.open(exported.url + "?view=surface")
    open_dialog(page)
    page.get_by_role("button", name="Make animation (WebM)").press("Enter")
    cancel = page.get_by_role("button", name="Cancel the animation")
    expect(cancel).to_be_focused()
    page.get_by_role("button", name="Save numbers (.npz)").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("is being made")
    cancel.press("Enter")
    page.evaluate("() => { window.busy = false; }")
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("Animation cancelled")
    expect(page.get_by_role("button", name="Make animation (WebM)")).to_be_focused()


def test_where_video_cannot_be_encoded_a_sentence_says_so(exported: Site, desktop: Watched) -> None:
    desktop.page.add_init_script("delete window.VideoEncoder")
    page = desktop.open(exported.url)
    open_dialog(page)
    reason = "WebM and MP4 not offered here: This browser cannot encode video (WebCodecs)."
    expect(page.get_by_text(reason)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Make"))).to_have_accessible_name("Make animation (GIF)")


def test_what_the_browser_has_no_encoder_for_is_not_offered(exported: Site, desktop: Watched) -> None:
    desktop.page.add_init_script(
        "VideoEncoder.isConfigSupported = async (config) => ({config, supported: config.codec === 'vp8'})"
    )
    page = desktop.open(exported.url)
    open_dialog(page)
    expect(
        page.get_by_text("MP4 not offered here: This browser has no encoder for H.264 in this size.")
    ).to_be_visible()
    form = page.get_by_role("combobox", name="Format of the animation")
    assert form.locator("option").all_text_contents() == ["WebM", "GIF"]
    expect(page.get_by_role("button", name="Make animation (WebM)")).to_be_enabled()


# Numbers


def numbers(page: Page) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of the .npz, and its about.json."""
    packed = download_file(page, "Save numbers (.npz)")[1]
    assert zipfile.ZipFile(io.BytesIO(packed)).testzip() is None
    with np.load(io.BytesIO(packed), allow_pickle=False) as found:
        arrays = {name: found[name] for name in found.files if name != "about.json"}
        return arrays, json.loads(found["about.json"])


def assert_arrays_of(arrays: dict[str, Any], run: Run, frame: int) -> None:
    """What does not depend on the slice; equal to the last bit."""
    np.testing.assert_array_equal(arrays["weights"], run.trajectory.weights[frame])
    np.testing.assert_array_equal(arrays["points"], run.setup.dataset.points.astype(np.float32))
    np.testing.assert_array_equal(arrays["labels"], run.setup.dataset.labels)
    np.testing.assert_array_equal(arrays["split"], run.setup.dataset.split)
    np.testing.assert_array_equal(arrays["epochs"], run.trajectory.epochs)
    for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
        np.testing.assert_array_equal(arrays[name], run.trajectory.metrics[name])


def test_the_numbers_are_those_of_the_run(site: Site, desktop: Watched) -> None:
    run = site.run()
    page = desktop.show(site.url + f"?epoch={run.trajectory.epochs[5]}&zoom=0.1")
    open_dialog(page)
    arrays, about = numbers(page)
    cut = of_plane(run, "fresh")
    assert_arrays_of(arrays, run, 5)
    np.testing.assert_array_equal(arrays["loss"], cut.loss_surface[1, 5])
    np.testing.assert_array_equal(arrays["directions"], cut.plane.directions)
    np.testing.assert_array_equal(arrays["centre"], run.trajectory.weights[5])
    np.testing.assert_array_equal(arrays["predicted_class"], run.predicted_class[5])
    np.testing.assert_array_equal(arrays["confidence"], run.confidence[5])
    np.testing.assert_array_equal(arrays["point_predicted_class"], run.trajectory.predicted_class[5])
    np.testing.assert_allclose(arrays["a"], np.linspace(-0.1, 0.1, cut.grid), atol=1e-15)
    np.testing.assert_array_equal(arrays["b"], arrays["a"])
    assert arrays["loss"].dtype == np.float32
    assert arrays["loss"][cut.grid // 2, cut.grid // 2] == np.float32(run.trajectory.metrics["train_loss"][5])
    assert about["run"] == run.id
    assert (about["epoch"], about["plane"]["span"]) == (run.trajectory.epochs[5], 0.1)
    assert RunConfig.from_mapping(about["config"]) == run.setup.config
    assert {name: entry["shape"] for name, entry in about["arrays"].items()} == {
        name: list(array.shape) for name, array in arrays.items()
    }
    assert about["arrays"]["confidence"]["scale_factor"] == pytest.approx(1 / 255)


@pytest.mark.parametrize("loss", ["test", "gap"])
def test_the_surface_kept_is_the_one_on_show(exported: Site, desktop: Watched, loss: str) -> None:
    run = exported.run(PLANES)
    page = desktop.show(exported.url + f"?run={run.id}&plane=pca&set={loss}&epoch=60&view=section")
    open_dialog(page)
    arrays, about = numbers(page)
    cut = of_plane(run, "pca")
    test = cut.test_loss_surface[0, 0]
    np.testing.assert_array_equal(arrays["loss"], test if loss == "test" else test - cut.loss_surface[0, 0])
    np.testing.assert_array_equal(arrays["centre"], run.trajectory.weights[-1])
    np.testing.assert_array_equal(arrays["path"], cut.path.coordinates)
    assert about["loss"] == ("test loss" if loss == "test" else "test − train")


def test_of_a_picked_point_its_own_network_is_kept(exported: Site, desktop: Watched) -> None:
    run = exported.run()
    page = desktop.show(exported.url + "?epoch=60&view=contours&pick=0.5,-0.25")
    until(page, "() => !document.querySelector('#boundary-whose').hidden")
    open_dialog(page)
    arrays, about = numbers(page)
    theta = theta_at(run, 11, 0.5, -0.25)
    np.testing.assert_allclose(arrays["picked"], theta, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(arrays["weights"], run.trajectory.weights[11])
    wrong = (arrays["point_predicted_class"] != run.setup.dataset.labels).sum()
    expect(page.locator("#boundary-summary")).to_contain_text(f"; {wrong} of")
    assert not np.array_equal(arrays["predicted_class"], run.predicted_class[11])
    assert about["pick"] == [0.5, -0.25]


def test_a_compact_export_keeps_the_same_numbers(gallery: Gallery, tmp_path: Path, desktop: Watched) -> None:
    site = export_site(gallery, tmp_path / "site", compact=True).site
    with static_server(site) as origin, desktop:
        page = desktop.open(f"{origin}/?epoch=60&view=section")
        open_dialog(page)
        assert_arrays_of(numbers(page)[0], gallery.open(read_shown(page)["run"]), 11)


def table(data: bytes) -> tuple[list[str], Floats]:
    head, *rows = csv.reader(io.StringIO(data.decode("ascii"), newline=""))
    return head, np.array([[float(value) for value in row] for row in rows])


@EITHER
def test_the_tables_hold_the_same_numbers(site: Site, desktop: Watched) -> None:
    run = site.run()
    page = desktop.show(site.url + "?epoch=60&view=section")
    open_dialog(page)
    download, data = download_file(page, "Save the surface (CSV)")
    assert download.suggested_filename == f"lossatlas-{run.id}-epoch60-loss.csv"
    head, rows = table(data)
    assert head == ["a", "b", "train_loss"]
    grid = of_plane(run, "fresh").grid
    b, a = np.meshgrid(np.linspace(-1, 1, grid), np.linspace(-1, 1, grid), indexing="ij")
    np.testing.assert_allclose(rows[:, 0], a.ravel(), atol=1e-12)
    np.testing.assert_allclose(rows[:, 1], b.ravel(), atol=1e-12)
    np.testing.assert_array_equal(rows[:, 2].astype(np.float32), run.loss_surface["fresh"][0, 11].ravel())
    head, rows = table(download_file(page, "Save the metrics (CSV)")[1])
    assert head == ["epoch", "train_loss", "test_loss", "train_accuracy", "test_accuracy"]
    np.testing.assert_array_equal(rows[:, 0], run.trajectory.epochs)
    for column, name in enumerate(head[1:], 1):
        np.testing.assert_array_equal(rows[:, column], run.trajectory.metrics[name])


# Python


@EITHER
@pytest.mark.parametrize(
    ("config", "plane", "span"),
    [(MOONS_FAST, "fresh", 0), (IRIS, "fresh", 1), (PLANES, "hessian", 0), (UNUSUAL, "fresh", 0)],
    ids=["moons", "iris", "planes", "unusual"],
)
def test_the_lines_of_python_compute_what_is_on_show(
    site: Site, desktop: Watched, config: RunConfig, plane: str, span: int
) -> None:
    run = site.run(config)
    cut = of_plane(run, plane)
    page = desktop.open(
        f"{site.url}?dataset={config.dataset.name}&run={run.id}&plane={plane}&epoch=60&zoom={cut.plane.spans[span]}"
    )
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    scope: dict[str, Any] = {}
    exec(lines, scope)
    assert scope["run"].id == run.id  # the lines assert it too
    np.testing.assert_array_equal(scope["surface"], cut.loss_surface[span, -1])
    np.testing.assert_array_equal(scope["theta"], run.trajectory.weights[-1])
    np.testing.assert_array_equal(scope["boundary"].predicted_class, run.predicted_class[-1])


@pytest.mark.parametrize("query", ["zoom=0.3&set=gap", "seed=4", "zoom=0.3&plane=pca&hidden=8&run={planes}"])
def test_the_lines_of_python_compute_a_surface_that_no_run_has(exported: Site, desktop: Watched, query: str) -> None:
    query = query.format(planes=PLANES.id)
    page = desktop.show(f"{exported.url}?epoch=60&{query}")
    until(page, "() => window.lossatlas.computed()")
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    found, _ = numbers(page)
    scope: dict[str, Any] = {}
    exec(lines, scope)
    np.testing.assert_allclose(scope["surface"], found["loss"], rtol=2e-4, atol=1e-6)
    np.testing.assert_array_equal(scope["theta"], found["weights"])
    assert "Evaluator" not in lines


def test_a_training_in_the_page_is_kept_whole(exported: Site, desktop: Watched) -> None:
    page = desktop.open(
        exported.url + "?dataset=moons&hidden=8&sample=120,0.2,1&train=momentum,0.05,16,0.001,3&epoch=12"
    )
    until(page, "() => window.lossatlas.shown()?.epoch === 12")
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    found, _ = numbers(page)
    scope: dict[str, Any] = {}
    exec(lines, scope)
    run = scope["run"]
    np.testing.assert_allclose(scope["theta"], found["weights"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(scope["surface"], found["loss"], rtol=1e-3)
    np.testing.assert_allclose(run.setup.dataset.points, found["points"], rtol=1e-5, atol=1e-6)
    assert found["epochs"].tolist() == list(range(13))
    expected = run.predicted_class[12]
    assert np.mean(found["predicted_class"] == expected) > 0.999


VIEWS = ("surface", "contours", "section")
STORED = [(plane, span, kind) for plane in ("fresh", "hessian") for span in (0, 1) for kind in ("train", "test", "gap")]
#: Every set, followed and held, stored and computed; the views in turn, and a picked point in some.
SLICES = [
    *(f"plane={plane}&zoom={{{plane}[{span}]}}&set={kind}&follow=false" for plane, span, kind in STORED),
    *(f"plane=fresh&set={kind}&follow=true" for kind in ("train", "test", "gap")),
    *(
        f"plane={plane}&zoom=0.3&set={kind}&follow={follow}"
        for plane, kind, follow in [
            ("fresh", "train", "false"),
            ("fresh", "gap", "true"),
            ("fresh", "gap", "false"),
            ("hessian", "gap", "false"),
        ]
    ),
    *(f"seed=4&zoom=0.5&set={kind}&follow={follow}" for kind, follow in [("test", "true"), ("gap", "false")]),
    "plane=fresh&set=gap&follow=false&pick=0.25,-0.5",
    "plane=fresh&set=train&follow=true&pick=0.25,-0.5",
    "plane=hessian&zoom=0.3&set=gap&pick=0.25,-0.5",
    "seed=4&follow=false&pick=0.25,-0.5",
]


def test_the_lines_of_python_compute_the_arrays_that_the_page_saves(
    exported: Site, desktop: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is on show: the lines are executed as they are, and held against the page's own file."""
    known = exported.run(PLANES)
    monkeypatch.setattr(la, "compute_run", lambda config: known if config.id == known.id else compute_run(config))
    spans = {name: of_plane(known, name).plane.spans for name in ("fresh", "hessian")}
    page = desktop.show(f"{exported.url}?run={PLANES.id}&epoch=20")
    frame = page.evaluate("() => window.lossatlas.shown().frame")
    assert 0 < frame < len(known.trajectory.epochs) - 1  # where the centre of a plane that is held is another frame
    for turn, part in enumerate(SLICES):
        query = f"?run={PLANES.id}&epoch=20&view={VIEWS[turn % 3]}&{part.format(**spans)}"
        arrays, lines = on_show(page, query)
        scope: dict[str, Any] = {}
        exec(lines, scope)
        swing = np.ptp(arrays["loss"])
        np.testing.assert_allclose(scope["surface"], arrays["loss"], rtol=0, atol=2e-3 * swing + 1e-6, err_msg=query)
        np.testing.assert_array_equal(scope["theta"], arrays["weights"], err_msg=query)
        assert ("picked" in arrays) == ("pick=" in query)
        if "picked" in arrays:
            np.testing.assert_allclose(scope["picked"], arrays["picked"], rtol=1e-5, atol=1e-6, err_msg=query)


def on_show(page: Page, query: str) -> tuple[dict[str, Any], str]:
    """Go to a state of the page as “Back” does; give the arrays and the lines that it keeps of it."""
    page.evaluate(
        "(query) => { history.pushState(null, '', query); dispatchEvent(new PopStateEvent('popstate')); }", query
    )
    wished = dict(part.split("=") for part in query[1:].split("&"))
    until(
        page,
        """({plane, seed, view, set, pick, zoom}) => {
            const [slice, shown] = [window.lossatlas.slice(), window.lossatlas.shown()];
            return slice.view === view && slice.set === (set ?? 'train') && String(slice.pick ?? '') === (pick ?? '')
                && slice.plane === (seed ? `drawn-${seed}` : plane)
                && (!zoom || Math.abs(shown.span - Number(zoom)) < 1e-6);
        }""",
        wished,
    )
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    arrays, _ = numbers(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Share and save")).to_be_hidden()
    return arrays, lines


def test_a_plane_held_in_a_training_in_the_page_is_computed_around_where_it_led(
    exported: Site, desktop: Watched
) -> None:
    base = "?dataset=moons&hidden=8&sample=120,0.2,1&train=momentum,0.05,16,0.001,3"
    page = desktop.open(exported.url + base + "&epoch=12&follow=false&set=gap")
    until(page, "() => window.lossatlas.shown()?.epoch === 12")
    page.keyboard.press("Home")
    until(page, "() => window.lossatlas.shown()?.epoch === 0")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    until(page, "() => window.lossatlas.shown()?.epoch === 2 && !window.lossatlas.slice().follow")
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    arrays, _ = numbers(page)
    scope: dict[str, Any] = {}
    exec(lines, scope)
    np.testing.assert_allclose(scope["theta"], arrays["weights"], rtol=1e-4, atol=1e-6)
    led = scope["longer"].trajectory.weights[-1]
    np.testing.assert_allclose(led, arrays["centre"], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(scope["surface"], arrays["loss"], rtol=0, atol=1e-4)


def test_python_says_only_what_is_not_the_default(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + f"?run={MOONS_FAST.id}")
    open_dialog(page)
    lines = page.locator(".python code").inner_text()
    assert 'dataset={"points": 80}' in lines
    assert "learning_rate" in lines
    for unsaid in ("model=", "weight_decay", "curvature=", "margin", "noise", "biases"):
        assert unsaid not in lines


def test_the_defaults_that_the_page_knows_are_the_packages() -> None:
    known = json.loads((WEB / "features" / "share" / "defaults.json").read_text(encoding="utf-8"))
    assert known == list_default_settings(), "run scripts/make_defaults.py"


# The dialog


def test_nothing_of_it_is_fetched_before_the_first_click(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url)
    page.wait_for_load_state("networkidle")
    assert not [url for url in desktop.requests if "/keep" in url]
    open_dialog(page)
    assert [url for url in desktop.requests if "/features/share/dialog.js" in url]


def test_by_keyboard_alone(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=0&view=section")
    page.get_by_role("button", name="Share", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Copy link")).to_be_focused()
    page.keyboard.press("ArrowRight")  # which moves an epoch on, but for the dialog
    focus = "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.tagName"
    names = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        names.add(page.evaluate(focus))
    assert names >= {
        "Save picture (PNG)",
        "Save drawing (SVG)",
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


def test_on_a_phone_it_fills_the_screen_and_every_button_can_be_hit(exported: Site, phone: Watched) -> None:
    page = phone.open(exported.url + "?view=section")
    open_dialog(page)
    assert page.get_by_role("dialog").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    for button in page.get_by_role("dialog").get_by_role("button").all():
        box = button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44
        assert box["x"] + box["width"] <= 390
