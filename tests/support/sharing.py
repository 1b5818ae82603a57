"""Opens the dialog “Share and save”, and downloads its files."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Download, Page, expect

from tests.support.pages import PATIENCE, until


def open_dialog(page: Page) -> None:
    page.get_by_role("button", name="Share", exact=True).click()
    expect(page.get_by_role("dialog", name="Share and save")).to_be_visible()
    until(page, "() => document.querySelector('.python code').textContent !== ''")


def download_file(page: Page, name: str) -> tuple[Download, bytes]:
    """Return the file that a button of the dialog downloads."""
    with page.expect_download(timeout=4 * PATIENCE) as waiting:
        page.get_by_role("button", name=name, exact=True).click()
    return waiting.value, Path(waiting.value.path()).read_bytes()
