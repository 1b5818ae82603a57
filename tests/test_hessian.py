from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.arrays import Float64, Integers
from lossatlas.derivatives import Hessians, choose_chunk, dense_hessian
from lossatlas.derivatives.hessian import hessian_products
from lossatlas.errors import LossAtlasError
from lossatlas.networks import ACTIVATIONS, ModelConfig, Network
from tests.conftest import some_models
from tests.support.oracles import torch_hessian, torch_loss_of_theta

DEPTHS = [(), (5,), (4, 4), (3, 3, 3), (4, 4, 3, 3)]
ACTIVATION_NAMES = sorted(ACTIVATIONS)


def network_of(*hidden: int, classes: int = 2, residual: bool = False, activation: str = "tanh") -> Network:
    return Network.of(ModelConfig(hidden=hidden, activation=activation, residual=residual), 2, classes)


def data(classes: int, count: int = 23) -> tuple[Float64, Integers]:
    rng = np.random.default_rng(classes)
    return rng.normal(size=(count, 2)), rng.integers(0, classes, count)


def models_of(network: Network, count: int, seed: int = 0, scale: float = 1.0) -> Float64:
    return some_models(network, count, seed, scale).astype(np.float64)


def products_of(network: Network, models: Float64, vectors: Float64, *inputs: Any) -> Float64:
    """Compute Hessian products in theta's order."""
    packed = hessian_products(network, network.pack(models), network.pack(vectors), *inputs)
    return network.unpack(packed).astype(np.float64)


def distance(ours: Float64, expected: Float64) -> float:
    """Compute the largest error, relative to the largest expected number."""
    return float(np.abs(ours - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("hidden", DEPTHS)
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_dense_and_products_are_torchs_hessian(
    activation: str, hidden: tuple[int, ...], classes: int, residual: bool
) -> None:
    network = network_of(*hidden, classes=classes, residual=residual, activation=activation)
    theta, inputs = models_of(network, 1)[0], data(classes)
    expected = torch_hessian(network, theta, *inputs)
    unit_vectors = np.eye(len(theta))
    assert distance(dense_hessian(network, theta, *inputs), expected) <= 1e-12
    assert distance(products_of(network, theta[None], unit_vectors, *inputs), expected) <= 1e-12


def test_residual_networks_have_a_hessian_of_their_own() -> None:
    plain, residual = network_of(4, 4, 4), network_of(4, 4, 4, residual=True)
    theta, inputs = models_of(plain, 1)[0], data(2)
    assert distance(dense_hessian(residual, theta, *inputs), dense_hessian(plain, theta, *inputs)) > 0.1


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "gelu", "sigmoid"])
def test_products_are_finite_differences_of_the_gradient(activation: str, residual: bool) -> None:
    network = network_of(4, 4, classes=3, activation=activation, residual=residual)
    theta, vector = models_of(network, 2)
    inputs = data(3)
    gradient = torch.func.grad(torch_loss_of_theta(network, *inputs))
    step = 1e-5 / np.linalg.norm(vector)
    ahead, behind = (gradient(torch.from_numpy(theta + side * vector)).numpy() for side in (step, -step))
    # truncation: about 1e-10 times the third derivatives; rounding: eps / step ≈ 1e-10
    ours = products_of(network, theta[None], vector[None], *inputs)[0]
    np.testing.assert_allclose(ours, (ahead - behind) / (2 * step), atol=3e-9 * float(np.linalg.norm(vector)))


@given(st.integers(0, 2**32 - 1), st.sampled_from(ACTIVATION_NAMES), st.booleans())
def test_the_hessian_is_symmetric(seed: int, activation: str, residual: bool) -> None:
    network = network_of(4, 4, classes=3, activation=activation, residual=residual)
    theta = models_of(network, 1, seed % 1000)
    u, v = np.random.default_rng(seed).normal(size=(2, network.parameter_count))
    hu, hv = products_of(network, np.repeat(theta, 2, axis=0), np.array([u, v]), *data(3))
    assert abs(u @ hv - v @ hu) <= 1e-12 * np.linalg.norm(u) * np.linalg.norm(hv)
    dense = dense_hessian(network, theta[0], *data(3))
    assert (dense == dense.T).all()


@given(st.integers(0, 2**32 - 1), st.floats(-100, 100), st.floats(-100, 100))
def test_products_are_linear(seed: int, a: float, b: float) -> None:
    network = network_of(5, 3, activation="gelu")
    theta = models_of(network, 1, seed % 1000)
    u, v = np.random.default_rng(seed).normal(size=(2, network.parameter_count))
    hu, hv, both = products_of(network, theta, np.array([u, v, a * u + b * v]), *data(2))
    np.testing.assert_allclose(both, a * hu + b * hv, atol=1e-13 * (1 + abs(a) + abs(b)) * np.abs([hu, hv]).max())


def test_a_batch_is_its_models_one_by_one_to_the_last_bit() -> None:
    network, inputs = network_of(6, 6, classes=3, residual=True), data(3, 300)
    models, vectors = models_of(network, 40), models_of(network, 40, seed=99)
    assert choose_chunk(network, 300) < 40, "the test needs several chunks"
    together = products_of(network, models, vectors, *inputs)
    for theta, vector, product in zip(models, vectors, together, strict=True):
        assert (products_of(network, theta[None], vector[None], *inputs)[0] == product).all()
    shared = products_of(network, models[:1], vectors, *inputs)
    assert (shared == products_of(network, np.repeat(models[:1], 40, axis=0), vectors, *inputs)).all()


def test_selected_hessians_are_those_of_their_models() -> None:
    network, inputs = network_of(4, 4, residual=True), data(2)
    models, vectors = models_of(network, 3), models_of(network, 3, seed=9)
    hessians = Hessians(network, network.pack(models), *inputs)
    chosen = np.array([True, False, True])
    expected = hessians.products(vectors)[chosen]
    assert (hessians.select(chosen).products(vectors[chosen]) == expected).all()


def test_float32_stays_float32_and_agrees_to_its_precision() -> None:
    network, inputs = network_of(6, 5), data(2)
    packed, vectors = network.pack(models_of(network, 3)), network.pack(models_of(network, 3, seed=9))
    double = hessian_products(network, packed, vectors, *inputs)
    single = hessian_products(network, packed.astype(np.float32), vectors, *inputs)
    assert (single.dtype.name, double.dtype.name) == ("float32", "float64")
    np.testing.assert_allclose(single, double, atol=100 * np.finfo(np.float32).eps * np.abs(double).max())


def test_arguments_are_not_changed() -> None:
    network, (points, labels) = network_of(4, 4, residual=True), data(2)
    packed, vectors = network.pack(models_of(network, 2)), network.pack(models_of(network, 2, seed=9))
    before = [array.copy() for array in (packed, vectors, points, labels)]
    hessian_products(network, packed, vectors, points, labels)
    dense_hessian(network, packed[0], points, labels)
    for array, copy in zip((packed, vectors, points, labels), before, strict=True):
        assert (array == copy).all()


def test_memory_does_not_grow_with_the_number_of_vectors() -> None:
    network, inputs = network_of(16, 16), data(2, 256)
    theta = models_of(network, 1)

    def beyond_the_result(vectors: int) -> int:
        v = np.ones((vectors, network.parameter_count))
        tracemalloc.start()
        hessian_products(network, theta, v, *inputs)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - v.nbytes

    assert beyond_the_result(400) <= beyond_the_result(20) + 100_000


@pytest.mark.parametrize(
    ("place", "value", "activation"),
    [(0, np.nan, "tanh"), (8, np.inf, "tanh"), (slice(None), 1e300, "linear")],
    ids=["no number", "an infinite bias, whose unit saturates", "an overflow"],
)
def test_a_model_that_is_not_finite_or_overflows_gives_no_number(place: Any, value: float, activation: str) -> None:
    network, inputs = network_of(4, 3, activation=activation), data(2)
    models = models_of(network, 2)
    models[0, place] = value
    products = products_of(network, models, np.ones_like(models), *inputs)
    assert not np.isfinite(products[0]).any()
    assert np.isfinite(products[1]).all()
    assert not np.isfinite(dense_hessian(network, models[0], *inputs)).any()


def test_confident_logits_give_finite_products() -> None:
    network, inputs = network_of(classes=3), data(3)
    models = models_of(network, 1, scale=1e5)
    expected = torch_hessian(network, models[0], *inputs)
    np.testing.assert_allclose(dense_hessian(network, models[0], *inputs), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("models", "vectors", "size"), [(2, 3, 12), (3, 2, 12), (1, 2, 11)])
def test_models_and_vectors_of_wrong_sizes_are_refused(models: int, vectors: int, size: int) -> None:
    network = network_of(2)
    with pytest.raises(LossAtlasError, match="do not fit"):
        hessian_products(network, np.ones((models, 12)), np.ones((vectors, size)), *data(2))
