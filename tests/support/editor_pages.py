"""Opens the editor of own data in a page, draws in it, and reads the data that it makes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from lossatlas.arrays import Float64
from tests.support.modules import TAKE_CONSTANTS

OPEN = """async (start) => {
    await (TAKE_CONSTANTS)();
    const {createLazy} = await import('./lib/lazy.js');
    const openEditor = await createLazy({
        load: () => import('./features/datasets/editor.js'),
        create: (module) => module.openEditor,
        styles: ['features/datasets/editor.css'],
    }).request();
    const {createOwn} = await import('./compute/datasets/own.js');
    window.used = [];
    const onUse = (own) => window.used.push({...own, points: [...own.points], labels: [...own.labels]});
    openEditor({start: start && createOwn(start), onUse});
}""".replace("TAKE_CONSTANTS", TAKE_CONSTANTS)


def open_editor(page: Page, start: dict[str, Any] | None = None) -> Locator:
    page.evaluate(OPEN, start)
    return page.get_by_role("dialog", name="Your own data")


def close_editor(page: Page) -> None:
    """Close the dialog if it is open, without a draft that the next dialog would show."""
    if page.locator("dialog.editor").count():
        clear = page.get_by_role("button", name="Clear")
        if clear.is_enabled():
            clear.click()
        page.get_by_role("button", name="Cancel").click()


def use(dialog: Locator) -> dict[str, Any]:
    """Press “Use this data”, and return the dataset that the editor passes on."""
    page = dialog.page
    dialog.get_by_role("button", name="Use this data").click()
    expect(page.locator("dialog.editor")).to_have_count(0)
    [own] = page.evaluate("() => window.used")
    assert isinstance(own, dict)
    return own


def points_of(own: dict[str, Any]) -> Float64:
    return np.reshape(np.asarray(own["points"], np.float64), (-1, 2))


def position(dialog: Locator, u: float, v: float) -> tuple[float, float]:
    """Return the screen position of a place of the canvas: u from the left and v from below, both from 0 to 1."""
    canvas = dialog.locator("canvas")
    canvas.scroll_into_view_if_needed()
    left, top, width, height = canvas.evaluate(
        "(c) => { const b = c.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; }"
    )
    assert width == pytest.approx(height)
    return left + u * width, top + (1 - v) * height


def click(dialog: Locator, *places: tuple[float, float]) -> None:
    for u, v in places:
        dialog.page.mouse.click(*position(dialog, u, v))


def drag(dialog: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    mouse = dialog.page.mouse
    mouse.move(*position(dialog, *start))
    mouse.down()
    mouse.move(*position(dialog, *end), steps=12)
    mouse.up()


def tool(dialog: Locator, name: str) -> Locator:
    return dialog.get_by_role("radio", name=re.compile(f"^{name}"))


def count(dialog: Locator, name: str) -> int:
    label = tool(dialog, name).get_attribute("aria-label")
    found = re.search(r": (\d+) points?$", label or "")
    assert found
    return int(found.group(1))


def state(dialog: Locator) -> Locator:
    return dialog.locator(".state")


def single_points(dialog: Locator) -> None:
    dialog.get_by_role("slider", name="Brush size").fill("0")


FIRST = [(0.1, 0.9), (0.2, 0.8), (0.3, 0.9), (0.2, 0.7)]


SECOND = [(0.7, 0.2), (0.8, 0.1), (0.9, 0.3), (0.6, 0.4)]
