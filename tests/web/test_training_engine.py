"""Compares training in the page with training in Python: gradients, parameters and random numbers are the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from lossatlas.datasets import Dataset
from lossatlas.networks import ACTIVATIONS, Network
from lossatlas.rng import Draws, Stream
from lossatlas.training import OPTIMIZERS, TrainingConfig
from tests.conftest import network_of, some_models
from tests.support.modules import open_modules
from tests.support.oracles import torch_gradient, torch_loss
from tests.support.page_training import TRAIN, python_thetas, sample, some_data, task
from tests.web.conftest import Site
from tests.web.test_engine import describe_network

pytestmark = pytest.mark.browser


#: The tolerance after 30 epochs, relative to the largest number. Sums in another order made a difference of 3e-14.
TOLERANCE = 1e-11


SHAPES = [((), False), ((5,), False), ((4, 4), True), ((6, 5, 4), False), ((4, 4, 4), True)]


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    yield from open_modules(browser, served.url)


def assert_same_thetas(page: Page, cases: list[tuple[Network, Dataset, TrainingConfig]]) -> None:
    found = page.evaluate(TRAIN, [task(*case) for case in cases])
    for case, thetas in zip(cases, found, strict=True):
        expected = python_thetas(*case)
        assert np.shape(thetas) == expected.shape
        assert thetas[0] == expected[0].tolist()
        assert np.abs(thetas - expected).max() <= TOLERANCE * np.abs(expected).max(), case


# the gradient -----------------------------------------------------------------------------------------------------

GRADIENTS = """async (cases) => {
    const {createGradient} = await import('/compute/engine/gradient.js');
    return cases.map(({network, theta, points, labels, order, start, count}) => {
        const {computeAt, gradient} = createGradient(network, Float64Array.from(theta), points, labels);
        computeAt(order, 0, order.length);  // leaves the results of another batch behind, which must not matter
        const loss = computeAt(order, start, count);
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
                cases.append({"network": describe_network(network), **sample(points, labels), **numbers})
                loss = torch_loss(network, theta, points[batch], labels[batch])
                expected.append((loss, torch_gradient(network, theta, points[batch], labels[batch])))
    for case, (loss, gradient), (right_loss, right) in zip(
        cases, page.evaluate(GRADIENTS, cases), expected, strict=True
    ):
        assert loss == pytest.approx(right_loss, rel=1e-12), case
        assert np.abs(gradient - right).max() <= 1e-12 * np.abs(right).max(), case


def test_many_points_are_added_up_in_pieces_to_the_same_gradient(page: Page) -> None:
    network, rng = network_of(6, 5, classes=3), np.random.default_rng(4)
    theta = some_models(network, 1)[0].astype(np.float64)
    points, labels = rng.normal(size=(700, 2)), rng.integers(0, 3, 700)
    numbers = {"theta": theta.tolist(), "order": list(range(700)), "start": 3, "count": 690}
    [[loss, gradient]] = page.evaluate(
        GRADIENTS, [{"network": describe_network(network), **sample(points, labels), **numbers}]
    )
    right = torch_gradient(network, theta, points[3:693], labels[3:693])
    assert loss == pytest.approx(torch_loss(network, theta, points[3:693], labels[3:693]), rel=1e-12)
    assert np.abs(gradient - right).max() <= 1e-12 * np.abs(right).max()


def test_a_loss_near_zero_keeps_its_digits(page: Page) -> None:
    """The model is a logistic regression with very certain predictions: -log p = log(1 + e⁻ᵐ) for the margin m."""
    network, margin = network_of(), 45.0
    theta = [0.0, 0.0, 0.0, 0.0, margin, 0.0]
    case = {"network": describe_network(network), "theta": theta, "points": [0.3, 0.1], "labels": [0], "order": [0]}
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


@pytest.mark.parametrize("batch_size", [7, 45, 1000])
def test_the_size_of_a_batch_may_be_anything(page: Page, batch_size: int) -> None:
    config = TrainingConfig(batch_size=batch_size, epochs=30, seed=2**53 - 1)
    assert_same_thetas(page, [(network_of(5, 4), some_data(2), config)])


def test_a_training_from_any_theta_is_torchs_gradient_descent(page: Page) -> None:
    network, dataset = network_of(5, 4), some_data(2)
    theta = some_models(network, 1)[0].astype(np.float64)
    config = TrainingConfig(optimizer="sgd", batch_size="full", epochs=5, learning_rate=0.3)
    [found] = page.evaluate(TRAIN, [task(network, dataset, config, theta=theta.tolist())])
    for epoch in range(6):
        assert np.abs(found[epoch] - theta).max() <= 1e-12
        theta = theta - 0.3 * torch_gradient(network, theta, *dataset.train)


@pytest.mark.parametrize("batch_size", [7, "full"])
def test_a_training_continued_from_its_state_ends_with_the_same_bits(
    page: Page, batch_size: int | Literal["full"]
) -> None:
    network, dataset = network_of(5, 4), some_data(2)
    tasks = [
        task(network, dataset, TrainingConfig(optimizer=name, batch_size=batch_size, epochs=11, weight_decay=0.01))
        for name in OPTIMIZERS
    ]
    found = page.evaluate(
        """async (tasks) => {
            const {createTraining} = await import('/compute/engine/training.js');
            return tasks.map(({network, config, samples}) => {
                const whole = createTraining({network, config, ...samples.train});
                for (let i = 0; i < 5; i++) whole.step();
                const state = whole.state();
                while (!whole.isFinished) whole.step();
                const parts = [1, 2].map(() => {  // twice, since a state stays usable
                    const part = createTraining({network, config, state, ...samples.train});
                    const start = part.epoch;
                    while (!part.isFinished) part.step();
                    return [start, part.epoch, [...part.theta]];
                });
                return {whole: [...whole.theta], parts};
            });
        }""",
        tasks,
    )
    for each in found:
        assert each["parts"] == [[5, 11, each["whole"]]] * 2


def test_a_theta_of_another_network_is_refused(page: Page) -> None:
    refused = """async (task) => {
        const {createTraining} = await import('/compute/engine/training.js');
        try { createTraining({...task, ...task.samples.train}); } catch (error) { return error.message; }
    }"""
    wrong = task(network_of(3), some_data(2), TrainingConfig(), theta=[0.0, 1.0])
    assert page.evaluate(refused, wrong) == "theta has 2 numbers, and the network 17"


# random numbers ---------------------------------------------------------------------------------------------------


def test_doubles_and_orders_are_pythons(page: Page) -> None:
    cases = [
        (seed, int(stream), skip) for seed in (0, 5, 2**32, 2**53 - 1) for stream in Stream for skip in (0, 6, 999)
    ]
    found = page.evaluate(
        """async (cases) => {
            const {createDraws} = await import('/compute/engine/philox.js');
            return cases.map(([seed, stream, skip]) => {
                const draws = createDraws(seed, stream);
                draws.skip(skip);
                const doubles = Array.from({length: 7}, draws.next);
                const orders = [1, 2, 77, 300].map((count) => {
                    const order = new Int32Array(count);
                    draws.permute(order);
                    return [...order];
                });
                return {doubles, orders};
            });
        }""",
        cases,
    )
    for (seed, stream, skip), each in zip(cases, found, strict=True):
        draws = Draws(seed, Stream(stream))
        draws.skip(skip)
        assert each["doubles"] == draws.uniform(7).tolist()
        assert each["orders"] == [draws.permutation(count).tolist() for count in (1, 2, 77, 300)]
