"""Training in the page against training in Python: the same thetas, the same endings, and nothing after a stop."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from lossatlas.activations import ACTIVATIONS
from lossatlas.arrays import Float64
from lossatlas.datasets import Dataset, DatasetConfig, load_dataset
from lossatlas.network import Network
from lossatlas.optimizers import OPTIMIZERS
from lossatlas.rng import Draws, Stream
from lossatlas.training import METRICS, Snapshot, Training, TrainingConfig, train
from tests.conftest import network_of, some_models
from tests.oracles import torch_gradient, torch_loss
from tests.web.conftest import Site, until, watched
from tests.web.test_engine import told

pytestmark = pytest.mark.browser

#: Two float64 computations that add in another order: what 30 epochs make of the difference, relative to the largest number.
TOLERANCE = 1e-9

SHAPES = [((), False), ((5,), False), ((4, 4), True), ((6, 5, 4), False), ((4, 4, 4), True)]


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    for seen in watched(browser):
        yield seen.open(served.url)


def some_data(classes: int, points: int = 60) -> Dataset:
    """An odd number of training points, so that the last batch of 32 is a small one."""
    name = {2: "moons", 3: "arms"}[classes]
    return load_dataset(DatasetConfig(name=name, points=points, test_fraction=0.25, seed=2))


def sample(points: Float64, labels: Any) -> dict[str, Any]:
    return {"points": points.ravel().tolist(), "labels": labels.tolist()}


def task(network: Network, dataset: Dataset, config: TrainingConfig, **more: Any) -> dict[str, Any]:
    """What the page is told of a training."""
    samples = {"train": sample(*dataset.train), "test": sample(*dataset.test)}
    return {"network": told(network), "config": config.model_dump(), "samples": samples, **more}


TRAIN = """async (tasks) => {
    const {createTraining} = await import('/engine/training.js');
    return tasks.map(({network, config, samples, theta}) => {
        const training = createTraining({network, config, theta, ...samples.train});
        const thetas = [[...training.theta]];
        while (!training.finished) {
            training.step();
            thetas.push([...training.theta]);
        }
        return thetas;
    });
}"""


def python_thetas(network: Network, dataset: Dataset, config: TrainingConfig) -> Float64:
    """Theta ``[epoch, P]`` in float64, from the untrained one on."""
    return np.array([network.unpacked(theta.copy()) for _, theta in Training(network, dataset, config)._thetas()])


def assert_same_thetas(page: Page, cases: list[tuple[Network, Dataset, TrainingConfig]]) -> None:
    found = page.evaluate(TRAIN, [task(*case) for case in cases])
    for case, thetas in zip(cases, found, strict=True):
        expected = python_thetas(*case)
        assert np.shape(thetas) == expected.shape
        assert thetas[0] == expected[0].tolist()
        assert np.abs(thetas - expected).max() <= TOLERANCE * np.abs(expected).max(), case


# the gradient -----------------------------------------------------------------------------------------------------

GRADIENTS = """async (cases) => {
    const {createGradient} = await import('/engine/gradient.js');
    return cases.map(({network, theta, points, labels, order, start, count}) => {
        const {at, gradient} = createGradient(network, Float64Array.from(theta), points, labels, order.length);
        at(order, 0, order.length);  // what an earlier batch left must not matter
        const loss = at(order, start, count);
        return [loss, [...gradient]];
    });
}"""


def test_loss_and_gradient_are_torchs_autograd(page: Page) -> None:
    rng = np.random.default_rng(8)
    cases, expected = [], []
    for activation in ACTIVATIONS:
        for hidden, residual in SHAPES:
            for classes in (2, 3, 5):
                network = network_of(*hidden, activation=activation, residual=residual, classes=classes)
                theta = some_models(network, 1)[0].astype(np.float64)
                points, labels = rng.normal(size=(23, 2)), rng.integers(0, classes, 23)
                order, start, count = rng.permutation(23), int(rng.integers(5)), int(rng.integers(1, 18))
                batch = order[start : start + count]
                numbers = {"theta": theta.tolist(), "order": order.tolist(), "start": start, "count": count}
                cases.append({"network": told(network), **sample(points, labels), **numbers})
                loss = torch_loss(network, theta, points[batch], labels[batch])
                expected.append((loss, torch_gradient(network, theta, points[batch], labels[batch])))
    for case, (loss, gradient), (right_loss, right) in zip(
        cases, page.evaluate(GRADIENTS, cases), expected, strict=True
    ):
        assert loss == pytest.approx(right_loss, rel=1e-12), case
        assert np.abs(gradient - right).max() <= 1e-12 * np.abs(right).max(), case


def test_a_loss_near_zero_keeps_its_digits(page: Page) -> None:
    """Logistic regression that is sure of itself: -log p = log(1 + e⁻ᵐ), m being the margin."""
    network, margin = network_of(), 45.0
    theta = [0.0, 0.0, 0.0, 0.0, margin, 0.0]
    case = {"network": told(network), "theta": theta, "points": [0.3, 0.1], "labels": [0], "order": [0]}
    [[loss, _]] = page.evaluate(GRADIENTS, [{**case, "start": 0, "count": 1}])
    assert loss == pytest.approx(math.log1p(math.exp(-margin)), rel=1e-12)


# whole trainings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [32, "full"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_thirty_epochs_end_where_pythons_do(page: Page, optimizer: str, batch_size: int | Literal["full"]) -> None:
    cases = []
    for number, (activation, (hidden, residual)) in enumerate((a, s) for a in ACTIVATIONS for s in SHAPES):
        dataset = some_data(2 + number % 2)
        network = network_of(*hidden, activation=activation, residual=residual, classes=dataset.class_count)
        config = TrainingConfig(
            optimizer=optimizer, batch_size=batch_size, epochs=30, learning_rate=0.01, weight_decay=0.02, seed=number
        )
        cases.append((network, dataset, config))
    assert_same_thetas(page, cases)
