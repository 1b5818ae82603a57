"""Compares the engine of the page with NumPy on one thread, and measures how fast it answers during a drag.

    python -m benchmarks.lab [ROUNDS]

The surface has a network 2-16-16-2 tanh, 500 points and a grid of 51 × 51. A drag requests a new span or a new network
every 20 ms, ten times in a row with a pause after each ten, on the page's grid of 41 × 41. The benchmark measures the
time from a request to the preview, to the whole surface, and to the boundary of a picked network, without drawing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright
from tests.web.conftest import FLAGS, app_server, chromium

from benchmarks.measure import describe_machine, format_ratio, format_table, time_interleaved
from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces
from lossatlas.networks import ACTIVATIONS, Network
from lossatlas.planes import FreshPlane
from lossatlas.store import Gallery

_OPEN = """async ({network, points, labels, theta, directions}) => {
    const {createEngine} = await import('/compute/engine/client.js');
    const sample = {points: Float32Array.from(points), labels};
    const axis = Array.from({length: 100}, (_, i) => i / 25 - 2);
    const inputs = Float32Array.from(axis.flatMap((y) => axis.flatMap((x) => [x, y])));
    const run = {network, samples: {train: sample, test: sample}, inputs};
    const worker = new Worker('/compute/engine/worker.js', {type: 'module'});
    worker.postMessage({type: 'run', run});
    const engine = createEngine();
    engine.open(run);
    let id = 0;
    const pair = directions.map((d) => Float32Array.from(d));
    const ask = {theta: Float32Array.from(theta), directions: pair, sets: ['train']};
    window.bench = {engine, ask, one: (grid) => new Promise((done) => {
        worker.onmessage = ({data}) => data.final && done();
        worker.postMessage({...ask, type: 'surface', id: ++id, span: 1, grid, coarse: 0, rows: [0, grid]});
    })};
}"""
_ONE = "() => window.bench.one(51)"
_TWO = """() => new Promise((done) => {
    const {engine, ask} = window.bench;
    engine.surface({...ask, span: 1, grid: 51}, (_, final) => final && done());
})"""
_DRAG = """async (pick) => {
    const {engine, ask} = window.bench;
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    const times = {coarse: [], full: []};
    for (let i = 0; i < 100; i++) {
        const asked = performance.now();
        const took = () => performance.now() - asked;
        if (pick) engine.model(ask.theta.map((value) => value * (1 + i / 500)), () => times.full.push(took()));
        else {
            const note = (_, final) => times[final ? 'full' : 'coarse'].push(took());
            engine.surface({...ask, span: 0.5 + i / 100, grid: 41}, note);
        }
        await wait(i % 10 === 9 ? 300 : 20);
    }
    return times;
}"""


def make_problem() -> tuple[Network, Any, Any, Any, Any]:
    """Make the network, its points and labels, its parameters, and the plane."""
    network = Network((2, 16, 16, 2), ACTIVATIONS["tanh"])
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 2)).astype(np.float32)
    labels = rng.integers(0, 2, 500)
    theta = network.draw_initial_theta(0).astype(np.float32)
    return network, points, labels, theta, FreshPlane().draw(network)


def drag(page: Page, pick: bool) -> dict[str, list[float]]:
    """Measure the milliseconds from each request to its answers. Outdated requests have no answer."""
    found: dict[str, list[float]] = page.evaluate(_DRAG, pick)
    return found


def main(rounds: int) -> None:
    network, points, labels, theta, plane = make_problem()
    evaluator = Evaluator(network, points, labels, threads=1)
    with tempfile.TemporaryDirectory() as data, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        with app_server(Gallery(data)) as url:
            page = browser.new_page()
            page.goto(url + "compute/engine/worker.js")
            page.evaluate(
                _OPEN,
                {
                    "network": {"layers": network.layers, "activation": "tanh", "residual": False},
                    "points": points.ravel().tolist(),
                    "labels": labels.tolist(),
                    "theta": theta.tolist(),
                    "directions": plane.directions.tolist(),
                },
            )
            times = time_interleaved(
                {
                    "NumPy engine, one thread": lambda: loss_surfaces(evaluator, plane, theta, [1.0], 51),
                    "one worker": lambda: page.evaluate(_ONE),
                    "two workers, with a preview": lambda: page.evaluate(_TWO),
                },
                rounds,
            )
            answers = {"zoom": drag(page, False), "pick": drag(page, True)}
        browser.close()
    print(describe_machine(), f"{rounds} rounds", sep="; ")
    print(format_table(times))
    print("  one worker / NumPy one thread   ", format_ratio(times, "one worker", "NumPy engine, one thread"))
    print(
        "  two workers / NumPy one thread  ",
        format_ratio(times, "two workers, with a preview", "NumPy engine, one thread"),
    )
    for name, found in answers.items():
        for sort, values in found.items():
            if values:
                middle, slow = statistics.median(values), statistics.quantiles(values, n=20)[-1]
                print(f"  drag of {name}, {sort}: median {middle:.1f} ms, 95 % within {slow:.1f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
