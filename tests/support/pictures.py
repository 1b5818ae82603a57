"""Pictures of the page at rest, pixel by pixel."""

from __future__ import annotations

from playwright.sync_api import FloatRect, Page

from tests.support.pages import until

#: The surface is drawn sharp, or another view is on show: Plotly's drawing says how large it is.
SHARP = """() => {
    const root = document.querySelector('#landscape-plot');
    const layout = root.querySelector('.drawing')?.layout;
    return document.querySelector('#landscape').dataset.view !== 'surface'
        || (layout?.width === 2 * root.clientWidth && layout?.height === 2 * root.clientHeight);
}"""


def wait_for_rest(page: Page) -> None:
    """No pointer over the plots, nothing on its way, and the surface sharp."""
    page.mouse.move(2, 2)
    page.wait_for_load_state("networkidle")
    until(page, SHARP)


def place_of_the_plots(page: Page) -> FloatRect:
    """Where both plots are, without what is written around them."""
    left, right = (page.locator(name).bounding_box() for name in ("#landscape-stage", "#boundary-plot"))
    assert left is not None
    assert right is not None
    top = max(left["y"], right["y"])
    bottom = min(box["y"] + box["height"] for box in (left, right))
    return {"x": left["x"], "y": top, "width": right["x"] + right["width"] - left["x"], "height": bottom - top}


def picture_at_rest(page: Page) -> bytes:
    """Both plots, once three pictures in a row are the same."""
    wait_for_rest(page)
    clip, seen = place_of_the_plots(page), [b"", b"-"]
    while len(set(seen[-3:])) > 1:
        assert len(seen) < 100, "the picture does not come to rest"
        page.wait_for_timeout(100)
        seen.append(page.screenshot(clip=clip))
    return seen[-1]


def assert_same_picture(page: Page, expected: bytes, after: str) -> None:
    """It becomes the picture that is expected, and stays so."""
    wait_for_rest(page)
    clip = place_of_the_plots(page)
    for _ in range(50):
        if page.screenshot(clip=clip) == expected:
            break
        page.wait_for_timeout(100)
    assert picture_at_rest(page) == expected, f"another picture after {after}"
