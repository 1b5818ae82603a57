"""Measures the page in a real Chromium: first pictures, JavaScript per frame, frames per second, transferred bytes.

    python -m benchmarks.page [ROUNDS]

A default run is computed into a temporary gallery. The page is opened in turns from ``lossatlas serve``, from an export
as plain files, and from a server without the run, each time with an empty cache. Developer tools connect only after
both plots are drawn, because they report each of seventy requests to another process and take a fifth of the time.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Playwright, sync_playwright
from tests.web.conftest import FLAGS, app_server, chromium, static_server, with_access

from benchmarks.frames import trace_frames
from benchmarks.measure import describe_machine
from lossatlas.runs import compute_run
from lossatlas.showcase import OPENING
from lossatlas.site import export_site
from lossatlas.store import Gallery

#: How many milliseconds the page plays.
_PLAYING = 6_000
#: The speed of a slow connection in bytes per second, and its latency in milliseconds.
_SLOW, _DELAY = 625_000, 40
_PICTURED = "() => document.body?.dataset.pictured === 'true'"
_MARK = "name => performance.getEntriesByName(`lossatlas:${name}`)[0].startTime"
_ASKED = (
    "() => performance.getEntriesByType('resource').find((each) => /\\/api\\/runs\\?/.test(each.name))?.startTime ?? 0"
)


@dataclass(frozen=True)
class Beginning:
    """Times in milliseconds since the navigation."""

    #: The request for a run that has to be computed; 0 if the run is stored.
    asked: float
    first_plot: float
    both_plots: float


@dataclass(frozen=True)
class Visit:
    """The measurements of one visit: times in milliseconds, rates per second, sizes in bytes."""

    #: The CPU time of the main thread in an animation frame that draws both plots.
    script_per_frame: float
    #: The wall time of drawing both plots, while software rendering uses the same cores.
    drawn_per_frame: float
    frames_per_second: float
    transferred: int
    requests_while_playing: int


class Unwatched:
    """A browser to which developer tools connect only after the measurement."""

    def __init__(self, playwright: Playwright, port: int) -> None:
        self._playwright, self._origin = playwright, f"http://127.0.0.1:{port}"

    def visit(self, url: str) -> Beginning:
        """Open a page in a new tab, and read its measurements afterwards."""
        address = f"{self._origin}/json/new?{urllib.parse.quote(url, safe=':/?=')}"
        tab = _fetch_json(urllib.request.Request(address, method="PUT"))["id"]
        while not any(
            each["id"] == tab and " · " in each["title"] for each in _fetch_json(f"{self._origin}/json/list")
        ):
            time.sleep(0.5)  # the title is set when both plots are drawn
        browser = self._playwright.chromium.connect_over_cdp(self._origin)
        page = next(page for page in browser.contexts[0].pages if page.url.startswith(url))
        page.wait_for_load_state("networkidle")
        plots = [page.evaluate(_MARK, name) for name in ("first-plot", "first-picture")]
        found = Beginning(page.evaluate(_ASKED), *plots)
        browser.contexts[0].new_cdp_session(page).send("Network.clearBrowserCache")
        page.close()
        browser.close()
        return found


def visit_empty_server(tabs: Unwatched) -> Beginning:
    """Visit a server without runs, which draws the first frames while the others are computed."""
    with tempfile.TemporaryDirectory() as folder, app_server(Gallery(Path(folder) / "data")) as url:
        return tabs.visit(url)


def _fetch_json(address: str | urllib.request.Request) -> Any:
    with urllib.request.urlopen(address) as answer:
        return json.load(answer)


@contextmanager
def start_unwatched(playwright: Playwright) -> Iterator[Unwatched]:
    """Start a separate Chromium with its own profile."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:  # the browser's children still write
        looks = ["--headless=new", "--window-size=1440,900", "--force-prefers-reduced-motion"]
        private = ["--remote-debugging-port=0", f"--user-data-dir={profile}"]
        browser = subprocess.Popen(
            [chromium(), *FLAGS, *looks, *private, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        port = Path(profile) / "DevToolsActivePort"
        try:
            while not (port.exists() and port.read_text().count("\n")):
                time.sleep(0.1)
            yield Unwatched(playwright, int(port.read_text().split()[0]))
        finally:
            browser.kill()
            browser.wait()


def visit_slowly(browser: Browser, url: str) -> float:
    """Measure the bytes that have arrived over a slow connection when the first plot is drawn."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    line = {"offline": False, "latency": _DELAY, "downloadThroughput": _SLOW, "uploadThroughput": _SLOW}
    network.send("Network.emulateNetworkConditions", line)
    began: list[float] = []
    came: list[tuple[float, float]] = []
    network.on("Network.requestWillBeSent", lambda event: began.append(event["timestamp"]))
    network.on(
        "Network.responseReceived",
        lambda event: came.append((event["timestamp"], event["response"]["encodedDataLength"])),
    )
    network.on("Network.dataReceived", lambda event: came.append((event["timestamp"], event["encodedDataLength"])))
    page.goto(url + "?epoch=0", wait_until="commit")
    while not page.evaluate(_PICTURED):
        page.wait_for_timeout(20)
    drawn: float = began[0] + page.evaluate(_MARK, "first-plot") / 1000
    page.wait_for_load_state("networkidle")
    context.close()
    return sum(size for when, size in came if when <= drawn)


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
    with_access(page)
    page.wait_for_load_state("networkidle")
    transferred = sum(sizes)
    page.mouse.move(700, 5)  # makes the page load the parameters, once
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    asked = len(sizes)
    draws: list[dict[str, float]] = []
    frames = trace_frames(browser, page, lambda: draws.extend(play(page)))
    context.close()
    gaps = [after["startTime"] - before["startTime"] for before, after in pairwise(draws)]
    return Visit(
        script_per_frame=statistics.median(frames.own),
        drawn_per_frame=statistics.median(draw["duration"] for draw in draws),
        frames_per_second=1000 / statistics.median(gaps),
        transferred=transferred,
        requests_while_playing=len(sizes) - asked,
    )


def play(page: Any) -> list[dict[str, float]]:
    """Play as fast as possible, and return the measurements of all drawn frames."""
    page.get_by_role("combobox", name="Speed").select_option("4")
    page.evaluate("() => performance.clearMeasures()")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(_PLAYING)
    draws: list[dict[str, float]] = page.evaluate(
        "() => performance.getEntriesByName('lossatlas:draw').map(({startTime, duration}) => ({startTime, duration}))"
    )
    return draws


def main(rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        gallery = Gallery(Path(folder) / "data")
        gallery.save(compute_run(OPENING))  # the run that the page opens with, which the server need not compute then
        export_site(gallery, Path(folder) / "site")
        with app_server(gallery) as served, static_server(Path(folder) / "site") as origin:
            with start_unwatched(playwright) as tabs:
                places: dict[str, Callable[[], Beginning]] = {
                    "lossatlas serve": lambda: tabs.visit(f"{served}?epoch=0"),
                    "plain files": lambda: tabs.visit(f"{origin}/?epoch=0"),
                    "an empty folder": lambda: visit_empty_server(tabs),
                }
                beginnings = [{name: begin() for name, begin in places.items()} for _ in range(rounds + 1)]
            browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
            visits = [visit(browser, served) for _ in range(rounds + 1)]
            slow = [visit_slowly(browser, served) for _ in range(3)]
            browser.close()
    print(describe_machine(), f"{rounds} visits after one that does not count", sep="; ")
    for place in places:
        for name in Beginning.__annotations__:
            report(f"{place}: {name}", [getattr(each[place], name) for each in beginnings[1:]])
    for name in Visit.__annotations__:
        report(name, [getattr(each, name) for each in visits[1:]])
    report("bytes that both plots take, 5 Mbit/s", slow)


def report(name: str, values: list[float]) -> None:
    print(f"  {name:<34} median {statistics.median(values):10.1f}  ({min(values):.1f} to {max(values):.1f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
