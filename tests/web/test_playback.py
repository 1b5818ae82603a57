"""Tests the choice of the frame and the playback alone, with a clock that the test moves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.support.modules import TAKE_CONSTANTS
from tests.support.pages import watched
from tests.web.conftest import MOONS, Site

pytestmark = pytest.mark.browser

#: JavaScript with a run of five frames, a screen that `draw` changes, and a clock that `beat(ms)` moves by a frame.
MACHINE = """async (script) => {
    const {createPlayback} = await import('/pages/atlas/playback.js');
    const [frame, clock] = [window.requestAnimationFrame, performance.now];
    const waiting = [];
    let now = 1000;
    window.requestAnimationFrame = (call) => waiting.push(call);
    performance.now = () => now;
    const calls = [];
    const run = {frames: [0, 1, 2, 5, 9], hasEveryEpoch: false, hasPredictions: true, has: () => true};
    let at = 0;
    const frames = {
        run, current: () => at, goTo(to) { at = to; calls.push(`frame ${to}`); }, hold() { calls.push('hold'); },
    };
    const screen = {
        shown: {run, frame: 0},
        blend: (from, to, share) => calls.push(`between ${from.frame} and ${to.frame}: ${share.toFixed(2)}`),
    };
    const onChange = (playing) => calls.push(playing ? 'plays' : 'rests');
    const make = (still) => createPlayback({frames, screen, still, onHand() {}, onChange});
    const page = {
        playback: make(false), quiet: make(true), frames, run, screen, calls,
        draw() { screen.shown = {run, frame: at}; },
        beat(ms) { now += ms; for (const call of waiting.splice(0)) call(now); },
        go(to) { at = to; },
    };
    try {
        return SCRIPTS[script](page);
    } finally {
        window.requestAnimationFrame = frame;
        performance.now = clock;
    }
}"""
SCRIPTS = {
    "to the end": """({playback, calls, beat, draw}) => {
        playback.play();
        for (let i = 0; i < 20; i++) { beat(100); draw(); }
        return [calls, playback.playing];
    }""",
    "a frame that is not there": """({playback, calls, beat, draw}) => {
        playback.play();
        beat(0);
        for (let i = 0; i < 9; i++) beat(100); // frame 1 is requested, and not drawn
        draw();
        beat(100);
        return calls;
    }""",
    "from the end": """({playback, calls, go, draw}) => {
        go(4);
        draw();
        playback.toggle();
        playback.toggle();
        return calls;
    }""",
    "scrubbing": """({playback, calls, beat}) => {
        playback.play();
        playback.scrub(3);
        for (let i = 0; i < 5; i++) beat(100);
        return [calls, playback.playing];
    }""",
    "between two": """({playback, calls, beat, draw}) => {
        playback.play();
        beat(0); // frame 1
        draw();
        beat(25);
        beat(50);
        beat(25); // frame 2
        return calls;
    }""",
    "between two epochs": """({playback, calls, beat, draw, run}) => {
        run.frameAt = (epoch) => run.frames.indexOf(epoch);
        playback.listenToSpeed((speed) => calls.push(`speed ${speed}`));
        playback.prepare({from: 1, to: 5, speed: 2});
        draw();
        playback.play();
        for (let i = 0; i < 9; i++) { beat(100); draw(); }
        playback.play(); // the limit was that of one playback
        for (let i = 0; i < 9; i++) { beat(100); draw(); }
        return calls.filter((word) => !word.startsWith('between'));
    }""",
    "less motion": """({quiet, calls, beat, draw}) => {
        quiet.play();
        beat(0);
        draw();
        beat(50);
        return calls;
    }""",
    "twice the speed": """({playback, calls, beat, draw}) => {
        playback.setSpeed(2);
        playback.play();
        for (let i = 0; i < 4; i++) { beat(i ? 50 : 0); draw(); }
        return calls.filter((word) => word.startsWith('frame'));
    }""",
}
#: JavaScript with the frames of a real run, of which `arrived` have arrived.
FRAMES = """async ([manifest, script]) => {
    const [{createFrames}, {KINDS, Run}, {createStore}] = await Promise.all(
        ['pages/atlas/frames', 'model/run', 'model/state'].map((name) => import(`/${name}.js`)));
    let arrived = 0;
    class Arriving extends Run {
        has(frame) { return frame >= 0 && frame < arrived; }
        countArrived() { return arrived; }
    }
    const make = (live, still = false) => {
        const store = createStore({...window.lossatlas.state(), epoch: null});
        const moves = [];
        const frames = createFrames({store, still, onMove: () => moves.push(frames?.current())});
        const run = new Arriving(manifest, {kind: live ? KINDS.computing : KINDS.stored});
        return {frames, run, store, moves, arrive: (count) => { arrived = count; }};
    };
    return FRAME_SCRIPTS[script](make);
}"""
FRAME_SCRIPTS = {
    "the first view": """(make) => [false, true].map((still) => {
        const {frames, run} = make(false, still);
        const before = frames.current();
        frames.open(run);
        return [before, frames.current()];
    })""",
    "beyond the ends": """(make) => {
        const {frames, run, store} = make(false);
        frames.goTo(3); // no run: nothing happens
        const none = store.get().epoch;
        frames.open(run);
        const go = (frame) => { frames.goTo(frame); return [frames.current(), store.get().epoch]; };
        return [none, ...[-5, 2, 999].map(go)];
    }""",
    "along with a run": """(make) => {
        const {frames, run, store, arrive} = make(true);
        frames.open(run);
        const seen = [];
        for (const count of [1, 4]) { arrive(count); seen.push(frames.current()); }
        frames.goTo(1); // to look back is to stay there
        arrive(6);
        seen.push(frames.current());
        frames.goTo(99); // to the newest, and along with it again
        arrive(7);
        seen.push(frames.current());
        frames.settle();
        return [seen, store.get().epoch === run.frames.at(-1)];
    }""",
    "a link": """(make) => {
        const {frames, run, store, arrive} = make(true);
        store.set({epoch: run.frames[4]});
        frames.open(run);
        const seen = [1, 3, 5, 9].map((count) => { arrive(count); return frames.current(); });
        frames.settle();
        return [seen, store.get().epoch === run.frames[4]];
    }""",
    "wanted": """(make) => {
        const {frames, run, arrive} = make(false);
        const none = frames.nextShot(null);
        frames.open(run);
        frames.goTo(5);
        arrive(3);
        const stand = frames.nextShot(null); // until anything is on the screen, an earlier frame will do
        const kept = frames.nextShot(stand);
        arrive(6);
        return [none, stand.frame, kept, frames.nextShot(stand).frame];
    }""",
}


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    for seen in watched(browser, reduced_motion="reduce"):
        opened = seen.open(served.url + "?epoch=0&view=contours")
        opened.evaluate(TAKE_CONSTANTS)
        yield opened


def run_machine(page: Page, script: str) -> Any:
    return page.evaluate(MACHINE.replace("SCRIPTS[script]", f"({SCRIPTS[script]})"), script)


def run_frames(page: Page, served: Site, script: str) -> Any:
    manifest = json.loads((served.gallery.data / "runs" / MOONS.id / "run.json").read_text("utf-8"))
    return page.evaluate(FRAMES.replace("FRAME_SCRIPTS[script]", f"({FRAME_SCRIPTS[script]})"), [manifest, script])


def test_it_plays_every_frame_once_and_rests_at_the_end(page: Page) -> None:
    calls, playing = run_machine(page, "to the end")
    steps = [word for word in calls if not word.startswith("between")]
    assert steps == ["hold", "plays", "frame 1", "frame 2", "frame 3", "frame 4", "rests"]
    assert not playing


def test_a_frame_is_waited_for_and_never_skipped(page: Page) -> None:
    calls = run_machine(page, "a frame that is not there")
    assert [word for word in calls if word.startswith("frame")] == ["frame 1", "frame 2"]


def test_play_at_the_end_starts_again_and_the_next_press_pauses(page: Page) -> None:
    assert run_machine(page, "from the end") == ["frame 0", "hold", "plays", "rests"]


def test_playback_between_two_epochs_ends_at_the_second_one(page: Page) -> None:
    calls = run_machine(page, "between two epochs")
    assert calls == [
        *("speed 2", "frame 1", "hold", "plays", "frame 2", "frame 3", "rests"),
        *("hold", "plays", "frame 4", "rests"),
    ]


def test_going_to_a_frame_pauses(page: Page) -> None:
    calls, playing = run_machine(page, "scrubbing")
    assert calls == ["hold", "plays", "rests", "frame 3"]
    assert not playing


def test_pictures_between_two_frames_follow_the_share_of_the_beat(page: Page) -> None:
    calls = run_machine(page, "between two")
    assert calls == ["hold", "plays", "frame 1", "between 1 and 2: 0.25", "between 1 and 2: 0.75", "frame 2"]
    assert run_machine(page, "less motion") == ["hold", "plays", "frame 1"]


def test_the_speed_is_the_length_of_a_beat(page: Page) -> None:
    assert run_machine(page, "twice the speed") == ["frame 1", "frame 2", "frame 3", "frame 4"]


def test_a_state_without_an_epoch_means_the_beginning_or_with_less_motion_the_end(page: Page, served: Site) -> None:
    frames = len(served.gallery.open(MOONS.id).trajectory.epochs)
    assert run_frames(page, served, "the first view") == [[0, 0], [0, frames - 1]]


def test_a_frame_beyond_the_ends_is_the_last_or_the_first(page: Page, served: Site) -> None:
    epochs = served.gallery.open(MOONS.id).trajectory.epochs
    last = len(epochs) - 1
    assert run_frames(page, served, "beyond the ends") == [None, [0, epochs[0]], [2, epochs[2]], [last, epochs[last]]]


def test_the_view_follows_a_growing_run_until_somebody_goes_back(page: Page, served: Site) -> None:
    assert run_frames(page, served, "along with a run") == [[0, 3, 1, 6], True]


def test_a_link_to_a_run_that_is_computed_waits_for_its_epoch_and_stays_there(page: Page, served: Site) -> None:
    assert run_frames(page, served, "a link") == [[0, 2, 4, 4], True]


def test_a_frame_that_has_not_arrived_does_not_replace_the_picture(page: Page, served: Site) -> None:
    assert run_frames(page, served, "wanted") == [None, 2, None, 5]
