"""Compares filter and layer normalisation (Li et al. 2018, section 4) with loops over units."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossatlas.arrays import AnyArray, Float64
from lossatlas.datasets import DatasetConfig, load_dataset
from lossatlas.engine import Evaluator
from lossatlas.landscape import loss_surfaces
from lossatlas.networks import Network
from lossatlas.planes import normalize
from lossatlas.planes.normalization import Normalization
from tests.conftest import network_of, plane_of, some_models

SHAPES = st.sampled_from([(), (3,), (5, 4), (1, 6, 2)])


def length(numbers: list[float]) -> float:
    return math.sqrt(sum(number * number for number in numbers))


def slowly(network: Network, direction: AnyArray, theta: AnyArray, parts: str, biases: bool) -> Float64:
    """Normalise part by part, where a part is the set of indices of theta that are scaled together."""
    result = np.zeros(len(theta))
    layers: dict[str, list[list[int]]] = {}  # for each layer, the indices of each unit's parameters
    for parameter in network.parameters:
        layer, kind = parameter.name.rsplit(".", 1)
        if kind == "weight":
            units, inputs = parameter.shape
            layers[layer] = [[parameter.offset + unit * inputs + i for i in range(inputs)] for unit in range(units)]
        elif biases:
            for unit, places in enumerate(layers[layer]):
                places.append(parameter.offset + unit)
    for units_of_one in layers.values():
        together = units_of_one if parts == "filter" else [[place for unit in units_of_one for place in unit]]
        for places in together:
            wanted, found = length([theta[i] for i in places]), length([direction[i] for i in places])
            for i in places:
                result[i] = direction[i] / found * wanted
    return result


@given(SHAPES, st.sampled_from(["filter", "layer"]), st.booleans(), st.integers(0, 1000))
def test_per_tensor_scaling_called_filter_normalisation__each_part_is_that_of_a_slow_loop(
    hidden: tuple[int, ...], parts: Normalization, biases: bool, seed: int
) -> None:
    network = network_of(*hidden, classes=3)
    theta = some_models(network, 1, seed)[0].astype(np.float64)
    directions = np.random.default_rng(seed).normal(size=(2, len(theta)))
    found = normalize(network, directions, theta, parts, biases)
    assert (found.shape, found.dtype.name) == ((2, len(theta)), "float64")
    for direction, ours in zip(directions, found, strict=True):
        np.testing.assert_allclose(ours, slowly(network, direction, theta, parts, biases), rtol=1e-12)


def test_filters_of_one_layer_have_factors_of_their_own() -> None:
    network = network_of(5)
    theta = some_models(network, 1)[0]
    direction = np.random.default_rng(0).normal(size=(1, len(theta)))
    by_filter, by_layer = (
        normalize(network, direction, theta, parts, False)[0, :10].reshape(5, 2) / direction[0, :10].reshape(5, 2)
        for parts in ("filter", "layer")
    )
    assert np.ptp(by_layer) < 1e-12  # one factor for the whole tensor
    assert np.ptp(by_filter, axis=1).max() < 1e-12  # one for each unit
    assert np.ptp(by_filter[:, 0]) > 0.1  # the factors differ


@pytest.mark.parametrize("parts", ["filter", "layer"])
def test_biases_do_not_move_unless_that_is_requested(parts: Normalization) -> None:
    network = network_of(5, 4)
    theta = some_models(network, 1)[0]
    directions = np.random.default_rng(1).normal(size=(2, len(theta)))
    biases = np.concatenate([np.arange(p.offset, p.offset + p.size) for p in network.parameters[1::2]])
    assert (normalize(network, directions, theta, parts, biases=False)[:, biases] == 0).all()
    assert (normalize(network, directions, theta, parts, biases=True)[:, biases] != 0).all()


@pytest.mark.parametrize("biases", [False, True])
@pytest.mark.parametrize("parts", ["filter", "layer"])
def test_zero_bias_that_divides_by_zero__what_is_zero_gives_zero(parts: Normalization, biases: bool) -> None:
    """Zero biases, a dead unit, and a direction that is zero in one unit give zeros and not NaN."""
    network = network_of(3, 4)
    theta = network.draw_initial_theta(0)  # zero biases
    directions = np.array([network.draw_initial_theta(1), network.draw_initial_theta(2)])  # and these are zero too
    theta[:2] = 0.0  # the first unit is dead
    directions[0, 2:4] = 0.0  # the first direction is zero in the second unit
    directions[1, -10:] = 0.0  # the second direction is zero in the whole last layer
    found = normalize(network, directions, theta, parts, biases)
    assert np.isfinite(found).all()
    assert (found[0, 2:4] == 0).all()
    assert (found[1, -10:] == 0).all()
    if parts == "filter":
        assert (found[:, :2] == 0).all()


def test_none_leaves_directions_as_they_are() -> None:
    network = network_of(3)
    directions = np.random.default_rng(2).normal(size=(2, network.parameter_count))
    assert (normalize(network, directions, some_models(network, 1)[0], "none", False) == directions).all()


@pytest.mark.parametrize("parts", ["none", "filter", "layer"])
def test_callers_arrays_left_changed__all_stay_as_they_were(parts: Normalization) -> None:
    network = network_of(3)
    theta, directions = some_models(network, 1)[0], np.random.default_rng(2).normal(size=(2, network.parameter_count))
    before = theta.copy(), directions.copy()
    found = normalize(network, directions, theta, parts, True)
    found[:] = 0.0
    assert (theta == before[0]).all()
    assert (directions == before[1]).all()


def surface_of(network: Network, theta: AnyArray, parts: Normalization) -> AnyArray:
    directions = np.random.default_rng(4).normal(size=(2, len(theta)))
    plane = plane_of(normalize(network, directions, theta, parts, biases=False))
    points, labels = load_dataset(DatasetConfig(points=40)).train
    return loss_surfaces(Evaluator(network, points, labels), plane, theta, (0.5,), 7)[0].loss


@pytest.mark.parametrize("factor", [0.1, 3.0, 20.0])
@pytest.mark.parametrize("parts", ["filter", "layer"])
def test_rescaling_a_relu_network_leaves_the_normalised_surface_and_changes_the_raw_one(
    parts: Normalization, factor: float
) -> None:
    network = network_of(6, 5, activation="relu")
    theta = some_models(network, 1, 7)[0].astype(np.float64)
    rescaled = theta.copy()
    first, first_bias, second = network.parameters[:3]
    rescaled[first.offset : first_bias.offset + first_bias.size] *= factor
    rescaled[second.offset : second.offset + second.size] /= factor
    np.testing.assert_allclose(
        surface_of(network, rescaled, parts), surface_of(network, theta, parts), rtol=1e-5, atol=1e-6
    )
    raw, raw_rescaled = (surface_of(network, one, "none") for one in (theta, rescaled))
    assert np.abs(raw_rescaled / raw - 1).max() > 0.1
