"""Compares the page's engine with NumPy's: both give the same losses, classes, random numbers and models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from lossatlas.arrays import Floats, Integers
from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces
from lossatlas.networks import ACTIVATIONS, Network
from lossatlas.planes import FreshPlane
from lossatlas.rng import Stream
from tests.conftest import network_of, some_models
from tests.support.modules import open_modules
from tests.support.pages import until
from tests.web.conftest import Site

pytestmark = pytest.mark.browser

CASES = [
    network_of(*hidden, activation=name, residual=residual, classes=classes)
    for name in ACTIVATIONS
    for hidden, residual in (((), False), ((5,), False), ((4, 4), True), ((6, 5, 3), False), ((4, 4, 4, 4), True))
    for classes in (2, 3)
]


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    yield from open_modules(browser, served.url)


def describe_network(network: Network) -> dict[str, Any]:
    return {"layers": network.layers, "activation": network.activation.name, "residual": network.residual}


def data(classes: int, count: int = 37) -> tuple[Floats, Integers]:
    rng = np.random.default_rng(classes)
    return rng.normal(size=(count, 2)).astype(np.float32), rng.integers(0, classes, count)


KERNELS = """async ({network, points, labels, models, scalar}) => {
    const {loadModule, wasmKernel} = await import('/compute/engine/kernel.js');
    const {packParameters, packedPlaces} = await import('/model/architecture.js');
    const {scalarKernel} = await import('/compute/engine/scalar.js');
    const places = packedPlaces(network);
    const all = Float32Array.from(models.flatMap((theta) => [...packParameters(theta, places)]));
    const module = await loadModule(async (name) => (await fetch(`/compute/engine/${name}`)).arrayBuffer());
    if (!module) throw new Error('no SIMD here');
    const inputs = points.flat();
    const make = (truth) => {
        return scalar ? scalarKernel(network, inputs, truth) : wasmKernel(module, network, inputs, truth);
    };
    return {
        losses: [...make(labels).losses(all, models.length)],
        logits: [...make(null).logits(all.slice(0, places.length))],
    };
}"""


@pytest.mark.parametrize("scalar", [False, True], ids=["wasm", "scalar"])
def test_losses_and_logits_are_numpys(page: Page, scalar: bool) -> None:
    for network in CASES:
        points, labels = data(network.class_count)
        models = some_models(network, 5)
        found = page.evaluate(
            KERNELS,
            {
                "network": describe_network(network),
                "points": points.tolist(),
                "labels": labels.tolist(),
                "models": models.tolist(),
                "scalar": scalar,
            },
        )
        evaluator = Evaluator(network, points, labels, threads=1)
        np.testing.assert_allclose(found["losses"], evaluator.losses(models), rtol=2e-6, err_msg=str(network))
        logits = np.array(found["logits"]).reshape(network.class_count, len(points))
        np.testing.assert_allclose(logits, evaluator.logits(models[:1])[0], rtol=1e-5, atol=2e-6, err_msg=str(network))


PLACES = """async ({network, points, labels, plane, places, scalar}) => {
    const {loadModule, wasmKernel} = await import('/compute/engine/kernel.js');
    const {scalarKernel} = await import('/compute/engine/scalar.js');
    const {moveTo} = await import('/compute/engine/plane.js');
    const module = await loadModule(async (name) => (await fetch(`/compute/engine/${name}`)).arrayBuffer());
    const make = scalar ? scalarKernel : (...rest) => wasmKernel(module, ...rest);
    const kernel = make(network, points.flat(), labels);
    const vectors = plane.map((vector) => Float32Array.from(vector));
    const model = new Float32Array(vectors[0].length);
    const one = ([a, b]) => {
        moveTo(model, ...vectors, Math.fround(a), Math.fround(b));
        return kernel.losses(model, 1)[0];
    };
    return [[...kernel.lossesAt(Float32Array.from(plane.flat()), Float32Array.from(places.flat()))], places.map(one)];
}"""


@pytest.mark.parametrize("scalar", [False, True], ids=["wasm", "scalar"])
def test_the_loss_at_a_place_is_that_of_the_model_there_to_the_last_bit(page: Page, scalar: bool) -> None:
    for network in CASES:
        points, labels = data(network.class_count)
        places = np.random.default_rng(3).normal(size=(7, 2))
        case = {
            "network": describe_network(network),
            "points": points.tolist(),
            "labels": labels.tolist(),
            "plane": some_models(network, 3).tolist(),
            "places": places.tolist(),
            "scalar": scalar,
        }
        there, of_the_model = page.evaluate(PLACES, case)
        assert there == of_the_model, network
        assert len(set(there)) > 1


def test_a_fresh_model_is_pythons_to_the_last_bit(page: Page) -> None:
    for network in (network_of(5, 4), network_of(16, 16, activation="relu", classes=3), network_of(activation="gelu")):
        for seed in (0, 1, 2**53 - 1):
            for stream in (Stream.WEIGHTS, Stream.DIRECTION_A, Stream.DIRECTION_B):
                found = page.evaluate(
                    """async ({network, seed, stream}) => {
                        const {drawInitialTheta} = await import('/compute/engine/random.js');
                        return [...drawInitialTheta(network, seed, stream)];
                    }""",
                    {"network": describe_network(network), "seed": seed, "stream": int(stream)},
                )
                assert found == network.draw_initial_theta(seed, stream).tolist()


START = """async ({network, points, labels}) => {
    const {createEngine} = await import('/compute/engine/client.js');
    window.engine = createEngine();
    const sample = {points: Float32Array.from(points.flat()), labels};
    window.engine.open({network, samples: {train: sample, test: sample}, inputs: sample.points});
}"""


def test_a_surface_is_answered_coarsely_then_fully_and_equals_numpys(page: Page) -> None:
    network = network_of(16, 16)
    points, labels = data(2, 200)
    theta, plane = some_models(network, 1)[0], FreshPlane(seed=4).draw(network)
    page.evaluate(START, {"network": describe_network(network), "points": points.tolist(), "labels": labels.tolist()})
    answers = page.evaluate(
        """({theta, directions}) => new Promise((done) => {
            const seen = [];
            const pair = directions.map((d) => Float32Array.from(d));
            const request = {theta: Float32Array.from(theta), directions: pair, span: 0.37, grid: 31, sets: ['train']};
            window.engine.surface(request, (losses, final) => {
                seen.push([Math.sqrt(losses.train.length), final, [...losses.train]]);
                if (final) done(seen);
            });
        })""",
        {"theta": theta.tolist(), "directions": plane.directions.tolist()},
    )
    assert [(grid, final) for grid, final, _ in answers] == [(17, False), (31, True)]
    evaluator = Evaluator(network, points, labels, threads=1)
    for grid, _, losses in answers:
        [surface] = loss_surfaces(evaluator, plane, theta, [0.37], grid)
        np.testing.assert_allclose(np.reshape(losses, (grid, grid)), surface.loss, rtol=2e-6)


def test_the_newest_request_wins(page: Page) -> None:
    network = network_of(16, 16)
    points, labels = data(2, 500)
    page.evaluate(START, {"network": describe_network(network), "points": points.tolist(), "labels": labels.tolist()})
    page.evaluate(
        """(theta) => {
            window.answered = [];
            const vector = Float32Array.from(theta);
            for (let i = 1; i <= 30; i++) {
                const request = {theta: vector, directions: [vector, vector], span: i / 10, grid: 101, sets: ['train']};
                window.engine.surface(request, (_, final) => window.answered.push([i, final]));
            }
        }""",
        some_models(network, 1)[0].tolist(),
    )
    until(page, "() => window.answered.some(([, final]) => final)")
    assert {number for number, _ in page.evaluate("() => window.answered")} == {30}


def test_a_single_model_is_classified_as_by_numpy(page: Page) -> None:
    network = network_of(6, 5, activation="relu", classes=3)
    points, labels = data(3, 90)
    theta = some_models(network, 1)[0]
    page.evaluate(START, {"network": describe_network(network), "points": points.tolist(), "labels": labels.tolist()})
    found = page.evaluate(
        """(theta) => new Promise((done) => window.engine.model(Float32Array.from(theta), (answer) => done(
            {predicted: [...answer.predicted], confidence: [...answer.confidence], losses: answer.losses})))""",
        theta.tolist(),
    )
    evaluator = Evaluator(network, points, labels, threads=1)
    probabilities = evaluator.probabilities(theta[None])[0]
    assert found["predicted"] == probabilities.argmax(axis=0).tolist()
    np.testing.assert_allclose(found["confidence"], probabilities.max(axis=0), rtol=1e-5)
    assert found["losses"]["train"] == pytest.approx(float(evaluator.losses(theta[None])[0]), rel=2e-6)
