"""Tests that memory does not grow while the page plays and trains in turns; ``benchmarks.memory`` measures an hour."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from benchmarks.memory import measure_heap
from playwright.sync_api import Browser, Page

from tests.support.pages import Watched, until, watched
from tests.web.conftest import Site
from tests.web.test_controls import wait_for_frame

pytestmark = pytest.mark.browser

#: The turns until all modules are loaded and compiled, the turns that count, and the epochs trained in each turn.
FIRST, TURNS, EPOCHS = 2, 4, 15


def take_turns(page: Page, last: int) -> None:
    """Play the stored run on its surface, then start a training, whose contours are shown, and leave it."""
    page.locator("#view input[value=surface]").press("Space")
    page.locator("#epoch").press("Home")
    wait_for_frame(page, 0)
    page.get_by_role("button", name="Play", exact=True).click()
    wait_for_frame(page, last)
    page.locator("#view input[value=contours]").press("Space")
    page.get_by_role("button", name="Train here").click()
    # The pace is limited, because every epoch is kept: so any machine keeps about equally many.
    page.get_by_role("combobox", name="Pace").select_option("30")
    page.get_by_role("region", name="Training here").get_by_role("button", name="New start").click()
    until(page, "epochs => window.lossatlas.shown().epoch >= epochs", EPOCHS)
    page.get_by_role("button", name="Train here").click()
    until(page, "() => !window.lossatlas.shown().run.startsWith('here-')")


@pytest.fixture
def measured_alone(browser: Browser) -> Iterator[Watched]:
    yield from watched(browser, alone=True, viewport={"width": 1100, "height": 620}, reduced_motion="reduce")


def test_memory_stays_flat_through_play_and_training(exported: Site, measured_alone: Watched) -> None:
    page = measured_alone.open(exported.url + "?epoch=0")
    page.get_by_role("combobox", name="Speed").select_option("4")
    devtools = page.context.new_cdp_session(page)
    sizes = []
    for _ in range(FIRST + TURNS):
        take_turns(page, len(exported.run().trajectory.epochs) - 1)
        sizes.append(measure_heap(devtools))
    # Temporary data make some sizes larger; data that are never released make all later sizes larger, the smallest too.
    earlier, later = sizes[FIRST:][: TURNS // 2], sizes[FIRST:][TURNS // 2 :]
    assert min(later) < 1.1 * min(earlier), sizes
