"""Tests the films that the page saves. Each is decoded by code that does not come from the page."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lossatlas.arrays import Floats
from tests.support.modules import with_constants
from tests.support.pages import Watched, until
from tests.support.sharing import download_file, open_dialog
from tests.web.conftest import EITHER, Site

pytestmark = pytest.mark.browser
#: The size of the films.
WIDTH, HEIGHT = 640, 360


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


CONTAINERS = {0x18538067, 0x1F43B675}  # the ids of a segment and of a cluster


def packets(data: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield the pictures in a WebM file, each with its time in milliseconds (RFC 8794 and RFC 9559)."""
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
    """List the times of the pictures in a WebM file, in milliseconds."""
    return [time for time, _ in packets(webm)]


@EITHER
@pytest.mark.parametrize("view", ["surface", "contours"])
def test_the_animation_plays_every_epoch_and_the_page_is_as_before(site: Site, desktop: Watched, view: str) -> None:
    run = site.run()
    page = desktop.show(site.url + f"?epoch={run.trajectory.epochs[3]}&view={view}")
    before = page.evaluate("() => [window.lossatlas.state(), window.lossatlas.shown(), location.href]")
    open_dialog(page)
    page.get_by_role("combobox", name="Size of the animation").select_option(label="640 × 360")
    download, webm = download_file(page, "Make animation (WebM)")
    assert download.suggested_filename == f"lossatlas-{run.id}.webm"
    assert webm.startswith(bytes.fromhex("1a45dfa3"))
    frames = len(run.trajectory.epochs)
    assert blocks(webm) == [*range(0, 100 * frames, 100), 100 * (frames - 2) + 1000]
    page.goto("about:blank")  # the policies of the page would block the video
    played = page.evaluate(PLAY, base64.b64encode(webm).decode())
    assert (played["videoWidth"], played["videoHeight"]) == (640, 360)
    assert played["duration"] == pytest.approx((frames - 1) / 10 + 1, abs=0.01)
    assert played["mediaTime"] == pytest.approx(0.6, abs=1e-3)
    assert played["colours"] > 500
    page.go_back()
    until(page, "() => Boolean(window.lossatlas)")
    page.evaluate("() => window.lossatlas.ready")
    assert page.evaluate("() => [window.lossatlas.state(), window.lossatlas.shown(), location.href]") == before


#: JavaScript that decodes the last picture of a film to the planes Y, Cb and Cr, before any conversion of colours.
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


#: JavaScript that returns the pixels of a picture, or of the end of a film, in the film's size.
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


def rgba_of(text: str) -> Floats:
    """Read the pixels of a canvas, without their opacity."""
    return bytes_of(text).reshape(HEIGHT, WIDTH, 4)[..., :3]


def bytes_of(text: str) -> Floats:
    return np.frombuffer(base64.b64decode(text), np.uint8).astype(float)


def pixels(page: Page, data: bytes, kind: str) -> Floats:
    asked = {"base64": base64.b64encode(data).decode(), "type": kind, "width": WIDTH, "height": HEIGHT}
    return rgba_of(page.evaluate(PIXELS, asked))


def rgb_of(planes: Floats) -> Floats:
    """Convert planes to colours by ITU-R BT.601 in its limited range (Y 16-235, Cb and Cr 16-240), as for VP8."""
    y, cb, cr = np.split(planes, [WIDTH * HEIGHT, WIDTH * HEIGHT * 5 // 4])
    y = (y.reshape(HEIGHT, WIDTH) - 16) * 255 / 219
    cb, cr = (((c.reshape(HEIGHT // 2, WIDTH // 2) - 128) * 255 / 224).repeat(2, 0).repeat(2, 1) for c in (cb, cr))
    red, blue = y + 1.402 * cr, y + 1.772 * cb
    return np.stack([red, (y - 0.299 * red - 0.114 * blue) / 0.587, blue], axis=-1)


def colour_error(film: Floats, picture: Floats) -> Floats:
    """Compute the median error of strong colours for each channel, over squares of 8 pixels with one colour."""
    squares = [a.reshape(HEIGHT // 8, 8, WIDTH // 8, 8, 3).swapaxes(1, 2).reshape(-1, 64, 3) for a in (film, picture)]
    colour = squares[1].mean(axis=1)
    chosen = (np.ptp(squares[1], axis=1).max(axis=1) < 16) & (np.ptp(colour, axis=1) > 60)
    assert chosen.sum() > 100
    assert len(np.unique(colour[chosen].argmax(axis=1))) > 1
    error: Floats = np.median(np.abs(squares[0].mean(axis=1) - colour)[chosen], axis=0)
    return error


def test_a_film_has_the_colours_of_the_picture(exported: Site, desktop: Watched) -> None:
    """The error is one or two steps of 8 bits; a step is 1.2 in the limited range, or up to 2 for colour differences.

    If BT.709 were read as BT.601, or one range as the other, the error would be 5 to 7.
    """
    page = desktop.show(exported.url + "?epoch=60&view=contours")
    open_dialog(page)
    picture = download_file(page, "Save picture (PNG)")[1]
    page.get_by_role("combobox", name="Size of the animation").select_option(label=f"{WIDTH} × {HEIGHT}")
    webm = download_file(page, "Make animation (WebM)")[1]
    film = page.evaluate(DECODE, [base64.b64encode(data).decode() for _, data in packets(webm)])
    assert (colour_error(rgb_of(bytes_of(film)), pixels(page, picture, "image/png")) < 3.5).all()
    for mark in ("55b18106", "55b98101"):  # the codes of Matroska for the matrix and the range
        assert bytes.fromhex(mark) in webm


def test_a_film_is_offered_as_mp4_where_the_browser_can_encode_it(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60&view=contours")
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
    assert mp4.index(b"moov") < mp4.index(b"mdat")  # so a player can start before the whole file has arrived
    assert bytes.fromhex("6e636c78 0001 000d 0001 00") in mp4  # the box nclx says BT.709, sRGB, BT.709, limited range
    page.goto("about:blank")  # the policies of the page would block the video
    played = page.evaluate(PLAY.replace("video/webm", "video/mp4"), base64.b64encode(mp4).decode())
    frames = len(exported.run().trajectory.epochs)
    assert played["duration"] == pytest.approx((frames - 1) / 10 + 1, abs=0.01)
    assert (colour_error(pixels(page, mp4, "video/mp4"), pixels(page, picture, "image/png")) < 3.5).all()


#: JavaScript that decodes a GIF with the browser: the time of each frame in ms, and the pixels of the last frame.
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
    assert found["repeats"] is None or found["repeats"] > 1000  # it repeats for ever
    film = rgba_of(found["pixels"])
    # gifenc rounds colours to 5, 6 and 5 bits before it chooses 256 of them: a step is 8, so the error is up to 4.
    assert (colour_error(film, pixels(page, picture, "image/png")) < 4).all()


FILMS = with_constants("""async (asked) => {
    const {describeFilm, listLengths} = await import('./features/share/animation.js');
    return asked.map(([frames, width, height]) => listLengths(frames).map((length) => ({
        ...length, ...describeFilm(length.pictures, width, height),
    })));
}""")


def test_a_film_of_a_long_training_is_thinned_to_the_chosen_length(exported: Site, desktop: Watched) -> None:
    page = desktop.open(
        exported.url + "?dataset=moons&hidden=8&sample=120,0.2,1&train=adam,0.01,32,0,0&epoch=250&view=contours"
    )
    until(page, "() => window.lossatlas.shown()?.epoch === 250")
    open_dialog(page)
    dialog = page.get_by_role("dialog")
    length = dialog.get_by_role("combobox", name="Length of the animation")
    assert length.locator("option").all_text_contents() == ["all epochs", "5 s", "10 s", "20 s"]
    assert length.locator(":checked").text_content() == "20 s"  # all frames would take 26 seconds
    length.select_option("5 s")
    dialog.get_by_role("combobox", name="Size of the animation").select_option(label="640 × 360")
    text = dialog.get_by_text("recorded epochs make").text_content() or ""
    assert text.startswith("41 of 251 recorded epochs make 5.0\u00a0s, about ")
    kilobytes = float(text.split("about ")[1].split(" kB")[0])
    _, webm = download_file(page, "Make animation (WebM)")
    assert blocks(webm) == [*range(0, 4100, 100), 4900]
    # An estimate may be wrong, but not by a factor of ten.
    assert len(webm) / 1000 == pytest.approx(kilobytes, rel=0.75)
    few, many = page.evaluate(FILMS, [[12, 640, 360], [10_000, 1920, 1080]])
    assert [(each["pictures"], each["seconds"], each["usual"]) for each in few] == [(12, 2.1, True)]
    assert [each["seconds"] for each in many] == [1000.9, 5, 10, 20, 60]
    assert [each["pictures"] for each in many if each["usual"]] == [191]


#: JavaScript that makes the encoder's queue look full until the test sets ``busy`` to false.
BUSY_ENCODER = """
window.busy = true;
Object.defineProperty(VideoEncoder.prototype, 'encodeQueueSize', {get: () => (window.busy ? 9 : 0)});
"""


def test_the_animation_can_be_cancelled(exported: Site, desktop: Watched) -> None:
    desktop.page.add_init_script(BUSY_ENCODER)
    page = desktop.show(exported.url + "?view=surface")
    open_dialog(page)
    page.get_by_role("button", name="Make animation (WebM)").press("Enter")
    cancel = page.get_by_role("button", name="Cancel the animation")
    expect(cancel).to_be_focused()
    page.get_by_role("button", name="Save numbers (.npz)").click()
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("is being made")
    leaves = "() => dispatchEvent(new Event('beforeunload', {cancelable: true}))"
    assert not page.evaluate(leaves), "a person who leaves is asked first"
    cancel.press("Enter")
    page.evaluate("() => { window.busy = false; }")
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("Animation cancelled")
    expect(page.get_by_role("button", name="Make animation (WebM)")).to_be_focused()
    assert page.evaluate(leaves)


def test_where_video_cannot_be_encoded_a_sentence_says_so(exported: Site, desktop: Watched) -> None:
    desktop.page.add_init_script("delete window.VideoEncoder")
    page = desktop.open(exported.url)
    open_dialog(page)
    reason = "WebM and MP4 not offered here: This browser cannot encode video (WebCodecs)."
    expect(page.get_by_text(reason)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Make"))).to_have_accessible_name("Make animation (GIF)")


def test_formats_without_an_encoder_are_not_offered(exported: Site, desktop: Watched) -> None:
    desktop.page.add_init_script(
        """window.asked = [];
        HTMLMediaElement.prototype.canPlayType = (type) => window.asked.push(type) && '';
        VideoEncoder.isConfigSupported = async (config) => {
            window.asked.push(config.codec);
            return {config, supported: config.codec === 'vp8'};
        };"""
    )
    page = desktop.open(exported.url)
    open_dialog(page)
    expect(
        page.get_by_text("MP4 not offered here: This browser has no encoder for H.264 in this size.")
    ).to_be_visible()
    form = page.get_by_role("combobox", name="Format of the animation")
    assert form.locator("option").all_text_contents() == ["WebM", "GIF"]
    # WebKitGTK ends the page's process if nothing has asked for a media element before an encoder.
    asked = page.evaluate("() => window.asked")
    assert asked[0] == "video/webm"
    assert sorted(set(asked)) == ["avc1.420028", "video/mp4", "video/webm", "vp8"]
    expect(page.get_by_role("button", name="Make animation (WebM)")).to_be_enabled()
