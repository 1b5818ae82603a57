"""Provides addresses of views, and opens the parts of the page that load at their first use."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.support.sharing import open_dialog
from tests.web.conftest import PLANES

OF_PLANES = f"?hidden=8&run={PLANES.id}"


VIEWS = {
    "surface": "?epoch=60&view=surface",
    "contours, with a path and a picked point": OF_PLANES
    + "&plane=pca&view=contours&follow=false&pick=0.1,0.1&timeline=curvature",
    "section of the gap": OF_PLANES + "&plane=hessian&view=section&set=gap&follow=false",
}


#: A training on half moons in the page, which does not start by itself.
HERE = "?dataset=moons&hidden=8&sample=120,0.2,1&train=adam,0.01,32,0,0"


def open_editor(page: Page) -> None:
    page.get_by_role("button", name="Your own data…").click()
    dialog = page.get_by_role("dialog", name="Your own data")
    expect(dialog).to_be_visible()
    dialog.get_by_text("From a spreadsheet").click()


def open_tour(page: Page) -> None:
    page.get_by_role("button", name="Take the tour").click()
    expect(page.locator("#tour .words")).to_be_visible()


def stay(_: Page) -> None:
    """Open nothing else."""


#: The parts that load at their first use, each with its address and the function that opens it.
LATER: dict[str, tuple[str, Callable[[Page], None]]] = {
    "training": (HERE + "&epoch=5", stay),
    "share": ("?epoch=60", open_dialog),
    "editor": ("?epoch=60", open_editor),
    "tour": ("?epoch=60", open_tour),
}
