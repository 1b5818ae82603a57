"""Tests slow connections: a training waits for the code that draws it, and deleted arrays are not drawn again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route

from tests.support.first_use import HERE
from tests.support.pages import Watched, until
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

#: JavaScript that notes the messages of the page to its workers.
ORDERS = """
window.orders = [];
const post = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...more) {
    window.orders.push(message.type);
    return post.call(this, message, ...more);
};"""

#: JavaScript that paints a complete picture, deletes its arrays, and asks to paint it again.
PAINTS = """async () => {
    const {createPainter} = await import('./pages/atlas/painter.js');
    const frame = () => new Promise(requestAnimationFrame);
    let [here, wanted, count] = [true, null, 0];
    const shot = {frame: 0, run: {id: 'a', frames: [0], has: () => here}};
    const draw = () => {
        if (!here) throw new Error('the surfaces have not arrived');
        count++;
    };
    wanted = shot;
    const painter = createPainter({
        wish: () => wanted, ask() {}, isKnown: () => true, plots: [{draw}], onDrawn() {},
    });
    painter.request();
    for (let k = 0; k < 4; k++) await frame();
    const counts = [count];
    painter.repaint();
    for (let k = 0; k < 2; k++) await frame();
    counts.push(count);
    [here, wanted] = [false, null];
    painter.repaint();
    painter.repaintNow();
    for (let k = 0; k < 2; k++) await frame();
    return [...counts, count];
}"""


def test_a_picture_stays_when_its_arrays_are_deleted(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    assert page.evaluate(PAINTS) == [1, 2, 2]


def test_a_training_waits_for_its_first_picture(exported: Site, desktop: Watched) -> None:
    page = desktop.page
    page.add_init_script(ORDERS)
    held: list[Route] = []
    page.route("**/compute/engine/worker.js", lambda route: held.append(route))
    desktop.page.goto(exported.url + HERE + "&epoch=5")
    until(page, "() => document.querySelector('#workshop .pace')?.textContent.startsWith('epoch')")
    until(page, "() => window.orders.includes('model')")  # the first picture has been requested
    assert "start" not in page.evaluate("() => window.orders")
    for route in held:
        route.continue_()
    until(page, "() => window.lossatlas?.shown()?.epoch === 5")
    assert page.evaluate("() => window.orders.filter((order) => order === 'start').length") == 1
