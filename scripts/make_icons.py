"""Draw the icons of the page from icon.svg: ``python -m scripts.make_icons``.

Home screens need PNG files. A maskable icon fills its square, and its drawing is inside the circle that is never cut
off.
"""

from pathlib import Path

from playwright.sync_api import sync_playwright
from tests.web.conftest import chromium

ICONS = Path(__file__).parent.parent / "src" / "lossatlas" / "web" / "icons"
#: The side of each file in pixels, and the share of the side that the drawing takes.
SIZES = {"icon-192.png": (192, 1.0), "icon-512.png": (512, 1.0), "icon-maskable-512.png": (512, 0.8)}

if __name__ == "__main__":
    drawing = (ICONS / "icon.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name, (side, share) in SIZES.items():
            page = browser.new_page(viewport={"width": side, "height": side})
            ground = "transparent" if share == 1 else "#14213d"
            page.set_content(
                f"<style>body{{margin:0;display:grid;place-items:center;height:100vh;background:{ground}}}"
                f"svg{{width:{share:.0%}}}</style>{drawing}"
            )
            page.screenshot(path=ICONS / name, omit_background=True)
            page.close()
            print(f"{name}: {(ICONS / name).stat().st_size} bytes")
        browser.close()
