from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime  # type: ignore[import-untyped]

from lossatlas.arrays import Float64, Integers
from lossatlas.derivatives import gradients
from lossatlas.networks import ACTIVATIONS, Network
from tests.conftest import network_of, some_models
from tests.support.oracles import torch_gradient, torch_loss

#: Hidden layers, and whether the network is residual: all, some, only the last, or none of the layers have skips.
MODELS: list[tuple[tuple[int, ...], bool]] = [
    *((hidden, False) for hidden in [(), (3,), (6, 4), (5, 4, 3), (4, 4, 4, 4)]),
    *((hidden, True) for hidden in [(), (3,), (6, 4), (5, 5), (4, 4, 4, 4), (3, 3, 5, 5, 2), (6, 4, 4)]),
]


def data(classes: int, count: int = 23) -> tuple[Float64, Integers]:
    rng = np.random.default_rng(classes)
    return rng.normal(size=(count, 2)), rng.integers(0, classes, count)


def gradient_of(network: Network, models: Float64, points: Float64, labels: Integers) -> Float64:
    return network.unpack(gradients(network, network.pack(models), points, labels)).astype(np.float64)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize(("hidden", "residual"), MODELS)
def test_gradients_are_torchs_autograd(hidden: tuple[int, ...], residual: bool, classes: int, activation: str) -> None:
    network = network_of(*hidden, activation=activation, residual=residual, classes=classes)
    models = some_models(network, 2).astype(np.float64)
    points, labels = data(classes)
    expected = np.array([torch_gradient(network, theta, points, labels) for theta in models])
    ours = gradient_of(network, models, points, labels)
    assert np.abs(ours - expected).max() <= 1e-10 * np.abs(expected).max()


@pytest.mark.parametrize(("hidden", "residual"), [((4, 3), False), ((4, 4, 4), True)])
@pytest.mark.parametrize("activation", ["tanh", "gelu"])
def test_gradients_are_finite_differences_of_the_loss(activation: str, hidden: tuple[int, ...], residual: bool) -> None:
    network = network_of(*hidden, activation=activation, residual=residual, classes=3)
    theta = some_models(network, 1).astype(np.float64)[0]
    points, labels = data(3)
    step = 1e-6
    ahead = approx_fprime(theta, lambda t: torch_loss(network, t, points, labels), step)
    behind = approx_fprime(theta, lambda t: torch_loss(network, t, points, labels), -step)
    # the errors of central differences: truncation ~step² = 1e-12, rounding eps / step ≈ 2e-10
    np.testing.assert_allclose(gradient_of(network, theta[None], points, labels)[0], (ahead + behind) / 2, atol=2e-9)


@pytest.mark.parametrize("residual", [False, True])
def test_a_batch_of_models_is_the_models_one_by_one(residual: bool) -> None:
    network = network_of(6, 6, 5, residual=residual, classes=3)
    models = some_models(network, 7).astype(np.float64)
    points, labels = data(3)
    together = gradient_of(network, models, points, labels)
    for theta, gradient in zip(models, together, strict=True):
        assert (gradient_of(network, theta[None], points, labels)[0] == gradient).all()


def test_float32_stays_float32_and_agrees_to_its_precision() -> None:
    network = network_of(6, 5)
    models = some_models(network, 3)
    points, labels = data(2)
    single = gradients(network, network.pack(models), points, labels)
    double = gradients(network, network.pack(models.astype(np.float64)), points, labels)
    assert (single.dtype.name, double.dtype.name) == ("float32", "float64")
    np.testing.assert_allclose(single, double, atol=50 * np.finfo(np.float32).eps * np.abs(double).max())


def test_arguments_are_not_changed() -> None:
    network = network_of(4)
    packed = network.pack(some_models(network, 2).astype(np.float64))
    points, labels = data(2)
    before = packed.copy(), points.copy(), labels.copy()
    gradients(network, packed, points, labels)
    for array, copy in zip((packed, points, labels), before, strict=True):
        assert (array == copy).all()


def test_confident_logits_give_finite_gradients() -> None:
    network = network_of(classes=3)
    models = some_models(network, 1, scale=1e5).astype(np.float64)
    points, labels = data(3)
    ours = gradient_of(network, models, points, labels)
    np.testing.assert_allclose(ours[0], torch_gradient(network, models[0], points, labels), rtol=1e-9, atol=1e-12)
