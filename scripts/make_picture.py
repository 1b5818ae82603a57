"""Take README's picture from the real app: python -m scripts.make_picture

Computes the runs shown into a temporary gallery, serves it, and opens it in Chromium.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright
from tests.web.conftest import FLAGS, app_server, chromium

from lossatlas.computing import compute_run
from lossatlas.gallery import Gallery, gallery_configs

WHERE = Path(__file__).parent.parent / "docs" / "images" / "atlas.png"
VIEW = "?epoch=34&scale=log"

if __name__ == "__main__":
    WHERE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        gallery = Gallery(data)
        gallery.save(compute_run(gallery_configs(["moons"], [(16, 16)])[0]))
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with app_server(gallery) as url:
            page = browser.new_page(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
            page.goto(url + VIEW)
            page.locator("body[data-pictured=true]").wait_for()
            page.wait_for_load_state("networkidle")
            page.screenshot(path=WHERE)
        browser.close()
    print(f"{WHERE.name}: {WHERE.stat().st_size} bytes")
