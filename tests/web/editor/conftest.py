"""Provides the editor of own data, in one page for a whole file of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.support.editor_pages import close_editor, open_editor
from tests.support.pages import watched
from tests.web.conftest import Site


@pytest.fixture(scope="module")
def opened(exported: Site, browser: Browser) -> Iterator[Page]:
    """Yield one page for all tests that need no other page. Every test opens the dialog again."""
    for seen in watched(browser, viewport={"width": 1100, "height": 800}, reduced_motion="reduce"):
        yield seen.open(exported.url + "?view=contours")


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    yield opened
    close_editor(opened)


@pytest.fixture
def dialog(page: Page) -> Locator:
    return open_editor(page)
