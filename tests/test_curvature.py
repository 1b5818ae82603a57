from __future__ import annotations

import tracemalloc
from functools import cache
from typing import Any, Literal

import numpy as np
import pytest

from lossatlas.arrays import Float64, Floats, Integers
from lossatlas.curvature import (
    adaptive_sharpness,
    curvature_of,
    estimate_trace,
    extreme_eigenpairs,
    extreme_eigenvalues,
    hessian_operator,
    hessian_trace,
    summary,
)
from lossatlas.curvature.eigenvalues import DENSE_LIMIT
from lossatlas.datasets import DatasetConfig, load_dataset
from lossatlas.derivatives import dense_hessian
from lossatlas.errors import LossAtlasError
from lossatlas.networks import ACTIVATIONS, ModelConfig, Network
from lossatlas.training import TrainingConfig, train
from tests.conftest import some_models
from tests.support.oracles import torch_hessian, torch_loss

CASES = [((), 3, False), ((4,), 2, False), ((4, 4), 3, True), ((3, 3, 3), 2, True), ((4, 4, 3, 3), 2, False)]


def network_of(*hidden: int, classes: int = 2, residual: bool = False, activation: str = "tanh") -> Network:
    return Network.of(ModelConfig(hidden=hidden, activation=activation, residual=residual), 2, classes)


def data(classes: int = 2, count: int = 37) -> tuple[Float64, Integers]:
    rng = np.random.default_rng(classes)
    return rng.normal(size=(count, 2)), rng.integers(0, classes, count)


def models_of(network: Network, count: int, seed: int = 0) -> Float64:
    return some_models(network, count, seed).astype(np.float64)


@cache
def train_default() -> tuple[Network, Float64, Float64, Integers]:
    """Train the default network of 354 parameters on moons; return ``(network, theta, points, labels)``."""
    dataset = load_dataset(DatasetConfig(name="moons", points=160))
    network = network_of(16, 16)
    thetas = train(network, dataset, TrainingConfig(epochs=100, frames=2)).weights
    return network, thetas[-1].astype(np.float64), *dataset.train


@cache
def large() -> tuple[Network, Float64, Float64]:
    """Make a network that is too large for dense matrices, a model of it, and its Hessian."""
    network = network_of(31, 31)
    assert network.parameter_count > DENSE_LIMIT
    theta = models_of(network, 1)[0]
    return network, theta, dense_hessian(network, theta, *data())


@cache
def spectrum_of_large() -> Floats:
    """Return all eigenvalues of the large network, the largest first."""
    return np.linalg.eigvalsh(large()[2])[::-1]


# eigenvalues ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hidden", "classes", "residual"), CASES)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_curvature_is_that_of_torchs_hessian(
    activation: str, hidden: tuple[int, ...], classes: int, residual: bool
) -> None:
    network = network_of(*hidden, classes=classes, residual=residual, activation=activation)
    theta, inputs = models_of(network, 1)[0], data(classes)
    hessian = torch_hessian(network, theta, *inputs)
    exact = np.linalg.eigvalsh(hessian)
    scale = np.abs(exact).max()
    adaptive = np.linalg.eigvalsh(np.abs(theta)[:, None] * hessian * np.abs(theta))[-1]
    whole, ends = (curvature_of(network, theta, *inputs, spectrum=spectrum) for spectrum in (True, False))
    assert whole.spectrum is not None
    np.testing.assert_allclose(whole.spectrum, exact, atol=1e-12 * scale)
    assert whole.negative_count == (exact < -1e-10 * scale).sum()
    assert (ends.spectrum, ends.negative_count) == (None, None)
    for found in (whole, ends):
        np.testing.assert_allclose([found.smallest, found.largest], exact[[0, -1]], atol=1e-12 * scale)
        assert found.trace == pytest.approx(np.trace(hessian), rel=1e-11, abs=1e-12 * scale)
        assert found.trace_error is None
        assert found.adaptive_sharpness == pytest.approx(adaptive, rel=1e-11)
        assert found.mean == pytest.approx(exact.mean(), rel=1e-10, abs=1e-12 * scale)
        assert found.non_convexity == pytest.approx(abs(exact[0] / exact[-1]), abs=1e-11)


@pytest.mark.parametrize("hidden", [(), (5,), (16, 16), (9, 9, 9)])
def test_extremes_of_many_models_are_those_of_each_matrix(hidden: tuple[int, ...]) -> None:
    network = network_of(*hidden, residual=True)
    models = np.concatenate(
        [models_of(network, 9), 10 * models_of(network, 3, seed=50), np.zeros((1, len(models_of(network, 1)[0])))]
    )
    exact = np.array([np.linalg.eigvalsh(torch_hessian(network, theta, *data()))[[0, -1]] for theta in models]).T
    scale = np.abs(exact).max(axis=0)
    # The error of an eigenvalue is about the square of the residual.
    for tolerance, error in (
        (1e-3, 1e-3),
        (1e-6, 1e-9),
    ):
        found = np.array(extreme_eigenvalues(network, models, *data(), tolerance=tolerance))
        assert (np.abs(found - exact) <= error * scale).all()


def test_extremes_of_a_trained_model_whose_negative_end_is_near_zero() -> None:
    network, theta, points, labels = train_default()
    exact = np.linalg.eigvalsh(torch_hessian(network, theta, points, labels))
    assert 0 < -exact[0] < 0.02 * exact[-1]
    [smallest], [largest] = extreme_eigenvalues(network, theta[None].astype(np.float32), points, labels)
    assert smallest == pytest.approx(exact[0], rel=1e-6)
    assert largest == pytest.approx(exact[-1], rel=1e-9)


def test_the_others_in_a_batch_do_not_change_a_bit() -> None:
    network = network_of(12, 12)
    models = models_of(network, 21)
    together = np.array(extreme_eigenvalues(network, models, *data()))
    for model in range(0, 21, 3):
        assert (np.array(extreme_eigenvalues(network, models[[model]], *data()))[:, 0] == together[:, model]).all()
    assert (np.array(extreme_eigenvalues(network, models[::-1], *data())) == together[:, ::-1]).all()


def test_memory_does_not_grow_with_the_number_of_models() -> None:
    network, inputs = network_of(8, 8), data(count=200)

    def peak(repeats: int) -> int:
        models = np.repeat(models_of(network, 1), 32 * repeats, axis=0)  # all models take equally many steps
        tracemalloc.start()
        extreme_eigenvalues(network, models, *inputs, tolerance=1e-2)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(4) <= peak(1) + 10_000


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_model_that_is_not_finite_has_no_curvature_and_leaves_the_others_alone(value: float) -> None:
    network = network_of(4, 3, activation="gelu")
    models = models_of(network, 3)
    alone = np.array(extreme_eigenvalues(network, models[[0, 2]], *data()))
    models[1] = value
    found = np.array(extreme_eigenvalues(network, models, *data()))
    assert np.isnan(found[:, 1]).all()
    assert (found[:, [0, 2]] == alone).all()
    for spectrum in (True, False):
        curvature = curvature_of(network, models[1], *data(), spectrum=spectrum)
        numbers = (curvature.largest, curvature.smallest, curvature.trace, curvature.adaptive_sharpness)
        assert np.isnan([*numbers, curvature.mean, curvature.non_convexity]).all()
        assert (curvature.spectrum, curvature.negative_count, curvature.trace_error) == (None, None, None)
    assert np.isnan(adaptive_sharpness(network, models[1], *data()))
    with pytest.raises(LossAtlasError, match="not finite here"):
        extreme_eigenpairs(network, models[1], *data())


@pytest.mark.parametrize(("shape", "tolerance"), [((3, 7), 1e-6), ((0, 27), 1e-6), ((27,), 1e-6), ((1, 27), 1e-12)])
def test_models_that_do_not_fit_are_refused(shape: tuple[int, ...], tolerance: float) -> None:
    with pytest.raises(LossAtlasError, match=r"models of this network are \[B ≥ 1, 27\]|tolerance 1e-12"):
        extreme_eigenvalues(network_of(5), np.ones(shape), *data(), tolerance=tolerance)


def test_power_iteration_that_stops_after_one_step__the_largest_eigenpair_is_exact() -> None:
    network, theta, points, labels = train_default()
    hessian = torch_hessian(network, theta, points, labels)
    values, vectors = extreme_eigenpairs(network, theta, points, labels, count=1)
    assert values[0] == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-10)
    assert np.linalg.norm(hessian @ vectors[0] - values[0] * vectors[0]) <= 1e-9 * values[0]


# eigenvectors -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["largest", "both"])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_eigenvectors_renormalised__they_are_orthonormal_and_only_stretched(
    count: int, which: Literal["largest", "both"]
) -> None:
    """They have length 1 in theta's space, are orthogonal, and are only stretched by H, for both methods."""
    network, theta, hessian = large()
    small, start = network_of(6, 6), models_of(network_of(6, 6), 1)[0]
    for case, model, matrix in ((network, theta, hessian), (small, start, torch_hessian(small, start, *data()))):
        values, vectors = extreme_eigenpairs(case, model, *data(), count=count, which=which)
        exact = spectrum_of_large() if case is network else np.linalg.eigvalsh(matrix)[::-1]
        scale = np.abs(exact).max()
        high = count if which == "largest" else -(-count // 2)
        np.testing.assert_allclose(values, [*exact[:high], *exact[len(exact) - count + high :]], atol=1e-9 * scale)
        assert vectors.shape == (count, case.parameter_count)
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(count), atol=1e-8)
        np.testing.assert_allclose(vectors @ matrix, values[:, None] * vectors, atol=1e-8 * scale)
        assert (vectors.max(axis=1) == np.abs(vectors).max(axis=1)).all()
        if count == 2:
            again = extreme_eigenpairs(case, model, *data(), count=count, which=which)
            assert (again[0] == values).all()
            assert (again[1] == vectors).all()


def test_all_eigenvectors_can_be_had_and_no_more() -> None:
    network = network_of(classes=3)
    theta = models_of(network, 1)[0]
    values, vectors = extreme_eigenpairs(network, theta, *data(3), count=9, which="both")
    np.testing.assert_allclose(vectors.T * values @ vectors, torch_hessian(network, theta, *data(3)), atol=1e-13)
    for count in (0, 10):
        with pytest.raises(LossAtlasError, match=f"{count} eigenvectors .* take 1 to 9"):
            extreme_eigenpairs(network, theta, *data(3), count=count)


def test_a_hessian_that_is_zero_has_no_directions() -> None:
    network, points = network_of(31, 31, activation="relu"), np.zeros((4, 2))
    theta = np.zeros(network.parameter_count)
    # The logits depend only on the last biases, and are so large that every softmax is saturated.
    theta[-2:] = (
        1e3,
        -1e3,
    )
    assert curvature_of(network, theta, points, np.zeros(4, np.int64)).largest == 0
    with pytest.raises(LossAtlasError, match="zero here"):
        extreme_eigenpairs(network, theta, points, np.zeros(4, np.int64))


def test_the_operator_is_the_matrix() -> None:
    network = network_of(5, 5, residual=True)
    theta = models_of(network, 1)[0]
    operator, matrix = hessian_operator(network, theta, *data()), torch_hessian(network, theta, *data())
    assert (operator.shape, operator.dtype) == (matrix.shape, np.float64)
    vectors = np.random.default_rng(0).normal(size=(len(theta), 30))
    atol = 1e-12 * np.abs(matrix).max()
    np.testing.assert_allclose(operator @ vectors, matrix @ vectors, atol=atol)
    np.testing.assert_allclose(operator @ vectors[:, 0], matrix @ vectors[:, 0], atol=atol)
    np.testing.assert_allclose(operator @ vectors[:, :1], matrix @ vectors[:, :1], atol=atol)
    np.testing.assert_allclose(operator.H @ vectors, matrix @ vectors, atol=atol)


# trace ------------------------------------------------------------------------------------------------------------


def test_hutchinsons_trace_is_within_its_error_and_the_error_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    network, theta, hessian = large()
    exact, none = hessian_trace(network, theta, *data())
    assert none is None
    assert exact == pytest.approx(np.trace(hessian), rel=1e-12)
    monkeypatch.setattr(summary, "EXACT_TRACE_UNITS", 0)
    trace, error = hessian_trace(network, theta, *data(), probes=200)
    assert error is not None
    # Var(vᵀHv) = 2 Σ_{i≠j} H_ij² for random signs (Avron and Toledo 2011); the error of its estimate is ~10 %
    expected = np.sqrt(2 * ((hessian**2).sum() - (np.diag(hessian) ** 2).sum()) / 200)
    assert error == pytest.approx(expected, rel=0.4)
    assert 0 < abs(trace - exact) < 4 * error
    assert hessian_trace(network, theta, *data(), probes=200) == (trace, error)
    curvature = curvature_of(network, theta, *data(), spectrum=False)
    assert curvature.trace_error is not None
    assert abs(curvature.trace - exact) < 4 * curvature.trace_error


def test_random_directions_show_the_trace_over_p_and_no_extreme_eigenvalue() -> None:
    network, theta, points, labels = train_default()
    curvature = curvature_of(network, theta, points, labels)
    assert curvature.negative_count is not None
    assert curvature.negative_count > 50
    directions = np.random.default_rng(0).normal(size=(2000, len(theta)))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    seen = np.einsum("dp,dp->d", directions @ torch_hessian(network, theta, points, labels), directions)
    assert seen.mean() == pytest.approx(curvature.mean, abs=4 * seen.std() / np.sqrt(2000))
    assert seen.max() < curvature.largest / 10
    assert (seen < 0).mean() < 0.005, (
        "a fifth of the eigenvalues are negative, but hardly any random direction shows it"
    )


# sharpness --------------------------------------------------------------------------------------------------------


def rescale(network: Network, theta: Float64, factor: float) -> Float64:
    """Multiply a layer of a ReLU network by a factor and divide the next weights by it, which keeps its function."""
    result = theta.copy()
    for name, by in (("layers.0.weight", factor), ("layers.0.bias", factor), ("layers.1.weight", 1 / factor)):
        [parameter] = [parameter for parameter in network.parameters if parameter.name == name]
        result[parameter.offset : parameter.offset + parameter.size] *= by
    return result


@pytest.mark.parametrize("hidden", [(8, 8), (31, 31)], ids=["dense", "Lanczos"])
@pytest.mark.parametrize("factor", [0.1, 10.0])
def test_rescaling_changes_sharpness_and_not_adaptive_sharpness(factor: float, hidden: tuple[int, ...]) -> None:
    """This is the argument of Dinh et al. (2017), and the answer of Kwon et al. (2021)."""
    network, (points, labels) = network_of(*hidden, activation="relu"), data()
    theta = models_of(network, 1)[0]
    other = rescale(network, theta, factor)
    assert torch_loss(network, other, points, labels) == pytest.approx(torch_loss(network, theta, points, labels))
    before, after = (curvature_of(network, model, points, labels) for model in (theta, other))
    assert after.largest > 5 * before.largest
    assert after.adaptive_sharpness == pytest.approx(before.adaptive_sharpness, rel=1e-9)
    assert adaptive_sharpness(network, other, points, labels) == pytest.approx(after.adaptive_sharpness, rel=1e-12)


# limits -----------------------------------------------------------------------------------------------------------


def test_a_spectrum_is_computed_if_it_is_requested_or_small() -> None:
    network, theta, hessian = large()
    assert curvature_of(network, theta, *data()).spectrum is None
    spectrum = curvature_of(network, theta, *data(), spectrum=True).spectrum
    assert spectrum is not None
    np.testing.assert_allclose(spectrum, np.linalg.eigvalsh(hessian), atol=1e-12)
    huge = network_of(80, 80)
    with pytest.raises(LossAtlasError, match="the limit is 5000"):
        curvature_of(huge, np.zeros(huge.parameter_count), *data(), spectrum=True)


def test_float32_parameters_are_taken_as_they_are_and_nothing_is_changed() -> None:
    network, (points, labels) = network_of(4, 4), data()
    theta: Floats = some_models(network, 1)[0]
    before = theta.copy(), points.copy(), labels.copy()
    single, double = (curvature_of(network, model, points, labels) for model in (theta, theta.astype(np.float64)))
    assert (single.largest, single.trace) == (double.largest, double.trace)
    extreme_eigenvalues(network, theta[None], points, labels)
    extreme_eigenpairs(network, theta, points, labels)
    for array, copy in zip((theta, points, labels), before, strict=True):
        assert (array == copy).all()


def test_a_smallest_eigenvalue_of_zero_is_zero_and_not_negative_by_both_methods() -> None:
    """Without a hidden layer the loss is convex, and equal shifts of all logits change nothing: λ_min is 0."""
    network = Network.of(ModelConfig(hidden=()), 2, 3)
    rng = np.random.default_rng(0)
    points, labels = rng.normal(size=(40, 2)), rng.integers(0, 3, 40)
    theta = some_models(network, 1)[0].astype(np.float64)
    exact = np.linalg.eigvalsh(torch_hessian(network, theta, points, labels))
    assert 0 < abs(exact[0]) < 1e-14  # only rounding makes them differ from 0, with either sign
    for spectrum in (True, False):
        found = curvature_of(network, theta, points, labels, spectrum=spectrum)
        assert found.smallest == 0
        assert found.negative_count in (0, None)
        assert found.largest == pytest.approx(exact[-1], rel=1e-9)


class Symmetric:
    """A random symmetric matrix, as an operator."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        numbers = rng.normal(size=(size, size))
        self.matrix = numbers + numbers.T

    def products(self, vectors: Any) -> Any:
        return vectors @ self.matrix

    def select(self, models: Any) -> Symmetric:
        return self


def test_the_error_of_a_trace_covers_it_as_often_with_few_probes_as_with_many() -> None:
    rng, within = np.random.default_rng(0), []
    for _ in range(1500):
        matrix = Symmetric(rng, 30)
        trace, error = estimate_trace(matrix, 30, probes=4)
        within.append(abs(trace - np.trace(matrix.matrix)) < error)
    assert abs(np.mean(within) - 0.683) < 0.03  # without Student's t it would be 0.61
