from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.arrays import Float64
from lossatlas.datasets import DatasetConfig, load_dataset
from lossatlas.engine import Evaluator
from lossatlas.errors import ConfigError
from lossatlas.landscape import loss_surfaces, unit_coordinates
from lossatlas.networks import ACTIVATIONS, Network
from lossatlas.planes import Directions, FreshPlane
from lossatlas.training import TrainingConfig, train
from tests.conftest import network_of, plane_of, some_models
from tests.support.oracles import torch_loss


def evaluator_of(network: Network, seed: int = 0, threads: int | None = None) -> Evaluator:
    name = "arms" if network.class_count == 3 else "moons"
    dataset = load_dataset(DatasetConfig(name=name, points=40, seed=seed))
    return Evaluator(network, *dataset.train, threads=threads)


def slow_surface(network: Network, plane: Directions, centre: Float64, values: Float64, seed: int = 0) -> Float64:
    """Compute the surface cell by cell, with one torch model for each: rows are b, columns are a."""
    name = "arms" if network.class_count == 3 else "moons"
    points, labels = load_dataset(DatasetConfig(name=name, points=40, seed=seed)).train
    d_a, d_b = plane.directions.astype(np.float64)
    return np.array([[torch_loss(network, centre + a * d_a + b * d_b, points, labels) for a in values] for b in values])


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("activation", ["tanh", "relu", "gelu"])
@pytest.mark.parametrize("classes", [2, 3])
def test_axes_transposed__the_surface_is_the_slow_double_loop(classes: int, activation: str, residual: bool) -> None:
    network = network_of(5, 5, 4, activation=activation, residual=residual, classes=classes)
    plane = FreshPlane(seed=3).draw(network)
    centre = some_models(network, 1)[0]
    surfaces = loss_surfaces(evaluator_of(network), plane, centre, (1.0, 0.3), 7)
    for span, surface in zip((1.0, 0.3), surfaces, strict=True):
        expected = slow_surface(network, plane, centre.astype(np.float64), span * np.linspace(-1, 1, 7))
        assert surface.span == span
        assert (surface.loss.shape, surface.loss.dtype.name) == ((7, 7), "float32")
        # theta itself is rounded to float32 on the way: some ten roundings a layer
        np.testing.assert_allclose(surface.loss, expected, rtol=1e-5)
        assert np.abs(expected - expected.T).max() > 0.01 * span  # else transposing it would go unseen


def test_directions_scaled_by_the_range__columns_are_a_and_rows_are_b_in_parameter_units() -> None:
    """A loss that only a, or only b, can change: moving the bias of class 0 by d_a, of class 1 by 3 d_b."""
    network = network_of()  # theta: weight [2, 2], bias [2]
    directions = np.zeros((2, 6), np.float32)
    directions[0, 4], directions[1, 5] = 1.0, 3.0
    plane = plane_of(directions)
    evaluator = Evaluator(network, np.zeros((4, 2)), np.zeros(4, np.int64))
    for surface in loss_surfaces(evaluator, plane, np.zeros(6), (2.0, 0.5), 5):
        for j, b in enumerate(surface.coordinates):
            for i, a in enumerate(surface.coordinates):
                assert surface.loss[j, i] == pytest.approx(np.log1p(np.exp(3 * b - a)), rel=1e-6)


def test_rows_sampled_on_shifted_coordinates__neighbouring_rows_differ_smoothly() -> None:
    """Neighbouring rows of a smooth loss differ smoothly: second differences along b shrink with the step squared."""
    network = network_of(6)
    plane, centre = FreshPlane(seed=1).draw(network), some_models(network, 1)[0]
    evaluator = evaluator_of(network)
    coarse, fine = (loss_surfaces(evaluator, plane, centre, (0.5,), grid)[0].loss for grid in (17, 33))
    np.testing.assert_allclose(fine[::2, ::2], coarse, rtol=2e-6)  # the same places, sampled by both
    for axis in (0, 1):
        steps = [np.abs(np.diff(loss.astype(np.float64), 2, axis=axis)).max() for loss in (coarse, fine)]
        assert steps[1] < 0.3 * steps[0]  # a quarter, where a saw-tooth would stay as high


@given(
    st.integers(0, 1000),
    st.sampled_from([(), (3,), (5, 4), (3, 3, 3), (2, 3, 2, 3)]),
    st.sampled_from(sorted(ACTIVATIONS)),
    st.sampled_from([2, 3]),
    st.sampled_from([0.01, 1.0, 37.5]),
    st.booleans(),
)
def test_surface_centred_elsewhere_than_its_marker__its_centre_is_the_recorded_loss(
    seed: int, hidden: tuple[int, ...], activation: str, classes: int, span: float, residual: bool
) -> None:
    """The centre of every frame's surface is that frame's recorded loss, to the last bit."""
    network = network_of(*hidden, activation=activation, residual=residual, classes=classes)
    dataset = load_dataset(DatasetConfig(name="arms" if classes == 3 else "moons", points=24, seed=seed))
    trajectory = train(network, dataset, TrainingConfig(epochs=2, frames=2, batch_size=6, seed=seed))
    plane = FreshPlane(seed=seed).draw(network)
    evaluator = Evaluator(network, *dataset.train, threads=2)
    for theta, loss in zip(trajectory.weights, trajectory.metrics["train_loss"], strict=True):
        surface = loss_surfaces(evaluator, plane, theta, (span,), 5)[0]
        assert surface.centre == loss == surface.loss[2, 2]


@pytest.mark.parametrize("hidden", [(16, 16), (4,), ()])
def test_the_centre_is_exact_in_a_large_grid_too(hidden: tuple[int, ...]) -> None:
    network = network_of(*hidden)
    dataset = load_dataset(DatasetConfig(points=500))
    theta = train(network, dataset, TrainingConfig(epochs=1, frames=2)).weights[-1]
    evaluator = Evaluator(network, *dataset.train)
    alone = Evaluator(network, *dataset.train, threads=1).losses(theta[None])[0]
    for surface in loss_surfaces(evaluator, FreshPlane().draw(network), theta, (1.0, 0.1), 41):
        assert surface.centre == alone


def test_several_spans_in_one_call_are_the_same_one_by_one() -> None:
    network = network_of(5)
    plane, centre = FreshPlane().draw(network), some_models(network, 1)[0]
    evaluator = evaluator_of(network)
    together = loss_surfaces(evaluator, plane, centre, (1.0, 0.1, 7.0), 9)
    for surface in together:
        alone = loss_surfaces(evaluator, plane, centre, (surface.span,), 9)[0]
        assert (alone.loss == surface.loss).all()
        assert (alone.coordinates == surface.coordinates).all()


def test_two_identical_calls_differ__on_any_number_of_threads() -> None:
    network = network_of(9, 8, classes=3)
    plane, centre = FreshPlane().draw(network), some_models(network, 1)[0]
    surfaces = [loss_surfaces(evaluator_of(network, 0, n), plane, centre, (1.0,), 15)[0].loss for n in (1, 2, 2, 5)]
    assert all((surface == surfaces[0]).all() for surface in surfaces)


def test_nan_silently_replaced__far_out_the_loss_is_infinite() -> None:
    network = network_of(8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, activation="relu", classes=3)
    plane = FreshPlane().draw(network)
    surface = loss_surfaces(evaluator_of(network), plane, network.draw_initial_theta(0), (1000.0,), 5)[0]
    assert not np.isnan(surface.loss).any()
    assert np.isinf(surface.loss).any()
    assert np.isfinite(surface.centre)


def test_callers_arrays_left_changed__all_stay_as_they_were() -> None:
    network = network_of(5)
    plane, centre = FreshPlane().draw(network), some_models(network, 1)[0]
    before = centre.copy(), plane.directions.copy()
    loss_surfaces(evaluator_of(network), plane, centre, (1.0,), 5)
    assert (centre == before[0]).all()
    assert (plane.directions == before[1]).all()


@given(st.integers(1, 250).map(lambda half: 2 * half + 1))
def test_coordinates_are_symmetric_with_zero_in_the_middle(grid: int) -> None:
    unit = unit_coordinates(grid)
    assert (unit == -unit[::-1]).all()
    assert (unit[0], unit[grid // 2], unit[-1]) == (-1, 0, 1)
    np.testing.assert_allclose(unit, np.linspace(-1, 1, grid), atol=1e-15)


@pytest.mark.parametrize("grid", [-3, 0, 1, 2, 4, 50])
def test_a_grid_without_a_centre_is_refused(grid: int) -> None:
    network = network_of(3)
    plane = FreshPlane().draw(network)
    with pytest.raises(ConfigError, match=f"grid: {grid} is not allowed"):
        loss_surfaces(evaluator_of(network), plane, network.draw_initial_theta(0), (1.0,), grid)
