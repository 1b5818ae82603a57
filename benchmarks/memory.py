"""Measures the memory of the page over time, while it plays and trains by turns in headless Chromium.

    python -m benchmarks.memory [MINUTES]

Every half minute, the garbage is collected and the heap is measured, including the memory of arrays. After the first
minute, it should stay within ten per cent.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time

from playwright.sync_api import CDPSession, Page, sync_playwright
from tests.web.conftest import FLAGS, app_server, chromium

from benchmarks.measure import describe_machine
from lossatlas.runs import compute_run
from lossatlas.store import Gallery

#: The seconds of each turn, and the number of epochs of a training, which is limited because all epochs are kept.
_TURN = 15
_PACE = "30"


#: JavaScript that ends when the page has nothing to do. Until then, a drawing that goes on holds megabytes.
_REST = "new Promise((done) => requestIdleCallback(() => setTimeout(done, 100)))"


def measure_heap(devtools: CDPSession) -> float:
    """Collect the garbage at rest, until no more of it is found, and return the megabytes in use."""
    sizes = [float("inf")]
    while len(sizes) < 3 or sizes[-1] < 0.99 * sizes[-2]:
        devtools.send("Runtime.evaluate", {"expression": _REST, "awaitPromise": True})
        devtools.send("HeapProfiler.collectGarbage")
        usage = devtools.send("Runtime.getHeapUsage")
        sizes.append((float(usage["usedSize"]) + float(usage.get("backingStorageSize", 0))) / 1e6)
    return min(sizes)


def play(page: Page) -> None:
    page.get_by_role("combobox", name="Speed").select_option("4")
    page.locator("body").press("Home")
    page.get_by_role("button", name="Play", exact=True).click()


def train(page: Page) -> None:
    page.get_by_role("button", name="Train here").click()
    page.get_by_role("combobox", name="Pace").select_option(_PACE)
    page.get_by_role("region", name="Training here").get_by_role("button", name="New start").click()


def leave(page: Page) -> None:
    page.get_by_role("button", name="Train here").click()
    page.wait_for_function("() => !window.lossatlas.shown().run.startsWith('here-')")


def main(minutes: float) -> None:
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        gallery = Gallery(data)
        gallery.save(compute_run())
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with app_server(gallery) as url:
            context = browser.new_context(
                viewport={"width": 1280, "height": 720}, reduced_motion="reduce", bypass_csp=True
            )
            page = context.new_page()
            devtools = context.new_cdp_session(page)
            page.goto(url + "?epoch=0")
            page.wait_for_function("() => document.body.dataset.pictured === 'true'")
            start = time.monotonic()
            seen: list[tuple[float, float]] = []
            while time.monotonic() - start < 60 * minutes:
                play(page)
                page.wait_for_timeout(1000 * _TURN)
                train(page)
                page.wait_for_timeout(1000 * _TURN)
                leave(page)
                seen.append(((time.monotonic() - start) / 60, measure_heap(devtools)))
                print(f"  {seen[-1][0]:6.1f} min {seen[-1][1]:8.1f} MB", flush=True)
        browser.close()
    after = [size for minute, size in seen if minute > 1]
    middle = statistics.median(after)
    print(describe_machine())
    low, high = min(after) / middle - 1, max(after) / middle - 1
    print(f"  after the first minute: median {middle:.1f} MB, {low:+.1%} to {high:+.1%}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5)
