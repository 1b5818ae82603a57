"""Takes screenshots of the page when nothing changes any more, and compares them pixel by pixel."""

from __future__ import annotations

from playwright.sync_api import FloatRect, Page

from tests.support.pages import until

#: Is the surface drawn at its full resolution, or is another view shown? Plotly's layout has the resolution first, and
#: its canvas has it from the next frame on.
SHARP = """() => {
    const root = document.querySelector('#landscape-plot');
    const [layout, canvas] = [root.querySelector('.drawing')?.layout, root.querySelector('.drawing canvas')];
    const isDouble = ({width, height}) =>
        Math.abs(width - 2 * root.clientWidth) < 2 && Math.abs(height - 2 * root.clientHeight) < 2;
    return document.querySelector('#landscape').dataset.view !== 'surface'
        || Boolean(layout && canvas && isDouble(layout) && isDouble(canvas));
}"""


def wait_for_rest(page: Page) -> None:
    """Move the pointer away, and wait until nothing is being loaded and the surface is drawn sharply."""
    page.mouse.move(2, 2)
    page.wait_for_load_state("networkidle")
    until(page, SHARP)


def place_of_the_plots(page: Page) -> FloatRect:
    """Return the box of both plots, without the text around them."""
    left, right = (page.locator(name).bounding_box() for name in ("#landscape-stage", "#boundary-plot"))
    assert left is not None
    assert right is not None
    top = max(left["y"], right["y"])
    bottom = min(box["y"] + box["height"] for box in (left, right))
    return {"x": left["x"], "y": top, "width": right["x"] + right["width"] - left["x"], "height": bottom - top}


def picture_at_rest(page: Page) -> bytes:
    """Take pictures of both plots until three in a row are equal, and return the last one."""
    wait_for_rest(page)
    clip, seen = place_of_the_plots(page), [b"", b"-"]
    while len(set(seen[-3:])) > 1:
        assert len(seen) < 100, "the picture does not come to rest"
        page.wait_for_timeout(100)
        seen.append(page.screenshot(clip=clip))
    return seen[-1]


def assert_same_picture(page: Page, expected: bytes, after: str) -> None:
    """Assert that the page becomes the expected picture, and stays so."""
    wait_for_rest(page)
    clip = place_of_the_plots(page)
    for _ in range(50):
        if page.screenshot(clip=clip) == expected:
            break
        page.wait_for_timeout(100)
    assert picture_at_rest(page) == expected, f"another picture after {after}"
