"""Tests that only ``request`` asks for what a picture needs: drawing reads what is known, and starts no work."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.modules import TAKE_CONSTANTS
from tests.support.pages import Watched
from tests.web.conftest import MOONS, Site

pytestmark = pytest.mark.browser

#: JavaScript that draws a picked point with a ball, a hovered data point and a zoom that is not stored. Plotly is
#: replaced by a fake, and workers and network only record the requests that they receive.
DRAWN = """async (id) => {
    const [{createComputedPart}, {createLandscape}, {createBoundary}, {createReadouts}, {createPick}, {createPictures},
        {Run, STATIC_ARRAYS, FRAME_ARRAYS}, {sliceOf, neededArrays}, {shotOf}, {fetchArray}, {fetchManifest}] =
        await Promise.all([
            '/pages/atlas/computed.js', '/views/landscape.js', '/views/boundary.js', '/views/readouts.js',
            '/views/pick.js', '/views/picture.js', '/model/run.js', '/model/slice.js', '/model/shot.js',
            '/loading/arrays.js', '/loading/json.js',
        ].map((path) => import(path)));
    const lazy = ['/compute/computations.js', '/compute/descent.js', '/views/ball.js'];
    await Promise.all(lazy.map((path) => import(path)));

    const wished = {...window.lossatlas.state(), epoch: 60, pick: [0.1, -0.2], ball: true};
    const run = new Run(await fetchManifest(id));
    const slices = [null, 0.37].map((zoom) => sliceOf(run, {...wished, zoom}));
    const names = [...STATIC_ARRAYS, ...FRAME_ARRAYS, ...slices.flatMap(neededArrays)];
    await Promise.all([...new Set(names)].map((name) => fetchArray(run, name)));
    const shots = slices.map((slice) => shotOf(run, 11, slice));

    const work = [];
    const [realWorker, realFetch] = [window.Worker, window.fetch];
    window.fetch = async (url) => { work.push(`fetch ${url}`); throw new TypeError('no network'); };
    window.Worker = class {
        constructor() { work.push('worker'); }
        postMessage({type}) { work.push(type); }
        terminate() {}
    };
    try {
        const point = 3;
        let answers = 0;
        const computed = createComputedPart({still: true, onAnswer() { answers++; }, onError(error) { throw error; }});
        const known = (shot) => ({
            ground: computed.computedSurfaceOf(shot),
            way: computed.wayOf(shot),
            pointLoss: computed.pointLossOf(shot, point),
        });
        const Plotly = {react: async (root) => { root.on = () => {}; }, relayout() {}, purge() {}};
        const pictures = createPictures({known});
        const none = () => {};
        const views = [
            createReadouts({pickedOf: computed.pickedOf}),
            createPick({choose: none, wayOf: computed.wayOf, onRedraw: none}),
            createBoundary(Plotly, {...computed, onAttend: none, onHover: none}),
            createLandscape(Plotly, {
                eye: () => wished.camera, onCamera: none, onRedraw: none, onFailed: none, onPick: none,
                pictureOf: pictures.of, isPlaying: () => false,
            }),
        ];
        const draw = async () => {
            for (const shot of shots) {
                for (const view of views) view.draw(shot);
                computed.oddsOf(shot, 0, 0);
                computed.isKnown(shot);
            }
            await new Promise((done) => setTimeout(done));
            return [answers, [...work]];
        };
        const before = await draw(); // no lab is here, and none comes
        const isLabHere = () => answers > 0;
        const found = {before};
        for (const shot of shots) computed.request(shot, point);
        while (!isLabHere()) await new Promise((done) => setTimeout(done));
        for (const [name, shot] of [['stored', shots[0]], ['computed', shots[1]]]) {
            work.length = 0;
            computed.request(shot, point);
            found[name] = [...work];
            work.length = 0;
            found[`${name}, drawn`] = (await draw())[1];
            computed.request(shot, point);
            found[`${name}, asked again`] = [...work];
        }
        return found;
    } finally {
        [window.Worker, window.fetch] = [realWorker, realFetch];
    }
}"""


@pytest.mark.parametrize("site", ["served"], indirect=True)
def test_drawing_starts_no_work(site: Site, desktop: Watched) -> None:
    page = desktop.open(site.url)
    page.evaluate(TAKE_CONSTANTS)
    found: dict[str, Any] = page.evaluate(DRAWN, MOONS.id)
    assert found["before"] == [0, []]
    # The worker of the ball and both workers of the engine start. The engine's receive the run before any question.
    asked = ["worker"] * 3 + ["open", "rate", "start"] + ["run"] * 2 + ["model", "point"]
    assert sorted(found["stored"]) == sorted(asked)
    assert sorted(found["computed"]) == sorted(["surface", "surface", "samples", "point"])
    for step in ("stored, drawn", "stored, asked again", "computed, drawn", "computed, asked again"):
        assert found[step] == [], step
