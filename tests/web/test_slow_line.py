"""Tests slow connections: a training waits for the code that draws it, and deleted arrays are not drawn again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lossatlas.runs import Computation, Setup
from lossatlas.server.events import Event, _join
from lossatlas.server.messages import describe_end, describe_frame, describe_manifest
from lossatlas.store import read_manifest
from tests.support.first_use import HERE
from tests.support.held import HeldRequests
from tests.support.modules import with_constants
from tests.support.pages import Watched, until
from tests.web.conftest import MOONS, Site

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

#: JavaScript that requests a run of which a server sends some events, and that the site has at the end.
FOLLOWS = with_constants("""async ([id, events]) => {
    const {Session} = await import('./loading/session.js');
    const {fetch, EventSource} = window;
    const reports = [];
    window.fetch = (url, ...more) => String(url).includes('api/runs')
        ? Promise.resolve(Response.json({id, state: 'queued', events: 'events'})) : fetch(url, ...more);
    window.EventSource = class extends EventTarget {
        constructor() {
            super();
            setTimeout(() => events.forEach(([type, data]) => this.dispatchEvent(new MessageEvent(type, {data}))));
        }
        close() {}
    };
    const describe = (run) => ({
        kind: run.kind.name, epochs: run.frames, losses: run.metrics.train_loss, arrived: run.countArrived({
            plane: run.planes[0], span: run.planes[0].spans[0], spanIndex: 0, set: 'train', follow: true,
        }),
        classes: [...(run.get('predicted_class')?.data ?? [])].slice(0, run.frames.length * 24 ** 2),
    });
    try {
        const session = new Session({listNeeded: () => [], listUnmet: () => []});
        await new Promise((stored, fail) => {
            let run = null;
            const nothing = () => {};
            session.listen({
                onGallery: nothing, onRecording: nothing,
                onStatus(status) { if (status.kind === 'failed') fail(new Error(JSON.stringify(status))); },
                onRun(next) { run = next; if (run.kind.name === 'stored') { reports.push(describe(run)); stored(); } },
                onData() { if (run.kind.name === 'computing') reports.push(describe(run)); },
                onSettled() { reports.push(describe(run)); },
            });
            session.open({kind: 'new', config: {}});
        });
        session.leave();
        return reports;
    } finally {
        Object.assign(window, {fetch, EventSource});
    }
}""")


def test_a_page_that_missed_frames_shows_the_others_and_has_all_when_the_run_is_stored(
    exported: Site, desktop: Watched
) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    setup = Setup.of(MOONS)
    stored = read_manifest(exported.gallery.data / "runs" / MOONS.id)
    epochs: list[int] = stored["frames"]
    frames = list(zip(range(7), Computation(setup, threads=1), strict=False))
    sent = [frame for index, frame in frames if index in {0, 1, 5}]  # the last one is another one below
    bodies: list[tuple[str, Any]] = [("manifest", describe_manifest(setup, epochs))]
    bodies += [("frame", describe_frame(frame, len(epochs))) for frame in sent]
    bodies += [("frame", {**bodies[-1][1], "frame": len(epochs) - 1, "epoch": epochs[-1]})]
    bodies += [("done", describe_end(MOONS.id, {"status": "completed"}, epochs))]
    events = [(name, _encode(name, body)) for name, body in bodies]
    reports = page.evaluate(FOLLOWS, [MOONS.id, events])
    got = [epochs[index] for index in (0, 1, 5)]
    assert [report["arrived"] for report in reports[:4]] == [1, 2, 3, 4]
    assert reports[2]["epochs"] == [*got, *epochs[6:]]
    settled, whole = reports[4:]
    assert settled["epochs"] == [*got, epochs[-1]]
    assert settled["losses"][:3] == [frame.snapshot.metrics.train_loss for frame in sent]
    assert settled["classes"][: 3 * 24**2] == [k for frame in sent for k in frame.predicted_class.ravel().tolist()]
    assert (whole["kind"], whole["epochs"], whole["losses"]) == ("stored", epochs, stored["metrics"]["train_loss"])
    assert whole["classes"] == []  # nothing of the incomplete one is taken for the stored one


def _encode(name: str, body: dict[str, Any]) -> str:
    text = b"".join(_join(piece) for piece in Event(name, lambda: body).split("a-0")).decode()
    return json.dumps(json.loads(text.partition("data: ")[2].partition("\n")[0]))


def test_a_picture_stays_when_its_arrays_are_deleted(exported: Site, desktop: Watched) -> None:
    page = desktop.show(exported.url + "?epoch=60")
    assert page.evaluate(PAINTS) == [1, 2, 2]


def test_a_training_waits_for_its_first_picture(exported: Site, desktop: Watched) -> None:
    page = desktop.page
    page.add_init_script(ORDERS)
    held = HeldRequests(page, "**/compute/engine/worker.*.js")
    desktop.page.goto(exported.url + HERE + "&epoch=5")
    until(page, "() => document.querySelector('#workshop .pace')?.textContent.startsWith('epoch')")
    until(page, "() => window.orders.includes('model')")  # the first picture has been requested
    assert "start" not in page.evaluate("() => window.orders")
    held.release()
    until(page, "() => window.lossatlas?.shown()?.epoch === 5")
    assert page.evaluate("() => window.orders.filter((order) => order === 'start').length") == 1
