"""The page in a real Chromium: first picture, JavaScript a frame, drawn frames a second, bytes over the wire.

    python -m benchmarks.page [ROUNDS]

A default run is computed into a temporary gallery, served by ``lossatlas serve``, and opened in a fresh context each
round: nothing is cached but what the server has compressed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from tests.web.conftest import FLAGS, app_server, chromium

from benchmarks.measure import machine
from lossatlas.computing import compute_run
from lossatlas.gallery import Gallery

#: How long it plays, in ms.
_PLAYING = 6_000


@dataclass(frozen=True)
class Visit:
    """What one visit measured: times in ms, rates per second, sizes in bytes."""

    first_picture: float
    last_byte: float
    script_per_frame: float
    frames_per_second: float
    transferred: int
    requests_while_playing: int


def visit(browser: Browser, url: str) -> Visit:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[int] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    page.goto(url + "?epoch=0")
    while not page.evaluate("() => Boolean(window.lossatlas)"):
        page.wait_for_timeout(5)
    page.evaluate("() => window.lossatlas.ready")
    first: float = page.evaluate("() => performance.getEntriesByName('lossatlas:first-picture')[0].startTime")
    while not page.evaluate("() => document.querySelector('#announcement') !== null"):  # what comes afterwards
        page.wait_for_timeout(5)
    page.wait_for_load_state("networkidle")
    last: float = page.evaluate(
        "() => Math.max(...performance.getEntriesByType('resource').map((entry) => entry.responseEnd))"
    )
    asked, transferred = len(sizes), sum(sizes)
    draws = played(page)
    context.close()
    gaps = [after["startTime"] - before["startTime"] for before, after in pairwise(draws)]
    return Visit(
        first_picture=first,
        last_byte=last,
        script_per_frame=statistics.median(draw["duration"] for draw in draws),
        frames_per_second=1000 / statistics.median(gaps),
        transferred=transferred,
        requests_while_playing=len(sizes) - asked,
    )


def played(page: Any) -> list[dict[str, float]]:
    """The drawn frames while the page plays as fast as it can."""
    page.get_by_role("combobox", name="Speed").select_option("4")
    page.evaluate("() => performance.clearMeasures()")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(_PLAYING)
    draws: list[dict[str, float]] = page.evaluate(
        "() => performance.getEntriesByName('lossatlas:draw').map(({startTime, duration}) => ({startTime, duration}))"
    )
    return draws


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        gallery = Gallery(data)
        gallery.save(compute_run())
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with app_server(gallery) as url:
            visits = [visit(browser, url) for _ in range(rounds + 1)][1:]
        browser.close()
    print(machine(), f"{rounds} visits after one that does not count", sep="; ")
    for name in Visit.__annotations__:
        values = sorted(getattr(each, name) for each in visits)
        print(f"  {name:<24} median {statistics.median(values):10.1f}  ({values[0]:.1f} to {values[-1]:.1f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
