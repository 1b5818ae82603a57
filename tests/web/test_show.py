"""Tests the page in a cell of a notebook, which is a frame in a page of another origin."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lossatlas.server import show
from lossatlas.store import Gallery, run_folder
from tests.web.conftest import MOONS, Site, static_server


def test_a_notebook_can_frame_the_page_that_it_shows_and_no_other_one(
    gallery: Gallery, served: Site, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _url: True)
    viewer = show(run_folder(gallery.data, MOONS.id), frame=-1)
    notebook = viewer._repr_html_() + f'<iframe src="{served.url}"></iframe>'
    (tmp_path / "index.html").write_text(notebook, encoding="utf-8")
    page = browser.new_page(reduced_motion="reduce")
    try:
        with static_server(tmp_path) as origin:
            page.goto(origin)
            shown, refused = page.main_frame.child_frames
            shown.locator("body[data-pictured=true]").wait_for()
            assert shown.evaluate("() => new URLSearchParams(location.search).get('run')") == MOONS.id
            assert refused.title() != shown.title()
    finally:
        page.close()
        viewer.close()
