"""Tests that words of a run are shown as words, whatever they contain: none becomes an element, a link or a style."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from lossatlas.store import Gallery
from tests.support.pages import Watched, until
from tests.support.stored_runs import manifest_of, rewrite
from tests.web.conftest import PLANES, app_in_thread

pytestmark = pytest.mark.browser

EVIL = [
    '<img src="http://evil.example/x" onerror="window.pwned=1">',
    '<a href="javascript:window.pwned=1">link</a>',
    '<a href="http://evil.example/">go</a>',
    "<script>window.pwned=1</script>",
    "<b>bold</b><br>line",
    "'\"><svg onload=window.pwned=1>",
]
#: JavaScript that counts what was made of the words, and says whether one of them is shown.
LOOK = """() => ({
    ran: window.pwned ?? null,
    links: [...document.querySelectorAll('a')].filter((each) =>
        /evil|javascript/.test(each.getAttribute('href') ?? each.getAttribute('xlink:href') ?? '')).length,
    elements: document.querySelectorAll('img[src*=evil], [onerror], [onload]').length,
    bold: [...document.querySelectorAll('svg tspan')].filter((each) => each.style.fontWeight === 'bold').length,
    lines: [...document.querySelectorAll('svg tspan.line')].filter((each) => /^line/.test(each.textContent)).length,
    shown: document.body.innerText.includes('<img src='),
})"""
NOTHING = {"ran": None, "links": 0, "elements": 0, "bold": 0, "lines": 0}


@pytest.fixture
def hostile(gallery: Gallery, tmp_path: Path) -> Gallery:
    """Make a gallery of one run with hostile words in all places."""
    folder = Path(shutil.copytree(gallery.data / "runs" / PLANES.id, tmp_path / "data" / "runs" / PLANES.id))
    manifest = manifest_of(folder)
    words = iter(EVIL * 40)
    manifest["title"] = "".join(EVIL)
    manifest["model"]["title"] = next(words)
    manifest["dataset"]["title"] = next(words)
    for feature in manifest["dataset"]["features"]:
        feature["name"] = EVIL[0] + EVIL[1] + EVIL[4]
    manifest["dataset"]["classes"] = [EVIL[2] + EVIL[0], EVIL[1] + EVIL[4]]
    for plane in manifest["planes"]:
        plane["title"], plane["what"], plane["hides"] = EVIL[4] + next(words), next(words), EVIL[3] + next(words)
    manifest["outcome"]["message"] = EVIL[0]
    manifest["left_out"].append({"name": "pca-9", "why": EVIL[0] + EVIL[2]})
    rewrite(folder, manifest)
    made = Gallery(tmp_path / "data")
    made.write_index()
    return made


def test_words_of_a_run_stay_words(hostile: Gallery, desktop: Watched) -> None:
    with app_in_thread(hostile, PLANES) as url, desktop:
        page = desktop.open(f"{url}?epoch=60&run={PLANES.id}")
        found = page.evaluate(LOOK)
        assert found == {**NOTHING, "shown": True}
        for view in ("contours", "section"):
            page.locator(f"#view input[value={view}]").check(force=True)
            until(page, "(view) => document.querySelector('#landscape').dataset.view === view", view)
            assert {name: page.evaluate(LOOK)[name] for name in NOTHING} == NOTHING
        for plot in page.locator(".js-plotly-plot:visible").all():
            plot.hover()
        page.locator("#share").click()
        page.locator("dialog.keep[open]").wait_for()
        assert {name: page.evaluate(LOOK)[name] for name in NOTHING} == NOTHING
        assert json.dumps(desktop.requests).count("evil") == 0
