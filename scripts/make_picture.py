"""Take the screenshot of the README from the real app: ``python -m scripts.make_picture``.

The script computes the runs into a temporary gallery, serves it, and opens it in Chromium.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from tests.support.pages import until
from tests.web.conftest import FLAGS, app_server, chromium

from lossatlas.runs import compute_run
from lossatlas.showcase import DEFAULT_MODELS, OPENING, gallery_configs
from lossatlas.store import Gallery

WHERE = Path(__file__).parent.parent / "docs" / "images" / "atlas.png"
VIEW = "?epoch=150"
#: True if the surface is drawn sharply, and the boundary is drawn from the parameters of the network.
RESTS = """() => document.querySelector('.still').width === 2 * document.querySelector('#landscape-plot').clientWidth
    && performance.getEntriesByType('resource').some(({name}) => name.endsWith('weights.npy'))"""

if __name__ == "__main__":
    WHERE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        gallery = Gallery(data)
        for config in gallery_configs([OPENING.dataset.name], DEFAULT_MODELS):
            gallery.save(compute_run(config))
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with app_server(gallery) as url:
            page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
            page.goto(url + VIEW)
            page.locator("body[data-pictured=true]").wait_for()
            until(page, RESTS)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=WHERE)
        browser.close()
    print(f"{WHERE.name}: {WHERE.stat().st_size} bytes")
