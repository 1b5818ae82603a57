"""Tests what the page advises when units are dead or the loss no longer falls."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from lossatlas.arrays import Float64
from lossatlas.networks import Network
from lossatlas.training import TrainingConfig
from tests.conftest import network_of, some_models
from tests.support.modules import open_modules
from tests.support.page_training import open_trainer, some_data, task, train_to_end, wait_for
from tests.support.pages import until
from tests.web.conftest import Site
from tests.web.test_engine import describe_network

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page(served: Site, browser: Browser) -> Iterator[Page]:
    yield from open_modules(browser, served.url)


def dead_in_numpy(network: Network, theta: Float64, points: Float64) -> list[int]:
    dead, given = [], points
    for weight, bias in list(zip(network.parameters[::2], network.parameters[1::2], strict=True))[:-1]:
        matrix = theta[weight.offset :][: weight.size].reshape(weight.shape)
        made = np.maximum(given @ matrix.T + theta[bias.offset :][: bias.size], 0.0)
        dead.append(int((made == 0).all(axis=0).sum()))
        given = made + given if network.has_skip(len(dead) - 1) else made
    return dead


@pytest.mark.parametrize(("hidden", "residual"), [((), False), ((9,), False), ((6, 5, 4), False), ((8, 8, 8), True)])
def test_dead_units_are_those_that_numpy_finds(page: Page, hidden: tuple[int, ...], residual: bool) -> None:
    network, points = network_of(*hidden, activation="relu", residual=residual), some_data(2).train[0]
    rng = np.random.default_rng(1)
    thetas = [theta - 3 * rng.random(theta.size) * (rng.random() < 0.8) for theta in some_models(network, 12)]
    count = """async ({network, thetas, points}) => {
        const {countDeadUnits} = await import('/compute/engine/diagnostics.js');
        return thetas.map((theta) => countDeadUnits(network, theta, points));
    }"""
    given = {"thetas": [theta.tolist() for theta in thetas], "points": points.ravel().tolist()}
    found = page.evaluate(count, {"network": describe_network(network), **given})
    assert found == [dead_in_numpy(network, theta, points) for theta in thetas]
    if hidden:
        assert 0 < np.sum(found) < 12 * sum(hidden)
        others = page.evaluate(count, {"network": {**describe_network(network), "activation": "tanh"}, **given})
        assert np.sum(others) == 0


def advice(page: Page, losses: Any, dead: list[int], sizes: list[int]) -> str | None:
    found: str | None = page.evaluate(
        "async (found) => (await import('/compute/engine/diagnostics.js')).adviceFor(found)",
        {"losses": list(losses), "classes": 2, "dead": dead, "sizes": sizes},
    )
    return found


def test_dead_units_are_reported_if_the_loss_is_not_good(page: Page) -> None:
    message = advice(page, [0.6] * 200, [1, 4], [16, 16])
    assert message is not None
    assert message.startswith("4 of 16 units of hidden layer 2 are dead")
    assert "GELU" in message
    assert advice(page, [0.3] * 200, [1, 4], [16, 16]) is None  # the loss is good
    assert advice(page, [0.6] * 199, [1, 4], [16, 16]) is None  # the loss may still be falling
    few = advice(page, [0.6] * 200, [0, 3], [16, 16])
    assert few is not None
    assert "dead" not in few


def test_an_entirely_dead_layer_is_reported_at_once(page: Page) -> None:
    message = advice(page, [0.6], [5, 0], [5, 7])
    assert message is not None
    assert message.startswith("All 5 units of hidden layer 1 are dead")
    assert advice(page, [0.3], [5, 0], [5, 7]) is None  # this network has skips


@pytest.mark.parametrize(
    ("start", "per_epoch", "epochs", "stands"),
    [
        (0.69, 1.0, 200, True),
        (0.69, 1.0, 199, False),  # there are too few epochs for a decision
        (0.69, 0.99995, 250, True),  # it falls by half a percent in 100 epochs
        (0.69, 0.9998, 250, False),  # it falls by two percent
        (0.3, 1.0, 250, False),  # the loss is good enough: less than half of log 2
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.2])
def test_a_loss_that_makes_no_progress_is_reported_with_advice(
    page: Page, start: float, per_epoch: float, epochs: int, stands: bool, noise: float
) -> None:
    falling = start * per_epoch ** np.arange(epochs)
    losses = falling * (1 + noise * (np.arange(epochs) % 5))  # minibatches sometimes make the loss jump upwards
    found = advice(page, losses.tolist(), [], [])
    if not stands:
        assert found is None
    else:
        assert found is not None
        assert f"still {losses[-100:].min():.2f}; guessing gives 0.69. Try a higher learning rate" in found


def test_advice_comes_with_the_news(page: Page) -> None:
    """With these weights every unit is dead, so nothing can be learnt any more."""
    network, dataset = network_of(6, activation="relu"), some_data(2)
    theta = np.zeros(network.parameter_count)
    theta[network.parameters[1].offset :][:6] = -1
    train_to_end(page, task(network, dataset, TrainingConfig(epochs=300, batch_size="full"), theta=theta.tolist()))
    assert "All 6 units of hidden layer 1 are dead" in page.evaluate("() => window.news.at(-1).advice")
    assert page.evaluate("() => window.news.map(({dead}) => dead)") == [[6]] * page.evaluate("() => window.news.length")
    train_to_end(page, task(network_of(6), dataset, TrainingConfig(epochs=300, learning_rate=1e-6)))
    assert "hardly fallen for 100 epochs" in page.evaluate("() => window.news.at(-1).advice")
    train_to_end(page, task(network_of(6), dataset, TrainingConfig(epochs=100, learning_rate=0.05)))
    assert page.evaluate("() => [window.news.at(-1).advice, window.news.at(-1).dead]") == [None, [0]]


# this is the plateau at which it pauses

FINDER = """async ({first, losses}) => {
    const {createPlateauFinder} = await import('/compute/engine/diagnostics.js');
    const finder = createPlateauFinder(first);
    return losses.map((loss) => finder.add(loss));
}"""


def flat_epochs(losses: Float64, first: int) -> list[int]:
    """Apply the rule of plateaus: the lowest loss fell by less than 1 % over a quarter of all epochs, at least 200."""
    found = []
    for i in range(len(losses)):
        stretch = max(200, math.ceil((first + i) / 4))
        if i < stretch:
            found.append(0)
            continue
        before, now = losses[: i - stretch + 1].min(), losses[: i + 1].min()
        found.append(stretch if before == 0 or (before - now) / before < 0.01 else 0)
    return found


@pytest.mark.parametrize("first", [0, 840, 3000])
def test_a_plateau_is_found_where_a_slow_loop_finds_it(page: Page, first: int) -> None:
    rng, epochs = np.random.default_rng(4), np.arange(1500)
    cases = {
        "never falls": np.full(1500, 0.69),
        "falls and stops": 0.1 + np.exp(-epochs / 90),
        "a power law": (1 + epochs) ** -0.5,
        "falls ever more slowly": 1 / np.log(epochs + 2),
        "minibatches": (0.2 + np.exp(-epochs / 60)) * (1 + 0.3 * rng.random(1500)),
        "a late step": np.where(epochs < 900, 0.69, 0.2),
        "reaches zero": np.maximum(0, 1 - epochs / 300),
    }
    for name, losses in cases.items():
        found = page.evaluate(FINDER, {"first": first, "losses": losses.tolist()})
        assert found == flat_epochs(losses, first), name
    never, power, zero = (flat_epochs(cases[name], 0) for name in ("never falls", "a power law", "reaches zero"))
    assert never.index(200) == 200  # this is the first epoch with 200 epochs before it
    assert not any(power)  # over a quarter of its epochs this loss always falls by more than 1 %
    assert zero.index(200) == 500  # the loss is 0 from 300 on, and a quarter of 300 is less than 200


def test_a_training_pauses_at_its_plateau_and_can_continue(page: Page) -> None:
    network, dataset = network_of(6), some_data(2)
    still = task(network, dataset, TrainingConfig(epochs=2000, learning_rate=1e-7, batch_size="full"))
    open_trainer(page, still)
    page.evaluate("() => { window.trainer.start(2000, true); }")
    wait_for(page, "paused")
    assert page.evaluate("() => window.record.epochs.at(-1)") == 200
    message = "Paused at epoch 200: the loss has hardly changed for 200 epochs. Press Continue to train further."
    assert page.evaluate("() => window.news.at(-1).message") == message
    page.evaluate("() => { window.trainer.start(2000, true); }")  # the next plateau is counted from here
    until(page, "() => window.news.at(-1).status === 'paused' && window.record.epochs.at(-1) > 200")
    assert page.evaluate("() => window.record.epochs.at(-1)") == 400
    page.evaluate("() => { window.trainer.start(900, false); }")
    wait_for(page, "finished")
    assert page.evaluate("() => [window.record.epochs.at(-1), window.news.at(-1).message]") == [900, None]
