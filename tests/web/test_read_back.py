"""Tests browsers that return noise for drawn pixels (Tor, resistFingerprinting): no noise is shown or saved."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.pages import Watched, until
from tests.support.pictures import picture_at_rest
from tests.support.sharing import download_file, open_dialog
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

#: `window.noise` says what is noise: the pixels that are read, or the files that are written.
NOISE = """
window.noise = 'pixels';
const read = CanvasRenderingContext2D.prototype.getImageData;
CanvasRenderingContext2D.prototype.getImageData = function (...box) {
    const image = read.apply(this, box);
    for (let at = 0; window.noise === 'pixels' && at < image.data.length; at += 65536)
        crypto.getRandomValues(image.data.subarray(at, at + 65536));
    return image;
};
const write = HTMLCanvasElement.prototype.toBlob;
HTMLCanvasElement.prototype.toBlob = function (...options) {
    const blank = Object.assign(document.createElement('canvas'), {width: this.width, height: this.height});
    write.apply(window.noise === 'files' ? blank : this, options);
};"""


def test_noise_is_neither_drawn_nor_saved_and_a_sentence_says_why(exported: Site, desktop: Watched) -> None:
    page = desktop.open(exported.url + "?epoch=60")
    honest = picture_at_rest(page)
    page.add_init_script(NOISE)
    desktop.open(exported.url + "?epoch=60")
    assert picture_at_rest(page) == honest
    open_dialog(page)
    saved: list[str] = []
    page.on("download", lambda download: saved.append(download.suggested_filename))
    said = page.get_by_role("dialog").get_by_role("status")
    for name in ("Save picture (PNG)", "Save drawing (SVG)", "Make animation (WebM)"):
        page.get_by_role("button", name=name).click()
        expect(said).to_contain_text("random pixels in place of their own pictures")
        page.evaluate("() => { document.querySelector('.keep .message').textContent = ''; }")
    page.evaluate("() => { window.noise = 'files'; }")
    page.get_by_role("button", name="Save picture (PNG)").click()
    expect(said).to_contain_text("random pixels in place of their own pictures")
    assert saved == []
    download_file(page, "Save the metrics (CSV)")
    page.evaluate("() => { window.noise = ''; }")
    download_file(page, "Save picture (PNG)")
    until(page, "() => document.querySelector('.keep .message').textContent.startsWith('Saved')")
