"""Tests that the picture of a state is the same, pixel by pixel, whatever was shown before."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.pages import Watched, until
from tests.support.pictures import assert_same_picture, picture_at_rest, wait_for_rest
from tests.web.conftest import MOONS_FAST, PLANES, Site
from tests.web.test_controls import wait_for_frame, zoom_in

pytestmark = pytest.mark.browser

FRAME = 5
LINK = f"?hidden=8&run={PLANES.id}&plane=pca&epoch={{epoch}}&view={{view}}"


def set_state(page: Page, **patch: Any) -> None:
    """Set the state as the browser's Back button does, without loading the page."""
    page.evaluate(
        """(patch) => {
            const query = new URLSearchParams(location.search);
            for (const [name, value] of Object.entries(patch)) query.set(name, value);
            history.pushState(null, '', `?${query}`);
            dispatchEvent(new PopStateEvent('popstate'));
        }""",
        patch,
    )


def come_back(page: Page, epoch: int) -> None:
    """Go to the first frame, and then step by step."""
    page.locator("h2").first.click()
    page.locator("body").press("Home")
    wait_for_frame(page, 0)
    for frame in range(1, FRAME + 1):
        page.locator("body").press("ArrowRight")
        wait_for_frame(page, frame)
    until(page, "epoch => window.lossatlas.shown().epoch === epoch", epoch)


@pytest.mark.parametrize(("view", "theme"), [("surface", "light"), ("contours", "dark"), ("section", "light")])
def test_a_state_has_one_picture(exported: Site, desktop: Watched, view: str, theme: Any) -> None:
    epoch = int(exported.run(PLANES).trajectory.epochs[FRAME])
    desktop.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page = desktop.show(exported.url + LINK.format(epoch=epoch, view=view))
    fresh = picture_at_rest(page)

    page.locator("body").press("End")
    wait_for_frame(page, 11)
    wait_for_rest(page)
    come_back(page, epoch)
    assert_same_picture(page, fresh, "End and Home")

    zoom_in(page)
    until(page, "() => window.lossatlas.state().zoom !== null && window.lossatlas.shown().span < 1")
    wait_for_rest(page)
    page.get_by_role("combobox", name="Plane").select_option("fresh")
    until(page, "() => window.lossatlas.slice().plane === 'fresh'")
    wait_for_rest(page)
    page.get_by_role("combobox", name="Plane").select_option("pca")
    until(page, "() => window.lossatlas.slice().plane === 'pca' && window.lossatlas.state().zoom === null")
    come_back(page, epoch)
    assert_same_picture(page, fresh, "a zoom and another plane")

    set_state(page, run=MOONS_FAST.id, hidden="16-16", plane="fresh")
    until(page, "id => window.lossatlas.shown().run === id", MOONS_FAST.id)
    wait_for_rest(page)
    set_state(page, run=PLANES.id, hidden="8", plane="pca")
    until(page, "id => window.lossatlas.shown().run === id && window.lossatlas.slice().plane === 'pca'", PLANES.id)
    assert_same_picture(page, fresh, "another run")

    for scheme in ("dark", "light", theme):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        wait_for_rest(page)
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": 900, "height": 700})
    wait_for_rest(page)
    page.set_viewport_size(size)
    assert_same_picture(page, fresh, "other themes and another size")
